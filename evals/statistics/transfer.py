"""What memory does where it was not learned, and what it breaks: transfer, and negative transfer."""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare_arms
from memento.evals.statistics.figure import Figure, figure
from memento.evals.statistics.orders import is_ordered
from memento.evals.statistics.outcomes import PART_LABELS, Part, by_arm, outcomes, part_of, reward_of
from memento.evals.statistics.summary import Accuracy, accuracy
from memento.memory.case import POSITIVE_FROM
from memento.memory.stats import Floats, table_ratios


class Transfer(NamedTuple):
    """Held-out sources, worked on with the bank that the other sources have left."""

    accuracies: dict[str, Accuracy]
    """By arm."""
    comparisons: list[Comparison]
    """Every arm against the control, on the held-out sources."""


class NegativeTransfer(NamedTuple):
    """What an arm loses and gains, task by task and seed by seed, against the control."""

    arm: str
    control: str
    part: Part
    lost: Figure
    """Negative transfer: solved by the control, failed by the arm; share of all pairs."""
    gained: Figure
    """The opposite."""
    lost_of_solved: Figure
    """Of what the control solved."""
    gained_of_failed: Figure
    """Of what the control failed."""
    noise_floor: Figure | None
    """Solved by one seed of the control and failed by another: what `lost` is without any memory, by chance alone."""


def transfer(results: Sequence[TaskResult], control: str, *, seed: int = 0) -> Transfer | None:
    """Accuracy on held-out sources; None when the run has none.

    Args:
        results: of a run.
        control: the arm that others are compared with.
        seed: of the resamples.
    """
    tests = part_of(results, "test")
    if not tests:
        return None
    accuracies = {
        arm: accuracy(rows, "accuracy", reward_of, part="test", seed=seed) for arm, rows in by_arm(tests).items()
    }
    return Transfer(accuracies, compare_arms(results, control, part="test", seed=seed))


def negative_transfer(
    results: Sequence[TaskResult], control: str, *, part: Part = "first", seed: int = 0
) -> list[NegativeTransfer]:
    """What every other arm loses and gains; empty without a control.

    Args:
        results: of a run.
        control: the arm without memory.
        part: of the streams.
        seed: of the resamples.
    """
    arms = by_arm(part_of(results, part))
    base = arms.pop(control, None)
    if base is None:
        return []
    floor = _noise_floor(base, part, seed)
    return [_of_arm(arm, control, rows, base, floor, part, seed) for arm, rows in arms.items()]


def _of_arm(
    arm: str,
    control: str,
    results: Sequence[TaskResult],
    base: Sequence[TaskResult],
    floor: Figure | None,
    part: Part,
    seed: int,
) -> NegativeTransfer:
    before = {(one.task_id, one.seed): one.reward for one in base}
    row = {task: place for place, task in enumerate(sorted({one.task_id for one in results}))}
    column = {order: place for place, order in enumerate(sorted({one.seed for one in results}))}
    counts = np.zeros((len(row), len(column), 4))  # solved by both, by the control only, by the arm only, by neither
    for one in results:
        earlier = before.get((one.task_id, one.seed))
        if earlier is not None and one.reward is not None:
            kind = 2 * (earlier < POSITIVE_FROM) + (one.reward < POSITIVE_FROM)
            counts[row[one.task_id], column[one.seed], kind] += 1
    both, lost, gained, neither = np.moveaxis(counts, 2, 0)
    pairs = counts.sum(axis=2)
    top = np.stack([lost, gained, lost, gained], axis=2)
    bottom = np.stack([pairs, pairs, both + lost, gained + neither], axis=2)
    labels = (
        f"lost (negative transfer): solved by {control}, failed by {arm}; of all pairs",
        f"gained: failed by {control}, solved by {arm}; of all pairs",
        f"lost, of what {control} solved",
        f"gained, of what {control} failed",
    )
    found = _figures(labels, top, bottom, part, seed, is_ordered=is_ordered(arm) or is_ordered(control))
    return NegativeTransfer(arm, control, part, found[0], found[1], found[2], found[3], floor)


def _noise_floor(base: Sequence[TaskResult], part: Part, seed: int) -> Figure | None:
    value_QS = outcomes(base).value_QS
    if value_QS.shape[1] < 2:
        return None
    top, bottom = np.zeros((len(value_QS), 1, 1)), np.zeros((len(value_QS), 1, 1))  # pairs of orders are no orders
    for one, other in permutations(value_QS.T, 2):
        is_known = ~(np.isnan(one) | np.isnan(other))
        top[:, 0, 0] += is_known & (one >= POSITIVE_FROM) & (other < POSITIVE_FROM)
        bottom[:, 0, 0] += is_known
    label = f"noise floor: solved by one seed of {base[0].arm}, failed by another; of all pairs of seeds"
    return _figures((label,), top, bottom, part, seed, is_ordered=is_ordered(base[0].arm))[0]


def _figures(
    labels: Sequence[str], top_QSB: Floats, bottom_QSB: Floats, part: Part, seed: int, *, is_ordered: bool
) -> list[Figure]:
    estimates = table_ratios(top_QSB, bottom_QSB, is_ordered=is_ordered, seed=seed)
    n_BQ = bottom_QSB.sum(axis=1).T
    return [
        figure(f"{label}, {PART_LABELS[part]}", found, n_questions=int((n > 0).sum()), n_results=int(n.sum()))
        for label, found, n in zip(labels, estimates, n_BQ, strict=True)
    ]
