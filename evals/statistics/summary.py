"""A run in figures: every arm's accuracy, always labelled, what it cost, and each arm against a control."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare_arms
from memento.evals.statistics.figure import Figure, figure
from memento.evals.statistics.outcomes import (
    PART_LABELS,
    Measure,
    Outcomes,
    Part,
    by_arm,
    exact_of,
    f1_of,
    outcomes,
    part_of,
    reward_of,
)
from memento.evals.statistics.spending import Spending, spending


class Accuracy(NamedTuple):
    """One measure, averaged both ways."""

    weighted: Figure
    """Mean over questions: sources count by their size."""
    macro: Figure
    """Mean over sources of their means: sources count alike."""


class ArmSummary(NamedTuple):
    """One arm in one part of its streams, all seeds together."""

    arm: str
    part: Part
    reward: Accuracy
    """What the run's scorer gave: the accuracy."""
    exact: Accuracy
    f1: Accuracy
    if_unknown_wrong: Figure
    """Weighted accuracy if all that is unknown were wrong: the least it can be."""
    if_unknown_right: Figure
    """And the most."""
    n_results: int
    n_unknown: int
    """Results without a reward: abstained, failed for no fault of the answer; never counted as wrong."""
    n_degraded: int
    """Results of runs whose memory could not be read."""
    n_questions: int
    n_sources: int
    accuracy_by_seed: dict[int, float]
    """Weighted."""
    seed_sd: float
    """Standard deviation of these; nan with one seed: what the order of a stream does to its memory, and chance."""
    spending: Spending
    """Of the whole arm, not only this part."""


class RunSummary(NamedTuple):
    """A run in figures."""

    dataset: str
    subject: str
    scorer: str
    feedback: str
    part: Part
    part_label: str
    seeds: list[int]
    arms: list[ArmSummary]
    control: str | None
    """What the other arms are compared with."""
    comparisons: list[Comparison]


def summarize(
    plan: RunPlan, results: Sequence[TaskResult], *, part: Part = "first", control: str | None = None, seed: int = 0
) -> RunSummary:
    """The figures of a run, finished or not.

    Args:
        plan: of the run.
        results: so far; those of an arm that has none are left out.
        part: which part of the streams.
        control: arm that others are compared with; the one without memory, or else the first, by default.
        seed: of the resamples.
    """
    arms = by_arm(results)
    names = [arm.name for arm in plan.arms if arm.name in arms]
    base = control or control_of(plan)
    return RunSummary(
        dataset=plan.dataset,
        subject=plan.subject,
        scorer=plan.scorer,
        feedback=plan.feedback,
        part=part,
        part_label=PART_LABELS[part],
        seeds=plan.seeds,
        arms=[summarize_arm(arms[name], part=part, seed=seed) for name in names],
        control=base,
        comparisons=compare_arms(results, base, part=part, seed=seed) if base in arms and len(arms) > 1 else [],
    )


def control_of(plan: RunPlan) -> str:
    """The arm that others are compared with: the first without memory, or else the first."""
    return next((arm.name for arm in plan.arms if arm.policy == "none"), plan.arms[0].name)


def summarize_arm(results: Sequence[TaskResult], *, part: Part = "first", seed: int = 0) -> ArmSummary:
    """The figures of one arm."""
    rows = part_of(results, part)
    known = outcomes(rows)
    by_seed = {
        one: float(np.nanmean(column))
        for one, column in zip(known.seeds, known.value_QS.T, strict=True)
        if not np.isnan(column).all()
    }
    return ArmSummary(
        arm=results[0].arm if results else "",
        part=part,
        reward=accuracy(rows, "accuracy", reward_of, part=part, seed=seed),
        exact=accuracy(rows, "exact match", exact_of, part=part, seed=seed),
        f1=accuracy(rows, "token F1", f1_of, part=part, seed=seed),
        if_unknown_wrong=_bound(rows, 0.0, part=part, seed=seed),
        if_unknown_right=_bound(rows, 1.0, part=part, seed=seed),
        n_results=len(rows),
        n_unknown=sum(row.reward is None for row in rows),
        n_degraded=sum(row.is_degraded for row in rows),
        n_questions=len(known.tasks),
        n_sources=len(set(known.sources)),
        accuracy_by_seed=by_seed,
        seed_sd=float(np.std(list(by_seed.values()), ddof=1)) if len(by_seed) > 1 else float("nan"),
        spending=spending(results, seed=seed),
    )


def accuracy(
    results: Sequence[TaskResult], name: str, measure: Measure, *, part: Part = "first", seed: int = 0
) -> Accuracy:
    """A measure averaged both ways.

    Args:
        results: of one arm and part.
        name: of the measure.
        measure: what is averaged; what it does not know is left out.
        part: for the label.
        seed: of the resamples.
    """
    found = outcomes(results, measure)
    n_sources = len({source for source, value in zip(found.sources, found.means, strict=True) if not np.isnan(value)})
    weighted, macro = found.mean(seed=seed), found.mean(is_macro=True, seed=seed)
    counts = {"n_questions": found.n_questions, "n_results": found.n_known}
    where = PART_LABELS[part]
    return Accuracy(
        figure(f"{name}, {where}, weighted (by question)", weighted, **counts),
        figure(f"{name}, {where}, macro (mean of {n_sources} source means)", macro, **counts),
    )


def _bound(results: Sequence[TaskResult], reward: float, *, part: Part, seed: int) -> Figure:
    found: Outcomes = outcomes(results, lambda result: reward if result.reward is None else result.reward)
    word = "right" if reward else "wrong"
    label = f"accuracy if every unknown were {word}, {PART_LABELS[part]}, weighted (by question)"
    return figure(label, found.mean(seed=seed), n_questions=found.n_questions, n_results=found.n_known)
