"""Results as arrays: one row per question, its seeds side by side. What is not known stays nan and is never a 0."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult, is_first_encounter
from memento.evals.statistics.orders import is_ordered
from memento.memory.stats import SHARE, Floats, TableEstimate, table_mean

Part = Literal["first", "test"]
"""First encounters (prequential), or held-out sources with a frozen bank."""

Measure = Callable[[TaskResult], float | None]

PART_LABELS: dict[Part, str] = {
    "first": "first encounter (prequential)",
    "test": "held-out sources, frozen bank",
}


def reward_of(result: TaskResult) -> float | None:
    """What the run's scorer gave."""
    return result.reward


def exact_of(result: TaskResult) -> float | None:
    """Exact match."""
    return result.exact


def f1_of(result: TaskResult) -> float | None:
    """Token F1."""
    return result.f1


def part_of(results: Iterable[TaskResult], part: Part) -> list[TaskResult]:
    """The results of a part of the streams."""
    if part == "test":
        return [result for result in results if result.phase == "test"]
    return [result for result in results if is_first_encounter(result)]


def by_arm(results: Iterable[TaskResult]) -> dict[str, list[TaskResult]]:
    """Results of each arm, arms in the order of their first result."""
    arms: dict[str, list[TaskResult]] = {}
    for result in results:
        arms.setdefault(result.arm, []).append(result)
    return arms


class Outcomes(NamedTuple):
    """One measure of one arm's results."""

    tasks: list[str]
    """Ids of the Q questions, in order: the unit of resampling."""
    sources: list[str]
    """Of each question."""
    seeds: list[int]
    value_QS: Floats
    """Shape (Q, S); nan where the seed has no result there, or its measure is not known."""
    is_ordered: bool
    """Whether the order of tasks matters to the arm."""

    @property
    def means(self) -> Floats:
        """Each question's mean over the seeds that know it, shape (Q,); nan where none does."""
        is_known = ~np.isnan(self.value_QS)
        total, n = np.where(is_known, self.value_QS, 0.0).sum(axis=1), is_known.sum(axis=1)
        mean_Q: Floats = np.divide(total, n, out=np.full(len(total), np.nan), where=n > 0)
        return mean_Q

    def mean(self, *, is_macro: bool = False, seed: int = 0) -> TableEstimate:
        """Mean over questions, or over sources of their means, with its interval."""
        sources = self.sources if is_macro else None
        return table_mean(self.value_QS, is_ordered=self.is_ordered, sources=sources, bounds=SHARE, seed=seed)

    @property
    def n_known(self) -> int:
        """Results that count."""
        return int((~np.isnan(self.value_QS)).sum())

    @property
    def n_questions(self) -> int:
        """Questions with at least one of them."""
        return int((~np.isnan(self.value_QS)).any(axis=1).sum())


def outcomes(
    results: Sequence[TaskResult], measure: Measure = reward_of, *, depends_on_order: bool | None = None
) -> Outcomes:
    """Arrange results of one arm; of two with the same question and seed the last counts.

    Args:
        results: of the arm.
        measure: what is arranged.
        depends_on_order: whether the order of tasks matters to them; told by the name of the arm by default.
    """
    matters = (
        any(is_ordered(arm) for arm in {one.arm for one in results}) if depends_on_order is None else depends_on_order
    )
    sources = {result.task_id: result.source for result in results}
    tasks, seeds = sorted(sources), sorted({result.seed for result in results})
    row = {task: place for place, task in enumerate(tasks)}
    column = {seed: place for place, seed in enumerate(seeds)}
    value_QS = np.full((len(tasks), len(seeds)), np.nan)
    for result in results:
        value = measure(result)
        value_QS[row[result.task_id], column[result.seed]] = np.nan if value is None else value
    return Outcomes(tasks, [sources[task] for task in tasks], seeds, value_QS, matters)
