"""Learning curves: accuracy along the stream, at the first encounter with each task."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.orders import is_ordered
from memento.evals.statistics.outcomes import by_arm, part_of
from memento.memory.stats import Floats, Interval, Unit, table_ratios

N_POINTS = 40
_SHARE_OF_STREAM = 0.15
_SMALLEST_WINDOW = 10


class CurvePoint(NamedTuple):
    """Where an arm stands after some tasks."""

    position: int
    """Tasks of the stream so far."""
    moving: Interval
    """Accuracy over the last `window` tasks of every seed; nan while nothing of them is known."""
    cumulative: Interval
    """Accuracy over all tasks so far, of every seed."""
    n_results: int
    """Known results in the window."""


class LearningCurve(NamedTuple):
    """One arm along its streams. Intervals are pointwise."""

    arm: str
    window: int
    """In tasks of one stream; the first points have fewer."""
    points: list[CurvePoint]
    n_orders: int
    """Of the last point."""
    unit: Unit
    """What its interval resamples."""


def learning_curves(
    results: Sequence[TaskResult], *, window: int | None = None, n_points: int = N_POINTS, seed: int = 0
) -> list[LearningCurve]:
    """The curve of every arm, all on the same positions.

    Args:
        results: of a run; only first encounters count.
        window: tasks that a point looks back on; about 15 % of the stream, and 10 at least, by default.
        n_points: at most so many points, evenly spaced.
        seed: of the resamples.
    """
    rows = part_of(results, "first")
    length = max((row.position + 1 for row in rows), default=0)
    if not length:
        return []
    step = -(-length // n_points)
    wanted = window or max(_SMALLEST_WINDOW, round(_SHARE_OF_STREAM * length))
    n_back = max(1, round(wanted / step))
    return [_curve(arm, mine, length, step, n_back, seed) for arm, mine in by_arm(rows).items()]


def _curve(arm: str, results: Sequence[TaskResult], length: int, step: int, n_back: int, seed: int) -> LearningCurve:
    """Axes: Q questions, S orders, P points."""
    row = {task: place for place, task in enumerate(sorted({result.task_id for result in results}))}
    column = {order: place for place, order in enumerate(sorted({result.seed for result in results}))}
    n_points = -(-length // step)
    right_QSP, known_QSP = np.zeros((2, len(row), len(column), n_points))
    for result in results:
        if result.reward is not None:
            cell = row[result.task_id], column[result.seed], result.position // step
            right_QSP[cell] += result.reward
            known_QSP[cell] += 1
    window_QSP = _windows(known_QSP, n_back)
    estimates = table_ratios(
        np.concatenate([_windows(right_QSP, n_back), right_QSP.cumsum(axis=2)], axis=2),
        np.concatenate([window_QSP, known_QSP.cumsum(axis=2)], axis=2),
        is_ordered=is_ordered(arm),
        seed=seed,
    )
    figures = [one.interval for one in estimates]
    moving, cumulative = figures[:n_points], figures[n_points:]
    n_known = window_QSP.sum(axis=(0, 1))
    furthest = max(result.position for result in results) // step
    points = [
        CurvePoint(min((place + 1) * step, length), moving[place], cumulative[place], int(n_known[place]))
        for place in range(furthest + 1)
    ]
    last = estimates[n_points + furthest]
    return LearningCurve(arm, n_back * step, points, last.n_orders, last.unit)


def _windows(value_QSP: Floats, n_back: int) -> Floats:
    total = value_QSP.cumsum(axis=2)
    total[:, :, n_back:] -= total[:, :, :-n_back].copy()
    return total
