"""Options of `memento eval run` and `memento eval preset`, each declared once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.options import Json
from memento.memory.errors import InvalidInput

_DATASET = typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options shared by `memento eval run` and `memento eval preset`."""

    environments: Annotated[
        str | None,
        typer.Option(
            "--environment",
            help="Instead of a data set, tasks of environments, such as cookingworld or cookingworld,twc: as many of "
            "each, --limit of all together (150 by default).",
            metavar="NAME[,NAME...]",
            show_default=False,
        ),
    ] = None
    split: Annotated[str, typer.Option(help="With --environment: train, dev or test.")] = "dev"
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
    def environment_names(self) -> list[str]:
        """Names of the environments; empty for a data set."""
        return [name.strip() for name in (self.environments or "").split(",") if name.strip()]

    @property
    def is_own_scorer(self) -> bool:
        """Whether the scorer is the user's own function."""
        return ":" in self.scorer


@dataclass(frozen=True, kw_only=True)
class RunOptions(EvalOptions):
    """Options of `memento eval run`."""

    dataset: Annotated[Path | None, _DATASET] = None
    arms: Annotated[
        list[str],
        typer.Option(
            "--arm",
            help="Policy and its settings, such as similarity:k=8 or advantage:failures=hidden; repeatable. Controls: "
            "context:N (all earlier attempts in the prompt, up to N tokens, no retrieval), fresh_lesson (written for "
            "the task and thrown away), shuffled_outcomes, failures_hidden; of any policy: POLICY:outcomes=shuffled, "
            "POLICY:blanked=0.1, POLICY:lesson=fresh, POLICY:filled=true (random successes in empty slots); "
            "random_successes; of environments also fixed:N (the same demonstrations for all tasks), and without a "
            "model replay, nearest_valid, random_actions. The baseline is `none`, else the first. Default: none and "
            "advantage.",
            metavar="POLICY[:NAME=VALUE,...]",
        ),
    ] = field(default_factory=list)
    iterations: Annotated[int, typer.Option(help="Number of passes over all tasks.", min=1, max=100)] = 1
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/eval/DATASET or NAME-SPLIT.")] = None
    held_out: Annotated[
        list[str], typer.Option(help="Source to hold out: run last, with a memory that learns no more; repeatable.")
    ] = field(default_factory=list)
    held_out_share: Annotated[
        float,
        typer.Option(
            help="Share of the other sources' questions to hold out too, the same for every arm.", min=0, max=0.99
        ),
    ] = 0.0

    @property
    def folder(self) -> Path:
        """Folder of the run: the same for the same data set, so that the same command resumes."""
        return self.out or Path("out", "eval", self.name)

    @property
    def name(self) -> str:
        """Name of what is asked: of the data set's file, or of the environments and their split."""
        return tasks_name(self)


def tasks_name(options: "RunOptions | PresetOptions") -> str:
    """Name what is asked.

    Raises:
        InvalidInput: neither a data set nor environments are given, or both are.
    """
    if (options.dataset is None) == (not options.environment_names):
        raise InvalidInput("say what to ask: --dataset FILE, or --environment NAME, one of the two")
    if options.dataset is not None:
        return options.dataset.resolve().stem
    return f"{'-'.join(options.environment_names)}-{options.split}"


@dataclass(frozen=True, kw_only=True)
class PresetOptions(EvalOptions):
    """Options of `memento eval preset`."""

    name: Annotated[
        str,
        typer.Argument(
            help="Of the paper: k-sweep, continual, ood or components. Protocols: frozen, online, noise, controls or "
            "worlds."
        ),
    ]
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Print the plan, and the paper's figures where it has some; run nothing. No model is needed."
        ),
    ] = False
    by_source: Annotated[bool, typer.Option("--by-source", help="Also print the rows of each source.")] = False
    dataset: Annotated[Path | None, _DATASET] = None
    policies: Annotated[
        list[str],
        typer.Option("--policy", help="Policy of the arms with a memory, instead of the preset's own; repeatable."),
    ] = field(default_factory=list)
    held_out: Annotated[
        list[str],
        typer.Option(help="With ood and frozen: a source to hold out, instead of the preset's own; repeatable."),
    ] = field(default_factory=list)
    held_out_share: Annotated[
        float | None,
        typer.Option(help="With frozen: share of the questions to hold out instead.", min=0.01, max=0.99),
    ] = None
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/eval/DATASET-PRESET.")] = None
