"""Intervals of any statistic of rows, by resampling whole groups of rows. Axes: N rows, G groups."""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.stats.interval import Interval
from memento.memory.stats.student import t_quantile
from memento.memory.stats.terms import student_t

Statistic = Callable[..., float]
"""Function from arrays of N rows each to one figure; nan where undefined."""


def statistic_interval(
    statistic: Statistic,
    groups_N: ArrayLike,
    *arrays: ArrayLike,
    orders_N: ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """Any statistic of rows, by resampling whole groups with replacement.

    The tails are taken so much further out that the interval of a mean is as wide as Student's (Hesterberg, 2015, "What
    teachers should know about the bootstrap", section 5.3: the expanded percentile interval).

    Args:
        statistic: takes `arrays`, row for row.
        groups_N: which rows stand or fall together, such as the hash of their question.
        arrays: of N rows each.
        orders_N: which order of the tasks a row is of, where that matters: the spread between orders, by the jackknife
            and Student's t, is added to that between groups. What is left counts twice: such intervals are rather wide.
        n: how many resamples; those in which the figure is not defined are passed over.
        seed: the same seed gives the same interval.
    """
    (found,) = statistic_intervals([(statistic, arrays)], groups_N, orders_N=orders_N, n=n, seed=seed)
    return found


def statistic_intervals(
    statistics: Sequence[tuple[Statistic, Sequence[ArrayLike]]],
    groups_N: ArrayLike,
    *,
    orders_N: ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
) -> list[Interval]:
    """Intervals of several statistics over the same resamples, each as `statistic_interval` gives it alone.

    Args:
        statistics: each with the arrays that it takes.
        groups_N: as for `statistic_interval`.
        orders_N: as for `statistic_interval`.
        n: how many resamples.
        seed: the same seed gives the same intervals.
    """
    asked = [(statistic, [np.asarray(array) for array in arrays]) for statistic, arrays in statistics]
    draws = _Copies(groups_N)
    drawn = [
        [statistic(*(column[row_N] for column in columns)) for statistic, columns in asked]
        for row_N in draws.draw(np.random.default_rng(seed), n)
    ]
    return [
        _interval(np.array([figures[number] for figures in drawn]), statistic, columns, draws.n_groups, orders_N)
        for number, (statistic, columns) in enumerate(asked)
    ]


def _interval(
    figures: NDArray[np.float64],
    statistic: Statistic,
    columns: Sequence[NDArray[Any]],
    n_groups: int,
    orders_N: ArrayLike | None,
) -> Interval:
    """The interval of a statistic whose resamples gave these figures."""
    figures = figures[~np.isnan(figures)]
    value = float(statistic(*columns))
    if not len(figures):
        return Interval(value, float("nan"), float("nan"))
    n_groups = max(2, n_groups)
    tail = NormalDist().cdf(-np.sqrt(n_groups / (n_groups - 1)) * student_t(n_groups - 1))
    low, high = (float(one) for one in np.quantile(figures, [tail, 1 - tail]))
    half = 0.0 if orders_N is None else _half_of_orders(statistic, np.asarray(orders_N), columns)
    if half:
        low, high = value - math.hypot(value - low, half), value + math.hypot(high - value, half)
    return Interval(value, low, high)


def _half_of_orders(statistic: Statistic, order_N: NDArray[Any], columns: Sequence[NDArray[Any]]) -> float:
    """Half a 95 % interval of what the orders add, by leaving each out once; 0 where that cannot be told."""
    orders = np.unique(order_N)
    if len(orders) < 2:
        return 0.0
    without = np.array([statistic(*(column[order_N != one] for column in columns)) for one in orders])
    without = without[~np.isnan(without)]
    n = len(without)
    if n < 2:
        return 0.0
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    return t_quantile(n - 1) * error


def paired_interval(
    statistic: Statistic,
    groups_N: ArrayLike,
    label_N: ArrayLike,
    first_N: ArrayLike,
    second_N: ArrayLike,
    *,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """Paired difference of two scores on the same rows: statistic(label, first) - statistic(label, second).

    Both see the same resamples, so that the chance of the rows cancels out. See `statistic_interval`.
    """

    def gain(*columns: NDArray[Any]) -> float:
        label, first, second = columns
        return statistic(label, first) - statistic(label, second)

    return statistic_interval(gain, groups_N, label_N, first_N, second_N, n=n, seed=seed)


class _Copies:
    """Draws as many groups as there are, with replacement, as row numbers."""

    def __init__(self, groups_N: ArrayLike) -> None:
        _, group_N, self._count_G = np.unique(np.asarray(groups_N), return_inverse=True, return_counts=True)
        self._row_N = np.argsort(group_N, kind="stable")
        self._start_G = np.cumsum(self._count_G) - self._count_G
        self.n_groups = len(self._count_G)

    def draw(self, rng: np.random.Generator, n: int) -> Iterator[NDArray[np.intp]]:
        """Row numbers of n resamples, one after the other."""
        for _ in range(n):
            drawn_G = rng.integers(self.n_groups, size=self.n_groups)
            count_G = self._count_G[drawn_G]
            within_N = np.arange(count_G.sum()) - np.repeat(np.cumsum(count_G) - count_G, count_G)
            yield self._row_N[np.repeat(self._start_G[drawn_G], count_G) + within_N]
