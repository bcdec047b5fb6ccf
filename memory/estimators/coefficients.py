"""Coefficient layout of the advantage model: maps cases and regions to positions of the posterior, grown on demand.

b(s): one base, one for V(s), one per landmark. u(s, c): four weights for every case, one per pair of a task's landmark
and a case's group, one per case. A group of actions has one more, for all tasks: the last landmark of the layout stands
for everywhere. When all positions are taken, the case that was served longest ago gives its own back:
what is believed of it is kept, without its ties to the rest.

A case is known by the row of its exposures.

Axes: L landmarks, J = L + 1 with the one that stands for everywhere, G groups, C cases, N rows, P positions, E experts
(A of all prior means), X features, S positions that all cases share for one task.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.posterior import Features, Posterior
from memento.memory.products import product

BASE = 0
EASE = 1
"""Position of the coefficient of `ease`: outcomes of similar tasks."""
WEIGHTS = (2, 3, 4, 5)
"""Positions of the coefficients of 1, cosine, own reward and support."""
FIXED, TOPICS, PAIRS, CASES, REGION_PAIRS, LINE_PAIRS = range(6)
"""Families of coefficients, each with a prior variance of its own."""

_MOST_PAIRS = 0.5
"""Largest share of positions for pairs of family `PAIRS`."""
_MOST_ACTION_PAIRS = 0.25
"""Largest share of positions for pairs with regions and lines of actions."""
_LEAST_CASES = 0.125
"""Smallest share of positions that such pairs leave to cases."""
_FIRST_ROWS = 64
_NEVER = np.iinfo(np.int64).max
"""Last use of a position that no case has: later than any, so that it is never given back."""
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
    """The layout of one posterior."""

    def __init__(self, posterior: Posterior, *, n_landmarks: int, family_G: NDArray[np.int64]) -> None:
        """Start without positions; 0 to 5 are the caller's.

        Args:
            posterior: whose positions to give out.
            n_landmarks: L.
            family_G: family of each group's pairs.
        """
        self._posterior = posterior
        self._topic_L = np.full(n_landmarks, -1, np.int64)
        self._pair_JG = np.full((n_landmarks + 1, len(family_G)), -1, np.int64)
        self._family_G, self._of_action_G = family_G, family_G != PAIRS
        self._n_pairs = [0, 0]  # of PAIRS, of actions
        most, most_of_actions, least_of_cases = (
            int(share * posterior.capacity) for share in (_MOST_PAIRS, _MOST_ACTION_PAIRS, _LEAST_CASES)
        )
        room = posterior.capacity - len(_FIXED_OF_TASK) - len(WEIGHTS) - n_landmarks - most - least_of_cases
        self._most_pairs = [most, max(0, min(most_of_actions, room))]
        self._n_uses = 0
        self._placed_P = np.zeros(posterior.capacity, np.int64)
        self._owner_P = np.full(posterior.capacity, -1, np.int64)  # rows of cases
        self._used_P = np.full(posterior.capacity, _NEVER, np.int64)
        """Number of the use after which each case's position was used last."""
        self._position_N = np.full(_FIRST_ROWS, -1, np.int64)
        self._is_settled_N = np.zeros(_FIRST_ROWS, np.bool_)
        self._settled_mean_AN = np.zeros((posterior.n_experts, _FIRST_ROWS), np.float32)
        self._settled_variance_EN = np.zeros((len(posterior.family_variance_FE[0]), _FIRST_ROWS), np.float32)
        """Of cases that have given their position back; the means of all experts."""

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
        for j in landmarks[self._topic_L[landmarks] < 0]:
            self._topic_L[j] = self._place(TOPICS, now)
        share_JG = self._shares(task_L)[:, groups] * groups_G[groups]
        if len(cases.row_C):
            for j, g in zip(*np.nonzero((share_JG > 0) & (self._pair_JG[:, groups] < 0)), strict=True):
                self._place_pair(int(j), int(groups[g]), now)
        for row in cases.row_C.tolist():
            self._use(row, now)
        pair_JG = self._pair_JG[:, groups]
        is_known = (share_JG > 0) & (pair_JG >= 0)
        weights = np.array(WEIGHTS[: 4 * bool(len(cases.row_C))], np.int64)
        parts = _FIXED_OF_TASK, self._topic_L[landmarks], pair_JG[is_known], self._position_N[cases.row_C], weights
        values = (1.0, task.ease), task_L[landmarks], share_JG[is_known], cases.reach_C, cases.weight_C4.sum(axis=0)
        return Features(
            np.concatenate(parts, dtype=np.int64),
            np.concatenate([*values[:-1], values[-1][: len(weights)]], dtype=np.float32),
        )

    def still(self, features: Features, *, since: int) -> Features:
        """The features whose coefficients have not been replaced since outcome `since`."""
        is_same = self._placed_P[features.position_X] <= since
        return Features(features.position_X[is_same], features.value_X[is_same])

    def difficulty(self, task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of b(s), each of shape (E,)."""
        task_L = task.landmark_L
        known = np.flatnonzero((task_L > 0) & (self._topic_L >= 0))
        position = np.concatenate([_FIXED_OF_TASK, self._topic_L[known]])
        value = np.concatenate([[1.0, task.ease], task_L[known]]).astype(np.float32)
        mean_E, variance_E = self._posterior.predict(Features(position, value))
        unknown = np.float32((task_L[self._topic_L < 0] ** 2).sum())
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
        pair_IH = self._pair_JG[np.ix_(landmarks, groups)]
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
        beliefs = self._posterior
        mean_EC = product(beliefs.mean_EP[:, position_S], value_CS.T)
        variance_EC = (product(value_CS, covariance_ESS) * value_CS).sum(2)
        prior_E1 = beliefs.family_variance_FE[CASES][:, None]  # of what does not reach this task, nothing is known
        variance_EC += unknown_EC + prior_E1
        position_C = np.where(cases.row_C >= 0, self._position_N[cases.row_C], -1)
        known = np.flatnonzero(position_C >= 0)
        own, reach = position_C[known], cases.reach_C[known]
        mean_EC[:, known] += reach * beliefs.mean_EP[:, own]
        tie_EC = (beliefs.covariance.between(own, position_S) * value_CS[known]).sum(2)
        variance_EC[:, known] += reach**2 * (beliefs.covariance.variances(own) - prior_E1) + 2 * reach * tie_EC
        settled = np.flatnonzero((cases.row_C >= 0) & self._is_settled_N[cases.row_C])
        if len(settled):
            share, rows = cases.reach_C[settled], cases.row_C[settled]
            mean_EC[:, settled] += share * self._settled_mean_AN[: len(mean_EC), rows]
            variance_EC[:, settled] += share**2 * (self._settled_variance_EN[:, rows] - prior_E1)
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
        j_S, group_S = np.nonzero((share_JG > 0) & (self._pair_JG >= 0))
        position_S = np.concatenate([WEIGHTS, self._pair_JG[j_S, group_S]])
        covariance_ESS = self._posterior.covariance.between(position_S, position_S)
        unknown_G = (share_JG**2 * (self._pair_JG < 0)).sum(0)
        return Shared(position_S, covariance_ESS, group_S, share_JG[j_S, group_S], unknown_G)

    def _shares(self, task_L: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much a task belongs to each landmark, as each group takes it, shape (J, G)."""
        share_JG = np.zeros(self._pair_JG.shape, np.float32)
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

    def own_means(self, mean_P: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows of the cases that have a coefficient of their own, and its mean."""
        positions = np.flatnonzero(self._owner_P >= 0)
        return self._owner_P[positions], mean_P[positions]

    def has_own(self, row_C: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these cases have a coefficient of their own."""
        has_own_C: NDArray[np.bool_] = self._position_N[row_C] >= 0
        return has_own_C

    def _use(self, row: int, now: int) -> None:
        if row >= len(self._position_N):
            self._grow(2 * row)
        position = int(self._position_N[row])
        if position < 0:
            position = self._place(CASES, now)
            if self._is_settled_N[row]:
                self._posterior.believe(position, self._settled_mean_AN[:, row], self._settled_variance_EN[:, row])
                self._is_settled_N[row] = False
            self._position_N[row], self._owner_P[position] = position, row
        self._n_uses += 1
        self._used_P[position] = self._n_uses

    def _place_pair(self, landmark: int, group: int, now: int) -> None:
        kind = int(self._of_action_G[group])
        if self._n_pairs[kind] < self._most_pairs[kind]:
            self._pair_JG[landmark, group] = self._place(int(self._family_G[group]), now)
            self._n_pairs[kind] += 1

    def _place(self, family: int, now: int) -> int:
        position = self._posterior.n
        if position == self._posterior.capacity:
            position = int(self._used_P.argmin())
            row = self._owner_P[position]
            self._settled_mean_AN[:, row], self._settled_variance_EN[:, row] = self._posterior.marginal(position)
            self._is_settled_N[row], self._position_N[row] = True, -1
            self._owner_P[position], self._used_P[position] = -1, _NEVER
        self._posterior.place(position, family=family)
        self._placed_P[position] = now
        return position

    def _grow(self, n_rows: int) -> None:
        added = n_rows - len(self._position_N)
        self._position_N = np.concatenate([self._position_N, np.full(added, -1, np.int64)])
        self._is_settled_N = np.concatenate([self._is_settled_N, np.zeros(added, np.bool_)])
        self._settled_mean_AN = _wider(self._settled_mean_AN, added)
        self._settled_variance_EN = _wider(self._settled_variance_EN, added)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the layout, for a snapshot."""
        settled = np.flatnonzero(self._is_settled_N)
        return {
            "topic": self._topic_L.copy(),
            "pair": self._pair_JG.copy(),
            "placed": self._placed_P.copy(),
            "owner": self._owner_P.copy(),
            "used": self._used_P.copy(),
            "settled": settled,
            "settled_mean": self._settled_mean_AN[:, settled],
            "settled_variance": self._settled_variance_EN[:, settled],
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._topic_L[:], self._pair_JG[:] = tensors["topic"], tensors["pair"]
        for name, of in (("placed", self._placed_P), ("owner", self._owner_P), ("used", self._used_P)):
            of[:] = tensors[name]
        n_pairs_G = (self._pair_JG >= 0).sum(axis=0)
        self._n_pairs = [int(n_pairs_G[self._of_action_G == of_action].sum()) for of_action in (False, True)]
        owned = np.flatnonzero(self._owner_P >= 0)
        self._n_uses = int(self._used_P[owned].max(initial=0))
        settled = tensors["settled"]
        self._grow(_FIRST_ROWS + int(max(settled.max(initial=0), self._owner_P.max(initial=0))) + 1)
        self._position_N[self._owner_P[owned]] = owned
        self._is_settled_N[settled] = True
        self._settled_mean_AN[:, settled] = tensors["settled_mean"]
        self._settled_variance_EN[:, settled] = tensors["settled_variance"]


def _wider(table_EN: NDArray[np.float32], n_rows: int) -> NDArray[np.float32]:
    """The table with room for more rows."""
    return np.concatenate([table_EN, np.zeros((len(table_EN), n_rows), np.float32)], axis=1)
