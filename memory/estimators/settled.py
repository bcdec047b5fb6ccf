"""Events whose outcomes can no longer be corrected, by hash: eight bytes each."""

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.text_numbers import text_number

_RECENT = 1024
"""Events kept in a set before they join the sorted array."""


class SettledEvents:
    """A set of event ids that only grows."""

    def __init__(self) -> None:
        """Start empty."""
        self._sorted_N = np.zeros(0, np.int64)
        self._recent: set[int] = set()

    def __contains__(self, event_id: str) -> bool:
        """Whether the event has settled."""
        number = text_number(event_id)
        at = int(np.searchsorted(self._sorted_N, number))
        return number in self._recent or (at < len(self._sorted_N) and bool(self._sorted_N[at] == number))

    def add(self, event_id: str) -> None:
        """Add an event."""
        self._recent.add(text_number(event_id))
        if len(self._recent) >= _RECENT:
            self._sorted_N, self._recent = self.numbers(), set()

    def numbers(self) -> NDArray[np.int64]:
        """The hashes, sorted, for a snapshot."""
        return np.sort(np.concatenate([self._sorted_N, np.fromiter(self._recent, np.int64, len(self._recent))]))

    def restore(self, numbers: NDArray[np.int64]) -> None:
        """Restore from `numbers`."""
        self._sorted_N, self._recent = numbers.astype(np.int64), set()
