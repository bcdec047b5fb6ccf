"""Policies that blend similarity with a utility learned from shared rewards: `memrl` and `romerl`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy, greedy_or_null

UTILITY_WEIGHT = 0.5
"""Weight of Q where similarity has the rest: lambda of MemRL, w of RoMeRL, .5 in all of their experiments."""

_MOST = 3.0
"""Standard scores are cut off here, as in MemRL's code."""


class MemRLPolicy:
    """Top-K by similarity and shared utility, behind a similarity gate: MemRL's two-phase retrieval (2601.03192).

    Phase A, the gate, is the estimator's. Phase B ranks by (1 - w) z(cosine) + w z(Q), standard scores among the cases
    that passed; where none has, nothing is served. It is deterministic, as in the authors' runs (epsilon 0 to .01).
    """

    name = "memrl"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "memrl"

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The best of what passed and is left, else the null case."""
        estimates = candidates.estimates
        if estimates is None:
            return greedy(candidates.similarity_C, chosen=chosen, k=k)
        is_eligible_C = estimates.is_eligible_C
        if is_eligible_C is None:
            is_eligible_C = np.ones(len(candidates), np.bool_)
        score_C = np.zeros(len(candidates), np.float32)
        score_C[is_eligible_C] = self._blended(candidates.similarity_C[is_eligible_C], estimates.value_C[is_eligible_C])
        return greedy_or_null(score_C, is_eligible_C, chosen=chosen, k=k)

    def _blended(self, similarity_E: NDArray[np.float32], value_E: NDArray[np.float32]) -> NDArray[np.float32]:
        blended: NDArray[np.float32] = (1 - UTILITY_WEIGHT) * _standard(similarity_E) + UTILITY_WEIGHT * _standard(
            value_E
        )
        return blended


class RoMeRLPolicy(MemRLPolicy):
    """Top-K by similarity and shared utility among at most four cases per task: RoMeRL's retrieval (2608.02508).

    The coordinates are the estimator's; here (1 - w) cosine + w Q ranks what is in them.
    """

    name = "romerl"
    estimator: EstimatorName | None = "romerl"

    def _blended(self, similarity_E: NDArray[np.float32], value_E: NDArray[np.float32]) -> NDArray[np.float32]:
        return _weighted(similarity_E, value_E)


def _weighted(similarity_E: NDArray[np.float32], utility_E: NDArray[np.float32]) -> NDArray[np.float32]:
    weighted_E: NDArray[np.float32] = (1 - UTILITY_WEIGHT) * similarity_E + UTILITY_WEIGHT * utility_E
    return weighted_E


def _standard(value_E: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard scores; 0 where all are alike."""
    if not len(value_E) or (spread := float(value_E.std())) < 1e-9:
        return np.zeros(len(value_E), np.float32)
    scores_E: NDArray[np.float32] = ((value_E - value_E.mean()) / spread).clip(-_MOST, _MOST)
    return scores_E
