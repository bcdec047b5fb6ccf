"""Options of `memento eval run` and `memento eval preset`, each declared once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.options import Json

_DATASET = typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options that both commands have."""

    data_format: Annotated[
        str, typer.Option("--format", help="deepresearcher, gaia, simpleqa, hle or generic; auto looks at the rows.")
    ] = "auto"
    fields: Annotated[
        list[str],
        typer.Option(
            "--field", help="Where a part of a task stands, such as question=problem.text.", metavar="PART=PATH"
        ),
    ] = field(default_factory=list)
    n_seeds: Annotated[
        int, typer.Option("--seeds", help="How many orders of the tasks; each arm sees the same.", min=1)
    ] = 1
    limit: Annotated[int | None, typer.Option(help="At most so many tasks, drawn always alike.", min=1)] = None
    round_size: Annotated[
        int,
        typer.Option("--round", help="Tasks of a stream that see the same memory, and can be at work at once.", min=1),
    ] = 1
    concurrency: Annotated[int, typer.Option(help="Tasks at work at once, in all streams.", min=1)] = 8
    processes: Annotated[
        int,
        typer.Option(help="In how many processes; each works on one stream at a time. Results stay the same.", min=1),
    ] = 1
    budget_usd: Annotated[
        float | None, typer.Option(help="What the run may cost in US dollars, earlier sessions included.", min=0)
    ] = None
    feedback: Annotated[
        str, typer.Option(help="What the memory is told: the reward, or after a wrong answer also the correction.")
    ] = "reward"
    scorer: Annotated[
        str, typer.Option(help="exact, f1, gaia, judge, judges, rubric, auto, or your own package.module:function.")
    ] = "auto"
    subject: Annotated[
        str | None,
        typer.Option(help="package.module:function that returns a Subject; the configured agent otherwise."),
    ] = None
    model: Annotated[str | None, typer.Option(help="provider:model for every role.")] = None
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second one, with judges.")] = None
    max_cycles: Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)] = None
    as_json: Json = False

    @property
    def settings(self) -> dict[str, Any]:
        """Those fields of `Context` that were given; `model` stands for every role that was not."""
        settings = {
            "planner": self.planner or self.model,
            "executor": self.executor or self.model,
            "judge": self.judge or self.model,
            "second_judge": self.second_judge,
            "max_cycles": self.max_cycles,
        }
        return {name: value for name, value in settings.items() if value is not None}

    @property
    def is_own_scorer(self) -> bool:
        """Whether the scorer is a function of the user's."""
        return ":" in self.scorer


@dataclass(frozen=True, kw_only=True)
class RunOptions(EvalOptions):
    """The command line of `memento eval run`."""

    dataset: Annotated[Path, _DATASET]
    arms: Annotated[
        list[str],
        typer.Option(
            "--arm",
            help="A policy, with settings of its own: similarity:k=8. Compared with none, or the first. None and "
            "advantage by default.",
            metavar="POLICY[:NAME=VALUE,...]",
        ),
    ] = field(default_factory=list)
    iterations: Annotated[int, typer.Option(help="How often all tasks are gone through.", min=1, max=100)] = 1
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET by default.")] = None
    held_out: Annotated[
        list[str], typer.Option(help="A source that is asked last, with a memory that learns nothing; several.")
    ] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Of the run: the same for the same data set, so that the same command goes on."""
        return self.out or Path("out", "eval", self.dataset.resolve().stem)


@dataclass(frozen=True, kw_only=True)
class PresetOptions(EvalOptions):
    """The command line of `memento eval preset`."""

    name: Annotated[str, typer.Argument(help="k-sweep, continual, ood or components.")]
    show: Annotated[
        bool, typer.Option("--show", help="Print the plan and the paper's figures; run nothing. No model is needed.")
    ] = False
    by_source: Annotated[bool, typer.Option("--by-source", help="Print the rows of each source, too.")] = False
    dataset: Annotated[Path | None, _DATASET] = None
    policies: Annotated[
        list[str],
        typer.Option(
            "--policy", help="How the arms with a memory choose cases, instead of the preset's own choice; several."
        ),
    ] = field(default_factory=list)
    held_out: Annotated[
        list[str], typer.Option(help="With ood: a source to hold out, instead of the paper's; several.")
    ] = field(default_factory=list)
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET-PRESET by default.")] = None
