"""The `advantage` policy: top-k by learned utility, the null case where cases hurt, one exploring slot."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy

RATE = 0.1
"""Share of reads whose last slot explores."""
FLOOR = 0.02
"""Least probability of anything that a slot may hold, so that no logged outcome ever weighs more than 1 / FLOOR."""


class AdvantagePolicy:
    """Top-K by u(s, c), which is 0 for the null case; in the last slot a few challengers and the null case get a turn.

    So k is an upper limit: effects add up, the joint gain of one more case is its u, and a slot is filled only while
    that is above 0. Under a token budget a case competes by u less the price of its tokens (`TokenBudget.net`).

    More exploration than that lost reward in every simulation; this much is for the sake of the propensities, from
    which the worth of other policies is estimated, and of cases that nobody would see otherwise. Where no recalled
    action had succeeded yet, sets drawn from the posterior (Thompson sampling) lost reward, and so did tasks that were
    left to the reader alone: the estimates turn away from what failed by themselves.
    """

    name = "advantage"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "advantage"

    def __init__(self, *, rate: float = RATE, floor: float = FLOOR) -> None:
        """Set how much is explored.

        Args:
            rate: share of reads whose last slot explores, in [0, 1).
            floor: least probability of an arm of that slot; above 0.
        """
        self._rate = rate
        self._n_arms = int(rate / floor + 1e-9)

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The best remaining case, or the null case when none helps; the last slot may explore."""
        estimates = candidates.estimates
        if estimates is None:
            return greedy(candidates.similarity_C, chosen=chosen, k=k)
        if len(chosen) >= min(k, len(candidates)):
            return None
        value_C = np.append(estimates.value_C, np.float32(0)).astype(np.float64)  # the null case comes last
        value_C[[index for index in chosen if index is not None]] = -np.inf
        if candidates.budget is not None:
            value_C[:-1] = candidates.budget.net(value_C[:-1], n_slots=k - len(chosen))
        probability_C = np.zeros(len(value_C))
        best = int(np.argmax(value_C))
        if value_C[best] <= 0:
            best = len(candidates)
        probability_C[best] = 1.0
        if len(chosen) == k - 1:  # where there are fewer cases than slots, none is given up for another
            arms = self._arms(value_C, estimates.sd_C, best)
            if arms:
                probability_C[best] -= self._rate
                probability_C[arms] += self._rate / len(arms)
        return Distribution(probability_C[:-1], float(probability_C[-1]), estimates.value_C)

    def _arms(self, value_C: NDArray[np.float64], sd_C: NDArray[np.float32] | None, best: int) -> list[int]:
        """Arms to explore: the null case, and the cases with the highest mean plus standard deviation."""
        null = len(value_C) - 1
        hope_C = value_C[:null] + (0.0 if sd_C is None else sd_C)
        challengers = [int(index) for index in np.argsort(-hope_C, kind="stable") if np.isfinite(hope_C[index])]
        arms = [index for index in (null, *challengers) if index != best]
        return arms[: self._n_arms]
