"""Task difficulty V(s): kernel regression of rewards over past tasks.

Landmarks are too coarse to tell an easy question from a hard one of the same kind; its nearest neighbours are not.
Axes: N tasks kept, D vector dimensions.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.text_numbers import text_number
from memento.memory.products import product

_WIDTH = 0.12
"""Width of the kernel exp((cosine - 1) / width); from held-out questions of a log, where .1 to .15 are alike."""
_PRIOR_WEIGHT = 0.05
"""Prior weight of the mean reward, in kernel units: an exact repetition counts 1, a cosine of .64 counts this much."""


class Difficulty:
    """Task difficulty: kernel regression over the outcomes of the newest tasks."""

    def __init__(self, *, capacity: int, dim: int) -> None:
        """Start with no task.

        Args:
            capacity: tasks kept; the oldest leave.
            dim: dimension D.
        """
        self._task_ND = np.zeros((capacity, dim), np.float32)
        self._reward_N = np.zeros(capacity, np.float32)
        self._counts_N = np.zeros(capacity, np.float32)  # confidences; 0 for rows that are unused or withdrawn
        self._question_N = np.zeros(capacity, np.int64)
        self._events: list[str] = []  # by row
        self._row: dict[str, int] = {}
        self._n = 0

    def ease(self, task_D: NDArray[np.float32], question: str) -> float:
        """How much likelier than average similar tasks succeed, in logits to first order.

        Args:
            task_D: encoded task.
            question: hash of its question; what came of the very same question is left out.
        """
        stop = min(self._n, len(self._task_ND))
        counts_N = self._counts_N[:stop] * (self._question_N[:stop] != text_number(question))
        reward_N = self._reward_N[:stop]
        mean = float(((reward_N * self._counts_N[:stop]).sum() + 1) / (self._counts_N[:stop].sum() + 2))
        weight_N = counts_N * np.exp((product(self._task_ND[:stop], task_D) - 1) / _WIDTH)
        value = (float((weight_N * reward_N).sum()) + _PRIOR_WEIGHT * mean) / (float(weight_N.sum()) + _PRIOR_WEIGHT)
        return (value - mean) / (mean * (1 - mean))

    def take(
        self, event_id: str, task_D: NDArray[np.float32], question: str, reward: float, *, confidence: float = 1.0
    ) -> None:
        """Add the outcome of a task, weighted by confidence; a known event is corrected."""
        row = self._row.get(event_id)
        if row is None:
            row = self._n % len(self._task_ND)
            if row < len(self._events):
                del self._row[self._events[row]]
                self._events[row] = event_id
            else:
                self._events.append(event_id)
            self._row[event_id] = row
            self._task_ND[row], self._question_N[row] = task_D, text_number(question)
            self._n += 1
        self._reward_N[row], self._counts_N[row] = reward, confidence

    def withdraw(self, event_id: str) -> None:
        """Remove the outcome of this event."""
        if event_id in self._row:
            self._counts_N[self._row[event_id]] = 0.0

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies for a snapshot."""
        parts: dict[str, NDArray[Any]] = {
            "task": self._task_ND,
            "reward": self._reward_N,
            "counts": self._counts_N,
            "question": self._question_N,
        }
        return {name: of[: len(self._events)].copy() for name, of in parts.items()}

    def stamp(self) -> dict[str, Any]:
        """Events of the tensors, as JSON values."""
        return {"n": self._n, "events": list(self._events)}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._events, self._n = list(stamp["events"]), stamp["n"]
        stop = len(self._events)
        self._task_ND[:stop], self._reward_N[:stop] = tensors["task"], tensors["reward"]
        self._counts_N[:stop], self._question_N[:stop] = tensors["counts"], tensors["question"]
        self._row = {event_id: row for row, event_id in enumerate(self._events)}
