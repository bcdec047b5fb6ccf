"""Intervals by resampling whole questions, narrow enough to be of use and wide enough to be true.

The bootstrap is Rubin's (1981, "The Bayesian bootstrap", Annals of Statistics 9): a resample gives each question a
weight from Exp(1) instead of a count of copies, so no source, block or arm ever falls out of one. To the questions come
made-up ones of weight Gamma(1/2) at the ends of the scale, as in Jeffreys' prior: of ten right answers in ten, the
plain bootstrap would say "1.000 [1.000, 1.000]", and its intervals of few questions or rare differences cover the truth
in as little as 85 % of cases instead of 95. For right and wrong this is Jeffreys' interval (Brown, Cai and DasGupta,
2001, "Interval estimation for a binomial proportion", Statistical Science 16), a little widened for few questions. What
the intervals cover is measured by `benchmarks.bootstrap_coverage`.

Axes: Q questions, U kinds of them, B figures that are drawn together, R resamples, K sources, X ends of the scale.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.offpolicy.metrics import Interval

Floats = NDArray[np.float64]

RESAMPLES = 2000
SHARE: tuple[float, ...] = (0.0, 1.0)
"""Ends of the scale of rewards and rates."""
_WEIGHTS = 2_000_000
"""In memory at a time."""
_TAILS = (0.025, 0.975)


def ratio_draws(
    numerator_QB: ArrayLike,
    denominator_QB: ArrayLike,
    *,
    ends_XB: ArrayLike = (),
    prior: float = 0.5,
    n: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Sums over questions divided by sums over questions, in each resample; all see the same weights of questions.

    Args:
        numerator_QB: what each question adds above the line, shape (Q, B).
        denominator_QB: and below; 0 where it has no part in the figure.
        ends_XB: where the made-up questions lie, shape (X,) or (X, B); none for quantities without ends.
        prior: weight of each, in questions.
        n: how many resamples.
        seed: the same seed and number of questions give the same weights.

    Returns:
        Shape (R, B); nan where a figure has no question.
    """
    top, bottom = np.asarray(numerator_QB, np.float64), np.asarray(denominator_QB, np.float64)
    ends = np.asarray(ends_XB, np.float64)
    ends = np.broadcast_to(ends[:, None] if ends.ndim == 1 else ends, (len(ends), top.shape[1]))
    # Questions that add the same are drawn as one: m weights of Exp(1) sum up to one of Gamma(m).
    kinds, n_U = np.unique(np.hstack([top, bottom]), axis=0, return_counts=True)
    top_UB, bottom_UB = np.hsplit(kinds.astype(np.float32), 2)
    rng, has_any_B = np.random.default_rng(seed), bottom.any(axis=0)
    parts, step = [], max(1, _WEIGHTS // max(1, len(kinds)))
    for start in range(0, n, step):
        shape = min(step, n - start), len(kinds)
        if (n_U == 1).all():
            weight_RU = rng.standard_exponential(shape, dtype=np.float32)
        else:
            weight_RU = rng.standard_gamma(n_U.astype(np.float32), shape, dtype=np.float32)
        made_RXB = rng.standard_gamma(prior, (len(weight_RU), *ends.shape))
        above = (weight_RU @ top_UB) + (made_RXB * ends).sum(axis=1)
        below = (weight_RU @ bottom_UB) + made_RXB.sum(axis=1)
        parts.append(np.divide(above, below, out=np.full(above.shape, np.nan), where=has_any_B))
    return _widened(np.concatenate(parts), (bottom > 0).sum(axis=0), ends)


def _widened(draws_RB: Floats, size_B: NDArray[np.int64], ends_XB: Floats) -> Floats:
    """Resampled means of m questions spread by (m - 1) / (m + 1) too little; the ends of the scale stay the ends."""
    centre_B = draws_RB.mean(axis=0)
    wide_RB: Floats = centre_B + np.sqrt((size_B + 1) / np.maximum(size_B - 1, 1)) * (draws_RB - centre_B)
    return np.clip(wide_RB, ends_XB.min(axis=0), ends_XB.max(axis=0)) if len(ends_XB) else wide_RB


def mean_draws(value_Q: ArrayLike, *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0) -> Floats:
    """The mean over questions in each resample, shape (R,); nan values have no part in it."""
    value = np.asarray(value_Q, np.float64)
    value = value[~np.isnan(value), None]
    return ratio_draws(value, np.ones_like(value), ends_XB=ends, n=n, seed=seed)[:, 0]


def macro_draws(
    value_Q: ArrayLike, source_Q: Sequence[str], *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0
) -> Floats:
    """The mean of the sources' means in each resample, shape (R,). Sources are fixed, their questions are drawn.

    The made-up questions are shared out over the sources: a whole one in each would pull the mean of many small sources
    to the middle.
    """
    value = np.asarray(value_Q, np.float64)
    is_known = ~np.isnan(value)
    names, place_Q = np.unique(np.asarray(source_Q, dtype=np.str_)[is_known], return_inverse=True)
    if len(names) < 2:
        return mean_draws(value, ends=ends, n=n, seed=seed)
    is_in_QK = np.zeros((len(value), len(names)))
    is_in_QK[np.flatnonzero(is_known), place_Q] = 1.0
    top = is_in_QK * np.where(is_known, value, 0.0)[:, None]
    draws_RK = ratio_draws(top, is_in_QK, ends_XB=ends, prior=0.5 / len(names), n=n, seed=seed)
    drawn_R: Floats = draws_RK.mean(axis=1)
    return drawn_R


def difference_ends(value_Q: ArrayLike) -> tuple[float, float, float]:
    """Where the made-up questions of a difference lie: as far from 0 as the differences seen, or 1 if there are none.

    With 1 and -1, the differences of means over several seeds, which are smaller, would have too wide an interval.
    """
    value = np.asarray(value_Q, np.float64)
    size = value[~np.isnan(value) & (value != 0)]
    typical = float(np.sqrt(np.mean(size**2))) if len(size) else 1.0
    return (-typical, 0.0, typical)


def interval(value: float, draws_R: Floats) -> Interval:
    """The figure between the 2.5 % and 97.5 % points of its resamples; always inside."""
    if np.isnan(value) or np.isnan(draws_R).all():
        return Interval(value, float("nan"), float("nan"))
    low, high = np.nanquantile(draws_R, _TAILS)
    return Interval(value, min(float(low), value), max(float(high), value))


def mean_interval(value_Q: ArrayLike, *, ends: Sequence[float] = SHARE, n: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean over questions with its interval.

    Args:
        value_Q: one value per question: the mean over its seeds; nan where it is not known.
        ends: of the scale; none for money, tokens and seconds.
        n: how many resamples.
        seed: of the resamples.
    """
    value = np.asarray(value_Q, np.float64)
    if not len(value) or np.isnan(value).all():
        return Interval(float("nan"), float("nan"), float("nan"))
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
    return (
        Interval(value, value, value)
        if np.isnan(value)
        else interval(value, macro_draws(value_Q, source_Q, n=n, seed=seed))
    )


def ratio_interval(
    numerator_QB: ArrayLike, denominator_QB: ArrayLike, *, ends: Sequence[float] = SHARE, seed: int = 0
) -> list[Interval]:
    """Ratios of sums over questions, each with its interval; see `ratio_draws`."""
    top, bottom = np.asarray(numerator_QB, np.float64), np.asarray(denominator_QB, np.float64)
    draws = ratio_draws(top, bottom, ends_XB=ends, seed=seed)
    total, below = top.sum(axis=0), bottom.sum(axis=0)
    values = np.divide(total, below, out=np.full(len(total), np.nan), where=below > 0)
    return [interval(float(value), draws[:, place]) for place, value in enumerate(values)]
