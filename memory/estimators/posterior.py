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

_LEAST_INFORMATION = 0.02
"""Smallest information of an outcome, so that a surprise can still move the posterior."""
_MERIT_MEMORY = 0.998
"""Decay of the experts' past likelihood, so that another can take over after a change."""
_PSEUDO_COEFFICIENTS = 8.0
"""Weight of a family's built-in scale, in well-determined coefficients."""
_ROUNDING = 1e-5
"""Relative rounding error of a prior variance in single precision."""
_SCALE_LIMITS = (0.02, 16.0)
"""Limits of a family's variance, as multiples of the built-in one."""


class Features(NamedTuple):
    """The non-zero features of one outcome."""

    position_X: Tensor
    value_X: Tensor


class Site(NamedTuple):
    """Contribution of one outcome, kept to retract it."""

    information_E: Tensor
    target_E: Tensor
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
        self.family_variance_FE = torch.tensor(family_variances)[:, None].repeat(1, n)
        self.mean_EP = torch.zeros(n, capacity)
        self.covariance_EPP = torch.zeros(n, capacity, capacity)
        self._prior_mean_EP = torch.zeros(n, capacity)
        self._prior_variance_EP = torch.zeros(n, capacity)
        self._family_P = torch.zeros(capacity, dtype=torch.int64)
        self._merit_E = torch.zeros(n)
        self.n = 0

    @property
    def capacity(self) -> int:
        """Maximum number of positions."""
        return self.mean_EP.shape[1]

    @property
    def weights(self) -> Tensor:
        """Weights of the experts; sum to 1."""
        return torch.softmax(self._merit_E, 0)

    def place(self, position: int, *, family: int, mean: float = 0.0, variance: float | None = None) -> None:
        """Put a coefficient at a position, independent of all others; whatever was there is dropped.

        Args:
            position: the next unused one, or one in use.
            family: whose prior it has, unless `variance` is given.
            mean: of its prior.
            variance: of its prior.
        """
        self.n = max(self.n, position + 1)
        prior_E = self.family_variance_FE[family] if variance is None else torch.tensor(variance)
        self.covariance_EPP[:, position, : self.n] = 0.0
        self.covariance_EPP[:, : self.n, position] = 0.0
        self.covariance_EPP[:, position, position] = prior_E
        self._prior_variance_EP[:, position] = prior_E
        self._prior_mean_EP[:, position] = self.mean_EP[:, position] = mean
        self._family_P[position] = family

    def believe(self, position: int, mean_E: Tensor, variance_E: Tensor) -> None:
        """Set mean and variance of a coefficient that has just been placed."""
        self.mean_EP[:, position] = mean_E
        self.covariance_EPP[:, position, position] = variance_E

    def marginal(self, position: int) -> tuple[Tensor, Tensor]:
        """Mean and variance of one coefficient, each of shape (E,)."""
        return self.mean_EP[:, position].clone(), self.covariance_EPP[:, position, position].clone()

    def predict(self, features: Features) -> tuple[Tensor, Tensor]:
        """Mean and variance of the linear predictor, each of shape (E,)."""
        position_X, value_X = features
        block_EXX = self.covariance_EPP[:, position_X[:, None], position_X]
        variance_E = torch.matmul(torch.matmul(block_EXX, value_X), value_X)
        return torch.matmul(self.mean_EP[:, position_X], value_X), torch.clamp(variance_E, min=1e-9)

    def mixed(self, mean_EC: Tensor, variance_EC: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation, (C,) each, mixed over all experts by weight."""
        weight_E1 = self.weights[:, None]
        mean_C: Tensor = (weight_E1 * mean_EC).sum(0)
        variance_C: Tensor = (weight_E1 * (variance_EC + (mean_EC - mean_C) ** 2)).sum(0)
        return mean_C.numpy(), variance_C.sqrt().numpy()

    def observe(self, features: Features, reward: float, *, confidence: float = 1.0) -> Site:
        """Learn one outcome: a step of the extended Kalman filter with a Bernoulli observation."""
        gain_EP, mean_E, variance_E = self._project(features)
        p_E = probability(mean_E, variance_E)
        likelihood_E = reward * torch.log(p_E) + (1 - reward) * torch.log1p(-p_E)
        self._merit_E = _MERIT_MEMORY * self._merit_E + confidence * likelihood_E
        self._merit_E -= self._merit_E.max()
        information_E = confidence * torch.clamp(p_E * (1 - p_E), min=_LEAST_INFORMATION)
        if confidence == 0.0:
            return Site(information_E, mean_E)
        site = Site(information_E, mean_E + confidence * (reward - p_E) / information_E)
        self._update(gain_EP, mean_E, variance_E, site)
        return site

    def retract(self, features: Features, site: Site) -> None:
        """Remove what an outcome contributed: exact as long as nothing of it has faded."""
        gain_EP, mean_E, variance_E = self._project(features)
        # What has faded is not there to be taken: removing it would leave less than nothing.
        information_E = torch.minimum(site.information_E, 0.95 / variance_E)
        self._update(gain_EP, mean_E, variance_E, Site(-information_E, site.target_E))

    def fade(self, n_outcomes: int) -> None:
        """Let beliefs drift back towards their priors, as far as after `n_outcomes` outcomes."""
        for expert, memory in enumerate(self._memories):
            if memory == 1.0:
                continue
            kept = math.pow(memory, n_outcomes / 2)  # of deviations; of covariances its square
            prior_P = self._prior_mean_EP[expert, : self.n]
            self.mean_EP[expert, : self.n] = prior_P + kept * (self.mean_EP[expert, : self.n] - prior_P)
            covariance_PP = self.covariance_EPP[expert, : self.n, : self.n]
            covariance_PP.mul_(kept**2)
            covariance_PP.diagonal().add_((1 - kept**2) * self._prior_variance_EP[expert, : self.n])

    def learn_scales(self) -> None:
        """Re-estimate how much each family's coefficients vary, by MacKay's evidence rule, and weigh beliefs by it."""
        for expert in range(len(self._memories)):
            prior_P = self._prior_variance_EP[expert, : self.n].double()
            fresh_P, scale_F = prior_P.clone(), self.family_variance_FE[:, expert].clone()
            for family in range(1, len(self._built_in_F)):
                at = torch.nonzero(self._family_P[: self.n] == family).squeeze(1)
                scale_F[family] = fresh_P[at] = self._scale(expert, family, at)
            if self._reweigh(expert, 1 / fresh_P - 1 / prior_P):
                self._prior_variance_EP[expert, : self.n] = fresh_P.float()
                self.family_variance_FE[:, expert] = scale_F

    def _scale(self, expert: int, family: int, at: Tensor) -> float:
        """The family's prior variance: the built-in one, moved by the coefficients that are well known."""
        mean_A, variance_A = self.mean_EP[expert, at], self.covariance_EPP[expert, at, at]
        resolved = float(torch.clamp(1 - variance_A / self._prior_variance_EP[expert, at], min=0.0).sum())
        built_in = self._built_in_F[family]
        scale = (_PSEUDO_COEFFICIENTS * built_in + float((mean_A**2).sum())) / (_PSEUDO_COEFFICIENTS + resolved)
        return min(max(scale, _SCALE_LIMITS[0] * built_in), _SCALE_LIMITS[1] * built_in)

    def _reweigh(self, expert: int, precision_P: Tensor) -> bool:
        """Add to the prior precisions; prior means of such coefficients are 0.

        Returns:
            Whether it was possible; if rounding has spoilt the covariance too much, everything stays as it is.
        """
        covariance_PP = self.covariance_EPP[expert, : self.n, : self.n].double()
        covariance_PP = (covariance_PP + covariance_PP.T) / 2  # rounding has made it a little lopsided
        covariance_PP.diagonal().add_(_ROUNDING * self._prior_variance_EP[expert, : self.n])
        factor_PP, is_broken = torch.linalg.cholesky_ex(covariance_PP)
        if is_broken:
            return False
        precision_PP = torch.cholesky_inverse(factor_PP)
        pull_P = torch.matmul(precision_PP, self.mean_EP[expert, : self.n].double())
        precision_PP.diagonal().add_(precision_P)
        factor_PP, is_broken = torch.linalg.cholesky_ex(precision_PP)
        if is_broken:
            return False
        fresh_PP = torch.cholesky_inverse(factor_PP)
        self.covariance_EPP[expert, : self.n, : self.n] = fresh_PP.float()
        self.mean_EP[expert, : self.n] = torch.matmul(fresh_PP, pull_P).float()
        return True

    def _project(self, features: Features) -> tuple[Tensor, Tensor, Tensor]:
        """Covariance times features (E, P), and mean and variance of the linear predictor, (E,) each."""
        position_X, value_X = features
        gain_EP = (self.covariance_EPP[:, position_X, : self.n] * value_X[:, None]).sum(1)
        variance_E = torch.clamp(torch.matmul(gain_EP[:, position_X], value_X), min=1e-9)
        return gain_EP, torch.matmul(self.mean_EP[:, position_X], value_X), variance_E

    def _update(self, gain_EP: Tensor, mean_E: Tensor, variance_E: Tensor, site: Site) -> None:
        step_E = site.information_E / (1 + site.information_E * variance_E)
        move_E = step_E * (site.target_E - mean_E)
        for expert, (step, move) in enumerate(zip(step_E.tolist(), move_E.tolist(), strict=True)):
            gain_P = gain_EP[expert]
            self.mean_EP[expert, : self.n].add_(gain_P, alpha=move)
            self.covariance_EPP[expert, : self.n, : self.n].addr_(gain_P, gain_P, alpha=-step)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Tensors of the posterior, for a snapshot."""
        n = self.n
        return {
            "mean": self.mean_EP[:, :n].numpy(),
            "covariance": self.covariance_EPP[:, :n, :n].numpy(),
            "prior_mean": self._prior_mean_EP[:, :n].numpy(),
            "prior_variance": self._prior_variance_EP[:, :n].numpy(),
            "family": self._family_P[:n].numpy(),
            "family_variance": self.family_variance_FE.numpy(),
            "merit": self._merit_E.numpy(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError, RuntimeError: it is not of this shape.
        """
        taken = {name: torch.from_numpy(np.array(tensors[name])) for name in self.tensors()}
        self.n = n = taken["mean"].shape[1]
        self.mean_EP[:, :n] = taken["mean"]
        self.covariance_EPP[:, :n, :n] = taken["covariance"]
        self._prior_mean_EP[:, :n] = taken["prior_mean"]
        self._prior_variance_EP[:, :n] = taken["prior_variance"]
        self._family_P[:n] = taken["family"]
        self.family_variance_FE = taken["family_variance"].reshape(self.family_variance_FE.shape)
        self._merit_E = taken["merit"].reshape(self._merit_E.shape)


def probability(mean: Tensor, variance: Tensor) -> Tensor:
    """Expected success when the linear predictor is N(mean, variance): MacKay's approximation."""
    return torch.sigmoid(mean / torch.sqrt(1 + math.pi / 8 * variance))
