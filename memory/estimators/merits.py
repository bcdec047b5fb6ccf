"""Merits of experts: how well each has foretold the outcomes (dynamic model averaging, Raftery et al. 2010).

Axes: E experts with the standard prior means, A all experts, those E first, then as many with each of the other ones.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MEMORY = 0.998
"""Decay of the experts' past likelihood, so that another can take over after a change."""
_MOST_LOGIT = 15.0
"""Largest logit of a probability: in single precision, its complement is still above 0."""
_LEVEL_MEMORY = 32.0
"""Outcomes over which the usual difference between experts' predictors is averaged."""


class Merits:
    """Decayed log likelihood of the outcomes by expert, apart from the level of what each expert foretells.

    Where hardly anything succeeds, whoever expects less of every case foretells better, until the difficulty of the
    tasks is known; that says nothing about which cases are better than none. So predictors are compared after their
    usual difference to those of the standard prior means is taken away.
    """

    def __init__(self, *, n_standard: int, n_experts: int) -> None:
        """Start with all alike."""
        self._n_standard = n_standard
        self._merit_A = np.zeros(n_experts, np.float32)
        self._level_A = np.zeros(n_experts, np.float32)
        """How far each expert's predictor usually lies above that of the standard prior means."""
        self._n_levels = 0.0

    def weights(self, n_experts: int) -> NDArray[np.float32]:
        """Weights of the first so many experts; sum to 1."""
        merit_A = self._merit_A[:n_experts]
        share_A = np.exp(merit_A - merit_A.max())
        weight_A: NDArray[np.float32] = share_A / share_A.sum()
        return weight_A

    def judge(
        self,
        mean_by_prior: Sequence[NDArray[np.float32]],
        variance_E: NDArray[np.float32],
        reward: float,
        *,
        confidence: float,
    ) -> None:
        """Take in an outcome.

        Args:
            mean_by_prior: means of the linear predictor before it, (E,) for each of the prior means.
            variance_E: its variance.
            reward: what came of it.
            confidence: how much it counts.
        """
        if confidence > 0:
            self._n_levels = min(self._n_levels + confidence, _LEVEL_MEMORY)
            apart_A = np.concatenate([mean_E - mean_by_prior[0] for mean_E in mean_by_prior])
            self._level_A += np.float32(confidence / self._n_levels) * (apart_A - self._level_A)
        likelihoods = []
        for number, mean_E in enumerate(mean_by_prior):
            level_E = self._level_A[number * self._n_standard : (number + 1) * self._n_standard]
            p_E = probability(mean_E - level_E, variance_E)
            likelihoods.append(reward * np.log(p_E) + (1 - reward) * np.log1p(-p_E))
        merit_A = (_MEMORY * self._merit_A + confidence * np.concatenate(likelihoods)).astype(np.float32)
        self._merit_A = merit_A - merit_A[: self._n_standard].max()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies for a snapshot."""
        return {"merit": self._merit_A.copy(), "level": self._level_A.copy(), "n_levels": np.array([self._n_levels])}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._merit_A = tensors["merit"].reshape(self._merit_A.shape).copy()
        self._level_A = tensors["level"].reshape(self._level_A.shape).copy()
        self._n_levels = float(tensors["n_levels"][0])


def probability(mean_E: NDArray[np.float32], variance_E: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected success when the linear predictor is N(mean, variance): MacKay's approximation; never quite 0 or 1."""
    logit_E = np.clip(mean_E / np.sqrt(1 + math.pi / 8 * variance_E), -_MOST_LOGIT, _MOST_LOGIT)
    p_E: NDArray[np.float32] = 1 / (1 + np.exp(-logit_E))
    return p_E
