"""Stateful minus stateless: what an arm gains by its memory, against the same agent without one, stream by stream."""

from collections.abc import Sequence
from typing import NamedTuple

from memento.evals.runs.arm import Arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare, corrected
from memento.evals.statistics.outcomes import Part, by_arm, part_of

_OF_MEMORY = frozenset({"k", "failures", "max_case_tokens", "case_budget", "reread"})
"""Settings that change nothing where no case is served."""


class StatefulGain(NamedTuple):
    """One arm with a memory minus the same arm without."""

    arm: str
    stateless: str
    """The same agent whose memory is always empty."""
    gain: Comparison
    by_seed: dict[int, float]
    """Mean difference of each order of the tasks, over the questions that both know; without interval."""


def stateful_gains(plan: RunPlan, results: Sequence[TaskResult], *, part: Part = "first") -> list[StatefulGain]:
    """Every arm with a memory against its stateless twin, corrected for their number; arms without a twin are left out.

    Args:
        plan: of the run.
        results: so far.
        part: of the streams.
    """
    rows = by_arm(part_of(results, part))
    pairs = [(arm, twin) for arm in plan.arms if arm.has_memory and (twin := stateless_twin(arm, plan)) is not None]
    pairs = [(arm, twin) for arm, twin in pairs if arm.name in rows and twin.name in rows]
    found = corrected([compare(rows[arm.name], rows[twin.name], part=part) for arm, twin in pairs])
    return [
        StatefulGain(arm.name, twin.name, gain, _by_seed(rows[arm.name], rows[twin.name]))
        for (arm, twin), gain in zip(pairs, found, strict=True)
    ]


def stateless_twin(arm: Arm, plan: RunPlan) -> Arm | None:
    """Return the arm without memory that differs from this one in nothing else; None when the run has none."""
    for other in plan.arms:
        is_same = other.controls.lesson == arm.controls.lesson and _others(other) == _others(arm)
        if not other.has_memory and is_same:
            return other
    return None


def _others(arm: Arm) -> dict[str, object]:
    return {name: value for name, value in arm.settings.items() if name not in _OF_MEMORY}


def _by_seed(results: Sequence[TaskResult], stateless: Sequence[TaskResult]) -> dict[int, float]:
    base = {(one.task_id, one.seed): one.reward for one in stateless}
    found: dict[int, list[float]] = {}
    for one in results:
        other = base.get((one.task_id, one.seed))
        if one.reward is not None and other is not None:
            found.setdefault(one.seed, []).append(one.reward - other)
    return {seed: sum(some) / len(some) for seed, some in sorted(found.items())}
