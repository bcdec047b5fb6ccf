"""Control policies: no cases, and cases drawn uniformly at random."""

from collections.abc import Sequence

import numpy as np

from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool


class NonePolicy:
    """No cases: the control that shows what memory adds."""

    name = "none"
    pool: Pool = "empty"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Nothing, whatever the candidates."""
        del candidates, chosen, k
        return None


class RandomPolicy:
    """Uniformly drawn cases: the control that shows what *choosing* adds."""

    name = "random"
    pool: Pool = "uniform"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Uniform over the cases of the namespace: slot j has 1 / (pool_size - j), drawn into the candidates or not."""
        if len(chosen) >= min(k, len(candidates)):
            return None
        probability_C = np.full(len(candidates), 1.0 / (candidates.pool_size - len(chosen)))
        probability_C[[index for index in chosen if index is not None]] = 0.0
        return Distribution(probability_C, 0.0, np.zeros(len(candidates), np.float32))
