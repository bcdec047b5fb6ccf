"""Our side of a paper's table: means of a run's results in per cent, with the intervals that all our figures have."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import compare
from memento.evals.statistics.outcomes import f1_of, outcomes, part_of, reward_of
from memento.memory.stats import Interval, Unit

MeasureName = Literal["accuracy", "f1"]
"""accuracy: the mean reward, whoever gave it; f1: token F1 with the best reference."""

_MEASURES: dict[MeasureName, Callable[[TaskResult], float | None]] = {"accuracy": reward_of, "f1": f1_of}


class Ours(NamedTuple):
    """A figure of ours, in per cent or points."""

    interval: Interval
    n_orders: int
    """Effective number of orders of the tasks."""
    unit: Unit
    """What the interval resamples."""


class Slice:
    """Some results of a run, of one arm where a mean is asked for."""

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

    def n_questions(self, measure: MeasureName) -> int:
        """Questions whose figure is known."""
        return outcomes(self.results, _MEASURES[measure]).n_questions

    def mean(self, measure: MeasureName, *, is_macro: bool = False) -> "Ours | None":
        """The mean over questions, or over sources; None when there is nothing to average.

        What is not known is left out, never counted as wrong.
        """
        found = outcomes(self.results, _MEASURES[measure])
        if not found.n_known:
            return None
        mean = found.mean(is_macro=is_macro)
        return Ours(_per_cent(mean.interval), mean.n_orders, mean.unit)


def first_encounters(results: Sequence[TaskResult]) -> Slice:
    """Prequential: what was met for the first time, before anything was learned from it."""
    return Slice(part_of(results, "first"))


def gain(mine: Slice, other: Slice, measure: MeasureName) -> "Ours | None":
    """How far one is above another on held-out questions, paired by question and seed, in points."""
    found = compare(mine.results, other.results, part="test", measure=_MEASURES[measure])
    return Ours(_per_cent(found.weighted), found.n_orders, found.unit) if found.n_questions else None


def _per_cent(figure: Interval) -> Interval:
    return Interval(*(100 * one for one in figure))
