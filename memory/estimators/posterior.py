"""Bayesian logistic regression: a Gaussian posterior of the coefficients, updated one outcome at a time.

Experts, who differ in how long they trust old evidence, keep beliefs about the same coefficients, and are weighted by
how well each foretold the outcomes (dynamic model averaging, Raftery et al. 2010). A coefficient is known by its
position; what it stands for is the caller's.

Axes: E experts, F families, P positions in use, X non-zero features of one outcome.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.covariance import Covariance
from memento.memory.products import product

_LEAST_INFORMATION = 0.02
"""Smallest information of an outcome, so that a surprise can still move the posterior."""
_MERIT_MEMORY = 0.998
"""Decay of the experts' past likelihood, so that another can take over after a change."""
_PSEUDO_COEFFICIENTS = 8.0
"""Weight of a family's built-in scale, in well-determined coefficients."""
_MOST_LOGIT = 15.0
"""Largest logit of a probability: in single precision, its complement is still above 0."""
_MOST_TARGET = 4.0
"""Largest distance, in logits, of several outcomes' average pseudo-observation from the prior mean."""
_ROUNDING = 1e-5
"""Relative rounding error of a prior variance in single precision."""
_SCALE_LIMITS = (0.02, 16.0)
"""Limits of a family's variance, as multiples of the built-in one."""


class Features(NamedTuple):
    """The non-zero features of one outcome."""

    position_X: NDArray[np.int64]
    value_X: NDArray[np.float32]


class Site(NamedTuple):
    """Contribution of one outcome, kept to retract it."""

    information_E: NDArray[np.float32]
    target_E: NDArray[np.float32]
    """Pseudo-observation of the linear predictor."""


class Posterior:
    """Gaussian posterior of every expert: mean and covariance over the positions in use."""

    def __init__(self, *, capacity: int, family_variances: Sequence[float], memories: Sequence[float]) -> None:
        """Start with no position in use.

        Args:
            capacity: most positions.
            family_variances: prior variance of each family's coefficients; family 0 is for those with priors of their
                own, which are not re-estimated.
            memories: per expert, the share of evidence that survives one outcome; 1 never forgets.
        """
        n = len(memories)
        self._memories = tuple(memories)
        self._built_in_F = tuple(family_variances)
        self.family_variance_FE = np.repeat(np.array(family_variances, np.float32)[:, None], n, axis=1)
        self.mean_EP = np.zeros((n, capacity), np.float32)
        self.covariance = Covariance(n_experts=n, capacity=capacity)
        self._prior_mean_EP = np.zeros((n, capacity), np.float32)
        self._prior_variance_EP = np.zeros((n, capacity), np.float32)
        self._family_P = np.zeros(capacity, np.int64)
        self._merit_E = np.zeros(n, np.float32)

    @property
    def n(self) -> int:
        """Number of positions in use."""
        return self.covariance.n

    @property
    def capacity(self) -> int:
        """Maximum number of positions."""
        return self.covariance.capacity

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights of the experts; sum to 1."""
        share_E = np.exp(self._merit_E - self._merit_E.max())
        weight_E: NDArray[np.float32] = share_E / share_E.sum()
        return weight_E

    def place(self, position: int, *, family: int, mean: float = 0.0, variance: float | None = None) -> None:
        """Put a coefficient at a position, independent of all others; whatever was there is dropped.

        Args:
            position: the next unused one, or one in use.
            family: whose prior it has, unless `variance` is given.
            mean: of its prior.
            variance: of its prior.
        """
        prior_E = self.family_variance_FE[family] if variance is None else np.full(len(self._memories), variance)
        self.covariance.place(position, prior_E.astype(np.float32))
        self._prior_variance_EP[:, position] = prior_E
        self._prior_mean_EP[:, position] = self.mean_EP[:, position] = mean
        self._family_P[position] = family

    def believe(self, position: int, mean_E: NDArray[np.float32], variance_E: NDArray[np.float32]) -> None:
        """Set mean and variance of a coefficient that has just been placed."""
        self.mean_EP[:, position] = mean_E
        self.covariance.believe(position, variance_E)

    def marginal(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of one coefficient, each of shape (E,)."""
        return self.mean_EP[:, position].copy(), self.covariance.variance(position)

    def predict(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of the linear predictor, each of shape (E,)."""
        position_X, value_X = features
        block_EXX = self.covariance.between(position_X, position_X)
        variance_E = product(product(block_EXX, value_X), value_X)
        return product(self.mean_EP[:, position_X], value_X), np.maximum(variance_E, np.float32(1e-9))

    def mixed(
        self, mean_EC: NDArray[np.float32], variance_EC: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation, (C,) each, mixed over all experts by weight."""
        weight_E1 = self.weights[:, None]
        mean_C: NDArray[np.float32] = (weight_E1 * mean_EC).sum(0)
        variance_C = (weight_E1 * (variance_EC + (mean_EC - mean_C) ** 2)).sum(0)
        return mean_C, np.sqrt(variance_C)

    def observe(self, features: Features, reward: float, *, confidence: float = 1.0) -> Site:
        """Learn one outcome: a step of the extended Kalman filter with a Bernoulli observation."""
        gain_EP, mean_E, variance_E = self._project(features)
        p_E = probability(mean_E, variance_E)
        likelihood_E = reward * np.log(p_E) + (1 - reward) * np.log1p(-p_E)
        merit_E = (_MERIT_MEMORY * self._merit_E + confidence * likelihood_E).astype(np.float32)
        self._merit_E = merit_E - merit_E.max()
        information_E = confidence * np.maximum(p_E * (1 - p_E), np.float32(_LEAST_INFORMATION))
        if confidence == 0.0:
            return Site(information_E, mean_E)
        site = Site(information_E, mean_E + confidence * (reward - p_E) / information_E)
        self._update(gain_EP, mean_E, variance_E, site)
        return site

    def retract(self, features: Features, site: Site, *, n_faded: int = 0) -> None:
        """Remove what an outcome contributed: exact as long as nothing of it has faded.

        Args:
            features: of the outcome.
            site: its contribution.
            n_faded: outcomes by which beliefs have faded since.
        """
        gain_EP, mean_E, variance_E = self._project(features)
        memory_E = np.array(self._memories, np.float32)
        if n_faded and (memory_E < 1).any():
            most_E = self._removable(gain_EP)
            left = self._left(features, site, mean_E, variance_E, n_faded=n_faded, most_E=most_E)
            is_faded_E = memory_E < 1
            site = Site(*(np.where(is_faded_E, now_E, then_E) for now_E, then_E in zip(left, site, strict=True)))
        information_E = np.minimum(site.information_E, np.float32(0.95) / variance_E)
        self._update(gain_EP, mean_E, variance_E, Site(-information_E, site.target_E))

    def _left(
        self,
        features: Features,
        site: Site,
        mean_E: NDArray[np.float32],
        variance_E: NDArray[np.float32],
        *,
        n_faded: int,
        most_E: NDArray[np.float32],
    ) -> Site:
        """What is left of an outcome since beliefs have faded; all of it is part of what is still known.

        What has faded is not there to be taken: removing it would leave less than nothing, and of many outcomes so
        much less that the mean has no bound. What is known well fades faster, as the prior is mixed in. What remains
        when the outcome is removed is evidence like any other: its average lies where outcomes can lie.
        """
        position_X, value_X = features
        prior_E = np.maximum((self._prior_variance_EP[:, position_X] * value_X**2).sum(1), 1.001 * variance_E)
        prior_mean_E = (self._prior_mean_EP[:, position_X] * value_X).sum(1)
        known_E = 1 / variance_E - 1 / prior_E
        faded_E = (1 - np.array(self._memories)) * prior_E / variance_E
        left_E = site.information_E * np.maximum(1 - faded_E, 0.0) ** n_faded
        information_E = np.minimum(np.minimum(left_E, 0.95 * known_E), most_E / (1 + most_E * variance_E))
        average_E = prior_mean_E + (mean_E - prior_mean_E) * prior_E / (prior_E - variance_E)
        rest_E = known_E - information_E
        average_E += information_E / rest_E * (average_E - site.target_E)
        average_E = np.clip(average_E, prior_mean_E - _MOST_TARGET, prior_mean_E + _MOST_TARGET)
        after_E = (prior_mean_E / prior_E + rest_E * average_E) / (1 / prior_E + rest_E)
        step_E = np.maximum(information_E / (1 - information_E * variance_E), 1e-9)
        target_E = mean_E - (after_E - mean_E) / (step_E * variance_E)
        return Site(information_E.astype(np.float32), target_E.astype(np.float32))

    def _removable(self, gain_EP: NDArray[np.float32]) -> NDArray[np.float32]:
        """Largest step of a retraction after which no coefficient is vaguer than its prior, shape (E,)."""
        room_EP = 1.001 * self._prior_variance_EP[:, : self.n] - self.covariance.variances(np.arange(self.n))
        most_E: NDArray[np.float32] = (np.maximum(room_EP, 0.0) / np.maximum(gain_EP**2, 1e-12)).min(axis=1)
        return most_E

    def fade(self, n_outcomes: int) -> None:
        """Let beliefs drift back towards their priors, as far as after `n_outcomes` outcomes."""
        covariance_EPP = self.covariance.settled()
        for expert, memory in enumerate(self._memories):
            if memory == 1.0:
                continue
            kept = math.pow(memory, n_outcomes / 2)  # of deviations; of covariances its square
            prior_P = self._prior_mean_EP[expert, : self.n]
            self.mean_EP[expert, : self.n] = prior_P + kept * (self.mean_EP[expert, : self.n] - prior_P)
            covariance_EPP[expert].mul_(kept**2)
            added_P = (1 - kept**2) * self._prior_variance_EP[expert, : self.n]
            covariance_EPP[expert].diagonal().add_(torch.from_numpy(added_P))

    def learn_scales(self) -> None:
        """Re-estimate how much each family's coefficients vary, by MacKay's evidence rule, and weigh beliefs by it."""
        variance_EP = self.covariance.variances(np.arange(self.n))
        covariance_EPP = self.covariance.settled()
        for expert in range(len(self._memories)):
            prior_P = self._prior_variance_EP[expert, : self.n].astype(np.float64)
            fresh_P, scale_F = prior_P.copy(), self.family_variance_FE[:, expert].copy()
            for family in range(1, len(self._built_in_F)):
                is_in = self._family_P[: self.n] == family
                scale_F[family] = fresh_P[is_in] = self._scale(expert, family, is_in, variance_EP[expert])
            if self._reweigh(expert, covariance_EPP[expert], 1 / fresh_P - 1 / prior_P):
                self._prior_variance_EP[expert, : self.n] = fresh_P
                self.family_variance_FE[:, expert] = scale_F

    def _scale(
        self, expert: int, family: int, is_in_P: NDArray[np.bool_], variance_P: NDArray[np.float32]
    ) -> np.float32:
        """The family's prior variance: the built-in one, moved by the coefficients that are well known."""
        mean_A, share_A = (
            self.mean_EP[expert, : self.n][is_in_P],
            variance_P / self._prior_variance_EP[expert, : self.n],
        )
        resolved = float(np.maximum(1 - share_A[is_in_P], 0.0).sum())
        built_in = self._built_in_F[family]
        scale = (_PSEUDO_COEFFICIENTS * built_in + float((mean_A**2).sum())) / (_PSEUDO_COEFFICIENTS + resolved)
        return np.float32(min(max(scale, _SCALE_LIMITS[0] * built_in), _SCALE_LIMITS[1] * built_in))

    def _reweigh(self, expert: int, covariance_PP: Tensor, precision_P: NDArray[np.float64]) -> bool:
        """Add to the prior precisions; prior means of such coefficients are 0.

        Returns:
            Whether it was possible; if rounding has spoilt the covariance too much, everything stays as it is.
        """
        exact_PP = covariance_PP.double()
        exact_PP = (exact_PP + exact_PP.T) / 2  # rounding has made it a little lopsided
        exact_PP.diagonal().add_(torch.from_numpy(_ROUNDING * self._prior_variance_EP[expert, : self.n]))
        factor_PP, is_broken = torch.linalg.cholesky_ex(exact_PP)
        if is_broken:
            return False
        precision_PP = torch.cholesky_inverse(factor_PP)
        mean_P = torch.from_numpy(self.mean_EP[expert, : self.n].astype(np.float64))
        pull_P = torch.matmul(precision_PP, mean_P)
        precision_PP.diagonal().add_(torch.from_numpy(precision_P))
        factor_PP, is_broken = torch.linalg.cholesky_ex(precision_PP)
        if is_broken:
            return False
        fresh_PP = torch.cholesky_inverse(factor_PP)
        covariance_PP.copy_(fresh_PP)
        self.mean_EP[expert, : self.n] = torch.matmul(fresh_PP, pull_P).numpy()
        return True

    def _project(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Covariance times features (E, P), and mean and variance of the linear predictor, (E,) each."""
        position_X, value_X = features
        gain_EP = self.covariance.gain(position_X, value_X)
        variance_E = (gain_EP[:, position_X] * value_X).sum(1)
        mean_E = (self.mean_EP[:, position_X] * value_X).sum(1)
        return gain_EP, mean_E, np.maximum(variance_E, np.float32(1e-9))

    def _update(
        self,
        gain_EP: NDArray[np.float32],
        mean_E: NDArray[np.float32],
        variance_E: NDArray[np.float32],
        site: Site,
    ) -> None:
        step_E = site.information_E / (1 + site.information_E * variance_E)
        move_E = step_E * (site.target_E - mean_E)
        self.mean_EP[:, : self.n] += move_E[:, None] * gain_EP
        self.covariance.subtract(gain_EP, step_E)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the posterior's arrays, for a snapshot."""
        n = self.n
        return {
            **self.covariance.tensors(),
            "mean": self.mean_EP[:, :n].copy(),
            "prior_mean": self._prior_mean_EP[:, :n].copy(),
            "prior_variance": self._prior_variance_EP[:, :n].copy(),
            "family": self._family_P[:n].copy(),
            "family_variance": self.family_variance_FE.copy(),
            "merit": self._merit_E.copy(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError, RuntimeError: it is not of this shape.
        """
        self.covariance.restore(tensors)
        n = self.n
        self.mean_EP[:, :n] = tensors["mean"]
        self._prior_mean_EP[:, :n] = tensors["prior_mean"]
        self._prior_variance_EP[:, :n] = tensors["prior_variance"]
        self._family_P[:n] = tensors["family"]
        self.family_variance_FE = tensors["family_variance"].reshape(self.family_variance_FE.shape).copy()
        self._merit_E = tensors["merit"].reshape(self._merit_E.shape).copy()


def probability(mean_E: NDArray[np.float32], variance_E: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected success when the linear predictor is N(mean, variance): MacKay's approximation; never quite 0 or 1."""
    logit_E = np.clip(mean_E / np.sqrt(1 + math.pi / 8 * variance_E), -_MOST_LOGIT, _MOST_LOGIT)
    p_E: NDArray[np.float32] = 1 / (1 + np.exp(-logit_E))
    return p_E
