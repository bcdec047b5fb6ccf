"""`memento ask`: runs the workflow on a task, or resumes a thread."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """The command line of `memento ask`."""

    task: Annotated[str | None, typer.Argument(help="What to do. Not needed with --resume.")] = None
    references: Annotated[
        list[str], typer.Option("--reference", "-r", help="A right answer; may be given several times.")
    ] = field(default_factory=list)
    attach: Annotated[
        list[Path], typer.Option("--attach", "-a", help="A file to work with; may be given several times.")
    ] = field(default_factory=list)
    policy: Annotated[str | None, typer.Option(help="How cases are chosen: advantage, similarity, none, ...")] = None
    k: Annotated[int | None, typer.Option(help="How many cases at most.", min=0, max=32)] = None
    max_cycles: Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)] = None
    model: Annotated[
        str | None, typer.Option(help="provider:model for every role; `local` is the packaged 135M model.")
    ] = None
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second one, with judges.")] = None
    evaluator: Annotated[
        str | None,
        typer.Option(help="auto, exact, f1, gaia, judge, judges, rubric (needs no reference), human or none."),
    ] = None
    scorer: Annotated[
        str | None, typer.Option(help="package.module:function that gives the reward of a task, answer, references.")
    ] = None
    max_usd: Annotated[float | None, typer.Option(help="What the run may cost, in US dollars.")] = None
    max_tokens: Annotated[int | None, typer.Option(help="What the run may read and write, in tokens.", min=1)] = None
    max_seconds: Annotated[float | None, typer.Option(help="How long the run may plan and work.")] = None
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Ask before a plan is carried out.")] = False
    thread: Annotated[str | None, typer.Option(help="Name of the conversation; a new one by default.")] = None
    resume: Annotated[str | None, typer.Option(help="Go on with an interrupted thread.")] = None
    reply: Annotated[str | None, typer.Option(help="With --resume: approve, reject, or a reward from 0 to 1.")] = None
    namespace: Namespace = None
    as_json: Json = False

    @property
    def settings(self) -> dict[str, Any]:
        """Those fields of `Context` that were given."""
        settings = {
            "policy": self.policy,
            "k": self.k,
            "max_cycles": self.max_cycles,
            "planner": self.planner or self.model,
            "executor": self.executor or self.model,
            "judge": self.judge or self.model,
            "second_judge": self.second_judge,
            "evaluator": self.evaluator,
            "run_max_cost_usd": self.max_usd,
            "run_max_tokens": self.max_tokens,
            "run_max_seconds": self.max_seconds,
            "approve_plan": self.approve_plan or None,
        }
        return {name: value for name, value in settings.items() if value is not None}


@run_async
async def ask(options: AskOptions) -> ExitCode:
    """Work on a task, with the cases that memory has for it."""
    from memento.cli.ask_run import run_ask

    return await run_ask(options)
