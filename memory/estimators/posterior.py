"""Bayesian logistic regression: a Gaussian posterior of the coefficients, updated one outcome at a time.

Experts are weighted by how well each foretold the outcomes. They differ in how long they trust old evidence, and in the
means of their priors. The experts of one memory share a covariance, whose curvature is that of the expert with the
standard prior means: matrices of their own for the others gained nothing in simulations. A coefficient is known by its
position; what it stands for is the caller's.

Axes: E experts with the standard prior means, one per memory; A all experts, those E first, then as many with each of
the other prior means; F families, P positions in use, X non-zero features of one outcome. What is told of the experts
who count has axis E, and is of length A while all count.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.contributions import Features, Site
from memento.memory.estimators.covariance import Covariance, reweighed
from memento.memory.estimators.fading import Predictor, remaining_site
from memento.memory.estimators.merits import Merits, probability
from memento.memory.estimators.scales import family_variance
from memento.memory.products import product

_LEAST_INFORMATION = 0.02
"""Smallest information of an outcome, so that a surprise can still move the posterior."""


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
        self.family_variance_FE = np.repeat(np.array(family_variances, np.float32)[:, None], n_memories, axis=1)
        self.covariance = Covariance(n_experts=n_memories, capacity=capacity)
        self._mean_AP = np.zeros((self.n_experts, capacity), np.float32)
        self._prior_mean_AP = np.zeros((self.n_experts, capacity), np.float32)
        self._prior_variance_EP = np.zeros((n_memories, capacity), np.float32)
        self._family_P = np.zeros(capacity, np.int64)
        self._merits = Merits(n_standard=n_memories, n_experts=self.n_experts)

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
        return self._mean_AP if self.mixes_priors else self._mean_AP[: len(self._memories)]

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights of the experts who count; sum to 1."""
        return self._merits.weights(len(self.mean_EP))

    def spread(self, variance_E: NDArray[np.float32]) -> NDArray[np.float32]:
        """Variances of the experts who count, from those of the standard ones; further axes are kept."""
        if not self.mixes_priors:
            return variance_E
        return np.concatenate([variance_E] * (self.n_experts // len(self._memories)))

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
        prior_E = self.family_variance_FE[family] if variance is None else np.full(n_memories, variance)
        self.covariance.place(position, prior_E.astype(np.float32))
        self._prior_variance_EP[:, position] = prior_E
        mean_A = 0.0 if means is None else np.repeat(np.array(means, np.float32), n_memories)
        self._prior_mean_AP[:, position] = self._mean_AP[:, position] = mean_A
        self._family_P[position] = family

    def believe(self, position: int, mean_A: NDArray[np.float32], variance_E: NDArray[np.float32]) -> None:
        """Set mean and variance of a coefficient that has just been placed."""
        self._mean_AP[:, position] = mean_A
        self.covariance.believe(position, variance_E)

    def marginal(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (of all experts) and variance of one coefficient, of shapes (A,) and (E,)."""
        return self._mean_AP[:, position].copy(), self.covariance.variance(position)

    def predict(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of the linear predictor of the experts who count, each of shape (E,)."""
        position_X, value_X = features
        block_EXX = self.covariance.between(position_X, position_X)
        variance_E = np.maximum(product(product(block_EXX, value_X), value_X), np.float32(1e-9))
        return product(self.mean_EP[:, position_X], value_X), self.spread(variance_E)

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
        gain_EP, variance_E = self._project(features)
        mean_by_prior = [self._linear(of, features) for of in self._experts]
        p_by_prior = [probability(mean_E, variance_E) for mean_E in mean_by_prior]
        self._merits.judge(mean_by_prior, variance_E, reward, confidence=confidence)
        information_E = confidence * np.maximum(p_by_prior[0] * (1 - p_by_prior[0]), np.float32(_LEAST_INFORMATION))
        if confidence == 0.0:
            return Site(information_E, np.concatenate(mean_by_prior))
        target_by_prior = [
            mean_E + confidence * (reward - p_E) / information_E
            for mean_E, p_E in zip(mean_by_prior, p_by_prior, strict=True)
        ]
        site = Site(information_E, np.concatenate(target_by_prior))
        self._update(gain_EP, mean_by_prior, variance_E, site)
        return site

    def retract(self, features: Features, site: Site, *, n_faded: int = 0) -> None:
        """Remove what an outcome contributed: exact as long as nothing of it has faded.

        Args:
            features: of the outcome.
            site: its contribution.
            n_faded: outcomes by which beliefs have faded since.
        """
        gain_EP, variance_E = self._project(features)
        mean_by_prior = [self._linear(of, features) for of in self._experts]
        if n_faded and min(self._memories) < 1:
            position_X, value_X = features
            prior_E = (self._prior_variance_EP[:, position_X] * value_X**2).sum(1)
            site = remaining_site(
                site,
                Predictor(variance_E, np.maximum(prior_E, 1.001 * variance_E)),
                np.array(self._memories, np.float32),
                n_faded=n_faded,
                most_E=self._removable(gain_EP),
                mean_A=np.concatenate(mean_by_prior),
                prior_mean_A=(self._prior_mean_AP[:, position_X] * value_X).sum(1),
            )
        information_E = np.minimum(site.information_E, np.float32(0.95) / variance_E)
        self._update(gain_EP, mean_by_prior, variance_E, Site(-information_E, site.target_A))

    def _removable(self, gain_EP: NDArray[np.float32]) -> NDArray[np.float32]:
        """Largest step of a retraction after which no coefficient is vaguer than its prior, shape (E,)."""
        room_EP = 1.001 * self._prior_variance_EP[:, : self.n] - self.covariance.variances(np.arange(self.n))
        most_E: NDArray[np.float32] = (np.maximum(room_EP, 0.0) / np.maximum(gain_EP**2, 1e-12)).min(axis=1)
        return most_E

    def fade(self, n_outcomes: int) -> None:
        """Let beliefs drift back towards their priors, as far as after `n_outcomes` outcomes."""
        covariance_EPP = self.covariance.settled()
        for number, memory in enumerate(self._memories):
            if memory == 1.0:
                continue
            kept = math.pow(memory, n_outcomes / 2)  # of deviations; of covariances its square
            for expert in range(number, self.n_experts, len(self._memories)):
                prior_P = self._prior_mean_AP[expert, : self.n]
                self._mean_AP[expert, : self.n] = prior_P + kept * (self._mean_AP[expert, : self.n] - prior_P)
            covariance_EPP[number].mul_(kept**2)
            added_P = (1 - kept**2) * self._prior_variance_EP[number, : self.n]
            covariance_EPP[number].diagonal().add_(torch.from_numpy(added_P))

    def learn_scales(self) -> None:
        """Re-estimate how much each family's coefficients vary, by MacKay's evidence rule, and weigh beliefs by it.

        The means are those of the expert with the standard prior means, as the covariance is.
        """
        variance_EP = self.covariance.variances(np.arange(self.n))
        covariance_EPP = self.covariance.settled()
        for expert in range(len(self._memories)):
            prior_P = self._prior_variance_EP[expert, : self.n].astype(np.float64)
            share_P = variance_EP[expert] / self._prior_variance_EP[expert, : self.n]
            fresh_P, scale_F = prior_P.copy(), self.family_variance_FE[:, expert].copy()
            for family in range(1, len(self._built_in_F)):
                is_in = self._family_P[: self.n] == family
                mean_A, built_in = self._mean_AP[expert, : self.n][is_in], self._built_in_F[family]
                scale_F[family] = fresh_P[is_in] = family_variance(mean_A, share_P[is_in], built_in=built_in)
            if self._reweigh(expert, covariance_EPP[expert], 1 / fresh_P - 1 / prior_P):
                self._prior_variance_EP[expert, : self.n] = fresh_P
                self.family_variance_FE[:, expert] = scale_F

    def _reweigh(self, expert: int, covariance_PP: Tensor, precision_P: NDArray[np.float64]) -> bool:
        """Add to the prior precisions; prior means of such coefficients are 0.

        Returns:
            Whether it was possible; if rounding has spoilt the covariance too much, everything stays as it is.
        """
        means = [self._mean_AP[one, : self.n] for one in range(expert, self.n_experts, len(self._memories))]
        fresh = reweighed(covariance_PP, means, self._prior_variance_EP[expert, : self.n], precision_P)
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
        """Mean of the linear predictor of the experts of one of the prior means, shape (E,)."""
        mean_E: NDArray[np.float32] = (self._mean_AP[experts, features.position_X] * features.value_X).sum(1)
        return mean_E

    def _project(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Covariance times features (E, P), and variance of the linear predictor, (E,)."""
        position_X, value_X = features
        gain_EP = self.covariance.gain(position_X, value_X)
        variance_E = (gain_EP[:, position_X] * value_X).sum(1)
        return gain_EP, np.maximum(variance_E, np.float32(1e-9))

    def _update(
        self,
        gain_EP: NDArray[np.float32],
        mean_by_prior: list[NDArray[np.float32]],
        variance_E: NDArray[np.float32],
        site: Site,
    ) -> None:
        step_E = site.information_E / (1 + site.information_E * variance_E)
        for experts, mean_E in zip(self._experts, mean_by_prior, strict=True):
            move_E = step_E * (site.target_A[experts] - mean_E)
            self._mean_AP[experts, : self.n] += move_E[:, None] * gain_EP
        self.covariance.subtract(gain_EP, step_E)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the posterior's arrays, for a snapshot."""
        n = self.n
        return {
            **self.covariance.tensors(),
            "mean": self._mean_AP[:, :n].copy(),
            "prior_mean": self._prior_mean_AP[:, :n].copy(),
            "prior_variance": self._prior_variance_EP[:, :n].copy(),
            "family": self._family_P[:n].copy(),
            "family_variance": self.family_variance_FE.copy(),
            **self._merits.tensors(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError, RuntimeError: it is not of this shape.
        """
        self.covariance.restore(tensors)
        n = self.n
        self._mean_AP[:, :n] = tensors["mean"]
        self._prior_mean_AP[:, :n] = tensors["prior_mean"]
        self._prior_variance_EP[:, :n] = tensors["prior_variance"]
        self._family_P[:n] = tensors["family"]
        self.family_variance_FE = tensors["family_variance"].reshape(self.family_variance_FE.shape).copy()
        self._merits.restore(tensors)
