"""Similarity gate: the least cosine at which a case counts as relevant, from how alike this memory's tasks are.

MemRL (arXiv 2601.03192) sets its threshold by hand for each benchmark and encoder: .37, .5 and .62. For two of the
three its configuration also tells mean and standard deviation of the cosines between tasks (.27 and .11, .39 and .14):
both thresholds lie 0.8 standard deviations above the mean. That rule is what is used here, since no number fits two
encoders.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.products import product

_TASKS = 128
"""Newest tasks that it looks at."""
_FEWEST = 8
"""Below, every case passes."""


class SimilarityGate:
    """Mean plus some standard deviations of the cosines between the newest tasks."""

    def __init__(self, *, deviations: float, dim: int) -> None:
        """Start without tasks.

        Args:
            deviations: standard deviations above the mean.
            dim: dimension D of the encoder's vectors.
        """
        self._deviations = deviations
        self._dim = dim
        self._task: dict[str, NDArray[np.float32]] = {}  # by event, oldest first
        self._least: float | None = None

    def put(self, event_id: str, state_D: NDArray[np.float32]) -> None:
        """Add the task of an event, once."""
        if event_id not in self._task:
            self._task[event_id] = np.array(state_D, np.float32)
            self._least = None
            if len(self._task) > _TASKS:
                del self._task[next(iter(self._task))]

    def pop(self, event_id: str) -> None:
        """Remove the task of an event."""
        if self._task.pop(event_id, None) is not None:
            self._least = None

    def least(self) -> float:
        """The least cosine that passes; -1 while there are too few tasks."""
        if self._least is None:
            self._least = self._measured()
        return self._least

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The tasks, for a snapshot."""
        return {"task": np.array(list(self._task.values()), np.float32).reshape(-1, self._dim)}

    def stamp(self) -> list[str]:
        """Their events."""
        return list(self._task)

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: list[str]) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: they do not fit.
        """
        self._task = {event_id: row_D.copy() for event_id, row_D in zip(stamp, tensors["task"], strict=True)}
        self._least = None

    def _measured(self) -> float:
        n = len(self._task)
        if n < _FEWEST:
            return -1.0
        task_ND = np.array(list(self._task.values()), np.float32)
        cosine_M = product(task_ND, task_ND.T.copy())[np.triu_indices(n, 1)].astype(np.float64)
        return float(cosine_M.mean() + self._deviations * cosine_M.std())
