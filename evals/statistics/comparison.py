"""Two arms on the same questions and seeds: by how much one is better, and how sure that is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.domains import WorstSource, worst_source
from memento.evals.statistics.figure import points
from memento.evals.statistics.orders import MIN_ORDERS, has_enough_orders, is_ordered
from memento.evals.statistics.outcomes import Measure, Part, by_arm, part_of, reward_of
from memento.evals.statistics.power import Power, power_of
from memento.memory.stats import Floats, Interval, Unit, difference_ends, table_mean

SIGNIFICANT = 0.05


class Differences(NamedTuple):
    """Where both arms have a known outcome: one minus the other."""

    tasks: list[str]
    """Ids of the Q questions."""
    sources: list[str]
    value_QS: Floats
    """Shape (Q, S), a column per seed; nan where one of the two is not known."""
    n_pairs: int
    """Pairs of results with the same question and seed, both known."""
    n_unknown: int
    """Pairs that were dropped because an outcome is not known."""
    n_unpaired: int
    """Results whose question and seed the other arm does not have."""
    is_ordered: bool = True
    """Whether the order of tasks matters to one of the arms."""

    @property
    def value_Q(self) -> Floats:  # noqa: N802  axis
        """Each question's mean over the seeds that know both."""
        means: Floats = np.nanmean(self.value_QS, axis=1) if self.value_QS.size else np.empty(0)
        return means


class Comparison(NamedTuple):
    """An arm against another, paired by question and seed."""

    arm: str
    control: str
    part: Part
    weighted: Interval
    """Mean difference, every question counting once."""
    macro: Interval
    """Mean over the sources of their mean differences."""
    share_below_0: float
    """Of the resampled weighted differences."""
    p: float
    """Two-sided, of the weighted difference: twice the smaller tail of the resamples, or, where it is larger, that of
    Student's t over orders; nan with fewer than `MIN_ORDERS` orders where an arm has a memory."""
    p_holm: float
    """The same after Holm's correction for all arms that were compared with this control."""
    n_comparisons: int
    """That the correction is for."""
    n_questions: int
    n_pairs: int
    n_unknown: int
    """Pairs that were dropped because an outcome is not known."""
    n_unpaired: int
    n_orders: int
    """Effective number of orders that were paired: one with few results counts less."""
    unit: Unit
    """What the intervals resample."""
    has_verdict: bool
    """Whether there are enough orders to tell better from worse."""
    worst: WorstSource | None
    """The source in which the arm does worst; None when nothing was paired."""
    power: Power
    verdict: str

    @property
    def is_shown(self) -> bool:
        """Whether a difference is significant after the Holm correction for several comparisons."""
        return self.has_verdict and self.weighted.excludes_zero and self.p_holm < SIGNIFICANT

    def __str__(self) -> str:
        return f"{self.arm} against {self.control}: {self.verdict}"


def differences(
    results: Sequence[TaskResult], control: Sequence[TaskResult], *, measure: Measure = reward_of
) -> Differences:
    """Pair the results of two arms."""
    values = {(one.task_id, one.seed): measure(one) for one in control}
    mine = {(one.task_id, one.seed): measure(one) for one in results}
    shared = [key for key in mine if key in values]
    source = {one.task_id: one.source for one in results}
    found = dict[tuple[str, int], float]()
    for key in shared:
        first, second = mine[key], values[key]
        if first is not None and second is not None:
            found[key] = first - second
    tasks, seeds = sorted({task for task, _ in found}), sorted({order for _, order in found})
    row, column = ({name: place for place, name in enumerate(names)} for names in (tasks, seeds))
    value_QS = np.full((len(tasks), len(seeds)), np.nan)
    for (task, order), value in found.items():
        value_QS[row[task], column[order]] = value
    return Differences(
        tasks,
        [source[task] for task in tasks],
        value_QS,
        len(found),
        len(shared) - len(found),
        len(mine) + len(values) - 2 * len(shared),
        any(is_ordered(arm) for arm in {one.arm for rows in (results, control) for one in rows}),
    )


def compare(
    results: Sequence[TaskResult],
    control: Sequence[TaskResult],
    *,
    part: Part = "first",
    measure: Measure = reward_of,
    names: tuple[str, str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two arms, of one run or of two.

    Args:
        results: of one arm.
        control: of the other.
        part: which part of the streams is compared.
        measure: what is compared.
        names: of the two; their arms' by default.
        seed: of the resamples.
    """
    paired = differences(part_of(results, part), part_of(control, part), measure=measure)
    return judged(paired, names=names or (_arm(results), _arm(control)), part=part, seed=seed)


def judged(paired: Differences, *, names: tuple[str, str], part: Part = "first", seed: int = 0) -> Comparison:
    """What paired differences show.

    Args:
        paired: of two arms.
        names: of the two.
        part: of the streams that they come from.
        seed: of the resamples.
    """
    value_QS, matters = paired.value_QS, paired.is_ordered
    ends = difference_ends(paired.value_Q)
    weighted, macro = (
        table_mean(value_QS, is_ordered=matters, sources=sources, ends=ends, bounds=(-1.0, 1.0), seed=seed)
        for sources in (None, paired.sources)
    )
    has_verdict = has_enough_orders(weighted.unit, weighted.n_orders)
    p = weighted.p if has_verdict else float("nan")
    draws = weighted.draws
    return Comparison(
        arm=names[0],
        control=names[1],
        part=part,
        weighted=weighted.interval,
        macro=macro.interval,
        share_below_0=float(np.mean([draws.low < 0, draws.high < 0])) if paired.n_pairs else float("nan"),
        p=p,
        p_holm=p,
        n_comparisons=1,
        n_questions=len(value_QS),
        n_pairs=paired.n_pairs,
        n_unknown=paired.n_unknown,
        n_unpaired=paired.n_unpaired,
        n_orders=weighted.n_orders,
        unit=weighted.unit,
        has_verdict=has_verdict,
        worst=worst_source(value_QS, paired.sources, is_ordered=matters, ends=ends, seed=seed),
        power=power_of(value_QS, is_ordered=matters),
        verdict=verdict(weighted.interval, p, 1, unit=weighted.unit, n_orders=weighted.n_orders),
    )


def compare_arms(
    results: Sequence[TaskResult], control: str, *, part: Part = "first", measure: Measure = reward_of, seed: int = 0
) -> list[Comparison]:
    """Every other arm against the control, with Holm's correction over them (Holm, 1979, Scand. J. Statistics 6)."""
    arms = by_arm(part_of(results, part))
    base = arms.pop(control, [])
    found = [
        compare(rows, base, part=part, measure=measure, names=(arm, control), seed=seed) for arm, rows in arms.items()
    ]
    corrected = holm([one.p for one in found])
    return [
        one._replace(
            p_holm=p,
            n_comparisons=len(found),
            verdict=verdict(one.weighted, p, len(found), unit=one.unit, n_orders=one.n_orders),
        )
        for one, p in zip(found, corrected, strict=True)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected so that any false alarm among them has at most the nominal rate; nan stays, and counts not."""
    order = [int(place) for place in np.argsort(p_values, kind="stable") if not np.isnan(p_values[place])]
    corrected, highest = [float("nan")] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def verdict(found: Interval, p_holm: float, n_comparisons: int, *, unit: Unit = "questions", n_orders: int = 1) -> str:
    """What the difference says in words.

    Args:
        found: the difference.
        p_holm: its corrected p value.
        n_comparisons: that the correction is for.
        unit: what the interval resamples.
        n_orders: that there are of the tasks.
    """
    if np.isnan(found.value):
        return "nothing to compare: no question has a known outcome in both"
    if not has_enough_orders(unit, n_orders):
        over = "in this order alone" if n_orders < 2 else f"over {n_orders} orders"
        return f"too few orders to tell: {points(found)} {over}; a verdict needs {MIN_ORDERS} orders of the tasks"
    if not found.excludes_zero:
        return f"no difference shown: {points(found)}"
    size = points(Interval(abs(found.value), *sorted((abs(found.low), abs(found.high))))).lstrip("+")
    text = f"{'better' if found.value > 0 else 'worse'} by {size}"
    if n_comparisons > 1 and p_holm >= SIGNIFICANT:
        text += f"; not shown after Holm's correction for {n_comparisons} comparisons (p = {p_holm:.3f})"
    return text


def _arm(results: Sequence[TaskResult]) -> str:
    return results[0].arm if results else "(no results)"
