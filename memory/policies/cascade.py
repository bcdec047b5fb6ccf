"""The `cascade` policy: successes only, by the upper confidence bound of a neural-linear logistic bandit."""

from collections.abc import Sequence

import numpy as np

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy_or_null

NU = 0.1
"""Weight of the width; the authors tune .1 to .8 for each data set, .1 is their default."""
RECALLED = 32
"""Successes that compete, the nearest ones."""


class CascadePolicy:
    """Top-K successes by p + nu times its width: CASCADE's case selection (2605.06702), Neural-LinLogUCB.

    The authors keep successes alone; here a memory keeps failures too, which this policy never serves. An upper bound
    explores without chance: the choice is certain, and other policies cannot be judged from it.
    """

    name = "cascade"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "cascade"

    def __init__(self, *, nu: float = NU) -> None:
        """Set the weight of the width."""
        self._nu = nu

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The highest bound that is left among the nearest successes, else the null case."""
        successes = np.flatnonzero(candidates.reward_C >= POSITIVE_FROM)
        nearest = successes[np.argsort(-candidates.similarity_C[successes], kind="stable")[:RECALLED]]
        is_eligible_C = np.zeros(len(candidates), np.bool_)
        is_eligible_C[nearest] = True
        estimates, score_C = candidates.estimates, candidates.similarity_C
        if estimates is not None:
            width_C = 0.0 if estimates.sd_C is None else estimates.sd_C
            score_C = (estimates.value_C + self._nu * width_C).astype(np.float32)
        return greedy_or_null(score_C, is_eligible_C, chosen=chosen, k=k)
