"""Kernel-weighted episodic values (paper Eq. 9) with a prior where it is 0/0, and the soft value of Eq. 8.

k(s, s'; theta) = exp(-sum_d w_d (s_d - s'_d)^2): which dimensions of the encoder tell that two tasks are alike, and how
near is near. Axes: B tasks, P pairs of a task and a case, N remembered outcomes of the pairs' cases, R tasks they were
remembered in, C cases, D vector dimensions.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, share, whole

_SETTINGS: Final = {
    "gamma": share(0.9),
    "alpha": number(0.02, least=1e-4, most=100.0),
    "precision": number(3.0, least=1e-4, most=1e4),
    "prior_weight": number(0.5, least=1e-6, most=1e6),
    "cosine_weight": number(0.3, most=100.0),
    "learning_rate": number(0.03, most=1.0),
    "target_period": whole(16.0, least=1, most=1e6),
    "target_keep": share(0.5),
    "capacity": whole(8192.0, least=1, most=1e6),
}


class KernelSettings(NamedTuple):
    """Settings of the kernel estimator, by the paper's names where it has one."""

    gamma: float
    """Discount factor; without effect on runs of one step."""
    alpha: float
    """Entropy weight of the soft value, in units of Q."""
    precision: float
    """Precision (inverse bandwidth) of the initial kernel."""
    prior_weight: float
    """Prior weight k0, in outcomes of the same task."""
    cosine_weight: float
    """What a case's cosine above the mean of those served adds to its Q0."""
    learning_rate: float
    """Learning rate eta; 0 keeps the initial kernel."""
    target_period: float
    """K: outcomes between two updates of the target kernel."""
    target_keep: float
    """beta: share of the target kernel that stays then."""
    capacity: float
    """Maximum number of episodes kept."""


def kernel_settings(given: EstimatorSettings | None) -> KernelSettings:
    """The built-in settings with the given ones in their place.

    Raises:
        InvalidInput: an unknown name, or a value beyond its range.
    """
    return KernelSettings(**checked_settings(given, _SETTINGS, estimator="kernel"))


class Evidence(NamedTuple):
    """Remembered outcomes of each pair's case: D_c for all pairs, concatenated."""

    state_RD: Tensor
    """Remembered tasks, each once."""
    row_N: Tensor
    """The outcome's task, as a row of `state_RD`."""
    pair_N: Tensor
    """The pair that the outcome is evidence for."""
    value_N: Tensor
    """Q' of the outcome."""
    confidence_N: Tensor
    """Confidence of its evaluator, in [0, 1]."""


class LearnedKernel(nn.Module):
    """theta: a bandwidth and the dimensions' weights, as logarithms.

    A dimension's share of the gradient shrinks with their number; `tilt_D` counts in units of sqrt(D), so that one
    learning rate moves the weights of any encoder alike.
    """

    def __init__(self, *, dim: int, precision: float) -> None:
        """Start with every dimension alike: a function of the cosine, since vectors are of length 1.

        Args:
            dim: dimension D of the encoder's vectors.
            precision: of each dimension; its inverse is the bandwidth.
        """
        super().__init__()
        self.log_precision = nn.Parameter(torch.tensor(math.log(precision)))
        self.tilt_D = nn.Parameter(torch.zeros(dim))

    def weights(self) -> Tensor:
        """w, shape (D,)."""
        return torch.exp(self.log_precision + math.sqrt(len(self.tilt_D)) * self.tilt_D)

    def forward(self, state_BD: Tensor, other_RD: Tensor) -> Tensor:
        """k(s, s'), shape (B, R), in (0, 1]."""
        weight_D = self.weights()
        weighted_BD = state_BD * weight_D
        own_B1 = (weighted_BD * state_BD).sum(-1, keepdim=True)
        return torch.exp(torch.matmul(2 * weighted_BD, other_RD.T) - own_B1 - torch.matmul(other_RD.square(), weight_D))

    @torch.no_grad()
    def move_towards(self, other: "LearnedKernel", *, keep: float) -> None:
        """Polyak averaging: keep this share of theta, take the rest from the other's."""
        for own, theirs in zip(self.parameters(), other.parameters(), strict=True):
            own.mul_(keep).add_(theirs, alpha=1 - keep)


def episodic_values(
    kernel: LearnedKernel, state_BD: Tensor, task_P: Tensor, prior_P: Tensor, evidence: Evidence, *, prior_weight: float
) -> Tensor:
    """Q_EC(s, c) = (k0 Q0 + sum k(s, s') Q') / (k0 + sum k(s, s')), shape (P,); paper Eq. 9 where k0 is 0.

    Its derivative by autograd is what the paper's Eq. 11 writes out.

    Args:
        kernel: k.
        state_BD: encoded tasks.
        task_P: the pair's task, as a row of `state_BD`.
        prior_P: Q0 of each pair.
        evidence: what is remembered of the pairs' cases.
        prior_weight: Prior weight k0, in outcomes of the same task.
    """
    likeness_N = kernel(state_BD, evidence.state_RD)[task_P[evidence.pair_N], evidence.row_N]
    weight_N = evidence.confidence_N * likeness_N
    total_P = (prior_weight * prior_P).index_add(0, evidence.pair_N, weight_N * evidence.value_N)
    return total_P / torch.full_like(prior_P, prior_weight).index_add(0, evidence.pair_N, weight_N)


def soft_value(q_C: Tensor, *, alpha: float) -> Tensor:
    """Alpha * log sum_c exp(Q / alpha): the soft maximum over cases (Eq. 8, with the alpha that Eq. 4 and 7 need)."""
    return alpha * torch.logsumexp(q_C / alpha, dim=-1)
