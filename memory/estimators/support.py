"""Support: Gaussian-process estimate of an action's success near this task, from the recalled cases' own outcomes.

Cases that say the same thing twice share their voice, and an action that failed here is spoken against. Nothing is
trained: a case speaks from the moment it is written, long before it was ever served.

Axes: C candidates, D vector dimensions.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows

_NOISE = 0.6
"""Noise variance of one case's outcome, relative to the kernel; .3 to 1 were alike on simulated streams."""
_FAILURE = 0.6
"""Weight of a failure against an action, where a success counts 1; .3 to 1 were alike."""
_SPEAKERS = 256
"""Maximum number of candidates used, the nearest ones: 64 take a third of a millisecond."""


def support(
    similarity_C: NDArray[np.float32],
    reward_C: NDArray[np.float32],
    state_CD: NDArray[np.float32],
    actions: Sequence[str],
) -> NDArray[np.float32]:
    """GP posterior mean at this task of the value of each candidate's action; the same for cases of one action.

    Args:
        similarity_C: cosines between the task and the candidates' states.
        reward_C: the candidates' own rewards.
        state_CD: the candidates' states, of unit length.
        actions: what each of them tried; empty where actions are not told apart: then nothing is said.

    Returns:
        Shape (C,); towards 1 for an action that always succeeded where the task lies, below 0 for one that failed.
    """
    n = len(similarity_C)
    if not n or not actions:
        return np.zeros(n, np.float32)
    nearest = np.argsort(-similarity_C, kind="stable")[:_SPEAKERS]
    states = torch.from_numpy(state_CD[nearest])
    cosines = torch.from_numpy(similarity_C[nearest]).double()
    voice_C = np.zeros(n)
    covariance = torch.matmul(states, states.T).double()
    covariance.diagonal().add_(_NOISE)
    factor = torch.linalg.cholesky(covariance)  # half the work of a general solver
    voice_C[nearest] = torch.cholesky_solve(cosines[:, None], factor)[:, 0].numpy()
    said_C = voice_C * (reward_C - _FAILURE * (1.0 - reward_C))
    number: dict[str, int] = {}
    action_C = np.array([number.setdefault(action, len(number)) for action in actions])
    summed_C: NDArray[np.float32] = np.bincount(action_C, weights=said_C)[action_C].astype(np.float32)
    return summed_C


def supported(candidates: CaseRows) -> CaseRows:
    """Add the support to the candidates of one read, unless they have it already."""
    if candidates.support_N is not None:
        return candidates
    state_CD = candidates.vectors["state"]
    return candidates.supported(support(candidates.similarity_N, candidates.reward_N, state_CD, candidates.actions))
