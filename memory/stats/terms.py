"""Intervals of means of terms of very unequal weight: Student's t over groups. Axes: N rows, G groups."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from memento.memory.stats.interval import TAIL, Interval

Floats = NDArray[np.float64]
"""An array of floating-point numbers."""


def mean_of_terms(
    term_N: Floats, group_N: NDArray[np.int64], *, effective: float, least_error: float = 0.0
) -> Interval:
    """The mean of terms of very unequal weight, by Student's t over groups.

    Args:
        term_N: terms whose mean is the figure: influence of each row.
        group_N: number of each row's group, from 0; rows of one group may depend on each other in any way.
        effective: effective number of groups, see `effective_size`.
        least_error: below it the standard error is not believed: alike outcomes are no certainty.
    """
    value = float(term_N.mean())
    error, freedom = error_of_terms(term_N, group_N, effective=effective, least_error=least_error)
    half = student_t(freedom) * error
    return Interval(value, value - half, value + half)


def error_of_terms(
    term_N: Floats, group_N: NDArray[np.int64], *, effective: float, least_error: float = 0.0
) -> tuple[float, float]:
    """Standard error and degrees of freedom of the mean of terms; arguments as in `mean_of_terms`."""
    value, error = float(term_N.mean()), standard_error(term_N, group_N)
    carriers = effective_size((term_N - value) ** 2, group_N) if error > least_error else effective
    return max(error, least_error), min(effective, carriers) - 1


def effective_size(weight_N: Floats, group_N: NDArray[np.int64]) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2, of the weights summed by group; 0 without any weight."""
    weight_G = np.bincount(group_N, weight_N)
    squares = float((weight_G**2).sum())
    return float(weight_G.sum()) ** 2 / squares if squares else 0.0


def standard_error(term_N: Floats, group_N: NDArray[np.int64]) -> float:
    """Standard error of the mean of the terms, robust to any dependence within a group."""
    sum_G = np.bincount(group_N, term_N - term_N.mean())
    n_groups = len(np.unique(group_N))
    return float(np.sqrt((sum_G**2).sum() * n_groups / max(1, n_groups - 1)) / len(term_N))


def student_t(freedom: float, *, tail: float = TAIL) -> float:
    """Student's t, by its expansion around the normal: for a 95 % interval 2e-3 off at 5 degrees of freedom."""
    v, z = max(1.0, freedom), NormalDist().inv_cdf(1 - tail)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
