"""Policies that rank by Q(s, c): the paper's parametric and kernel reads, and the soft policy they approximate."""

from collections.abc import Sequence

import numpy as np

from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy

ALPHA = 0.02
"""Entropy weight of `soft`, small enough for differences of 0.02 in Q to matter."""


class ParametricPolicy:
    """Top-K by Q(s, c): the paper's parametric read (Eq. 16), inside the recalled shortlist."""

    name = "parametric"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "cross_entropy"

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The highest value that is left, for certain; the most similar while there is too little evidence."""
        estimates = candidates.estimates
        return greedy(candidates.similarity_C if estimates is None else estimates.value_C, chosen=chosen, k=k)


class KernelPolicy(ParametricPolicy):
    """Top-K by Q_EC(s, c): the paper's episodic control (Eq. 9), inside the recalled shortlist."""

    name = "kernel"
    estimator: EstimatorName | None = "kernel"


class SoftPolicy:
    """Sampling without replacement from softmax(Q / alpha): the paper's optimal policy (Eq. 7).

    As alpha goes to 0 it becomes `parametric`. It has no floor: what is worth little is next to never served.
    """

    name = "soft"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "cross_entropy"

    def __init__(self, *, alpha: float = ALPHA) -> None:
        """Set the entropy weight, in units of Q.

        Raises:
            InvalidInput: it is not above 0.
        """
        if not alpha > 0:
            raise InvalidInput(f"alpha must be above 0, not {alpha}; without entropy the policy is `parametric`")
        self._alpha = alpha

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Softmax over what is left; over cosines while there is too little evidence for a Q."""
        if len(chosen) >= min(k, len(candidates)):
            return None
        estimates = candidates.estimates
        score_C = candidates.similarity_C if estimates is None else estimates.value_C
        left_C = score_C.astype(np.float64) / self._alpha
        left_C[[index for index in chosen if index is not None]] = -np.inf
        weight_C = np.exp(left_C - left_C.max())
        return Distribution(weight_C / weight_C.sum(), 0.0, score_C)
