"""Options of `memento eval run` and `memento eval preset`, each declared once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.options import Json

_DATASET = typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options shared by `memento eval run` and `memento eval preset`."""

    data_format: Annotated[
        str, typer.Option("--format", help="deepresearcher, gaia, simpleqa, hle or generic; auto looks at the rows.")
    ] = "auto"
    fields: Annotated[
        list[str],
        typer.Option(
            "--field", help="Where to find a field of a task, such as question=problem.text.", metavar="PART=PATH"
        ),
    ] = field(default_factory=list)
    n_seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            help="Number of task orders (seeds); each arm sees the same. Default: those of the run in --out; else 6, "
            "the fewest that a verdict on an arm with a memory needs, and 1 if no arm has one.",
            min=1,
            show_default=False,
        ),
    ] = None
    limit: Annotated[int | None, typer.Option(help="Maximum number of tasks; always the same sample.", min=1)] = None
    round_size: Annotated[
        int,
        typer.Option("--round", help="Tasks of a stream that see the same memory and may run concurrently.", min=1),
    ] = 1
    concurrency: Annotated[int, typer.Option(help="Maximum number of concurrent tasks, over all streams.", min=1)] = 8
    processes: Annotated[
        int | None,
        typer.Option(
            help="Number of processes, each running one stream at a time. Results stay the same. Default: one per core "
            "for runs of 200 tasks and more, where the subject permits it.",
            min=1,
            show_default=False,
        ),
    ] = None
    budget_usd: Annotated[
        float | None, typer.Option(help="Cost limit in US dollars, earlier sessions included.", min=0)
    ] = None
    feedback: Annotated[
        str, typer.Option(help="Feedback to the memory: the reward, or after a wrong answer also the correction.")
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
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second judge, for judges.")] = None
    max_cycles: Annotated[int | None, typer.Option(help="Maximum number of planning cycles.", min=1, max=10)] = None
    as_json: Json = False

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of `Context` that were given; `model` stands for every role that was not."""
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
        """Whether the scorer is the user's own function."""
        return ":" in self.scorer


@dataclass(frozen=True, kw_only=True)
class RunOptions(EvalOptions):
    """Options of `memento eval run`."""

    dataset: Annotated[Path, _DATASET]
    arms: Annotated[
        list[str],
        typer.Option(
            "--arm",
            help="Policy and its settings, such as similarity:k=8; repeatable. The baseline is `none`, else the first. "
            "Default: none and advantage.",
            metavar="POLICY[:NAME=VALUE,...]",
        ),
    ] = field(default_factory=list)
    iterations: Annotated[int, typer.Option(help="Number of passes over all tasks.", min=1, max=100)] = 1
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/eval/DATASET.")] = None
    held_out: Annotated[
        list[str], typer.Option(help="Source to hold out: run last, with a memory that learns no more; repeatable.")
    ] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Folder of the run: the same for the same data set, so that the same command resumes."""
        return self.out or Path("out", "eval", self.dataset.resolve().stem)


@dataclass(frozen=True, kw_only=True)
class PresetOptions(EvalOptions):
    """Options of `memento eval preset`."""

    name: Annotated[str, typer.Argument(help="k-sweep, continual, ood or components.")]
    show: Annotated[
        bool, typer.Option("--show", help="Print the plan and the paper's figures; run nothing. No model is needed.")
    ] = False
    by_source: Annotated[bool, typer.Option("--by-source", help="Also print the rows of each source.")] = False
    dataset: Annotated[Path | None, _DATASET] = None
    policies: Annotated[
        list[str],
        typer.Option("--policy", help="Policy of the arms with a memory, instead of the preset's own; repeatable."),
    ] = field(default_factory=list)
    held_out: Annotated[
        list[str], typer.Option(help="With ood: a source to hold out, instead of the paper's; repeatable.")
    ] = field(default_factory=list)
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/eval/DATASET-PRESET.")] = None
