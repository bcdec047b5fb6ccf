"""Features of tasks and cases in the advantage model, and what its posterior says of them: difficulty and utility.

Which coefficient is where: `positions`.

Axes: L landmarks, J = L + 1 with the one that stands for everywhere, G groups, C cases, P positions, E experts,
X features, S positions that all cases share for one task.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.contributions import Features
from memento.memory.estimators.positions import (
    BASE,
    CASES,
    EASE,
    LINE_PAIRS,
    PAIRS,
    REGION_PAIRS,
    TOPICS,
    WEIGHTS,
    Positions,
)
from memento.memory.estimators.posterior import Posterior
from memento.memory.products import product

_FIXED_OF_TASK = (BASE, EASE)


class Task(NamedTuple):
    """Features of a task."""

    landmark_L: NDArray[np.float32]
    """Soft assignment to each landmark."""
    ease: float = 0.0
    """How much likelier than average similar tasks succeed, in logits."""


class Placed(NamedTuple):
    """Features of the cases of an outcome or a read."""

    row_C: NDArray[np.int64]
    """Rows of their exposures; -1 for a case that was never served."""
    weight_C4: NDArray[np.float32]
    """Features that every case has: 1, cosine, own reward, support."""
    group_CG: NDArray[np.float32]
    """Soft assignment of each case to each group."""
    reach_C: NDArray[np.float32]
    """How far each case's own coefficient applies to this task, in [0, 1]."""


class Shared(NamedTuple):
    """Coefficients that all cases share for one task: the weights, and pairs of its landmarks with groups."""

    position_S: NDArray[np.int64]
    covariance_ESS: NDArray[np.float32]
    group_S: NDArray[np.int64]
    """Group of each pair, after the weights."""
    share_S: NDArray[np.float32]
    """How much the task belongs to each pair's landmark, after the weights."""
    unknown_G: NDArray[np.float32]
    """Sum of squared shares of the landmarks whose pair with the group has no coefficient."""

    def values(self, cases: Placed) -> NDArray[np.float32]:
        """Each case's features, shape (C, S)."""
        return np.concatenate([cases.weight_C4, cases.group_CG[:, self.group_S] * self.share_S], axis=1)


class Coefficients:
    """Reads a posterior by tasks and cases."""

    def __init__(self, posterior: Posterior, *, n_landmarks: int, family_G: NDArray[np.int64]) -> None:
        """Start without positions; 0 to 5 are the caller's.

        Args:
            posterior: whose coefficients they are.
            n_landmarks: L.
            family_G: family of each group's pairs.
        """
        self._posterior = posterior
        self._family_G, self._of_action_G = family_G, family_G != PAIRS
        self.positions = Positions(posterior, n_landmarks=n_landmarks, family_G=family_G)

    def features(self, task: Task, cases: Placed, *, now: int) -> Features:
        """Features of an outcome; coefficients that it needs first are allocated.

        Args:
            task: what it was about.
            cases: the set that was served.
            now: number of this outcome.
        """
        task_L = task.landmark_L
        landmarks, groups_G = np.flatnonzero(task_L), cases.group_CG.sum(axis=0)
        groups = np.flatnonzero(groups_G)
        share_JG = self._shares(task_L)[:, groups] * groups_G[groups]
        at = self.positions
        at.allot(landmarks, groups, share_JG > 0, cases.row_C, now=now)
        pair_JG = at.pair_JG[:, groups]
        is_known = (share_JG > 0) & (pair_JG >= 0)
        weights = np.array(WEIGHTS[: 4 * bool(len(cases.row_C))], np.int64)
        topics, own = at.topic_L[landmarks], at.case_N[cases.row_C]
        has_own = own >= 0  # where positions are few, cases of one outcome may have taken each other's
        parts = _FIXED_OF_TASK, topics, pair_JG[is_known], own[has_own], weights
        reach, weight = cases.reach_C[has_own], cases.weight_C4.sum(axis=0)
        values = (1.0, task.ease), task_L[landmarks], share_JG[is_known], reach, weight
        return Features(
            np.concatenate(parts, dtype=np.int64),
            np.concatenate([*values[:-1], values[-1][: len(weights)]], dtype=np.float32),
        )

    def difficulty(self, task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of b(s), each of shape (E,)."""
        task_L = task.landmark_L
        known = np.flatnonzero((task_L > 0) & (self.positions.topic_L >= 0))
        position = np.concatenate([_FIXED_OF_TASK, self.positions.topic_L[known]])
        value = np.concatenate([[1.0, task.ease], task_L[known]]).astype(np.float32)
        mean_E, variance_E = self._posterior.predict(Features(position, value))
        unknown = np.float32((task_L[self.positions.topic_L < 0] ** 2).sum())
        return mean_E, variance_E + self._posterior.spread(unknown * self._posterior.family_variance_FE[TOPICS])

    def utility(self, shared: Shared, cases: Placed) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of u(s, c), each of shape (E, C), for the task of `shared`."""
        unknown_EC = self._unknown(shared, cases.group_CG)
        return self._utility(shared.position_S, shared.covariance_ESS, shared.values(cases), unknown_EC, cases)

    def utility_at(
        self, task_CL: NDArray[np.float32], cases: Placed
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of u(s, c), each of shape (E, C), for a task of its own for each case.

        Args:
            task_CL: each case's task, as assignments to landmarks.
            cases: all at once; the more groups they share, the less there is to compute.
        """
        task_CJ = np.concatenate([task_CL, np.ones((len(task_CL), 1), np.float32)], axis=1)
        landmarks, groups = np.flatnonzero(task_CJ.any(axis=0)), np.flatnonzero(cases.group_CG.any(axis=0))
        task_CI, group_CH, family_H = task_CJ[:, landmarks], cases.group_CG[:, groups], self._family_G[groups]
        pair_IH = self.positions.pair_JG[np.ix_(landmarks, groups)]
        counts_IH = (landmarks < task_CL.shape[1])[:, None] | self._of_action_G[groups]
        i_S, h_S = np.nonzero(counts_IH & (pair_IH >= 0))
        value_CS = np.concatenate([cases.weight_C4, task_CI[:, i_S] * group_CH[:, h_S]], axis=1)
        position_S = np.concatenate([WEIGHTS, pair_IH[i_S, h_S]])
        is_used_S = value_CS.any(axis=0)
        position_S, value_CS = position_S[is_used_S], value_CS[:, is_used_S]
        unknown_CH = product(task_CI**2, (counts_IH & (pair_IH < 0)).astype(np.float32)) * group_CH**2
        variance_EH = self._posterior.family_variance_FE[family_H].T
        covariance_ESS = self._posterior.covariance.between(position_S, position_S)
        return self._utility(position_S, covariance_ESS, value_CS, product(variance_EH, unknown_CH.T), cases)

    def _utility(
        self,
        position_S: NDArray[np.int64],
        covariance_ESS: NDArray[np.float32],
        value_CS: NDArray[np.float32],
        unknown_EC: NDArray[np.float32],
        cases: Placed,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Utility from shared coefficients and their features, plus what each case adds by itself."""
        beliefs, at = self._posterior, self.positions
        mean_EC = product(beliefs.mean_EP[:, position_S], value_CS.T)
        variance_EC = (product(value_CS, covariance_ESS) * value_CS).sum(2)
        prior_E1 = beliefs.family_variance_FE[CASES][:, None]  # of what does not reach this task, nothing is known
        variance_EC += unknown_EC + prior_E1
        position_C = np.where(cases.row_C >= 0, at.case_N[cases.row_C], -1)
        known = np.flatnonzero(position_C >= 0)
        own, reach = position_C[known], cases.reach_C[known]
        mean_EC[:, known] += reach * beliefs.mean_EP[:, own]
        tie_EC = (beliefs.covariance.between(own, position_S) * value_CS[known]).sum(2)
        variance_EC[:, known] += reach**2 * (beliefs.covariance.variances(own) - prior_E1) + 2 * reach * tie_EC
        settled = np.flatnonzero((cases.row_C >= 0) & at.is_settled_N[cases.row_C])
        if len(settled):
            share, rows = cases.reach_C[settled], cases.row_C[settled]
            mean_EC[:, settled] += share * at.settled_mean_AN[: len(mean_EC), rows]
            variance_EC[:, settled] += share**2 * (at.settled_variance_EN[:, rows] - prior_E1)
        return mean_EC, beliefs.spread(np.maximum(variance_EC, np.float32(1e-8)))

    def regions(self, shared: Shared) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Effect of each group on the task of `shared`: mean and variance of f(s)' W, each of shape (E, G)."""
        beliefs, n = self._posterior, len(WEIGHTS)
        share_GS = np.zeros((len(self._family_G), len(shared.group_S)), np.float32)
        share_GS[shared.group_S, np.arange(len(shared.group_S))] = shared.share_S
        mean_EG = product(beliefs.mean_EP[:, shared.position_S[n:]], share_GS.T)
        variance_EG = (product(share_GS, shared.covariance_ESS[:, n:, n:]) * share_GS).sum(2)
        variance_EG += shared.unknown_G * beliefs.family_variance_FE[self._family_G].T
        return mean_EG, beliefs.spread(np.maximum(variance_EG, np.float32(0.0)))

    def shared(self, task_L: NDArray[np.float32]) -> Shared:
        """Coefficients that all cases share for this task."""
        share_JG = self._shares(task_L)
        j_S, group_S = np.nonzero((share_JG > 0) & (self.positions.pair_JG >= 0))
        position_S = np.concatenate([WEIGHTS, self.positions.pair_JG[j_S, group_S]])
        covariance_ESS = self._posterior.covariance.between(position_S, position_S)
        unknown_G = (share_JG**2 * (self.positions.pair_JG < 0)).sum(0)
        return Shared(position_S, covariance_ESS, group_S, share_JG[j_S, group_S], unknown_G)

    def _shares(self, task_L: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much a task belongs to each landmark, as each group takes it, shape (J, G)."""
        share_JG = np.zeros(self.positions.pair_JG.shape, np.float32)
        share_JG[:-1] = task_L[:, None]
        share_JG[-1, self._of_action_G] = 1.0
        return share_JG

    def _unknown(self, shared: Shared, group_CG: NDArray[np.float32]) -> NDArray[np.float32]:
        """Variance of each case's groups as far as their pairs have no coefficient yet, shape (E, C)."""
        square_CG, unknown_EC = group_CG**2, np.zeros((1, len(group_CG)), np.float32)
        for family in (PAIRS, REGION_PAIRS, LINE_PAIRS):
            of = self._family_G == family
            unknown_C = product(square_CG[:, of], shared.unknown_G[of])
            unknown_EC = unknown_EC + unknown_C * self._posterior.family_variance_FE[family][:, None]
        return unknown_EC
