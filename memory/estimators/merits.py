"""Merits of experts: how well each has foretold the outcomes (dynamic model averaging, Raftery et al. 2010).

Axes: M memories, E experts (those with the standard prior means first, one per memory; then those with the next).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MEMORY = 0.998
"""Decay of the experts' past likelihood, so that another can take over after a change."""
_LEVEL_MEMORY = 32.0
"""Outcomes over which the usual difference between experts' predictors is averaged."""


class Merits:
    """Decayed log likelihood of the outcomes by expert, apart from the level of what each expert foretells.

    Where hardly anything succeeds, whoever expects less of every case foretells better, until the difficulty of the
    tasks is known; that says nothing about which cases are better than none. So predictors are compared after their
    usual difference to those of the standard prior means is taken away.
    """

    def __init__(self, *, n_memories: int, n_experts: int) -> None:
        """Start with all alike."""
        self._n_memories = n_memories
        self._merit_E = np.zeros(n_experts, np.float32)
        self._level_E = np.zeros(n_experts, np.float32)
        """How far each expert's predictor usually lies above that of the standard prior means."""
        self._n_levels = 0.0

    def weights(self, n_experts: int) -> NDArray[np.float32]:
        """Weights of the first so many experts; sum to 1."""
        merit_E = self._merit_E[:n_experts]
        share_E = np.exp(merit_E - merit_E.max())
        weight_E: NDArray[np.float32] = share_E / share_E.sum()
        return weight_E

    def judge(
        self,
        mean_by_prior: Sequence[NDArray[np.float32]],
        variance_M: NDArray[np.float32],
        reward: float,
        *,
        confidence: float,
    ) -> None:
        """Take in an outcome.

        Args:
            mean_by_prior: means of the linear predictor before it, (M,) for each of the prior means.
            variance_M: its variance.
            reward: what came of it.
            confidence: how much it counts.
        """
        if confidence > 0:
            self._n_levels = min(self._n_levels + confidence, _LEVEL_MEMORY)
            apart_E = np.concatenate([mean_M - mean_by_prior[0] for mean_M in mean_by_prior])
            self._level_E += np.float32(confidence / self._n_levels) * (apart_E - self._level_E)
        likelihoods = []
        for number, mean_M in enumerate(mean_by_prior):
            level_M = self._level_E[number * self._n_memories : (number + 1) * self._n_memories]
            p_M = probability(mean_M - level_M, variance_M)
            likelihoods.append(reward * np.log(p_M) + (1 - reward) * np.log1p(-p_M))
        merit_E = (_MEMORY * self._merit_E + confidence * np.concatenate(likelihoods)).astype(np.float32)
        self._merit_E = merit_E - merit_E[: self._n_memories].max()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies for a snapshot."""
        return {"merit": self._merit_E.copy(), "level": self._level_E.copy(), "n_levels": np.array([self._n_levels])}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._merit_E = tensors["merit"].reshape(self._merit_E.shape).copy()
        self._level_E = tensors["level"].reshape(self._level_E.shape).copy()
        self._n_levels = float(tensors["n_levels"][0])


def probability(mean_E: NDArray[np.float32], variance_E: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected success when the linear predictor is N(mean, variance): MacKay's approximation."""
    p_E: NDArray[np.float32] = 1 / (1 + np.exp(-mean_E / np.sqrt(1 + math.pi / 8 * variance_E)))
    return p_E
