"""Bayesian logistic regression: a Gaussian posterior of the coefficients, updated one outcome at a time.

Experts are weighted by how well each foretold the outcomes. They differ in how long they trust old evidence, and in the
means of their priors. The experts of one memory share a covariance, whose curvature is that of the expert with the
standard prior means: matrices of their own for the others gained nothing in simulations. A coefficient is known by its
position; what it stands for is the caller's.

Axes: M memories, E experts (those with the standard prior means first, one per memory; then those with the next),
F families, P positions in use, X non-zero features of one outcome.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.covariance import Covariance, reweighed
from memento.memory.estimators.merits import Merits, probability
from memento.memory.products import product

_LEAST_INFORMATION = 0.02
"""Smallest information of an outcome, so that a surprise can still move the posterior."""
_PSEUDO_COEFFICIENTS = 8.0
"""Weight of a family's built-in scale, in well-determined coefficients."""
_SCALE_LIMITS = (0.02, 16.0)
"""Limits of a family's variance, as multiples of the built-in one."""


class Features(NamedTuple):
    """The non-zero features of one outcome."""

    position_X: NDArray[np.int64]
    value_X: NDArray[np.float32]


class Site(NamedTuple):
    """Contribution of one outcome, kept to retract it."""

    information_M: NDArray[np.float32]
    target_E: NDArray[np.float32]
    """Pseudo-observation of the linear predictor."""


class Posterior:
    """Gaussian posterior of every expert: mean and covariance over the positions in use."""

    def __init__(
        self, *, capacity: int, family_variances: Sequence[float], memories: Sequence[float], n_priors: int = 1
    ) -> None:
        """Start with no position in use; only the experts with the standard prior means count.

        Args:
            capacity: most positions.
            family_variances: prior variance of each family's coefficients; family 0 is for those with priors of their
                own, which are not re-estimated.
            memories: the share of evidence that survives one outcome; 1 never forgets. One expert of each for each of
                the prior means.
            n_priors: how many prior means there are of a coefficient; the first are the standard ones.
        """
        n_memories = len(memories)
        self.n_experts = n_memories * n_priors
        """Number of experts, whether they count or not."""
        self.mixes_priors = False
        """Whether the experts with other prior means than the standard ones count. They learn in any case."""
        self._memories = tuple(memories)
        self._built_in_F = tuple(family_variances)
        self.family_variance_FM = np.repeat(np.array(family_variances, np.float32)[:, None], n_memories, axis=1)
        self.covariance = Covariance(n_experts=n_memories, capacity=capacity)
        self._mean_EP = np.zeros((self.n_experts, capacity), np.float32)
        self._prior_mean_EP = np.zeros((self.n_experts, capacity), np.float32)
        self._prior_variance_MP = np.zeros((n_memories, capacity), np.float32)
        self._family_P = np.zeros(capacity, np.int64)
        self._merits = Merits(n_memories=n_memories, n_experts=self.n_experts)

    @property
    def n(self) -> int:
        """Number of positions in use."""
        return self.covariance.n

    @property
    def capacity(self) -> int:
        """Maximum number of positions."""
        return self.covariance.capacity

    @property
    def mean_EP(self) -> NDArray[np.float32]:  # noqa: N802  axes in the name
        """Means of the experts who count."""
        return self._mean_EP if self.mixes_priors else self._mean_EP[: len(self._memories)]

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights of the experts who count; sum to 1."""
        return self._merits.weights(len(self.mean_EP))

    def spread(self, variance_M: NDArray[np.float32]) -> NDArray[np.float32]:
        """Variances of the experts who count, from those of their memories; further axes are kept."""
        if not self.mixes_priors:
            return variance_M
        return np.concatenate([variance_M] * (self.n_experts // len(self._memories)))

    def place(
        self, position: int, *, family: int, means: Sequence[float] | None = None, variance: float | None = None
    ) -> None:
        """Put a coefficient at a position, independent of all others; whatever was there is dropped.

        Args:
            position: the next unused one, or one in use.
            family: whose prior it has, unless `variance` is given.
            means: one of each prior; 0 where not given.
            variance: of its prior.
        """
        n_memories = len(self._memories)
        prior_M = self.family_variance_FM[family] if variance is None else np.full(n_memories, variance)
        self.covariance.place(position, prior_M.astype(np.float32))
        self._prior_variance_MP[:, position] = prior_M
        mean_E = 0.0 if means is None else np.repeat(np.array(means, np.float32), n_memories)
        self._prior_mean_EP[:, position] = self._mean_EP[:, position] = mean_E
        self._family_P[position] = family

    def believe(self, position: int, mean_E: NDArray[np.float32], variance_M: NDArray[np.float32]) -> None:
        """Set mean and variance of a coefficient that has just been placed."""
        self._mean_EP[:, position] = mean_E
        self.covariance.believe(position, variance_M)

    def marginal(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (of all experts) and variance of one coefficient, of shapes (E,) and (M,)."""
        return self._mean_EP[:, position].copy(), self.covariance.variance(position)

    def predict(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of the linear predictor of the experts who count, each of shape (E,)."""
        position_X, value_X = features
        block_MXX = self.covariance.between(position_X, position_X)
        variance_M = np.maximum(product(product(block_MXX, value_X), value_X), np.float32(1e-9))
        return product(self.mean_EP[:, position_X], value_X), self.spread(variance_M)

    def mixed(
        self, mean_EC: NDArray[np.float32], variance_EC: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation, (C,) each, mixed over the experts who count by weight."""
        weight_E1 = self.weights[:, None]
        mean_C: NDArray[np.float32] = (weight_E1 * mean_EC).sum(0)
        variance_C = (weight_E1 * (variance_EC + (mean_EC - mean_C) ** 2)).sum(0)
        return mean_C, np.sqrt(variance_C)

    def observe(self, features: Features, reward: float, *, confidence: float = 1.0) -> Site:
        """Learn one outcome: a step of the extended Kalman filter with a Bernoulli observation."""
        gain_MP, variance_M = self._project(features)
        mean_by_prior = [self._linear(of, features) for of in self._experts]
        p_by_prior = [probability(mean_M, variance_M) for mean_M in mean_by_prior]
        self._merits.judge(mean_by_prior, variance_M, reward, confidence=confidence)
        information_M = confidence * np.maximum(p_by_prior[0] * (1 - p_by_prior[0]), np.float32(_LEAST_INFORMATION))
        if confidence == 0.0:
            return Site(information_M, np.concatenate(mean_by_prior))
        target_by_prior = [
            mean_M + confidence * (reward - p_M) / information_M
            for mean_M, p_M in zip(mean_by_prior, p_by_prior, strict=True)
        ]
        site = Site(information_M, np.concatenate(target_by_prior))
        self._update(gain_MP, mean_by_prior, variance_M, site)
        return site

    def retract(self, features: Features, site: Site) -> None:
        """Remove what an outcome contributed: exact as long as nothing of it has faded."""
        gain_MP, variance_M = self._project(features)
        # What has faded is not there to be taken: removing it would leave less than nothing.
        information_M = np.minimum(site.information_M, np.float32(0.95) / variance_M)
        mean_by_prior = [self._linear(of, features) for of in self._experts]
        self._update(gain_MP, mean_by_prior, variance_M, Site(-information_M, site.target_E))

    def fade(self, n_outcomes: int) -> None:
        """Let beliefs drift back towards their priors, as far as after `n_outcomes` outcomes."""
        covariance_MPP = self.covariance.settled()
        for number, memory in enumerate(self._memories):
            if memory == 1.0:
                continue
            kept = math.pow(memory, n_outcomes / 2)  # of deviations; of covariances its square
            for expert in range(number, self.n_experts, len(self._memories)):
                prior_P = self._prior_mean_EP[expert, : self.n]
                self._mean_EP[expert, : self.n] = prior_P + kept * (self._mean_EP[expert, : self.n] - prior_P)
            covariance_MPP[number].mul_(kept**2)
            added_P = (1 - kept**2) * self._prior_variance_MP[number, : self.n]
            covariance_MPP[number].diagonal().add_(torch.from_numpy(added_P))

    def learn_scales(self) -> None:
        """Re-estimate how much each family's coefficients vary, by MacKay's evidence rule, and weigh beliefs by it."""
        variance_MP = self.covariance.variances(np.arange(self.n))
        covariance_MPP = self.covariance.settled()
        for memory in range(len(self._memories)):
            prior_P = self._prior_variance_MP[memory, : self.n].astype(np.float64)
            fresh_P, scale_F = prior_P.copy(), self.family_variance_FM[:, memory].copy()
            for family in range(1, len(self._built_in_F)):
                is_in = self._family_P[: self.n] == family
                scale_F[family] = fresh_P[is_in] = self._scale(memory, family, is_in, variance_MP[memory])
            if self._reweigh(memory, covariance_MPP[memory], 1 / fresh_P - 1 / prior_P):
                self._prior_variance_MP[memory, : self.n] = fresh_P
                self.family_variance_FM[:, memory] = scale_F

    def _scale(
        self, memory: int, family: int, is_in_P: NDArray[np.bool_], variance_P: NDArray[np.float32]
    ) -> np.float32:
        """The family's prior variance: the built-in one, moved by the coefficients that are well known.

        The means are those of the expert with the standard prior means, as the covariance is.
        """
        mean_A, share_A = (
            self._mean_EP[memory, : self.n][is_in_P],
            variance_P / self._prior_variance_MP[memory, : self.n],
        )
        resolved = float(np.maximum(1 - share_A[is_in_P], 0.0).sum())
        built_in = self._built_in_F[family]
        scale = (_PSEUDO_COEFFICIENTS * built_in + float((mean_A**2).sum())) / (_PSEUDO_COEFFICIENTS + resolved)
        return np.float32(min(max(scale, _SCALE_LIMITS[0] * built_in), _SCALE_LIMITS[1] * built_in))

    def _reweigh(self, memory: int, covariance_PP: Tensor, precision_P: NDArray[np.float64]) -> bool:
        """Add to the prior precisions; prior means of such coefficients are 0.

        Returns:
            Whether it was possible; if rounding has spoilt the covariance too much, everything stays as it is.
        """
        experts = range(memory, self.n_experts, len(self._memories))
        means = [self._mean_EP[expert, : self.n] for expert in experts]
        fresh = reweighed(covariance_PP, means, self._prior_variance_MP[memory, : self.n], precision_P)
        if fresh is None:
            return False
        for mean_P, fresh_P in zip(means, fresh, strict=True):
            mean_P[:] = fresh_P
        return True

    @property
    def _experts(self) -> list[slice]:
        """The experts of each of the prior means."""
        n_memories = len(self._memories)
        return [slice(start, start + n_memories) for start in range(0, self.n_experts, n_memories)]

    def _linear(self, experts: slice, features: Features) -> NDArray[np.float32]:
        """Mean of the linear predictor of the experts of one of the prior means, shape (M,)."""
        mean_M: NDArray[np.float32] = (self._mean_EP[experts, features.position_X] * features.value_X).sum(1)
        return mean_M

    def _project(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Covariance times features (M, P), and variance of the linear predictor, (M,)."""
        position_X, value_X = features
        gain_MP = self.covariance.gain(position_X, value_X)
        variance_M = (gain_MP[:, position_X] * value_X).sum(1)
        return gain_MP, np.maximum(variance_M, np.float32(1e-9))

    def _update(
        self,
        gain_MP: NDArray[np.float32],
        mean_by_prior: list[NDArray[np.float32]],
        variance_M: NDArray[np.float32],
        site: Site,
    ) -> None:
        step_M = site.information_M / (1 + site.information_M * variance_M)
        for experts, mean_M in zip(self._experts, mean_by_prior, strict=True):
            move_M = step_M * (site.target_E[experts] - mean_M)
            self._mean_EP[experts, : self.n] += move_M[:, None] * gain_MP
        self.covariance.subtract(gain_MP, step_M)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the posterior's arrays, for a snapshot."""
        n = self.n
        return {
            **self.covariance.tensors(),
            "mean": self._mean_EP[:, :n].copy(),
            "prior_mean": self._prior_mean_EP[:, :n].copy(),
            "prior_variance": self._prior_variance_MP[:, :n].copy(),
            "family": self._family_P[:n].copy(),
            "family_variance": self.family_variance_FM.copy(),
            **self._merits.tensors(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError, RuntimeError: it is not of this shape.
        """
        self.covariance.restore(tensors)
        n = self.n
        self._mean_EP[:, :n] = tensors["mean"]
        self._prior_mean_EP[:, :n] = tensors["prior_mean"]
        self._prior_variance_MP[:, :n] = tensors["prior_variance"]
        self._family_P[:n] = tensors["family"]
        self.family_variance_FM = tensors["family_variance"].reshape(self.family_variance_FM.shape).copy()
        self._merits.restore(tensors)
