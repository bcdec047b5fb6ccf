"""Compares the same arms in two runs (another model, other settings), paired by question where possible."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import SIGNIFICANT, compare, verdict
from memento.evals.statistics.figure import Figure
from memento.evals.statistics.orders import has_enough_orders
from memento.evals.statistics.outcomes import by_arm, outcomes, part_of
from memento.evals.statistics.summary import summarize_arm
from memento.memory.errors import InvalidInput
from memento.memory.stats import Interval, IntervalUnit, difference_of, holm

_COMPARED = (
    *("dataset", "tasks", "n_tasks", "subject", "scorer", "seeds", "iterations", "round", "feedback"),
    *("held_out", "held_out_share"),
)


class ArmInBoth(NamedTuple):
    """One arm in two runs, at first encounters."""

    arm: str
    first: Figure
    """Weighted accuracy."""
    second: Figure
    difference: Interval
    """The second run minus the first."""
    is_paired: bool
    """Whether it is over the same questions in the same orders; else over each run's own."""
    n_questions: int
    """That were paired; 0 when none were."""
    n_orders: int
    """Effective number of orders of the tasks: those of the run that has fewer, where they are not paired."""
    unit: IntervalUnit
    """What the interval of the difference resamples."""
    p_holm: float
    """Corrected for the arms that were compared; nan with too few orders to tell."""
    verdict: str

    @property
    def is_shown(self) -> bool:
        """Whether the difference is significant after the Holm correction."""
        return self.difference.excludes_zero and self.p_holm < SIGNIFICANT


class TwoRuns(NamedTuple):
    """Comparison of two runs."""

    differs: dict[str, tuple[Any, Any]]
    """What stands in one plan and not in the other."""
    arms: list[ArmInBoth]
    only_first: list[str]
    """Arms that the second run does not have."""
    only_second: list[str]


class RunResults(NamedTuple):
    """The plan and results of a run."""

    name: str
    plan: RunPlan
    results: Sequence[TaskResult]


def compare_runs(first: RunResults, second: RunResults, *, seed: int = 0) -> TwoRuns:
    """Compare the arms that both runs have, by name.

    Args:
        first: a run, finished or not.
        second: another.
        seed: of the resamples.

    Raises:
        InvalidInput: they have no arm in common.
    """
    one: Mapping[str, Sequence[TaskResult]] = by_arm(part_of(first.results, "first"))
    other: Mapping[str, Sequence[TaskResult]] = by_arm(part_of(second.results, "first"))
    common = [arm.name for arm in first.plan.arms if arm.name in one and arm.name in other]
    if not common:
        has = [
            f"{run.name} has results of {', '.join(arms) or 'none'}" for run, arms in ((first, one), (second, other))
        ]
        raise InvalidInput(f"the runs have no arm in common: {'; '.join(has)}")
    if first.plan.tasks != second.plan.tasks:  # ids may mean other questions there
        one = _by_question(one, _questions(first.results), run=1)
        other = _by_question(other, _questions(second.results), run=2)
    rows = [_compared(arm, one[arm], other[arm], seed) for arm in common]
    corrected = holm([row.p_holm for row in rows]).tolist()
    return TwoRuns(
        _differs(first.plan, second.plan),
        [
            row._replace(p_holm=p, verdict=verdict(row.difference, p, len(rows), unit=row.unit, n_orders=row.n_orders))
            for row, p in zip(rows, corrected, strict=True)
        ],
        [name for name in one if name not in common],
        [name for name in other if name not in common],
    )


def _compared(arm: str, first: Sequence[TaskResult], second: Sequence[TaskResult], seed: int) -> ArmInBoth:
    figures = [summarize_arm(rows, seed=seed).reward.weighted for rows in (first, second)]
    paired = compare(second, first, names=(arm, arm), seed=seed)
    if paired.n_questions:
        found = paired.weighted, True, paired.n_questions, paired.n_orders, paired.unit, paired.p
    else:  # other questions: the two runs are drawn independently
        apart = difference_of(*(outcomes(rows).mean(seed=seed + at) for at, rows in enumerate((first, second))))
        p = apart.p if has_enough_orders(apart.unit, apart.n_orders) else float("nan")
        found = apart.interval, False, 0, apart.n_orders, apart.unit, p
    return ArmInBoth(arm, figures[0], figures[1], *found, "")


def _questions(results: Sequence[TaskResult]) -> dict[str, str]:
    """Map task ids to hashes of their questions, as far as a run of them wrote to the memory."""
    return {one.task_id: one.held.question for one in results if one.held is not None}


def _by_question(
    arms: Mapping[str, Sequence[TaskResult]], questions: Mapping[str, str], *, run: int
) -> dict[str, list[TaskResult]]:
    """Replace task ids by their questions' hashes; results with unknown questions get ids of their own run."""
    return {
        arm: [
            one.model_copy(update={"task_id": questions.get(one.task_id, f"run {run}: {one.task_id}")}) for one in rows
        ]
        for arm, rows in arms.items()
    }


def _differs(first: RunPlan, second: RunPlan) -> dict[str, tuple[Any, Any]]:
    found = {
        name: (getattr(first, name), getattr(second, name))
        for name in _COMPARED
        if getattr(first, name) != getattr(second, name)
    }
    settings = sorted(first.settings.keys() | second.settings.keys())
    changed = {name: (first.settings.get(name), second.settings.get(name)) for name in settings}
    return found | {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
