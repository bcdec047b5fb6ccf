"""Our side of a paper's table: means of a run's results, in per cent, with intervals that resample whole questions.

A question's answers of several seeds stand or fall together: seeds are no further questions.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from memento.evals.runs.result import TaskResult, is_first_encounter
from memento.memory.evaluation.metrics import Interval, bootstrap

Measure = Literal["accuracy", "f1"]
"""accuracy: the mean reward, whoever gave it; f1: token F1 with the best reference."""


class Slice:
    """Some results of a run."""

    def __init__(self, results: Sequence[TaskResult]) -> None:
        """Hold them."""
        self.results = results

    def of_arm(self, name: str) -> "Slice":
        """Those of one arm."""
        return Slice([one for one in self.results if one.arm == name])

    def of_source(self, source: str) -> "Slice":
        """Those of one source."""
        return Slice([one for one in self.results if one.source == source])

    def of_iteration(self, number: int) -> "Slice":
        """Those of one iteration."""
        return Slice([one for one in self.results if one.iteration == number])

    @property
    def sources(self) -> set[str]:
        """That there are results of."""
        return {one.source for one in self.results}

    def n_questions(self, measure: Measure) -> int:
        """Questions whose figure is known."""
        return len({one.task_id for one in self.results if _figure(one, measure) is not None})

    def mean(self, measure: Measure, *, is_macro: bool = False) -> Interval | None:
        """The mean over questions, or over sources; None when there is nothing to average.

        What is not known is left out, never counted as wrong.
        """
        known = [(one, figure) for one in self.results if (figure := _figure(one, measure)) is not None]
        if not known:
            return None
        tasks_N = [one.task_id for one, _ in known]
        _, source_N = np.unique([one.source for one, _ in known], return_inverse=True)
        figure_N = [figure for _, figure in known]
        statistic = _macro_mean if is_macro else _mean
        return _per_cent(bootstrap(statistic, tasks_N, source_N, figure_N))


def first_encounters(results: Sequence[TaskResult]) -> Slice:
    """Prequential: what was met for the first time, before anything was learned from it."""
    return Slice([one for one in results if is_first_encounter(one)])


def gain(mine: Slice, other: Slice, measure: Measure) -> Interval | None:
    """How far one is above another where both know the figure, paired by question and seed, in points."""
    theirs = {(one.task_id, one.seed): _figure(one, measure) for one in other.results}
    tasks_N: list[str] = []
    gain_N: list[float] = []
    for one in mine.results:
        figure, against = _figure(one, measure), theirs.get((one.task_id, one.seed))
        if figure is not None and against is not None:
            tasks_N.append(one.task_id)
            gain_N.append(figure - against)
    if not gain_N:
        return None
    return _per_cent(bootstrap(_mean, tasks_N, np.zeros(len(gain_N), np.intp), gain_N))


def _figure(result: TaskResult, measure: Measure) -> float | None:
    return result.reward if measure == "accuracy" else result.f1


def _per_cent(figure: Interval) -> Interval:
    return Interval(*(100 * one for one in figure))


def _mean(_: NDArray[np.intp], figure_N: NDArray[np.float64]) -> float:
    return float(figure_N.mean())


def _macro_mean(source_N: NDArray[np.intp], figure_N: NDArray[np.float64]) -> float:
    """Over the sources that are there."""
    n_S = np.bincount(source_N)
    sum_S = np.bincount(source_N, figure_N)
    return float((sum_S[n_S > 0] / n_S[n_S > 0]).mean())
