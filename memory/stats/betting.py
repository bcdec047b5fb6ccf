"""Confidence sequence of a mean by betting: bounds that hold at every look, however often and whenever somebody looks.

A gambler bets against "the mean is at most m": before each term x he stakes a share of his wealth on x > m, and the
wealth is multiplied by 1 + share * (x - m). If the claim is true, he does not expect to gain, so his wealth ever
reaches 1 / alpha with a chance of at most alpha (Ville's inequality). All m whose wealth has reached it are rejected;
the largest is the lower bound. Shares of several sizes bet side by side, and the wealth is their mean (Waudby-Smith and
Ramdas, 2024, "Estimating means of bounded random variables by betting", JRSS B 86; a fixed mixture needs no tuning).

The bounds are those of all looks so far: what was rejected once stays rejected. Terms may have weights in [0, 1], which
must not depend on the coins: the mean is the weighted one.

Axes: N terms, S shares.
"""

import math

import numpy as np
from numpy.typing import NDArray

Terms = NDArray[np.float64]

LARGEST_TERM = 2.0
"""Terms lie in [-2, 2], and their mean in [-1, 1]: those of a difference of rewards, of which one is seen at random."""

_SHARES = np.array([0.02, 0.04, 0.08, 0.14, 0.22, 0.33])
"""Below 1 / 3, since a term may lie 3 below the mean that is bet against: the wealth never reaches 0."""
_BISECTIONS = 30


def lower_bound(term_N: Terms, weight_N: Terms, *, alpha: float) -> float:
    """Largest m in [-1, 1] such that a mean of at most m was rejected at some look; -1 where none was.

    Args:
        term_N: in [-2, 2], in the order of arrival.
        weight_N: in [0, 1].
        alpha: chance that the bound ever lies above the mean.
    """
    low, high = -1.0, 1.0
    if not is_rejected(term_N, weight_N, low, alpha=alpha):
        return low
    for _ in range(_BISECTIONS):  # the wealth falls as m grows
        middle = (low + high) / 2
        low, high = (middle, high) if is_rejected(term_N, weight_N, middle, alpha=alpha) else (low, middle)
    return low


def upper_bound(term_N: Terms, weight_N: Terms, *, alpha: float) -> float:
    """Smallest m in [-1, 1] such that a mean of at least m was rejected at some look; 1 where none was."""
    return -lower_bound(-term_N, weight_N, alpha=alpha)


def is_rejected(term_N: Terms, weight_N: Terms, mean: float, *, alpha: float) -> bool:
    """Whether a mean of at most this was rejected at some look."""
    if not len(term_N) or not alpha > 0:
        return False
    gain_SN = np.log1p(_SHARES[:, None] * (weight_N * (term_N - mean)))
    wealth_SN = np.cumsum(gain_SN, axis=1)
    top_N = wealth_SN.max(axis=0)
    wealth_N = top_N + np.log(np.exp(wealth_SN - top_N).mean(axis=0))
    return bool(wealth_N.max() >= -math.log(alpha))
