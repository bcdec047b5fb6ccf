"""The `uplift` policy: the set of highest uplift over no memory, control reads without memory, and probes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool

CONTROL = 0.05
"""Share of reads that serve nothing at all: the control that uplift is measured against."""
PROBE = 0.05
"""Share of reads whose last slot probes a case."""
_NOISE = 0.25
"""Variance of one outcome."""


class UpliftPolicy:
    """Top-K by uplift over no memory, with control reads and probes: after UpliftMem (2609.36805).

    As described in the paper's abstract; decided here: a case is served while it adds to the mean uplift of the set.
    Some reads serve nothing, since in use no task is run twice. The last slot sometimes probes the case of the highest
    expected value of sample information: of one more outcome, for the choice between it and the case whose slot it
    takes, with independent Gaussian beliefs (the paper's are correlated) and closed form (knowledge gradient).
    """

    name = "uplift"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = "uplift"

    def __init__(self, *, control: float = CONTROL, probe: float = PROBE) -> None:
        """Set how much is explored.

        Args:
            control: share of reads that serve nothing, in [0, 1).
            probe: share of reads that probe, in [0, 1); together below 1.
        """
        self._control = control
        self._probe = probe

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """The best remaining case or none; the first slot may make it a control read, the last one may probe."""
        n_slots, place = min(k, len(candidates)), len(chosen)
        if place >= n_slots:
            return None
        estimates = candidates.estimates
        score_C = candidates.similarity_C if estimates is None else estimates.value_C
        null = len(candidates)
        probability_C = np.zeros(null + 1)
        if place and chosen[0] is None:
            probability_C[null] = 1.0  # a read without memory is one as a whole
            return Distribution(probability_C[:-1], 1.0, score_C)
        value_C = np.append(score_C.astype(np.float64), -np.inf if estimates is None else 0.0)
        value_C[[index for index in chosen if index is not None]] = -np.inf
        best = int(np.argmax(value_C))
        probability_C[best] = 1.0
        sd_C = None if estimates is None else estimates.sd_C
        may_probe = sd_C is not None and (place == n_slots - 1 or (place == 0 and best == null))
        if may_probe and sd_C is not None and (arm := _most_informative(value_C, sd_C, best)) is not None:
            probability_C[[best, arm]] += -self._probe, self._probe
        if place == 0 and best != null:
            probability_C[[best, null]] += -self._control, self._control
        return Distribution(probability_C[:-1], float(probability_C[-1]), score_C)


def _most_informative(value_C: NDArray[np.float64], sd_C: NDArray[np.float32], best: int) -> int | None:
    """The case of the highest expected value of sample information against the best one; None where all are chosen."""
    gains: dict[int, float] = {}
    for index in np.flatnonzero(np.isfinite(value_C[:-1])).tolist():
        if index != best:
            variance = float(sd_C[index]) ** 2
            spread = variance / math.sqrt(variance + _NOISE)
            gains[index] = _expected_gain(float(value_C[index] - value_C[best]), spread)
    return max(gains, key=lambda index: gains[index], default=None)


def _expected_gain(lead: float, spread: float) -> float:
    """E[max(lead + spread Z, 0)] - max(lead, 0) for standard normal Z (Frazier et al., 2009, knowledge gradient)."""
    if spread <= 0:
        return 0.0
    z = -abs(lead) / spread
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return spread * (density + z * 0.5 * math.erfc(-z / math.sqrt(2)))
