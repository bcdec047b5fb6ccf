"""Policies that learn nothing: the nearest cases, and the nearest good ones."""

from collections.abc import Sequence

from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy

OWN_REWARD_WEIGHT = 0.3
"""How much of a cosine a case's own success is worth; from sweeps on simulated streams (0.2 to 0.4 are alike)."""


class SimilarityPolicy:
    """Top-K by cosine: the paper's non-parametric read (Eq. 13)."""

    name = "similarity"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The most similar that is left, for certain."""
        return greedy(candidates.similarity_C, chosen=chosen, k=k)


class SimilarityRewardPolicy:
    """Top-K by cosine plus the case's own reward: the strong simple baseline."""

    name = "similarity_reward"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The best of what is left, for certain."""
        return greedy(candidates.similarity_C + OWN_REWARD_WEIGHT * candidates.reward_C, chosen=chosen, k=k)
