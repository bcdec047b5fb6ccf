"""`memento ask`: runs the workflow on a task, or resumes a thread."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """Options of `memento ask`."""

    task: Annotated[str | None, typer.Argument(help="The task. Not needed with --resume.")] = None
    references: Annotated[
        list[str], typer.Option("--reference", "-r", help="Reference answer to compare with; repeatable.")
    ] = field(default_factory=list)
    attach: Annotated[list[Path], typer.Option("--attach", "-a", help="File for the task; repeatable.")] = field(
        default_factory=list
    )
    policy: Annotated[str | None, typer.Option(help="Retrieval policy: advantage, similarity, none, ...")] = None
    k: Annotated[int | None, typer.Option(help="Maximum number of cases to retrieve.", min=0, max=32)] = None
    max_cycles: Annotated[int | None, typer.Option(help="Maximum number of planning cycles.", min=1, max=10)] = None
    model: Annotated[
        str | None, typer.Option(help="provider:model for every role; `local` is the packaged 135M model.")
    ] = None
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second judge, for judges.")] = None
    evaluator: Annotated[
        str | None,
        typer.Option(help="auto, exact, f1, gaia, judge, judges, rubric (needs no reference), human or none."),
    ] = None
    scorer: Annotated[
        str | None, typer.Option(help="package.module:function that returns the reward of a task, answer, references.")
    ] = None
    max_usd: Annotated[float | None, typer.Option(help="Cost limit of the run in US dollars.")] = None
    max_tokens: Annotated[int | None, typer.Option(help="Limit of input and output tokens of the run.", min=1)] = None
    max_seconds: Annotated[float | None, typer.Option(help="Time limit of the run in seconds.")] = None
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Ask for approval of each plan.")] = False
    thread: Annotated[str | None, typer.Option(help="Name of the thread (conversation); default: a new one.")] = None
    resume: Annotated[str | None, typer.Option(help="Resume this interrupted thread.")] = None
    reply: Annotated[str | None, typer.Option(help="With --resume: approve, reject, or a reward from 0 to 1.")] = None
    key: Annotated[
        str | None,
        typer.Option(help="Key of the task, where many tasks have the same text."),
    ] = None
    namespace: Namespace = None
    as_json: Json = False

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of `Context` that were given as options."""
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
    """Run the agent on a task, with cases retrieved from memory."""
    from memento.cli.ask_run import run_ask

    return await run_ask(options)
