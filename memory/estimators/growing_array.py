"""One-dimensional numpy array that grows at its end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_ROOM = 16


class GrowingArray:
    """Parts of different lengths, one after the other, with room for more."""

    def __init__(self, kind: type[np.generic]) -> None:
        """Start empty.

        Args:
            kind: type of the numbers.
        """
        self.value: NDArray[Any] = np.zeros(_FIRST_ROOM, kind)
        """The numbers, and what room there is after them."""
        self.stop = 0
        """How many numbers there are."""

    @property
    def whole(self) -> NDArray[Any]:
        """The numbers: a view."""
        return self.value[: self.stop]

    def append(self, part: NDArray[Any]) -> None:
        """Add numbers at the end."""
        if self.stop + len(part) > len(self.value):
            room = np.zeros(2 * (self.stop + len(part)), self.value.dtype)
            room[: self.stop] = self.value[: self.stop]
            self.value = room
        self.value[self.stop : self.stop + len(part)] = part
        self.stop += len(part)
