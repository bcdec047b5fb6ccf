"""Two arms on the same questions and seeds: by how much one is better, and how sure that is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.figure import points
from memento.evals.statistics.outcomes import Measure, Part, by_arm, part_of, reward_of
from memento.evals.statistics.power import Power, power_of
from memento.memory.stats import (
    Draws,
    Floats,
    Interval,
    difference_ends,
    interval,
    macro_draws,
    macro_mean,
    mean_draws,
)

SIGNIFICANT = 0.05


class Differences(NamedTuple):
    """Where both arms have a known outcome: one minus the other."""

    tasks: list[str]
    """Ids of the Q questions."""
    sources: list[str]
    value_Q: Floats
    """Each question's mean over the seeds that know both."""
    n_pairs: int
    """Pairs of results with the same question and seed, both known."""
    n_unknown: int
    """Pairs that were dropped because an outcome is not known."""
    n_unpaired: int
    """Results whose question and seed the other arm does not have."""


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
    """Two-sided, of the weighted difference: twice the smaller tail of the resamples."""
    p_holm: float
    """The same after Holm's correction for all arms that were compared with this control."""
    n_comparisons: int
    """That the correction is for."""
    n_questions: int
    n_pairs: int
    n_unknown: int
    """Pairs that were dropped because an outcome is not known."""
    n_unpaired: int
    power: Power
    verdict: str

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
    found: dict[str, list[float]] = {}
    for key in shared:
        first, second = mine[key], values[key]
        if first is not None and second is not None:
            found.setdefault(key[0], []).append(first - second)
    tasks = sorted(found)
    n_pairs = sum(map(len, found.values()))
    return Differences(
        tasks,
        [source[task] for task in tasks],
        np.array([np.mean(found[task]) for task in tasks], np.float64),
        n_pairs,
        len(shared) - n_pairs,
        len(mine) + len(values) - 2 * len(shared),
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
    value_Q = paired.value_Q
    draws = by_source = Draws(np.full(1, np.nan), np.full(1, np.nan))
    if len(value_Q):
        ends = difference_ends(value_Q)
        draws = mean_draws(value_Q, ends=ends, seed=seed)
        by_source = macro_draws(value_Q, paired.sources, ends=ends, seed=seed)
    weighted = interval(float(value_Q.mean()) if len(value_Q) else float("nan"), draws)
    p = draws.two_sided_p()
    return Comparison(
        arm=names[0],
        control=names[1],
        part=part,
        weighted=weighted,
        macro=interval(macro_mean(value_Q, paired.sources), by_source),
        share_below_0=float(np.mean([draws.low < 0, draws.high < 0])) if len(value_Q) else float("nan"),
        p=p,
        p_holm=p,
        n_comparisons=1,
        n_questions=len(value_Q),
        n_pairs=paired.n_pairs,
        n_unknown=paired.n_unknown,
        n_unpaired=paired.n_unpaired,
        power=power_of(value_Q),
        verdict=verdict(weighted, p, 1),
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
        one._replace(p_holm=p, n_comparisons=len(found), verdict=verdict(one.weighted, p, len(found)))
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


def verdict(found: Interval, p_holm: float, n_comparisons: int) -> str:
    """What the difference says in words."""
    if np.isnan(found.value):
        return "nothing to compare: no question has a known outcome in both"
    if not found.excludes_zero:
        return f"no difference shown: {points(found)}"
    size = points(Interval(abs(found.value), *sorted((abs(found.low), abs(found.high))))).lstrip("+")
    text = f"{'better' if found.value > 0 else 'worse'} by {size}"
    if n_comparisons > 1 and p_holm >= SIGNIFICANT:
        text += f"; not shown after Holm's correction for {n_comparisons} comparisons (p = {p_holm:.3f})"
    return text


def _arm(results: Sequence[TaskResult]) -> str:
    return results[0].arm if results else "(no results)"
