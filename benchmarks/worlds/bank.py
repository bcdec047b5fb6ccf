"""The cases that a stream has written so far, as estimators and policies see them.

A case has the number of the task it comes from. Axes: T tasks, A active cases, C chosen ones, D dimensions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.drawn import Drawn
from memento.memory.case import text_hash
from memento.memory.estimators.port import CaseRows


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
        self._hashes = [""] * steps

    def write(self, step: int, action_L: NDArray[np.int64], reward: float) -> None:
        """Keep the attempt at a step's task as an active case."""
        self._is_active_T[step] = True
        self._reward_T[step] = reward
        self._action_TL[step] = action_L
        self._action_TD[step] = self._drawn.action_vector(step, action_L)
        lines = self._drawn.action_text(step, action_L)
        self._lines[step], self._hashes[step] = tuple(map(text_hash, lines)), text_hash("\n".join(lines))

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
        state_CD, action_CD = self._drawn.task_TD[case_C], self._action_TD[case_C]
        text_CD = state_CD + action_CD
        text_CD /= np.maximum(np.linalg.norm(text_CD, axis=1, keepdims=True), np.float32(1e-9))
        columns: dict[str, Any] = {
            "ids": tuple(map(case_id_of, case_C)),
            "similarity_N": similarity_C,
            "reward_N": self._reward_T[case_C],
            "vectors": {"state": state_CD, "action": action_CD, "text": text_CD},
            "actions": tuple([self._hashes[case] for case in case_C]),
        }
        if "lines" in CaseRows._fields:
            columns["lines"] = tuple([self._lines[case] for case in case_C])
        return CaseRows(**columns)


def case_id_of(number: int) -> str:
    """A case's id, by the number of its task."""
    return f"case {number}"


def number_of(case_id: str) -> int:
    """The number of a case's task, by its id."""
    return int(case_id.removeprefix("case "))
