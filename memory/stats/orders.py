"""Intervals of tables of questions and orders: both are drawn anew, where a memory makes the order of tasks count.

A memory that learns turns one order of the tasks into one history: what is discovered early decides the rest, so the
results of one order are no independent evidence. A figure of S orders of Q questions varies by the questions that were
asked and by the orders that were drawn:

    two-way   resamples of questions (`ratios`, with its made-up question) plus a draw of Student's t with S - 1 degrees
              of freedom, scaled by the spread of the orders beyond what independent results would have
    orders    Student's t over the orders' means; it has all of their spread, and nothing of the questions'

The wider one is given, on each side. The first is the pigeonhole bootstrap (Owen, 2007, "The pigeonhole bootstrap",
Annals of Applied Statistics 1) without its cross term: weights of questions times weights of orders count what is left
of a result three times over, which makes intervals up to 1.7 times too wide; and S weights of Exp(1) spread by
(S - 1) / (S + 1) too little. Its variance is that of two-way clustering, V_question + V_order - V_cell
(Cameron, Gelbach and Miller, 2011, J. Business & Economic Statistics 29). `python -m benchmarks.bootstrap_coverage`
measures what is covered.

Axes: Q questions, S orders, B figures that are drawn together, R resamples.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.stats.interval import UNDEFINED, Interval
from memento.memory.stats.ratios import (
    RESAMPLES,
    SHARE,
    Draws,
    interval,
    macro_draws,
    macro_mean,
    mean_draws,
    ratio_draws,
)
from memento.memory.stats.student import t_quantile, two_sided_t_p
from memento.memory.stats.terms import Floats, effective_size

IntervalUnit = Literal["questions", "orders and questions", "questions of these orders"]
"""What an interval draws anew. The last holds for the orders that were run, and says nothing about others."""

Bools = NDArray[np.bool_]

_NO_DRAWS = Draws(np.full(1, np.nan), np.full(1, np.nan))


class TableEstimate(NamedTuple):
    """A figure with its interval, and what that resamples."""

    interval: Interval
    draws: Draws
    """Resamples of the figure, shape (R,)."""
    p: float
    """Two-sided, against 0; the larger of both methods'."""
    n_orders: int
    """Effective number of orders (Kish's), rounded: one with few results counts less."""
    unit: IntervalUnit


NO_ESTIMATE = TableEstimate(UNDEFINED, _NO_DRAWS, float("nan"), 0, "questions")
"""The estimate of a table without results."""


class _Spread(NamedTuple):
    """Variance of B figures between orders."""

    n_orders_B: NDArray[np.int64]
    whole_B: Floats
    """Of the mean over orders."""
    excess_B: Floats
    """Of that, what exceeds results that are independent inside an order."""


def table_mean(
    value_QS: ArrayLike,
    *,
    is_ordered: bool,
    sources: Sequence[str] | None = None,
    ends: Sequence[float] = SHARE,
    bounds: tuple[float, float] = SHARE,
    n: int = RESAMPLES,
    seed: int = 0,
) -> TableEstimate:
    """Mean over questions of their means over orders.

    Args:
        value_QS: shape (Q, S); nan where the result is not known.
        is_ordered: whether the order of tasks matters, as it does to a memory; else questions alone are resampled.
        sources: of each question, for the mean over sources of their means.
        ends: of the scale, see `mean_interval`.
        bounds: that no limit exceeds.
        n: how many resamples.
        seed: of the resamples.
    """
    value_QS = np.asarray(value_QS, np.float64)
    is_known = ~np.isnan(value_QS)
    n_Q = is_known.sum(axis=1)
    if not n_Q.any():
        return NO_ESTIMATE
    total_Q = np.where(is_known, value_QS, 0.0).sum(axis=1)
    mean_Q = np.divide(total_Q, n_Q, out=np.full(len(n_Q), np.nan), where=n_Q > 0)
    if sources is None:
        value, draws = float(np.nanmean(mean_Q)), mean_draws(mean_Q, ends=ends, n=n, seed=seed)
    else:
        value, draws = macro_mean(mean_Q, sources), macro_draws(mean_Q, sources, ends=ends, n=n, seed=seed)
    share_Q = _shares(n_Q, sources) / np.maximum(n_Q, 1)
    pull_QS = np.where(is_known, (value_QS - mean_Q[:, None]) * share_Q[:, None], 0.0)
    columns = ((pull_QS[:, place, None], is_known[:, place, None]) for place in range(value_QS.shape[1]))
    drawn = Draws(draws.low[:, None], draws.high[:, None])
    return _estimates([value], drawn, columns, is_ordered=is_ordered, bounds=bounds, seed=seed)[0]


def table_ratios(
    top_QSB: ArrayLike,
    bottom_QSB: ArrayLike,
    *,
    is_ordered: bool,
    ends: Sequence[float] = SHARE,
    bounds: tuple[float, float] = SHARE,
    n: int = RESAMPLES,
    seed: int = 0,
) -> list[TableEstimate]:
    """Ratios of sums over questions and orders, each with its interval.

    Args:
        top_QSB: what each result adds above the line, shape (Q, S, B).
        bottom_QSB: and below; 0 where it has no part in the figure.
        is_ordered: whether the order of tasks matters.
        ends: of the scale, see `ratio_draws`.
        bounds: that no limit exceeds.
        n: how many resamples.
        seed: of the resamples.
    """
    top_QSB, bottom_QSB = np.asarray(top_QSB, np.float64), np.asarray(bottom_QSB, np.float64)
    draws = ratio_draws(top_QSB.sum(axis=1), bottom_QSB.sum(axis=1), ends=ends, n=n, seed=seed)
    above_B, below_B = top_QSB.sum(axis=(0, 1)), bottom_QSB.sum(axis=(0, 1))
    value_B = np.divide(above_B, below_B, out=np.full(len(above_B), np.nan), where=below_B > 0)
    centre_B, size_B = np.nan_to_num(value_B), np.maximum(below_B, np.finfo(float).tiny)
    columns = (
        ((top_QSB[:, place] - centre_B * bottom_QSB[:, place]) / size_B, bottom_QSB[:, place] > 0)
        for place in range(top_QSB.shape[1])
    )
    return _estimates(
        [float(value) for value in value_B], draws, columns, is_ordered=is_ordered, bounds=bounds, seed=seed
    )


def unit_of(n_orders: int, *, is_ordered: bool) -> IntervalUnit:
    """What the interval of a figure from so many orders draws anew."""
    if not is_ordered:
        return "questions"
    return "orders and questions" if n_orders > 1 else "questions of these orders"


def difference_of(
    first: TableEstimate, second: TableEstimate, *, bounds: tuple[float, float] = (-1.0, 1.0)
) -> TableEstimate:
    """The second minus the first, of results that were drawn independently.

    The limits are those of both, put together by their squares (Zou and Donner, 2008, Statistics in Medicine 27).
    """
    (a, a_low, a_high), (b, b_low, b_high) = first.interval, second.interval
    value = b - a
    low, high = value - math.hypot(b - b_low, a_high - a), value + math.hypot(b_high - b, a - a_low)
    draws = Draws(second.draws.low - first.draws.high, second.draws.high - first.draws.low)
    n_orders, unit = min(first.n_orders, second.n_orders), unit_of(0, is_ordered=False)
    ordered = [one.n_orders for one in (first, second) if one.unit != "questions"]
    if ordered:
        n_orders, unit = min(ordered), unit_of(min(ordered), is_ordered=True)
    return TableEstimate(_bounded(Interval(value, low, high), bounds), draws, draws.two_sided_p(), n_orders, unit)


def _shares(n_Q: NDArray[np.int64], sources: Sequence[str] | None) -> Floats:
    """What each question's mean counts in the figure; the sum is 1."""
    is_in_Q: Floats = (n_Q > 0).astype(np.float64)
    share_Q: Floats
    if sources is None:
        share_Q = is_in_Q / is_in_Q.sum()
        return share_Q
    _, place_Q = np.unique(np.asarray(sources, dtype=np.str_), return_inverse=True)
    size_K = np.bincount(place_Q, is_in_Q)
    share_Q = is_in_Q / np.maximum(size_K, 1)[place_Q] / np.count_nonzero(size_K)
    return share_Q


def _estimates(
    values: Sequence[float],
    draws_RB: Draws,
    columns: Iterable[tuple[Floats, Bools]],
    *,
    is_ordered: bool,
    bounds: tuple[float, float],
    seed: int,
) -> list[TableEstimate]:
    """Intervals of B figures whose questions were resampled.

    Args:
        values: the figures.
        draws_RB: resamples of their questions.
        columns: of each order: how far each result pulls each figure, shape (Q, B), and which results count there.
        is_ordered: whether orders are drawn anew, too.
        bounds: that no limit exceeds.
        seed: of the draws.
    """
    spread = _spread(columns)
    found = []
    for place, value in enumerate(values):
        draws = Draws(draws_RB.low[:, place], draws_RB.high[:, place])
        freedom = int(spread.n_orders_B[place]) - 1
        if is_ordered and freedom > 0:
            found.append(_two_way(value, draws, freedom, spread.whole_B[place], spread.excess_B[place], bounds, seed))
        else:
            unit = unit_of(freedom + 1, is_ordered=is_ordered)
            around = _bounded(interval(value, draws), bounds)
            found.append(TableEstimate(around, draws, draws.two_sided_p(), freedom + 1, unit))
    return found


def _two_way(
    value: float, draws: Draws, freedom: int, whole: float, excess: float, bounds: tuple[float, float], seed: int
) -> TableEstimate:
    drawn_R = np.random.default_rng([seed, freedom]).standard_t(freedom, len(draws.low))
    draws = Draws(*(one + math.sqrt(excess) * drawn_R for one in draws))
    error, both = math.sqrt(whole), interval(value, draws)
    half = t_quantile(freedom) * error
    wider = Interval(value, min(both.low, value - half), max(both.high, value + half))
    p = max(draws.two_sided_p(), two_sided_t_p(value / error if error else math.inf, freedom))
    return TableEstimate(_bounded(wider, bounds), draws, p, freedom + 1, "orders and questions")


def _spread(columns: Iterable[tuple[Floats, Bools]]) -> _Spread:
    """Variances between orders. Results are centred inside their order: its own pull is not their spread."""
    parts = [(pull_QB.sum(axis=0), (pull_QB**2).sum(axis=0), known_QB.sum(axis=0)) for pull_QB, known_QB in columns]
    sum_SB, square_SB, n_SB = (np.array(part, np.float64) for part in zip(*parts, strict=True))
    n_orders_B = np.array([_effective(n_S) for n_S in n_SB.T])
    around_SB = (square_SB - sum_SB**2 / np.maximum(n_SB, 1)) * n_SB / np.maximum(n_SB - 1, 1)
    scale_B = n_orders_B / np.maximum(n_orders_B - 1, 1)
    whole_B = scale_B * (sum_SB**2).sum(axis=0)
    return _Spread(n_orders_B, whole_B, np.maximum(0.0, whole_B - scale_B * around_SB.sum(axis=0)))


def _effective(n_S: Floats) -> int:
    return round(effective_size(n_S, np.arange(len(n_S))))


def _bounded(found: Interval, bounds: tuple[float, float]) -> Interval:
    low, high = bounds
    return Interval(found.value, max(low, found.low), min(high, found.high)) if not math.isnan(found.low) else found
