"""The policy of guides (skills and lessons): one slot, for the nearest guide that is not retired, on trial or kept."""

from collections.abc import Sequence

import numpy as np

from memento.memory.estimators.port import EstimatorName
from memento.memory.guides import EVEN, TRIAL
from memento.memory.policies.port import Candidates, Distribution, Pool


class TrialPolicy:
    """The nearest guide that is near enough and not retired: shown at random while on trial, always once kept.

    Which guide is up follows from similarity and earlier outcomes; only then a coin is tossed. So the tasks that it was
    shown for and those that it was withheld from differ by chance alone.
    """

    name = TRIAL
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "trials"

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The guide that is up against the null case; the null case where none is up."""
        if chosen or not k or not len(candidates):
            return None
        probability_C = np.zeros(len(candidates))
        estimates = candidates.estimates
        score_C = candidates.similarity_C.astype(np.float32)
        if estimates is None or estimates.is_eligible_C is None:  # nothing says which are retired
            return Distribution(probability_C, 1.0, score_C)
        nearest_C = np.where(estimates.is_eligible_C, score_C, -np.inf)
        up = int(np.argmax(nearest_C))
        if np.isneginf(nearest_C[up]):
            return Distribution(probability_C, 1.0, score_C)
        shown = 1.0 if estimates.value_C[up] > 0 else EVEN
        probability_C[up] = shown
        return Distribution(probability_C, 1.0 - shown, score_C)
