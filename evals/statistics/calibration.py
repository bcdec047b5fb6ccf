"""Do stated probabilities come true? Asked only of numbers that are probabilities; of others, whether they rank right.

A score of `parametric`, `soft` and `kernel` is Q(s, c), the probability of success with this case. A cosine is none,
nor is the score of `advantage`: what a case adds to the log-odds of a success, on top of how hard the task is, which
no served case tells. An evaluator's confidence is in its own verdict, so it is held against another one.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.orders import is_ordered, unit_of
from memento.evals.statistics.outcomes import Part, by_arm, part_of
from memento.memory.case import POSITIVE_FROM
from memento.memory.offpolicy.metrics import auc, expected_calibration_error
from memento.memory.stats import UNDEFINED, Interval, Statistic, Unit, statistic_interval

N_BINS = 10
_SMALLEST = 20
_RESAMPLES = 300
_PROBABILITIES = frozenset({"parametric", "soft", "kernel"})
_SAME = 1e-6

Stated = Literal["score", "confidence"]

_LABELS: dict[Stated, str] = {
    "score": "mean score of the served cases, against the reward",
    "confidence": "evaluator's confidence, against exact match, which takes no other wording for right",
}


class Bin(NamedTuple):
    """Rows of about the same stated probability."""

    stated: float
    """Mean."""
    observed: float
    """How often it came true."""
    n: int


class Calibration(NamedTuple):
    """One arm."""

    arm: str
    stated: Stated
    label: str
    undefined: str | None
    """Why there are no bins and no calibration error; None when there are."""
    ece: Interval
    """Expected calibration error over bins of equally many rows (Naeini et al., 2015, AAAI). It is never below 0, so
    that a perfect forecast, too, has one above it: that of chance."""
    bins: list[Bin]
    ranking: Interval
    """Area under the ROC curve of the stated number: 0.5 when it says nothing, defined for any score."""
    n_rows: int
    n_questions: int
    n_orders: int
    unit: Unit
    """What the intervals resample."""


class _Row(NamedTuple):
    task: str
    seed: int
    stated: float
    outcome: float
    is_probability: bool


def calibrations(results: Sequence[TaskResult], *, part: Part = "first", seed: int = 0) -> list[Calibration]:
    """Of every arm, its scores and its evaluator's confidence; rows are results whose outcome is known.

    Args:
        results: of a run.
        part: of the streams.
        seed: of the resamples.
    """
    arms = by_arm(part_of(results, part))
    found = []
    for arm, rows in arms.items():
        found.append(_calibration(arm, "score", _scores(rows), seed))
        found.append(_calibration(arm, "confidence", _confidences(rows), seed))
    return found


def _scores(results: Sequence[TaskResult]) -> list[_Row]:
    """The mean score of what was served: each is an estimate of the same task's success."""
    rows = []
    for one in results:
        if one.reward is not None and one.cases:
            scores = np.array([case.score for case in one.cases])
            cosines = np.array([case.similarity for case in one.cases])
            is_learned = bool(np.any(np.abs(scores - cosines) > _SAME))  # a policy without evidence ranks by cosine
            is_probability = one.policy in _PROBABILITIES and is_learned
            rows.append(_Row(one.task_id, one.seed, float(scores.mean()), one.reward, is_probability))
    return rows


def _confidences(results: Sequence[TaskResult]) -> list[_Row]:
    """The probability of a right answer that verdict and confidence come to, beside exact match."""
    rows = []
    for one in results:
        if one.reward is not None and one.exact is not None and one.evaluator != "exact":
            stated = one.confidence if one.reward >= POSITIVE_FROM else 1 - one.confidence
            rows.append(_Row(one.task_id, one.seed, stated, one.exact, is_probability=True))
    return rows


def _calibration(arm: str, stated: Stated, rows: Sequence[_Row], seed: int) -> Calibration:
    probabilities = [row for row in rows if row.is_probability and 0 <= row.stated <= 1]
    undefined = _why_not(stated, rows, probabilities)
    used = rows if undefined else probabilities
    tasks = [row.task for row in used]
    stated_N, outcome_N = np.array([row.stated for row in used]), np.array([row.outcome for row in used])
    order_N = np.array([row.seed for row in used])
    n_orders, matters = len(set(order_N.tolist())), is_ordered(arm)

    def interval(statistic: Statistic) -> Interval:
        orders_N = order_N if matters else None
        found = statistic_interval(statistic, tasks, outcome_N, stated_N, orders_N=orders_N, n=_RESAMPLES, seed=seed)
        return Interval(found.value, max(0.0, found.low), min(1.0, found.high)) if not np.isnan(found.low) else found

    ranking = interval(auc) if len(used) >= _SMALLEST else UNDEFINED
    ece, bins = UNDEFINED, list[Bin]()
    if not undefined:
        ece = interval(expected_calibration_error)
        parts = np.array_split(np.argsort(stated_N, kind="stable"), N_BINS)
        bins = [Bin(float(stated_N[part].mean()), float(outcome_N[part].mean()), len(part)) for part in parts]
    unit = unit_of(n_orders, is_ordered=matters)
    counts = len(used), len(set(tasks)), n_orders
    return Calibration(arm, stated, _LABELS[stated], undefined, ece, bins, ranking, *counts, unit)


def _why_not(stated: Stated, rows: Sequence[_Row], probabilities: Sequence[_Row]) -> str | None:
    if not rows:
        return "no case was served" if stated == "score" else "nobody but exact match has scored"
    if not probabilities:
        return "the scores are no probabilities: they rank, and the ranking is all that can be judged"
    if len(probabilities) < _SMALLEST:
        return f"too few: {len(probabilities)} of at least {_SMALLEST} results"
    if stated == "confidence" and len({max(row.stated, 1 - row.stated) for row in rows}) == 1:
        return "the evaluator was always equally sure"
    return None
