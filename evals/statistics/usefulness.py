"""Which cases went with success and which with failure, against the same questions without them.

No experiment was made on single cases: what is served together shares the credit, and a policy serves a case where it
thinks it fits. The figure says where to look, not what a case causes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult, is_first_encounter
from memento.evals.statistics.banks import Cases
from memento.evals.statistics.outcomes import by_arm, outcomes
from memento.memory.stats import Floats, Interval, difference_ends, table_mean

MIN_QUESTIONS = 5


class CaseUse(NamedTuple):
    """One case of one arm; the streams of several seeds have it in common when state and action are the same."""

    arm: str
    case_ids: list[str]
    """One per stream that served it."""
    state: str
    """What was asked; empty when the case could not be looked up."""
    action: str
    n_served: int
    n_questions: int
    """That it was served for and whose outcome is known in both arms."""
    reward: float
    """Mean when served, over questions."""
    control_reward: float
    """Mean of the same questions in the control arm."""
    difference: Interval
    shrunk: float
    """The difference, drawn to the mean of all cases of the arm as far as chance alone would spread them."""


def case_uses(
    results: Sequence[TaskResult],
    control: str,
    *,
    cases: Cases | None = None,
    min_questions: int = MIN_QUESTIONS,
    seed: int = 0,
) -> list[CaseUse]:
    """Cases that were served often enough to be judged, most useful first by `shrunk`; retries are left out.

    Args:
        results: of a run.
        control: the arm without memory.
        cases: of its banks by id, see `bank_cases`; without them seeds cannot be put together.
        min_questions: how many questions a case must have been served for.
        seed: of the resamples.
    """
    counted = [one for one in results if one.phase == "test" or is_first_encounter(one)]
    arms = by_arm(counted)
    base = outcomes(arms.pop(control, []))
    expected = {task: float(value) for task, value in zip(base.tasks, base.means, strict=True) if not np.isnan(value)}
    found: list[CaseUse] = []
    for arm, rows in arms.items():
        found += _of_arm(arm, rows, expected, cases or {}, min_questions, seed)
    return sorted(found, key=lambda use: -use.shrunk)


class _Served(NamedTuple):
    task: str
    seed: int
    reward: float
    expected: float


def _of_arm(
    arm: str,
    results: Iterable[TaskResult],
    expected: dict[str, float],
    cases: Cases,
    min_questions: int,
    seed: int,
) -> list[CaseUse]:
    served: dict[tuple[str, str], list[_Served]] = {}
    ids: dict[tuple[str, str], dict[str, int]] = {}
    for one in results:
        for view in one.cases:
            case = cases.get(view.id)
            key = (case.state, case.action) if case else ("", view.id)
            ids.setdefault(key, {})[view.id] = ids.get(key, {}).get(view.id, 0) + 1
            if one.reward is not None and one.task_id in expected:
                served.setdefault(key, []).append(_Served(one.task_id, one.seed, one.reward, expected[one.task_id]))
    means = {key: _by_question(rows) for key, rows in served.items()}
    enough = {key: mean for key, mean in means.items() if len(mean) >= min_questions}
    shrunk = shrink([mean[:, 0] - mean[:, 1] for mean in enough.values()])
    return [
        CaseUse(
            arm=arm,
            case_ids=sorted(ids[key]),
            state=key[0],
            action=key[1] if key[0] else "",
            n_served=sum(ids[key].values()),
            n_questions=len(mean),
            reward=float(mean[:, 0].mean()),
            control_reward=float(mean[:, 1].mean()),
            difference=_difference(served[key], seed),
            shrunk=value,
        )
        for (key, mean), value in zip(enough.items(), shrunk, strict=True)
    ]


def _difference(rows: Sequence[_Served], seed: int) -> Interval:
    """Mean over questions of reward minus expected reward; orders are drawn anew where several served the case."""
    row = {task: place for place, task in enumerate(sorted({one.task for one in rows}))}
    column = {order: place for place, order in enumerate(sorted({one.seed for one in rows}))}
    value_QS = np.full((len(row), len(column)), np.nan)
    for one in rows:
        value_QS[row[one.task], column[one.seed]] = one.reward - one.expected
    ends = difference_ends(np.nanmean(value_QS, axis=1))
    return table_mean(value_QS, is_ordered=True, ends=ends, bounds=(-1.0, 1.0), seed=seed).interval


def _by_question(rows: Sequence[_Served]) -> Floats:
    """Mean reward and expected reward of each question, shape (Q, 2)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault(row.task, []).append((row.reward, row.expected))
    return np.array([np.mean(found[task], axis=0) for task in sorted(found)])


def shrink(groups: Sequence[Floats]) -> list[float]:
    """Means of groups, each drawn to the mean of all by how unsure it is.

    Empirical Bayes (Efron and Morris, 1975, J. American Statistical Association 70): with the variance t2 between
    groups as DerSimonian and Laird (1986, Controlled Clinical Trials 7) estimate it, and v = s2 / n that of a mean,
    m + t2 / (t2 + v) * (mean - m). The variance s2 inside groups is pooled, for that of a few values says little.
    """
    if not groups:
        return []
    n, mean = np.array([len(group) for group in groups]), np.array([group.mean() for group in groups])
    spare = float((n - 1).sum())
    pooled = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / spare if spare else 0.0
    if not pooled > 0:
        return [float(value) for value in mean]
    weight = n / pooled
    centre = float(np.average(mean, weights=weight))
    excess = float((weight * (mean - centre) ** 2).sum()) - (len(groups) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, excess / scale) if scale > 0 else 0.0
    around = float(np.average(mean, weights=1 / (between + 1 / weight)))
    return [float(value) for value in around + between / (between + 1 / weight) * (mean - around)]
