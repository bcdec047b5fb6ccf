"""Intervals of means, rates and ratios of sums over questions: Bayesian bootstrap with a made-up question at the end.

Each question gets a weight from Exp(1) (Rubin, 1981, Annals of Statistics 9), so no source, block or arm falls out of a
resample. To the questions comes a made-up one at an end of the scale, of the size of a mean question: at the lower end
for the lower limit, at the upper end for the upper. Without it, ten right answers in ten give "1.000 [1.000, 1.000]",
and rare outcomes of few questions are covered in 33 to 85 % of cases instead of 95.

    USUAL       half a question: right and wrong are covered in 95 to 97 % on average (beside Jeffreys' interval)
    GUARANTEED  a whole one: Clopper and Pearson's interval for right and wrong, and a limit that is wrong in at most
                1 of 40 for any values between the ends, as far as is known (Gaffke, 2005, "Three test statistics for a
                nonparametric one-sided hypothesis on the mean of a nonnegative variable")

Axes: Q questions, U kinds of them, B figures that are drawn together, R resamples, K sources.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.products import plain_product
from memento.memory.stats.interval import TAIL, UNDEFINED, Interval
from memento.memory.stats.terms import Floats

RESAMPLES = 2000
"""Number of bootstrap resamples."""
SHARE: tuple[float, float] = (0.0, 1.0)
"""Ends of the scale of rewards and rates."""
USUAL = 0.5
"""Weight of the pseudo-question, in questions, for usual coverage."""
GUARANTEED = 1.0
"""Weight of the pseudo-question, in questions, for guaranteed coverage."""
_WEIGHTS = 2_000_000
"""Maximum number of weights in memory at a time."""


class Draws(NamedTuple):
    """Resamples of one or more figures; the lower limit is taken from one set, the upper limit from the other."""

    low: Floats
    """With the pseudo-question at the lower end, shape (R,) or (R, B)."""
    high: Floats
    """The same resamples with it at the upper end."""

    def two_sided_p(self) -> float:
        """Twice the smaller tail beyond 0 (Davison and Hinkley, 1997, "Bootstrap Methods", section 4.2); never 0."""
        if np.isnan(self.low).all():
            return float("nan")
        tail = min(int((self.low <= 0).sum()), int((self.high >= 0).sum()))
        return min(1.0, 2 * (tail + 1) / (len(self.low) + 1))


def ratio_draws(
    numerator_QB: ArrayLike,
    denominator_QB: ArrayLike,
    *,
    ends: Sequence[float] = (),
    weight: float = USUAL,
    n: int = RESAMPLES,
    seed: int = 0,
) -> Draws:
    """Sums over questions divided by sums over questions, in each resample; all figures see the same weights.

    Args:
        numerator_QB: what each question adds above the line, shape (Q, B).
        denominator_QB: and below; 0 where it has no part in the figure.
        ends: lower and upper end of the scale; empty for quantities without ends, such as money and seconds.
        weight: of the made-up question, in questions.
        n: how many resamples.
        seed: the same seed and number of questions give the same weights.

    Returns:
        Shape (R, B); nan where a figure has no question.
    """
    top, bottom = np.asarray(numerator_QB, np.float64), np.asarray(denominator_QB, np.float64)
    size_B = (bottom > 0).sum(axis=0)
    made_B = np.divide(bottom.sum(axis=0), size_B, out=np.ones(len(size_B)), where=size_B > 0)
    # Questions that add the same are drawn as one: m weights of Exp(1) sum up to one of Gamma(m).
    kinds, n_U = np.unique(np.hstack([top, bottom]), axis=0, return_counts=True)
    top_UB, bottom_UB = np.hsplit(kinds.astype(np.float32), 2)
    rng, low, high = np.random.default_rng(seed), list[Floats](), list[Floats]()
    step = max(1, _WEIGHTS // max(1, len(kinds)))
    for start in range(0, n, step):
        shape = min(step, n - start), len(kinds)
        if (n_U == 1).all():
            weight_RU = rng.standard_exponential(shape, dtype=np.float32)
        else:
            weight_RU = rng.standard_gamma(n_U.astype(np.float32), shape, dtype=np.float32)
        above, below = (plain_product(weight_RU, one).astype(np.float64) for one in (top_UB, bottom_UB))
        made_RB = made_B * rng.standard_gamma(weight, above.shape) if ends else np.zeros_like(above)
        for drawn, end in ((low, ends[0] if ends else 0.0), (high, ends[-1] if ends else 0.0)):
            empty = np.full(above.shape, np.nan)
            drawn.append(np.divide(above + made_RB * end, below + made_RB, out=empty, where=size_B > 0))
    draws = Draws(np.concatenate(low), np.concatenate(high))
    return draws if ends else Draws(*(_widened(one, size_B) for one in draws))


def _widened(draws_RB: Floats, size_B: NDArray[np.int64]) -> Floats:
    """Widen resamples without a pseudo-question: means of m questions spread by (m - 1) / (m + 1) too little."""
    centre_B = draws_RB.mean(axis=0)
    wide_RB: Floats = centre_B + np.sqrt((size_B + 1) / np.maximum(size_B - 1, 1)) * (draws_RB - centre_B)
    return wide_RB


def mean_draws(value_Q: ArrayLike, *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0) -> Draws:
    """The mean over questions in each resample, shape (R,); nan values have no part in it."""
    value = np.asarray(value_Q, np.float64)
    value = value[~np.isnan(value), None]
    return _column(ratio_draws(value, np.ones_like(value), ends=ends, n=n, seed=seed), 0)


def macro_draws(
    value_Q: ArrayLike, source_Q: Sequence[str], *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0
) -> Draws:
    """The mean of the sources' means in each resample, shape (R,). Sources are fixed, their questions are drawn.

    The made-up question is shared out over the sources: a whole one in each would pull the mean of many small sources
    far to the end.
    """
    value = np.asarray(value_Q, np.float64)
    is_known = ~np.isnan(value)
    names, place_Q = np.unique(np.asarray(source_Q, dtype=np.str_)[is_known], return_inverse=True)
    if len(names) < 2:
        return mean_draws(value, ends=ends, n=n, seed=seed)
    is_in_QK = np.zeros((len(value), len(names)))
    is_in_QK[np.flatnonzero(is_known), place_Q] = 1.0
    top = is_in_QK * np.where(is_known, value, 0.0)[:, None]
    draws = ratio_draws(top, is_in_QK, ends=ends, weight=USUAL / len(names), n=n, seed=seed)
    return Draws(draws.low.mean(axis=1), draws.high.mean(axis=1))


def difference_ends(value_Q: ArrayLike) -> tuple[float, float]:
    """Ends of a difference's scale: as far from 0 as the differences seen, or 1 if there are none.

    With 1 and -1, differences of means over several seeds, which are smaller, would have too wide an interval.
    """
    value = np.asarray(value_Q, np.float64)
    size = value[~np.isnan(value) & (value != 0)]
    typical = float(np.sqrt(np.mean(size**2))) if len(size) else 1.0
    return (-typical, typical)


def interval(value: float, draws: Draws) -> Interval:
    """The figure between the 2.5 % point of the lower resamples and the 97.5 % point of the upper; always inside."""
    if np.isnan(value) or np.isnan(draws.low).all():
        return Interval(value, float("nan"), float("nan"))
    low, high = np.nanquantile(draws.low, TAIL), np.nanquantile(draws.high, 1 - TAIL)
    return Interval(value, min(float(low), value), max(float(high), value))


def mean_interval(value_Q: ArrayLike, *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean over questions with its interval.

    Args:
        value_Q: one value per question: the mean over its seeds; nan where it is not known.
        ends: of the scale; none for money, tokens and seconds; `difference_ends` for paired differences.
        n: how many resamples.
        seed: of the resamples.
    """
    value = np.asarray(value_Q, np.float64)
    if not len(value) or np.isnan(value).all():
        return UNDEFINED
    return interval(float(np.nanmean(value)), mean_draws(value, ends=ends, n=n, seed=seed))


def macro_mean(value_Q: ArrayLike, source_Q: Sequence[str]) -> float:
    """The mean of the means of the sources; nan without a known value."""
    value, sources = np.asarray(value_Q, np.float64), np.asarray(source_Q, dtype=np.str_)
    known, sources = value[~np.isnan(value)], sources[~np.isnan(value)]
    means = [float(known[sources == name].mean()) for name in np.unique(sources)]
    return float(np.mean(means)) if means else float("nan")


def macro_interval(value_Q: ArrayLike, source_Q: Sequence[str], *, n: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of the sources' means with its interval. See `macro_draws`."""
    value = macro_mean(value_Q, source_Q)
    return UNDEFINED if np.isnan(value) else interval(value, macro_draws(value_Q, source_Q, n=n, seed=seed))


def ratio_interval(
    numerator_QB: ArrayLike,
    denominator_QB: ArrayLike,
    *,
    ends: Sequence[float] = SHARE,
    weight: float = USUAL,
    n: int = RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """Ratios of sums over questions, each with its interval; see `ratio_draws`."""
    top, bottom = np.asarray(numerator_QB, np.float64), np.asarray(denominator_QB, np.float64)
    draws = ratio_draws(top, bottom, ends=ends, weight=weight, n=n, seed=seed)
    total, below = top.sum(axis=0), bottom.sum(axis=0)
    values = np.divide(total, below, out=np.full(len(total), np.nan), where=below > 0)
    return [interval(float(value), _column(draws, place)) for place, value in enumerate(values)]


def _column(draws: Draws, place: int) -> Draws:
    return Draws(draws.low[:, place], draws.high[:, place])
