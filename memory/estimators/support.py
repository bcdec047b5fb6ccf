"""Support: Gaussian-process estimate of an action's success near this task, from the recalled cases' own outcomes.

Cases that say the same thing twice share their voice, and an action that failed here is spoken against. Where actions
do not recur word for word, those that are alike speak for each other. Nothing is trained: a case speaks from the moment
it is written, long before it was ever served.

Axes: C candidates, D vector dimensions.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.port import CaseRows

_NOISE = 0.6
"""Noise variance of one case's outcome, relative to the kernel; .3 to 1 were alike on simulated streams."""
_FAILURE = 0.6
"""Weight of a failure against an action, where a success counts 1; .3 to 1 were alike."""
_SPEAKERS = 256
"""Maximum number of candidates used, the nearest ones: 64 take a third of a millisecond."""
_MOSTLY_OWN = 0.5
"""Share of the candidates whose action no other took above which likeness counts instead of equality."""
_FEWEST_LIKENED = 16
"""Candidates from which on it shows whether actions recur."""
_LEAST_LENGTH = 1e-6
"""Distance from the mean of all actions below which an action is taken to lie there: rounding is less."""
_ALIKE_POWER = 3
"""Exponent of the kernel of actions; 2 to 4 were alike on simulated streams."""


def support(
    similarity_C: NDArray[np.float32],
    reward_C: NDArray[np.float32],
    state_CD: NDArray[np.float32],
    actions: Sequence[str],
    action_CD: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """GP posterior mean at this task of the value of each candidate's action; the same for cases of one action.

    Where most candidates' actions recur among them, equal ones share what their cases say. Where most are in words of
    their own, the kernel of two cases is that of their states times that of their actions, so that those which are
    alike speak for each other. Never both in one read: they differ in scale.

    Args:
        similarity_C: cosines between the task and the candidates' states.
        reward_C: the candidates' own rewards.
        state_CD: the candidates' states, of unit length.
        actions: what each of them tried; empty where actions are not told apart: then nothing is said.
        action_CD: vectors of these actions; without them only equal ones speak for each other.

    Returns:
        Shape (C,); towards 1 for an action that always succeeded where the task lies, below 0 for one that failed.
    """
    n = len(similarity_C)
    support_C = np.zeros(n, np.float32)
    if not n or not actions:
        return support_C
    number: dict[str, int] = {}
    action_C = np.array([number.setdefault(action, len(number)) for action in actions])
    nearest = np.argsort(-similarity_C, kind="stable")[:_SPEAKERS]
    said_C = reward_C - _FAILURE * (1.0 - reward_C)
    states = torch.from_numpy(state_CD[nearest])
    cosines = torch.from_numpy(similarity_C[nearest]).double()
    kernel = torch.matmul(states, states.T).double()
    is_own_C = np.bincount(action_C)[action_C] == 1
    if action_CD is not None and n >= _FEWEST_LIKENED and is_own_C.mean() > _MOSTLY_OWN:
        alike = _alike(torch.from_numpy(action_CD[nearest]).double())
        weight = _solved(kernel * alike, torch.from_numpy(said_C[nearest]).double())
        support_C[nearest] = torch.matmul(alike * cosines, weight).numpy()
        return support_C
    voice_C = np.zeros(n)
    voice_C[nearest] = _solved(kernel, cosines).numpy()
    summed_C: NDArray[np.float32] = np.bincount(action_C, weights=voice_C * said_C)[action_C].astype(np.float32)
    return summed_C


def _alike(actions: Tensor) -> Tensor:
    """Kernel of actions: 1 for equal ones, 1/8 for unrelated ones, towards 0 for opposites.

    Texts of one trade resemble each other in any encoder, so that what counts is how they differ from their mean.
    """
    apart = actions - actions.mean(dim=0)
    length = apart.norm(dim=1, keepdim=True)
    is_mean = length <= _LEAST_LENGTH  # those are equal to each other, and like no other
    unit = torch.cat([apart / length.clamp(min=_LEAST_LENGTH) * ~is_mean, is_mean.double()], dim=1)
    alike = ((1 + torch.matmul(unit, unit.T)) / 2).clamp(min=0) ** _ALIKE_POWER
    alike.fill_diagonal_(1.0)
    return alike


def _solved(kernel: Tensor, right: Tensor) -> Tensor:
    """The x of (kernel + noise) x = right."""
    noisy = kernel.clone()
    noisy.diagonal().add_(_NOISE)
    factor = torch.linalg.cholesky(noisy)  # half the work of a general solver
    return torch.cholesky_solve(right[:, None], factor)[:, 0]


def supported(candidates: CaseRows) -> CaseRows:
    """Add the support to the candidates of one read, unless they have it already."""
    if candidates.support_N is not None:
        return candidates
    state_CD = candidates.vectors["state"]
    action_CD = candidates.vectors.get("action")
    found_C = support(candidates.similarity_N, candidates.reward_N, state_CD, candidates.actions, action_CD)
    return candidates.supported(found_C)
