"""Decisions from many figures at once, or from figures that are looked at again and again.

An interval of 95 % is wrong once in 20 times; whoever decides by a thousand of them, or by the same one every night, is
wrong for certain. Three corrections, each where its guarantee is the one that is needed:

    holm        several comparisons in one report: at most 1 report in 20 has any false verdict (Holm, 1979,
                Scandinavian Journal of Statistics 6), whatever depends on what
    e-BH        many cases, judged anew as outcomes arrive: of those chosen, at most a given share is expected to be
                chosen wrongly, at any time that somebody looks, whatever depends on what (Wang and Ramdas, 2022, "False
                discovery rate control with e-values", JRSS B 84)
    spending    a test repeated on growing data: the levels of all looks add up to the level of one

Axes: N figures.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.stats.interval import TAIL, Interval
from memento.memory.stats.terms import student_t

_BISECTIONS = 60
_PRIOR_SD = 1.0
"""Logits; the built-in priors of a case's effect are narrower."""
_LARGEST_LOG = 700.0
"""Logarithm above which evidence is not told apart; its exponential is still a float."""


def holm(p_N: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values, shape (N,): those at most .05 are told apart, with a chance of .05 of any mistake among all.

    Args:
        p_N: two-sided p-values; nan for a comparison that was not made, which stays nan and costs the others nothing.
    """
    p = np.asarray(p_N, np.float64)
    adjusted_N = np.full(len(p), np.nan)
    order = [int(index) for index in np.argsort(p, kind="stable") if not np.isnan(p[index])]
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, float(p[index]) * (len(order) - place)))
        adjusted_N[index] = largest
    return adjusted_N


def two_sided_p(value: float, error: float, freedom: float) -> float:
    """Two-sided p-value of a mean against 0 by Student's t, at least 1e-12; nan where the error is not above 0.

    Args:
        value: the mean.
        error: its standard error.
        freedom: degrees of freedom.
    """
    if not error > 0:
        return float("nan")
    ratio, low, high = abs(value) / error, 5e-13, 0.5
    for _ in range(_BISECTIONS):  # of the tail, on a logarithmic scale; t falls as the tail grows
        middle = (low * high) ** 0.5
        low, high = (middle, high) if student_t(freedom, tail=middle) > ratio else (low, middle)
    return min(1.0, 2 * high)


def harm_evidence(effect_N: ArrayLike, sd_N: ArrayLike) -> NDArray[np.float64]:
    """Evidence that each effect is below 0, from its normal posterior, shape (N,): an e-value.

    It is the Bayes factor of "below 0" (a half-normal prior) against "exactly 0", by Savage's and Dickey's density
    ratio: 2 (sd / prior sd) exp(z^2 / 2) P(effect < 0), with z = effect / sd. Under "exactly 0" a Bayes factor is a
    martingale of mean 1, so that it ever exceeds x with a chance of at most 1 / x (Ville, 1939). The prior's sd is
    taken as one logit, or more where the effects are larger: with a prior wider than the estimator's own the mean is
    less than 1, and the bound holds all the more.

    Args:
        effect_N: posterior means, in logits.
        sd_N: posterior standard deviations, above 0.
    """
    effect, sd = np.asarray(effect_N, np.float64), np.maximum(np.asarray(sd_N, np.float64), 1e-12)
    if not len(effect):
        return np.empty(0)
    prior_sd = max(_PRIOR_SD, float(np.sqrt(np.max(sd**2) + np.mean(effect**2))))
    z_N = effect / sd
    below_N = np.array([NormalDist().cdf(-float(z)) for z in z_N])
    log_N = np.log(2 * sd / prior_sd) + z_N**2 / 2 + np.log(np.maximum(below_N, 1e-300))
    evidence_N: NDArray[np.float64] = np.exp(np.minimum(log_N, _LARGEST_LOG))
    return evidence_N


def chosen_by_evidence(evidence_N: ArrayLike, *, share: float) -> NDArray[np.bool_]:
    """e-BH: which of N figures to act on, so that at most `share` of them is expected to be chosen wrongly.

    Args:
        evidence_N: e-values of all figures that were looked at, not only of promising ones.
        share: in (0, 1).
    """
    evidence = np.asarray(evidence_N, np.float64)
    descending = np.argsort(-evidence, kind="stable")
    n = len(evidence)
    enough = evidence[descending] * share * np.arange(1, n + 1) >= n
    chosen_N = np.zeros(n, np.bool_)
    chosen_N[descending[: int(np.flatnonzero(enough).max(initial=-1)) + 1]] = True
    return chosen_N


def tail_at_look(look: int) -> float:
    """Tail probability for the look-th judgement of one question, from 1: those of all looks add up to `TAIL`."""
    return TAIL / (look * (look + 1))


def widened(figure: Interval, *, tail: float) -> Interval:
    """A 95 % interval with a smaller tail beyond each limit: the limits go out as the normal distribution's do."""
    reach = NormalDist().inv_cdf(1 - tail) / NormalDist().inv_cdf(1 - TAIL)
    value, low, high = figure
    return Interval(value, value - reach * (value - low), value + reach * (high - value))
