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
"""Variance of what one case says, in units of a unit vector's own; .3 to 1 were alike on simulated streams."""
_FAILURE = 0.6
"""How much a failure says against an action, where a success says 1 for it; .3 to 1 were alike."""
_SPEAKERS = 256
"""Candidates that are listened to, at most, the nearest ones: what they say takes a third of a millisecond for 64."""


def support(
    similarity_C: NDArray[np.float32],
    reward_C: NDArray[np.float32],
    state_CD: NDArray[np.float32],
    actions: Sequence[str],
) -> NDArray[np.float32]:
    """Posterior mean, at this task, of what each candidate's action is worth; cases of one action have the same.

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
    states = torch.from_numpy(state_CD[nearest]).double()
    cosines = torch.from_numpy(similarity_C[nearest]).double()
    voice_C = np.zeros(n)
    covariance = torch.matmul(states, states.T) + _NOISE * torch.eye(len(nearest))
    voice_C[nearest] = torch.linalg.solve(covariance, cosines).numpy()
    said_C = voice_C * (reward_C - _FAILURE * (1.0 - reward_C))
    number: dict[str, int] = {}
    action_C = np.array([number.setdefault(action, len(number)) for action in actions])
    summed_C: NDArray[np.float32] = np.bincount(action_C, weights=said_C)[action_C].astype(np.float32)
    return summed_C


def supported(candidates: CaseRows) -> CaseRows:
    """The candidates of one read with what they say for each other; as they are, if that is known already."""
    if candidates.support_N is not None:
        return candidates
    state_CD = candidates.vectors["state"]
    return candidates.supported(support(candidates.similarity_N, candidates.reward_N, state_CD, candidates.actions))
