"""Candidates that `advantage` suggests beside the nearest cases: its best cases, and directions to search.

What is far from the task must have earned its place: the lower bound of what it adds is above 0. Otherwise the luckiest
of a large bank would be served to everybody.
"""

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.coefficients import Coefficients, Placed, Shared, Task
from memento.memory.estimators.exposures import Exposures
from memento.memory.estimators.like_cases import ValuedCases, Weighting
from memento.memory.estimators.positions import WEIGHTS
from memento.memory.estimators.posterior import Posterior
from memento.memory.products import product

_MAX_CASES = 16
_MAX_REGIONS = 2


def earned_cases(
    task: Task,
    shared: Shared,
    value_G: NDArray[np.float32],
    beliefs: Posterior,
    coefficients: Coefficients,
    exposures: Exposures,
) -> list[str]:
    """The served cases of highest utility whose lower bound is above 0.

    Args:
        task: what they are to help.
        shared: its coefficients.
        value_G: what a case of each group is believed to add to this task.
        beliefs: of all coefficients.
        coefficients: which lies where.
        exposures: how each case was served so far.
    """
    mean_P = (beliefs.weights[:, None] * beliefs.mean_EP).sum(0)
    base, _, reward, _ = mean_P[list(WEIGHTS)].tolist()  # how near they lie is not known here, nor what agrees
    weighting = Weighting(base, reward, value_G)
    own_C, mean_C = coefficients.positions.own_means(mean_P)
    value_C = exposures.worth(own_C, weighting) + exposures.reach(own_C, task.landmark_L) * mean_C
    is_left_out = coefficients.positions.has_own
    best = exposures.best(weighting, ValuedCases(own_C, value_C), n=_MAX_CASES, is_left_out=is_left_out).row_C
    averages = exposures.averages(best)
    weight_C4 = averages.weight_C4 * np.array([1, 0, 1, 0], np.float32)
    cases = Placed(best, weight_C4, averages.group_CG, exposures.reach(best, task.landmark_L))
    mean_C, sd_C = beliefs.mixed(*coefficients.utility(shared, cases))
    return [exposures.ids[row] for row, low in zip(best.tolist(), mean_C - sd_C, strict=True) if low > 0]


def promising_regions(
    task: Task, value_G: NDArray[np.float32], sd_G: NDArray[np.float32], *, n: int
) -> NDArray[np.int64]:
    """Landmarks to recall near: proven ones, or the most promising where the task's own region hurts.

    Args:
        task: whose region is found by similarity already.
        value_G: what a case of each group is believed to add to this task.
        sd_G: how sure that is.
        n: number of landmarks; the first groups are theirs.
    """
    own_M, value_M, sd_M = task.landmark_L[:n], value_G[:n], sd_G[:n]
    is_misled = float(product(own_M, value_M + sd_M)) < 0
    score_M = value_M + sd_M if is_misled else value_M - sd_M
    score_M = np.where(own_M > 0, -np.inf, score_M)  # what lies there is found by similarity
    best: NDArray[np.int64] = np.argsort(-score_M, kind="stable")[:_MAX_REGIONS]
    return best[score_M[best] > 0]
