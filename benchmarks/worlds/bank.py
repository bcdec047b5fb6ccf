"""The cases that a stream has written so far, as estimators and policies see them.

A case has the number of the task it comes from. Axes: T tasks, A active cases, C chosen ones, D dimensions.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.drawn import Drawn
from benchmarks.worlds.serving import case_id_of
from memento.memory.case import text_hash
from memento.memory.estimators.port import CaseRows

_hashed = cache(text_hash)


class WrittenBank:
    """Cases by number: written, judged anew, retired."""

    def __init__(self, drawn: Drawn) -> None:
        """Start empty."""
        steps, world = len(drawn.topic_T), drawn.world
        self._drawn = drawn
        self._is_active_T = np.zeros(steps, np.bool_)
        self._reward_T = np.zeros(steps, np.float32)
        self._action_TL = np.zeros((steps, world.n_lines), np.int64)
        self._action_TD = np.zeros((steps, world.dim), np.float32)
        self._lines: list[tuple[str, ...]] = [()] * steps

    def write(self, step: int, action_L: NDArray[np.int64], reward: float) -> None:
        """Keep the attempt at a step's task as an active case."""
        self._is_active_T[step] = True
        self._reward_T[step] = reward
        self._action_TL[step] = action_L
        self._action_TD[step] = self._drawn.action_vector(step, action_L)
        self._lines[step] = self._drawn.action_text(step, action_L)

    def judge(self, case: int, reward: float) -> None:
        """Change a case's own reward."""
        self._reward_T[case] = reward

    def retire(self, case: int) -> None:
        """Serve a case no more."""
        self._is_active_T[case] = False

    def active(self) -> NDArray[np.int64]:
        """Numbers of the active cases, in the order written, shape (A,)."""
        return np.flatnonzero(self._is_active_T)

    def cosines(self, case_C: NDArray[np.int64], direction_D: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of a direction with cases' states."""
        return self._drawn.task_TD[case_C] @ direction_D

    def actions(self, case_C: NDArray[np.int64]) -> NDArray[np.int64]:
        """What cases did, shape (C, L)."""
        return self._action_TL[case_C]

    def read(self, step: int, case_C: NDArray[np.int64]) -> float:
        """What reading these cases adds to the logit of a step's task, by the truth; K full slots count whole."""
        drawn = self._drawn
        affinity_C = drawn.affinity_PP[drawn.topic_T[step], drawn.topic_T[case_C]]
        return float((affinity_C + drawn.quality_T[case_C]).sum()) * drawn.world.beta

    def rows(self, case_C: NDArray[np.int64], similarity_C: NDArray[np.float32]) -> CaseRows:
        """Cases as an estimator sees them."""
        return rows_of(
            case_C,
            similarity_C,
            reward_C=self._reward_T[case_C],
            state_CD=self._drawn.task_TD[case_C],
            action_CD=self._action_TD[case_C],
            lines=[self._lines[case] for case in case_C],
        )


def rows_of(
    case_C: NDArray[np.int64],
    similarity_C: NDArray[np.float32],
    *,
    reward_C: NDArray[np.float32],
    state_CD: NDArray[np.float32],
    action_CD: NDArray[np.float32],
    lines: Sequence[tuple[str, ...]],
) -> CaseRows:
    """Rows of numbered cases; the vector of state and action together is that of their sum.

    Args:
        case_C: numbers.
        similarity_C: cosines with the task.
        reward_C: the cases' own rewards.
        state_CD: unit vectors of their states.
        action_CD: and of their actions.
        lines: of the text of each action.
    """
    text_CD = state_CD + action_CD
    text_CD /= np.maximum(np.linalg.norm(text_CD, axis=1, keepdims=True), np.float32(1e-9))
    return CaseRows(
        ids=tuple(map(case_id_of, case_C)),
        similarity_N=similarity_C,
        reward_N=reward_C,
        vectors={"state": state_CD, "action": action_CD, "text": text_CD},
        actions=tuple([_hashed("\n".join(one)) for one in lines]),
        lines=tuple([tuple(map(_hashed, one)) for one in lines]),
    )
