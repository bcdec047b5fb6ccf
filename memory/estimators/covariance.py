"""Covariance of a Gaussian posterior per expert, with the newest rank-one updates kept apart until there are enough.

An update of the whole matrix moves megabytes through the processor for every outcome. So C = S - U' diag(t) U, where
S is settled, and U and t hold the gains and steps of the newest updates; sixteen of them are settled in one product.
Nor is a column of S emptied when its coefficient is replaced, which touches every row: it is left out of everything
until S is settled next.

Axes: E experts, P positions, X non-zero features, K updates that are not settled, A and B positions asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.products import product

_MOST_PENDING = 16
"""Updates kept apart: with more, what is added to every product costs more than what is saved."""

_ROUNDING = 1e-5
"""Relative rounding error of a prior variance in single precision."""


class Covariance:
    """Covariance matrices over the positions in use, the first `n`."""

    def __init__(self, *, n_experts: int, capacity: int) -> None:
        """Start with no position in use."""
        self.n = 0
        self._settled_EPP = torch.zeros(n_experts, capacity, capacity)
        self._gain_EKP = torch.zeros(n_experts, _MOST_PENDING, capacity)
        self._step_EK = np.zeros((n_experts, _MOST_PENDING), np.float32)
        self._n_pending = 0
        self._is_fresh_P = np.zeros(capacity, np.bool_)  # whose columns, unlike their rows, hold what was there before
        self._settled = self._settled_EPP.numpy()  # the same memory: small look-ups are quicker in numpy
        self._gain = self._gain_EKP.numpy()

    @property
    def capacity(self) -> int:
        """Maximum number of positions."""
        return len(self._is_fresh_P)

    def place(self, position: int, variance_E: NDArray[np.float32]) -> None:
        """Put a coefficient at a position, independent of all others; whatever was there is dropped."""
        self.n = max(self.n, position + 1)
        self._settled[:, position, : self.n] = 0.0
        self._gain[:, : self._n_pending, position] = 0.0
        self._is_fresh_P[position] = True
        self._settled[:, position, position] = variance_E

    def believe(self, position: int, variance_E: NDArray[np.float32]) -> None:
        """Set the variance of a coefficient that has just been placed."""
        self._settled[:, position, position] = variance_E

    def variance(self, position: int) -> NDArray[np.float32]:
        """Variance of one coefficient, shape (E,)."""
        k = self._n_pending
        pending_E = (self._step_EK[:, :k] * self._gain[:, :k, position] ** 2).sum(1)
        variance_E: NDArray[np.float32] = self._settled[:, position, position] - pending_E
        return variance_E

    def variances(self, position_A: NDArray[np.int64]) -> NDArray[np.float32]:
        """Variances of coefficients, shape (E, A)."""
        k = self._n_pending
        pending_EA = (self._step_EK[:, :k, None] * self._gain[:, :k, position_A] ** 2).sum(1)
        variance_EA: NDArray[np.float32] = self._settled[:, position_A, position_A] - pending_EA
        return variance_EA

    def between(self, position_A: NDArray[np.int64], position_B: NDArray[np.int64]) -> NDArray[np.float32]:
        """Covariances of coefficients with others, shape (E, A, B)."""
        flat_AB = position_A[:, None] * self.capacity + position_B
        block_EAB: NDArray[np.float32] = self._settled.reshape(len(self._settled), -1).take(flat_AB, axis=1)
        fresh_B = np.flatnonzero(self._is_fresh_P[position_B])
        if len(fresh_B):
            block_EAB[:, :, fresh_B] = 0.0
            same_A, same_B = np.nonzero(position_A[:, None] == position_B[fresh_B])
            at = position_A[same_A]
            block_EAB[:, same_A, fresh_B[same_B]] = self._settled[:, at, at]
        if k := self._n_pending:
            left_EAK = (self._gain[:, :k, position_A] * self._step_EK[:, :k, None]).transpose(0, 2, 1)
            block_EAB -= product(left_EAK, self._gain[:, :k, position_B])
        return block_EAB

    def gain(self, position_X: NDArray[np.int64], value_X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Covariance times features, over all positions in use, shape (E, P)."""
        at_X, value = torch.from_numpy(position_X), torch.from_numpy(value_X)
        gain_EP = torch.matmul(value, self._settled_EPP[:, :, : self.n].index_select(1, at_X))
        found_EP: NDArray[np.float32] = gain_EP.numpy()
        found_EP[:, self._is_fresh_P[: self.n]] = 0.0
        is_fresh_X = self._is_fresh_P[position_X]
        fresh = position_X[is_fresh_X]
        found_EP[:, fresh] = value_X[is_fresh_X] * self._settled[:, fresh, fresh]
        if k := self._n_pending:
            along_EK = torch.matmul(self._gain_EKP[:, :k].index_select(2, at_X), value)
            along_EK *= torch.from_numpy(self._step_EK[:, :k])
            gain_EP -= torch.matmul(along_EK[:, None], self._gain_EKP[:, :k, : self.n])[:, 0]
        return found_EP

    def subtract(self, gain_EP: NDArray[np.float32], step_E: NDArray[np.float32]) -> None:
        """Take `step * gain gain'` away from each expert's matrix."""
        if self._n_pending == _MOST_PENDING:
            self.settled()
        self._gain[:, self._n_pending, : self.n] = gain_EP
        self._step_EK[:, self._n_pending] = step_E
        self._n_pending += 1

    def settled(self) -> Tensor:
        """All matrices, shape (E, P, P), over the positions in use: a view, to change in place."""
        used_EPP = self._settled_EPP[:, : self.n, : self.n]
        fresh = np.flatnonzero(self._is_fresh_P)
        if len(fresh):
            variance_EA = self._settled[:, fresh, fresh]
            used_EPP.mul_(torch.from_numpy(~self._is_fresh_P[: self.n]))
            self._settled[:, fresh, fresh] = variance_EA
            self._is_fresh_P[:] = False
        if k := self._n_pending:
            gain_EKP = self._gain_EKP[:, :k, : self.n]
            left_EPK = (gain_EKP * torch.from_numpy(self._step_EK[:, :k, None])).transpose(1, 2)
            for used_PP, left_PK, gain_KP in zip(used_EPP, left_EPK, gain_EKP, strict=True):
                used_PP.addmm_(left_PK, gain_KP, alpha=-1)
            self._n_pending = 0
        return used_EPP

    def whole(self) -> Tensor:
        """A copy of all matrices, shape (E, P, P); nothing is settled by it."""
        position_P = np.arange(self.n)
        return torch.from_numpy(self.between(position_P, position_P))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies for a snapshot; what is pending stays so, because settling it earlier would round otherwise."""
        k, fresh = self._n_pending, np.flatnonzero(self._is_fresh_P)
        covariance_EPP = self._settled[:, : self.n, : self.n].copy()
        variance_EA = covariance_EPP[:, fresh, fresh]
        covariance_EPP *= ~self._is_fresh_P[: self.n]
        covariance_EPP[:, fresh, fresh] = variance_EA
        return {
            "covariance": covariance_EPP,
            "pending_gain": self._gain[:, :k, : self.n].copy(),
            "pending_step": self._step_EK[:, :k].copy(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError, RuntimeError: it is not of this shape.
        """
        covariance_EPP, gain_EKP = tensors["covariance"], tensors["pending_gain"]
        self.n, self._n_pending = covariance_EPP.shape[1], gain_EKP.shape[1]
        self._settled[:, : self.n, : self.n] = covariance_EPP
        self._is_fresh_P[:] = False
        self._gain[:, : self._n_pending, : self.n] = gain_EKP
        self._step_EK[:, : self._n_pending] = tensors["pending_step"]


def reweighed(
    covariance_PP: Tensor,
    means: Sequence[NDArray[np.float32]],
    prior_variance_P: NDArray[np.float32],
    precision_P: NDArray[np.float64],
) -> list[NDArray[np.float64]] | None:
    """Add to the prior precisions of coefficients, where prior means are 0.

    Args:
        covariance_PP: changed in place.
        means: which share it, (P,) each.
        prior_variance_P: as it was.
        precision_P: what is added.

    Returns:
        The new means; None when rounding has spoilt the covariance too much: then it stays as it is.
    """
    exact_PP = covariance_PP.double()
    exact_PP = (exact_PP + exact_PP.T) / 2  # rounding has made it a little lopsided
    exact_PP.diagonal().add_(torch.from_numpy(_ROUNDING * prior_variance_P))
    factor_PP, is_broken = torch.linalg.cholesky_ex(exact_PP)
    if is_broken:
        return None
    precision_PP = torch.cholesky_inverse(factor_PP)
    pulls = [torch.matmul(precision_PP, torch.from_numpy(mean_P.astype(np.float64))) for mean_P in means]
    precision_PP.diagonal().add_(torch.from_numpy(precision_P))
    factor_PP, is_broken = torch.linalg.cholesky_ex(precision_PP)
    if is_broken:
        return None
    fresh_PP = torch.cholesky_inverse(factor_PP)
    covariance_PP.copy_(fresh_PP)
    return [torch.matmul(fresh_PP, pull_P).numpy() for pull_P in pulls]
