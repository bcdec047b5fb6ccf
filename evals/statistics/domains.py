"""The worst source of a comparison: is an arm anywhere worse than the control?

The claim "not worse than no memory" is one about every source at once, so it is judged by the worst one. Its interval
is one of the smallest of the sources' true differences:

    lower limit   the smallest of the sources' lower limits, without a correction: the claim that all are above it is
                  wrong only if that of the truly worst is (intersection-union test, Berger, 1982, Technometrics 24)
    upper limit   the smallest of their upper limits, each of which is moved out for the number of sources (Bonferroni):
                  "worse in some source" is a claim that any of them could have made by chance
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.evals.statistics.figure import points
from memento.evals.statistics.orders import MIN_ORDERS, has_enough_orders
from memento.memory.stats import Floats, Interval, IntervalUnit, TableEstimate, t_quantile, table_mean, unit_of
from memento.memory.stats.interval import TAIL

MIN_QUESTIONS = 10
"""Sources with fewer are taken together as one: each alone would only say that little is known."""
_SMALL = f"sources of fewer than {MIN_QUESTIONS} questions"


class WorstSource(NamedTuple):
    """The source in which an arm does worst against the control."""

    source: str
    """Its name; of several small ones taken together, what they are."""
    difference: Interval
    """Its difference, inside the interval of the smallest difference of all sources."""
    n_sources: int
    n_questions: int
    """Of this source, paired."""
    n_orders: int
    unit: IntervalUnit
    verdict: str

    @property
    def named(self) -> str:
        """Its name, or that there is no other."""
        return self.source if self.n_sources > 1 or self.source.endswith(_SMALL) else "the only source"

    def __str__(self) -> str:
        return f"{points(self.difference)} ({self.named}); {self.verdict}"


class _Domain(NamedTuple):
    name: str
    n_questions: int
    found: TableEstimate


def worst_source(
    value_QS: Floats, sources: Sequence[str], *, is_ordered: bool, ends: tuple[float, float], seed: int = 0
) -> WorstSource | None:
    """The worst source of paired differences; None without any.

    Args:
        value_QS: of each question and order, shape (Q, S); nan where it is not known.
        sources: of each question.
        is_ordered: whether the order of tasks matters to an arm.
        ends: of the differences' scale, see `difference_ends`.
        seed: of the resamples.
    """
    domains = []
    for name, is_in_Q in _groups(sources):
        found = table_mean(value_QS[is_in_Q], is_ordered=is_ordered, ends=ends, bounds=(-1.0, 1.0), seed=seed)
        if not np.isnan(found.interval.value):
            domains.append(_Domain(name, int(is_in_Q.sum()), found))
    if not domains:
        return None
    worst = min(domains, key=lambda one: one.found.interval.value)
    low = min(one.found.interval.low for one in domains)
    high = max(worst.found.interval.value, min(_high(one.found, len(domains)) for one in domains))
    n_orders = min(one.found.n_orders for one in domains)
    unit = unit_of(n_orders, is_ordered=is_ordered)
    interval = Interval(worst.found.interval.value, low, high)
    said = _verdict(interval, unit, n_orders, len(domains))
    return WorstSource(worst.name, interval, len(domains), worst.n_questions, n_orders, unit, said)


def _groups(sources: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    source_Q = np.asarray(sources, dtype=np.str_)
    names, n_each = np.unique(source_Q, return_counts=True)
    small = names[n_each < MIN_QUESTIONS]
    groups = [(str(name) or "(none)", source_Q == name) for name in names if name not in small]
    if len(small) == 1:
        groups.append((str(small[0]) or "(none)", source_Q == small[0]))
    elif len(small):
        groups.append((f"{len(small)} {_SMALL}", np.isin(source_Q, small)))
    return groups


def _high(found: TableEstimate, n_domains: int) -> float:
    value, _, high = found.interval
    if found.unit == "orders and questions":
        scale = t_quantile(found.n_orders - 1, TAIL / n_domains) / t_quantile(found.n_orders - 1)
    else:
        scale = NormalDist().inv_cdf(1 - TAIL / n_domains) / NormalDist().inv_cdf(1 - TAIL)
    return min(1.0, value + scale * (high - value))


def _verdict(found: Interval, unit: IntervalUnit, n_orders: int, n_sources: int) -> str:
    if not has_enough_orders(unit, n_orders):
        return f"too few orders to tell: {n_orders} of at least {MIN_ORDERS}"
    if found.high < 0:
        return "worse than the control" + (" in at least one source" if n_sources > 1 else "")
    everywhere = " in every source" if n_sources > 1 else ""
    if found.low > 0:
        return f"better than the control{everywhere}"
    return f"no loss shown; one of more than {-100 * found.low:.1f} points is excluded{everywhere}"
