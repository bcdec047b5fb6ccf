"""The textbook's 95 % intervals of a ratio of sums over questions, to compare the product's with. Axes: Q, R resamples.

Each takes what every question adds above and below the line, and the ends of the scale; a mean has ones below.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Limits = tuple[float, float]
_R = 1000
_TAILS = (0.025, 0.975)


def textbook(top_Q: Floats, bottom_Q: Floats, ends: Limits, rng: np.random.Generator) -> Mapping[str, Limits]:
    """All of them, on the same resamples."""
    n = len(top_Q)
    copies_RQ = rng.multinomial(n, np.full(n, 1 / n), size=_R).astype(np.float64)
    drawn_R = (copies_RQ @ top_Q) / (copies_RQ @ bottom_Q)
    weight_RQ = rng.standard_exponential((_R, n))
    return {
        "percentile": _tails(drawn_R),
        "Bayesian": _tails((weight_RQ @ top_Q) / (weight_RQ @ bottom_Q)),
        "BCa": _bca(top_Q, bottom_Q, drawn_R),
        "bootstrap-t": _studentized(top_Q, bottom_Q, copies_RQ, drawn_R),
        "Student": _student(top_Q, bottom_Q),
        "Wilson": _wilson(top_Q, bottom_Q, ends),
        "Jeffreys": _jeffreys(top_Q, bottom_Q, ends, weight_RQ, rng),
    }


def _tails(drawn_R: Floats) -> Limits:
    low, high = np.quantile(drawn_R, _TAILS)
    return float(low), float(high)


def _ratio(top_Q: Floats, bottom_Q: Floats) -> tuple[float, float]:
    """The figure and its standard error, linearised."""
    value = float(top_Q.sum() / bottom_Q.sum())
    residual_Q = (top_Q - value * bottom_Q) / bottom_Q.mean()
    return value, float(residual_Q.std(ddof=1) / np.sqrt(len(top_Q)))


def _bca(top_Q: Floats, bottom_Q: Floats, drawn_R: Floats) -> Limits:
    """Bias-corrected and accelerated (Efron, 1987)."""
    value, _ = _ratio(top_Q, bottom_Q)
    left_out_Q = (top_Q.sum() - top_Q) / (bottom_Q.sum() - bottom_Q)
    shift_Q = left_out_Q.mean() - left_out_Q
    size = float((shift_Q**2).sum() ** 1.5)
    acceleration = float((shift_Q**3).sum()) / (6 * size) if size else 0.0
    share = float((drawn_R < value).mean() + (drawn_R == value).mean() / 2)
    bias = stats.norm.ppf(np.clip(share, 0.001, 0.999))
    z = bias + stats.norm.ppf(_TAILS)
    low, high = np.quantile(drawn_R, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def _studentized(top_Q: Floats, bottom_Q: Floats, copies_RQ: Floats, drawn_R: Floats) -> Limits:
    n, (value, error) = len(top_Q), _ratio(top_Q, bottom_Q)
    squares_R = (
        copies_RQ @ top_Q**2 - 2 * drawn_R * (copies_RQ @ (top_Q * bottom_Q)) + drawn_R**2 * (copies_RQ @ bottom_Q**2)
    )
    error_R = np.sqrt(np.maximum(squares_R, 0) / (n - 1) / n) / ((copies_RQ @ bottom_Q) / n)
    usable = error_R > 1e-9
    if not error or usable.sum() < 10:
        return value, value
    low, high = np.quantile((drawn_R[usable] - value) / error_R[usable], _TAILS)
    return float(value - high * error), float(value - low * error)


def _student(top_Q: Floats, bottom_Q: Floats) -> Limits:
    value, error = _ratio(top_Q, bottom_Q)
    half = float(stats.t.ppf(_TAILS[1], len(top_Q) - 1)) * error
    return value - half, value + half


def _wilson(top_Q: Floats, bottom_Q: Floats, ends: Limits) -> Limits:
    """Wilson's score interval of as many outcomes as the standard error says there are."""
    value, error = _ratio(top_Q, bottom_Q)
    low, span = ends[0], ends[1] - ends[0]
    share, z = float(np.clip((value - low) / span, 0, 1)), 1.959964
    n = min(float(bottom_Q.sum()), share * (1 - share) / (error / span) ** 2) if error else float(len(top_Q))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(low + span * (centre - half)), float(low + span * (centre + half))


def _jeffreys(top_Q: Floats, bottom_Q: Floats, ends: Limits, weight_RQ: Floats, rng: np.random.Generator) -> Limits:
    """Bayesian bootstrap with half a made-up row at each end, spread for few questions: that of releases before."""
    n, made_R2 = len(top_Q), rng.standard_gamma(0.5, (_R, 2))
    drawn_R = (weight_RQ @ top_Q + made_R2 @ np.array(ends)) / (weight_RQ @ bottom_Q + made_R2.sum(axis=1))
    wide_R = drawn_R.mean() + np.sqrt((n + 1) / (n - 1)) * (drawn_R - drawn_R.mean())
    return _tails(np.clip(wide_R, *ends))
