"""Coefficient layout of the advantage model: maps cases and regions to positions of the posterior, grown on demand.

b(s): one base, one for V(s), one per landmark. u(s, c): four weights for every case, one per pair of a task's landmark
and a case's group, one per case. When all positions are taken, the case that was served longest ago gives its own back:
what is believed of it is kept, without its ties to the rest.

Axes: L landmarks, G groups, C cases, E experts, X features.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.posterior import Features, Posterior

BASE = 0
EASE = 1
"""Position of the coefficient of `ease`: outcomes of similar tasks."""
WEIGHTS = (2, 3, 4, 5)
"""Positions of the coefficients of 1, cosine, own reward and support."""
FIXED, TOPICS, PAIRS, CASES = range(4)
"""Families of coefficients, each with a prior variance of its own."""

_MOST_PAIRS = 0.5
"""Largest share of positions for pairs; the rest is for cases."""


class Task(NamedTuple):
    """Features of a task."""

    landmark_L: NDArray[np.float32]
    """Soft assignment to each landmark."""
    ease: float = 0.0
    """How much likelier than average similar tasks succeed, in logits."""


class Placed(NamedTuple):
    """Features of the cases of an outcome or a read."""

    ids: tuple[str, ...]
    weight_C4: NDArray[np.float32]
    """Features that every case has: 1, cosine, own reward, support."""
    group_CG: NDArray[np.float32]
    """Soft assignment of each case to each group."""
    reach_C: NDArray[np.float32]
    """How far each case's own coefficient applies to this task, in [0, 1]."""


_Sums = Sequence[tuple[Tensor, Tensor]]
"""Sums of coefficients: positions and shares, part by part."""


class _Shared(NamedTuple):
    """Coefficients that all cases share for one task. Axes: R = 4 weights + G groups, J landmarks of the task."""

    mean_ER: Tensor
    covariance_ERR: Tensor
    weights: Tensor
    pair_JG: Tensor
    share_JG: Tensor

    def ties(self, covariance_EPP: Tensor, own: Tensor) -> Tensor:
        """Covariance of the cases' own coefficients with these, of shape (E, C, R)."""
        with_weights_ECW = covariance_EPP[:, own[:, None], self.weights]
        with_groups_ECG = torch.zeros(len(covariance_EPP), len(own), self.pair_JG.shape[1])
        for pair_G, share_G in zip(self.pair_JG, self.share_JG, strict=True):
            with_groups_ECG += covariance_EPP[:, own[:, None], pair_G] * share_G
        return torch.cat([with_weights_ECW, with_groups_ECG], 2)


class Coefficients:
    """The layout of one posterior."""

    def __init__(self, posterior: Posterior, *, n_landmarks: int, n_groups: int) -> None:
        """Start without positions; 0 to 5 are the caller's.

        Args:
            posterior: whose positions to give out.
            n_landmarks: L.
            n_groups: G.
        """
        self._posterior = posterior
        self._topic_L = np.full(n_landmarks, -1, np.int64)
        self._pair_LG = np.full((n_landmarks, n_groups), -1, np.int64)
        self._case: dict[str, int] = {}  # the one served longest ago first
        self._settled: dict[str, tuple[Tensor, Tensor]] = {}
        self._placed_P = np.zeros(posterior.capacity, np.int64)

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
        if len(cases.ids):
            for j, g in zip(*np.nonzero(self._pair_LG[np.ix_(landmarks, groups)] < 0), strict=True):
                if self._n_pairs < _MOST_PAIRS * self._posterior.capacity:
                    self._pair_LG[landmarks[j], groups[g]] = self._place(PAIRS, now)
        for case_id in cases.ids:
            self._use(case_id, now)
        pair = self._pair_LG[np.ix_(landmarks, groups)]
        share = task_L[landmarks][:, None] * groups_G[groups]
        topic = self._topic_L[landmarks]
        own = [self._case[case_id] for case_id in cases.ids]
        parts = [
            ([BASE, EASE], [1.0, task.ease]),
            (topic, task_L[landmarks]),
            (pair[pair >= 0], share[pair >= 0]),
            (own, cases.reach_C),
        ]
        if own:
            parts.append((WEIGHTS, cases.weight_C4.sum(axis=0)))
        position_X, value_X = (np.concatenate([np.asarray(part[side]) for part in parts]) for side in (0, 1))
        return Features(torch.from_numpy(position_X.astype(np.int64)), torch.from_numpy(value_X.astype(np.float32)))

    def still(self, features: Features, *, since: int) -> Features:
        """The features whose coefficients have not been replaced since outcome `since`."""
        is_same = torch.from_numpy(self._placed_P[features.position_X.numpy()] <= since)
        return Features(features.position_X[is_same], features.value_X[is_same])

    def difficulty(self, task: Task) -> tuple[Tensor, Tensor]:
        """Mean and variance of b(s), each of shape (E,)."""
        task_L = task.landmark_L
        known = np.flatnonzero((task_L > 0) & (self._topic_L >= 0))
        position = np.concatenate([[BASE, EASE], self._topic_L[known]])
        value = np.concatenate([[1.0, task.ease], task_L[known]]).astype(np.float32)
        mean_E, variance_E = self._posterior.predict(Features(torch.from_numpy(position), torch.from_numpy(value)))
        unknown = float((task_L[self._topic_L < 0] ** 2).sum())
        return mean_E, variance_E + unknown * self._posterior.family_variance_FE[TOPICS]

    def utility(self, task_L: NDArray[np.float32], cases: Placed) -> tuple[Tensor, Tensor]:
        """Mean and variance of u(s, c), each of shape (E, C)."""
        beliefs, shared = self._posterior, self._shared(task_L)
        value_CR = torch.from_numpy(np.concatenate([cases.weight_C4, cases.group_CG], axis=1))
        own_C = torch.tensor([self._case.get(case_id, -1) for case_id in cases.ids], dtype=torch.int64)
        mean_EC = torch.matmul(shared.mean_ER, value_CR.T)
        variance_EC = (torch.matmul(value_CR, shared.covariance_ERR) * value_CR).sum(2)
        known = torch.nonzero(own_C >= 0).squeeze(1)
        own, reach = own_C[known], torch.from_numpy(cases.reach_C)[known]
        mean_EC[:, known] += reach * beliefs.mean_EP[:, own]
        tie_EC = (shared.ties(beliefs.covariance_EPP, own) * value_CR[known]).sum(2)
        prior_E1 = beliefs.family_variance_FE[CASES][:, None]  # of what does not reach this task, nothing is known
        variance_EC[:, known] += reach**2 * (beliefs.covariance_EPP[:, own, own] - prior_E1) + 2 * reach * tie_EC
        variance_EC += prior_E1
        if settled := [index for index, case_id in enumerate(cases.ids) if case_id in self._settled]:
            kept = [self._settled[cases.ids[index]] for index in settled]
            share = torch.from_numpy(cases.reach_C)[settled]
            mean_EC[:, settled] += share * torch.stack([mean_E for mean_E, _ in kept], 1)
            variance_EC[:, settled] += share**2 * (torch.stack([variance_E for _, variance_E in kept], 1) - prior_E1)
        return mean_EC, torch.clamp(variance_EC, min=1e-8)

    def regions(self, task_L: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Effect of each group on the task: mean and variance of f(s)' W, each of shape (E, G)."""
        shared, n = self._shared(task_L), len(WEIGHTS)
        variance_EG = shared.covariance_ERR[:, n:, n:].diagonal(dim1=1, dim2=2)
        return shared.mean_ER[:, n:], torch.clamp(variance_EG, min=0.0)

    def _shared(self, task_L: NDArray[np.float32]) -> "_Shared":
        """Coefficients that all cases share for this task: the weights, and f(s)' W for each group."""
        beliefs, landmarks = self._posterior, np.flatnonzero(task_L)
        if not len(landmarks):
            landmarks = np.zeros(1, np.int64)  # none yet: any will do, the task has no share in it
        pair_JG, f_J1 = torch.from_numpy(self._pair_LG[landmarks]), torch.from_numpy(task_L[landmarks])[:, None]
        share_JG, weights = f_J1 * (pair_JG >= 0), torch.tensor(WEIGHTS)
        sums = [(weights, torch.ones(len(weights)))], list(zip(pair_JG, share_JG, strict=True))
        rows = [torch.cat([self._between(one, other) for other in sums], 2) for one in sums]
        covariance_ERR, n = torch.cat(rows, 1), len(weights)
        unknown_G = ((f_J1 * (pair_JG < 0)) ** 2).sum(0)
        covariance_ERR[:, n:, n:] += torch.diag(unknown_G) * beliefs.family_variance_FE[PAIRS][:, None, None]
        mean_EW, mean_EG = beliefs.mean_EP[:, weights], (beliefs.mean_EP[:, pair_JG] * share_JG).sum(1)
        return _Shared(torch.cat([mean_EW, mean_EG], 1), covariance_ERR, weights, pair_JG, share_JG)

    def _between(self, one: "_Sums", other: "_Sums") -> Tensor:
        """Covariance of sums of coefficients, of shape (E, A, B); a sum has one part per landmark of the task."""
        covariance_EPP = self._posterior.covariance_EPP
        parts = [
            covariance_EPP[:, position_A[:, None], position_B] * share_A[:, None] * share_B
            for position_A, share_A in one
            for position_B, share_B in other
        ]
        return torch.stack(parts).sum(0)

    def case_means(self, ids: Sequence[str], mean_P: NDArray[np.float32]) -> NDArray[np.float32]:
        """Means of the cases' own coefficients; 0 for cases without."""
        return np.array([mean_P[self._case[one]] if one in self._case else 0.0 for one in ids], np.float32)

    @property
    def _n_pairs(self) -> int:
        return int((self._pair_LG >= 0).sum())

    def _use(self, case_id: str, now: int) -> None:
        position = self._case.pop(case_id, None)
        if position is None:
            position = self._place(CASES, now)
            if case_id in self._settled:
                self._posterior.believe(position, *self._settled.pop(case_id))
        self._case[case_id] = position

    def _place(self, family: int, now: int) -> int:
        position = self._posterior.n
        if position == self._posterior.capacity:
            oldest = next(iter(self._case))
            position = self._case.pop(oldest)
            self._settled[oldest] = self._posterior.marginal(position)
        self._posterior.place(position, family=family)
        self._placed_P[position] = now
        return position

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Tensors of the layout, for a snapshot."""
        settled = list(self._settled.values())
        return {
            "topic": self._topic_L,
            "pair": self._pair_LG,
            "placed": self._placed_P,
            "case": np.array(list(self._case.values()), np.int64),
            "settled_mean": np.array([mean_E.numpy() for mean_E, _ in settled], np.float32),
            "settled_variance": np.array([variance_E.numpy() for _, variance_E in settled], np.float32),
        }

    def stamp(self) -> dict[str, Any]:
        """Owners of the positions, as JSON values."""
        return {"cases": list(self._case), "settled": list(self._settled)}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._topic_L[:], self._pair_LG[:] = tensors["topic"], tensors["pair"]
        self._placed_P[:] = tensors["placed"]
        self._case = dict(zip(stamp["cases"], tensors["case"].tolist(), strict=True))
        pairs = zip(tensors["settled_mean"], tensors["settled_variance"], strict=True)
        believed = [(torch.from_numpy(mean.copy()), torch.from_numpy(variance.copy())) for mean, variance in pairs]
        self._settled = dict(zip(stamp["settled"], believed, strict=True))
