"""Positions of the advantage model's coefficients in the posterior: given out on demand, taken back from idle cases.

b(s): one base, one for V(s), one per landmark. u(s, c): four weights for every case, one per pair of a task's landmark
and a case's group, one per case. A group of actions has one more, for all tasks: the last landmark stands for
everywhere. When all positions are taken, the case that was served longest ago gives its own back: what is believed of
it is kept, without its ties to the rest.

A case is known by the row of its exposures.

Axes: L landmarks, J = L + 1 with the one that stands for everywhere, G groups, H groups asked for, C cases, N rows,
P positions, E experts (A of all prior means).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.contributions import Features
from memento.memory.estimators.posterior import Posterior

BASE = 0
EASE = 1
"""Position of the coefficient of `ease`: outcomes of similar tasks."""
WEIGHTS = (2, 3, 4, 5)
"""Positions of the coefficients of 1, cosine, own reward and support."""
FIXED, TOPICS, PAIRS, CASES, REGION_PAIRS, LINE_PAIRS = range(6)
"""Families of coefficients, each with a prior variance of its own."""

_N_FIXED = 2 + len(WEIGHTS)
_MOST_PAIRS = 0.5
"""Largest share of positions for pairs of family `PAIRS`."""
_MOST_ACTION_PAIRS = 0.25
"""Largest share of positions for pairs with regions and lines of actions."""
_LEAST_CASES = 0.125
"""Smallest share of positions that such pairs leave to cases."""
_FIRST_ROWS = 64
_NEVER = np.iinfo(np.int64).max
"""Last use of a position that no case has: later than any, so that it is never given back."""


def least_capacity(n_landmarks: int) -> int:
    """Positions that are enough for every difficulty, for all pairs of family `PAIRS`, and for one case at a time."""
    return math.ceil((_N_FIXED + n_landmarks + 1) / (1 - _MOST_PAIRS))


class Positions:
    """Which coefficient is where; -1 for none."""

    def __init__(self, posterior: Posterior, *, n_landmarks: int, family_G: NDArray[np.int64]) -> None:
        """Start without positions; 0 to 5 are the caller's.

        Args:
            posterior: whose positions to give out.
            n_landmarks: L.
            family_G: family of each group's pairs.
        """
        self._posterior = posterior
        self._family_G, self._of_action_G = family_G, family_G != PAIRS
        self._n_pairs = [0, 0]  # of PAIRS, of actions
        most, most_of_actions, least_of_cases = (
            int(share * posterior.capacity) for share in (_MOST_PAIRS, _MOST_ACTION_PAIRS, _LEAST_CASES)
        )
        room = posterior.capacity - _N_FIXED - n_landmarks - most - least_of_cases
        self._most_pairs = [most, max(0, min(most_of_actions, room))]
        self._n_uses = 0
        self._placed_P = np.zeros(posterior.capacity, np.int64)
        self._owner_P = np.full(posterior.capacity, -1, np.int64)  # rows of cases
        self._used_P = np.full(posterior.capacity, _NEVER, np.int64)
        """Number of the use after which each case's position was used last."""
        self.topic_L = np.full(n_landmarks, -1, np.int64)
        """Of each landmark's difficulty."""
        self.pair_JG = np.full((n_landmarks + 1, len(family_G)), -1, np.int64)
        """Of each pair of a task's landmark and a case's group."""
        self.case_N = np.full(_FIRST_ROWS, -1, np.int64)
        """Of each case; of as many rows as were needed so far."""
        self.is_settled_N = np.zeros(_FIRST_ROWS, np.bool_)
        """Cases that have given their position back."""
        self.settled_mean_AN = np.zeros((posterior.n_experts, _FIRST_ROWS), np.float32)
        """What was believed of them then; the means of all experts."""
        self.settled_variance_EN = np.zeros((len(posterior.family_variance_FE[0]), _FIRST_ROWS), np.float32)

    def allot(
        self,
        landmarks: NDArray[np.int64],
        groups: NDArray[np.int64],
        is_needed_JH: NDArray[np.bool_],
        row_C: NDArray[np.int64],
        *,
        now: int,
    ) -> None:
        """Give positions to all coefficients of an outcome that have none, as far as there are any.

        Args:
            landmarks: of the task.
            groups: of its cases, the H of the next.
            is_needed_JH: pairs that the outcome tells about.
            row_C: its cases.
            now: number of the outcome.
        """
        for j in landmarks[self.topic_L[landmarks] < 0]:
            self.topic_L[j] = self._place(TOPICS, now)
        if len(row_C):
            for j, h in zip(*np.nonzero(is_needed_JH & (self.pair_JG[:, groups] < 0)), strict=True):
                self._place_pair(int(j), int(groups[h]), now)
        for row in row_C.tolist():
            self._use(row, now)

    def still(self, features: Features, *, since: int) -> Features:
        """The features whose coefficients have not been replaced since outcome `since`."""
        is_same = self._placed_P[features.position_X] <= since
        return Features(features.position_X[is_same], features.value_X[is_same])

    def own_means(self, mean_P: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows of the cases that have a coefficient of their own, and its mean."""
        positions = np.flatnonzero(self._owner_P >= 0)
        return self._owner_P[positions], mean_P[positions]

    def has_own(self, row_C: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these cases have a coefficient of their own."""
        has_own_C: NDArray[np.bool_] = self.case_N[row_C] >= 0
        return has_own_C

    def _use(self, row: int, now: int) -> None:
        if row >= len(self.case_N):
            self._grow(2 * row)
        position = int(self.case_N[row])
        if position < 0:
            position = self._place(CASES, now)
            if self.is_settled_N[row]:
                self._posterior.believe(position, self.settled_mean_AN[:, row], self.settled_variance_EN[:, row])
                self.is_settled_N[row] = False
            self.case_N[row], self._owner_P[position] = position, row
        self._n_uses += 1
        self._used_P[position] = self._n_uses

    def _place_pair(self, landmark: int, group: int, now: int) -> None:
        kind = int(self._of_action_G[group])
        if self._n_pairs[kind] < self._most_pairs[kind]:
            self.pair_JG[landmark, group] = self._place(int(self._family_G[group]), now)
            self._n_pairs[kind] += 1

    def _place(self, family: int, now: int) -> int:
        position = self._posterior.n
        if position == self._posterior.capacity:
            position = int(self._used_P.argmin())
            row = self._owner_P[position]
            self.settled_mean_AN[:, row], self.settled_variance_EN[:, row] = self._posterior.marginal(position)
            self.is_settled_N[row], self.case_N[row] = True, -1
            self._owner_P[position], self._used_P[position] = -1, _NEVER
        self._posterior.place(position, family=family)
        self._placed_P[position] = now
        return position

    def _grow(self, n_rows: int) -> None:
        added = n_rows - len(self.case_N)
        self.case_N = np.concatenate([self.case_N, np.full(added, -1, np.int64)])
        self.is_settled_N = np.concatenate([self.is_settled_N, np.zeros(added, np.bool_)])
        self.settled_mean_AN = _wider(self.settled_mean_AN, added)
        self.settled_variance_EN = _wider(self.settled_variance_EN, added)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies, for a snapshot."""
        settled = np.flatnonzero(self.is_settled_N)
        return {
            "topic": self.topic_L.copy(),
            "pair": self.pair_JG.copy(),
            "placed": self._placed_P.copy(),
            "owner": self._owner_P.copy(),
            "used": self._used_P.copy(),
            "settled": settled,
            "settled_mean": self.settled_mean_AN[:, settled],
            "settled_variance": self.settled_variance_EN[:, settled],
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self.topic_L[:], self.pair_JG[:] = tensors["topic"], tensors["pair"]
        for name, of in (("placed", self._placed_P), ("owner", self._owner_P), ("used", self._used_P)):
            of[:] = tensors[name]
        n_pairs_G = (self.pair_JG >= 0).sum(axis=0)
        self._n_pairs = [int(n_pairs_G[self._of_action_G == of_action].sum()) for of_action in (False, True)]
        owned = np.flatnonzero(self._owner_P >= 0)
        self._n_uses = int(self._used_P[owned].max(initial=0))
        settled = tensors["settled"]
        self._grow(_FIRST_ROWS + int(max(settled.max(initial=0), self._owner_P.max(initial=0))) + 1)
        self.case_N[self._owner_P[owned]] = owned
        self.is_settled_N[settled] = True
        self.settled_mean_AN[:, settled] = tensors["settled_mean"]
        self.settled_variance_EN[:, settled] = tensors["settled_variance"]


def _wider(table_EN: NDArray[np.float32], n_rows: int) -> NDArray[np.float32]:
    """The table with room for more rows."""
    return np.concatenate([table_EN, np.zeros((len(table_EN), n_rows), np.float32)], axis=1)
