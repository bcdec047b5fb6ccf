"""Presets: plans of runs by name. The paper's ablations have a table with both sides' figures; protocols have none.

presets.toml has the ablations of the paper, protocols.toml the ways in which memories are measured today.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from memento.evals.presets.differences import differences
from memento.evals.presets.figures import PAPER, PaperSide
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
    """Sources to hold out instead of the preset's own, where it holds any out."""
    held_out_share: float | None = None
    """Share of the questions to hold out instead of the preset's own."""
    sources: tuple[str, ...] | None = None
    """Of the data set; None when none is looked at."""


class Shape(NamedTuple):
    """The part of a run's plan that a preset decides."""

    arms: list[Arm]
    iterations: int = 1
    held_out: tuple[str, ...] = ()
    held_out_share: float = 0.0

    @classmethod
    def of(cls, plan: RunPlan) -> "Shape":
        """That of a plan."""
        return cls(plan.arms, plan.iterations, tuple(plan.held_out), plan.held_out_share)


class Preset(BaseModel):
    """The plan of a run by its name, with the paper's side where it is one of its ablations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    purpose: str = ""
    """What it finds out, in a few sentences; empty where the paper's side says it."""
    arms: tuple[str, ...] = ()
    """In every run, as they are written on the command line."""
    policies: tuple[str, ...]
    """How cases are chosen in the other arms, when nothing else is asked for."""
    first_arms: tuple[str, ...] = ()
    """Arms of the first policy alone."""
    policy_arms: tuple[str, ...] = ("{policy}",)
    """Arms of every policy."""
    environments: tuple[str, ...] = ()
    """Whose tasks are asked, unless a data set is given; empty: a data set must be."""
    n_tasks: int | None = None
    """Of the environments, all together."""
    feedback: Literal["", "reward", "correction"] = ""
    """Of the environments; empty: as asked for."""
    iterations: int = 1
    held_out: tuple[str, ...] = ()
    held_out_share: float = 0.0
    """Share of the questions that are held out, unless sources are."""
    paper: PaperSide | None = None
    """None for a protocol: there are no figures to compare with."""

    @property
    def holds_out(self) -> bool:
        """Whether some tasks are tests of a frozen bank."""
        return bool(self.held_out) or self.held_out_share > 0

    def shape(self, asked: Asked) -> Shape:
        """The arms, iterations and held-out sources of a run.

        Raises:
            InvalidInput: no such policy, or the one that is in every preset anyway; the data set has no source of a
                name that is to be held out, or no other; or the preset holds nothing out.
        """
        if asked.held_out and not self.holds_out:
            with_tests = ", ".join(name for name, preset in PRESETS.items() if preset.holds_out)
            raise InvalidInput(f"the preset {self.name} holds no source out; --held-out is for {with_tests}")
        if asked.held_out_share is not None and not self.held_out_share:
            with_share = ", ".join(name for name, preset in PRESETS.items() if preset.held_out_share)
            raise InvalidInput(f"the preset {self.name} holds no share out; --held-out-share is for {with_share}")
        texts = [*self.arms]
        for number, policy in enumerate(_checked_policies(asked.policies or self.policies)):
            templates = (*(() if number else self.first_arms), *self.policy_arms)
            texts += [template.format(policy=policy) for template in templates]
        held_out = self._held_out(asked)
        share = 0.0 if held_out else self.held_out_share
        if asked.held_out_share is not None:
            share = asked.held_out_share
        return Shape([parse_arm(text) for text in texts], self.iterations, held_out, share)

    def _held_out(self, asked: Asked) -> tuple[str, ...]:
        """What was asked for, or the preset's sources, by the names that the data set has for them."""
        held_out = asked.held_out or self.held_out
        if not held_out:
            return ()
        if asked.sources is not None:
            held_out = tuple(_named_as_in(asked.sources, name) for name in held_out)
            if not set(asked.sources) - set(held_out):
                raise InvalidInput(f"nothing is left to learn from: all sources are held out ({', '.join(held_out)})")
        return held_out


_PROTOCOLS = tomllib.loads(files(__package__).joinpath("protocols.toml").read_text(encoding="utf-8"))

PRESETS: dict[str, Preset] = {
    one["name"]: Preset.model_validate(one) for one in (*PAPER["preset"], *_PROTOCOLS["preset"])
}
"""All presets by name."""


def preset_named(name: str) -> Preset:
    """The preset of this name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in PRESETS:
        raise InvalidInput(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def is_protocol(name: str) -> bool:
    """Whether a run of this preset is a protocol; an empty name stands for a run that came of no preset."""
    return bool(name) and preset_named(name).paper is None


def blank_table(preset: Preset, shape: Shape) -> PaperTable:
    """The paper's figures with nothing beside them: before any run.

    Raises:
        InvalidInput: the preset is no ablation of the paper.
    """
    paper = _paper_of(preset)
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=paper.source,
        measures=dict.fromkeys(paper.measures, ""),
        rows=_rows(paper, shape, []),
        differs=list(paper.differs),
    )


def paper_table(plan: RunPlan, results: Sequence[TaskResult]) -> PaperTable:
    """The paper's figures beside those of a run.

    Args:
        plan: of the run; its `preset` says which table.
        results: of the run so far.

    Raises:
        InvalidInput: the run came of no preset, or of one that is no ablation of the paper.
    """
    if not plan.preset:
        raise InvalidInput("this run is not an ablation of the paper: there are no figures to compare with")
    preset = preset_named(plan.preset)
    paper = _paper_of(preset)
    f1_name, reward_name = "token F1 with the best reference", f"mean over questions, by the scorer {plan.scorer}"
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=paper.source,
        measures={measure: f1_name if measure == "f1" else reward_name for measure in paper.measures},
        rows=_rows(paper, Shape.of(plan), results),
        differs=[*differences(plan, results), *paper.differs],
    )


def _paper_of(preset: Preset) -> PaperSide:
    if preset.paper is None:
        raise InvalidInput(f"the preset {preset.name} is a protocol, not an ablation of the paper: it has no table")
    return preset.paper


def _rows(paper: PaperSide, shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
    if paper.layout == "by iteration":
        return rows_by_iteration(paper.lines, shape.arms, results, iterations=shape.iterations)
    if paper.layout == "gains":
        return rows_of_gains(paper.lines, shape.arms, results, held_out=shape.held_out)
    return rows_by_source(paper.lines, shape.arms, results)


def _checked_policies(policies: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(policies))
    for policy in chosen:
        policy_named(policy)
    if "none" in chosen:
        raise InvalidInput("the agent without cases is in every preset anyway; name policies that choose cases")
    return chosen


def _named_as_in(sources: Sequence[str], name: str) -> str:
    found = {source.casefold(): source for source in sources}.get(name.casefold())
    if found is None:
        there = ", ".join(sorted(filter(None, sources))) or "none"
        raise InvalidInput(f"the data set has no source {name!r}; it has {there}: say which to hold out (--held-out)")
    return found
