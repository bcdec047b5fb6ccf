"""Later meetings with a task: accuracy by iteration, pass@k, and what was forgotten or recovered.

None of it is prequential accuracy: a stream has seen the outcome of these very tasks before.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.evals.runs.result import TaskResult, is_first_encounter
from memento.evals.statistics.figure import Figure, figure
from memento.evals.statistics.orders import is_ordered
from memento.evals.statistics.outcomes import by_arm, outcomes
from memento.memory.case import POSITIVE_FROM
from memento.memory.stats import Floats, table_mean, table_ratios

_WEIGHTED = "weighted (by question)"


class Change(NamedTuple):
    """How a later iteration differs from the first encounter, task by task and seed by seed."""

    iteration: int
    forgotten: Figure
    """Of what was solved at first, failed now."""
    recovered: Figure
    """Of what was failed at first, solved now."""


class Retries(NamedTuple):
    """One arm over iterations and seeds."""

    arm: str
    by_iteration: list[Figure]
    """Weighted accuracy of each iteration; the first is the prequential one."""
    pass_over_iterations: list[Figure]
    """Solved in any of the first k iterations of a stream, from k = 1 on."""
    pass_over_seeds: list[Figure]
    """Solved at the first encounter by any of k seeds, from k = 1 on."""
    changes: list[Change]
    """Of every later iteration."""


def retries(results: Sequence[TaskResult], *, seed: int = 0) -> list[Retries]:
    """The figures of every arm. With one iteration and one seed only the first of each list is there.

    Args:
        results: of a run; tests with a frozen bank are left out.
        seed: of the resamples.
    """
    arms = by_arm(result for result in results if result.phase == "learn")
    return [_of_arm(arm, rows, seed) for arm, rows in arms.items()]


def pass_at_k(n_right: NDArray[np.int64], n: NDArray[np.int64], k: int) -> Floats:
    """Probability that one of k attempts, drawn without replacement from n, is right.

    1 - C(n - c, k) / C(n, k), the unbiased estimate (Chen et al., 2021, "Evaluating Large Language Models Trained on
    Code", arXiv:2107.03374, eq. 1); nan where there are fewer than k attempts.
    """
    wrong = (n - n_right)[:, None] - np.arange(k)
    left = np.maximum(n[:, None] - np.arange(k), 1)
    return np.where(n >= k, 1 - np.prod(np.maximum(wrong, 0) / left, axis=1), np.nan)


def _of_arm(arm: str, results: Sequence[TaskResult], seed: int) -> Retries:
    """Axes: Q questions, S seeds, T iterations."""
    n_iterations = max(result.iteration for result in results)
    all_seeds = outcomes(results, lambda _: None)  # the same questions and seeds in every iteration
    row = {task: place for place, task in enumerate(all_seeds.tasks)}
    column = {one: place for place, one in enumerate(all_seeds.seeds)}
    value_QST = np.full((len(row), len(column), n_iterations), np.nan)
    for result in results:
        if result.reward is not None:
            value_QST[row[result.task_id], column[result.seed], result.iteration - 1] = result.reward
    first = [result for result in results if is_first_encounter(result)]
    matters = is_ordered(arm)
    turns = range(n_iterations)
    solved = [_any_QS(value_QST[:, :, : t + 1]) for t in turns]
    return Retries(
        arm,
        [
            _mean(f"accuracy, iteration {t + 1}, {_WEIGHTED}", value_QST[:, :, t], seed, is_ordered=matters)
            for t in turns
        ],
        [
            _mean(
                f"pass@{t + 1}, first {t + 1} iterations of a stream, {_WEIGHTED}", solved[t], seed, is_ordered=matters
            )
            for t in turns
        ],
        _over_seeds(first, seed),
        [_change(value_QST[:, :, 0], value_QST[:, :, t], t + 1, seed, is_ordered=matters) for t in turns[1:]],
    )


def _any_QS(value_QST: Floats) -> Floats:  # noqa: N802  axes
    """1 where any attempt is known to be right, 0 where all are known to be wrong, nan where that is not known."""
    is_right = (value_QST >= POSITIVE_FROM).any(axis=2)
    is_unknown = np.isnan(value_QST).any(axis=2)
    return np.where(is_right, 1.0, np.where(is_unknown, np.nan, 0.0))


def _over_seeds(results: Sequence[TaskResult], seed: int) -> list[Figure]:
    """Of more than one seed the intervals are of the orders that were run: all of them make up a question's figure."""
    found = outcomes(results)
    n = (~np.isnan(found.value_QS)).sum(axis=1)
    n_right = (found.value_QS >= POSITIVE_FROM).sum(axis=1)
    n_seeds, is_right_QS = len(found.seeds), np.where(np.isnan(found.value_QS), np.nan, found.value_QS >= POSITIVE_FROM)
    figures = []
    for k in range(1, n_seeds + 1):
        value_QS = is_right_QS if k == 1 else pass_at_k(n_right, n, k)[:, None]
        estimate = table_mean(value_QS, is_ordered=found.is_ordered, seed=seed)
        label = f"pass@{k}, any of {k} seeds, first encounter, {_WEIGHTED}"
        enough = n >= k
        estimate = estimate if k == 1 else estimate._replace(n_orders=n_seeds)
        figures.append(figure(label, estimate, n_questions=int(enough.sum()), n_results=int(n[enough].sum())))
    return figures


def _mean(label: str, value_QS: Floats, seed: int, *, is_ordered: bool) -> Figure:
    n = (~np.isnan(value_QS)).sum(axis=1)
    estimate = table_mean(value_QS, is_ordered=is_ordered, seed=seed)
    return figure(label, estimate, n_questions=int((n > 0).sum()), n_results=int(n.sum()))


def _change(first_QS: Floats, later_QS: Floats, iteration: int, seed: int, *, is_ordered: bool) -> Change:
    is_known = ~(np.isnan(first_QS) | np.isnan(later_QS))
    was_right, is_right = first_QS >= POSITIVE_FROM, later_QS >= POSITIVE_FROM
    at_risk_QSB = np.stack([is_known & was_right, is_known & ~was_right], axis=2)
    changed_QSB = at_risk_QSB & np.stack([~is_right, is_right], axis=2)
    labels = (
        f"forgotten: of tasks solved at the first encounter, failed in iteration {iteration}",
        f"recovered: of tasks failed at the first encounter, solved in iteration {iteration}",
    )
    rates = table_ratios(changed_QSB, at_risk_QSB, is_ordered=is_ordered, seed=seed)
    forgotten, recovered = (
        figure(label, rate, n_questions=int((n > 0).sum()), n_results=int(n.sum()))
        for label, rate, n in zip(labels, rates, at_risk_QSB.sum(axis=1).T, strict=True)
    )
    return Change(iteration, forgotten, recovered)
