"""What a preset is: which arms, how often, which sources held out; and how its results stand beside the paper's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from memento.evals.presets.figures import Source
from memento.evals.presets.table import Row
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


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One ablation of the paper."""

    name: str
    title: str
    source: Source
    measures: tuple[str, ...]
    """Those of the paper's that its table has: f1, pm, accuracy."""
    shape: Callable[[Asked], Shape]
    rows: Callable[[Shape, Sequence[TaskResult]], list[Row]]
    differs: tuple[str, ...]
    """What is not the same as in the paper, whatever the run."""


def arms_of(*texts: str) -> list[Arm]:
    """Arms as they are written on the command line."""
    return [parse_arm(text) for text in texts]


def memory_policies(asked: Asked, default: Sequence[str]) -> tuple[str, ...]:
    """The policies of the arms that have a memory.

    Raises:
        InvalidInput: no such policy, or the one that is in every ablation anyway.
    """
    chosen = tuple(dict.fromkeys(asked.policies)) or tuple(default)
    for policy in chosen:
        policy_named(policy)
    if "none" in chosen:
        raise InvalidInput("the agent without cases is in every ablation anyway; name policies that choose cases")
    return chosen
