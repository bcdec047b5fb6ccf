"""Presets: the paper's ablations, each of which becomes the plan of a run, and a table with both sides' figures."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from memento.evals.presets.differences import differences
from memento.evals.presets.figures import PAPER, Line, Source
from memento.evals.presets.rows import rows_by_iteration, rows_by_source, rows_of_gains
from memento.evals.presets.table import PaperTable, Row
from memento.evals.runs.arm import Arm, parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.memory.errors import InvalidInput
from memento.memory.policies.registry import policy_named


class Asked(NamedTuple):
    """What somebody wants of a preset."""

    policies: tuple[str, ...] = ()
    """How cases are chosen in the arms that have a memory; the preset's own choice when empty."""
    held_out: tuple[str, ...] = ()
    """Sources to hold out instead of the paper's, where the preset holds any out."""
    sources: tuple[str, ...] | None = None
    """Of the data set; None when none is looked at."""


class Shape(NamedTuple):
    """The part of a run's plan that a preset decides."""

    arms: list[Arm]
    iterations: int = 1
    held_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: RunPlan) -> "Shape":
        """That of a plan."""
        return cls(plan.arms, plan.iterations, tuple(plan.held_out))


class Preset(BaseModel):
    """One ablation of the paper, as presets.toml has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    layout: Literal["by source", "by iteration", "gains"]
    """Of its table; see `rows`."""
    measures: tuple[str, ...]
    """Those of the paper's that its table has: f1, pm, accuracy."""
    arms: tuple[str, ...] = ()
    """In every run, as they are written on the command line."""
    policies: tuple[str, ...]
    """How cases are chosen in the other arms, when nothing else is asked for."""
    first_arms: tuple[str, ...] = ()
    """Arms of the first policy alone."""
    policy_arms: tuple[str, ...] = ("{policy}",)
    """Arms of every policy."""
    iterations: int = 1
    held_out: tuple[str, ...] = ()
    source: Source
    lines: tuple[Line, ...]
    differs: tuple[str, ...]
    """What is not the same as in the paper, whatever the run."""

    def shape(self, asked: Asked) -> Shape:
        """The arms, iterations and held-out sources of a run.

        Raises:
            InvalidInput: no such policy, or the one that is in every ablation anyway; the data set has no source of a
                name that is to be held out, or no other.
        """
        texts = [*self.arms]
        for number, policy in enumerate(_checked_policies(asked.policies or self.policies)):
            templates = (*(() if number else self.first_arms), *self.policy_arms)
            texts += [template.format(policy=policy) for template in templates]
        return Shape([parse_arm(text) for text in texts], self.iterations, self._held_out(asked))

    def rows(self, shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
        """The table of a run's results."""
        if self.layout == "by iteration":
            return rows_by_iteration(self.lines, shape.arms, results, iterations=shape.iterations)
        if self.layout == "gains":
            return rows_of_gains(self.lines, shape.arms, results, held_out=shape.held_out)
        return rows_by_source(self.lines, shape.arms, results)

    def _held_out(self, asked: Asked) -> tuple[str, ...]:
        """What was asked for, or the paper's sources, by the names that the data set has for them."""
        if not self.held_out:
            return ()
        held_out = asked.held_out or self.held_out
        if asked.sources is not None:
            held_out = tuple(_named_as_in(asked.sources, name) for name in held_out)
            if not set(asked.sources) - set(held_out):
                raise InvalidInput(f"nothing is left to learn from: all sources are held out ({', '.join(held_out)})")
        return held_out


PRESETS: dict[str, Preset] = {one["name"]: Preset.model_validate(one) for one in PAPER["preset"]}


def preset_named(name: str) -> Preset:
    """The preset of this name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in PRESETS:
        raise InvalidInput(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def blank_table(preset: Preset, shape: Shape) -> PaperTable:
    """The paper's figures with nothing beside them: before any run."""
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=preset.source,
        measures=dict.fromkeys(preset.measures, ""),
        rows=preset.rows(shape, []),
        differs=list(preset.differs),
    )


def paper_table(plan: RunPlan, results: Sequence[TaskResult]) -> PaperTable:
    """The paper's figures beside those of a run.

    Args:
        plan: of the run; its `preset` says which table.
        results: of the run so far.

    Raises:
        InvalidInput: the run came of no preset.
    """
    if not plan.preset:
        raise InvalidInput("this run is not an ablation of the paper: there are no figures to compare with")
    preset = preset_named(plan.preset)
    f1_name, reward_name = "token F1 with the best reference", f"mean over questions, by the scorer {plan.scorer}"
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=preset.source,
        measures={measure: f1_name if measure == "f1" else reward_name for measure in preset.measures},
        rows=preset.rows(Shape.of(plan), results),
        differs=[*differences(plan, results), *preset.differs],
    )


def _checked_policies(policies: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(policies))
    for policy in chosen:
        policy_named(policy)
    if "none" in chosen:
        raise InvalidInput("the agent without cases is in every ablation anyway; name policies that choose cases")
    return chosen


def _named_as_in(sources: Sequence[str], name: str) -> str:
    found = {source.casefold(): source for source in sources}.get(name.casefold())
    if found is None:
        there = ", ".join(sorted(filter(None, sources))) or "none"
        raise InvalidInput(f"the data set has no source {name!r}; it has {there}: say which to hold out (--held-out)")
    return found
