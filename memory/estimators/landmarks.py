"""Landmarks: the regions that tasks and cases fall into, found as they come.

A vector far from every landmark becomes one, until there are enough; then each belongs softly to the few nearest.
Axes: N vectors, L landmarks there can be, M landmarks found so far, D vector dimensions.
"""

import numpy as np
from numpy.typing import NDArray

from memento.memory.products import cosines, product

_SHARPNESS = 12.0
"""Sharpness of the soft assignment: a cosine that is .1 higher gets three times the share."""
_LEAST_SHARE = 0.1
"""Smaller shares are dropped, so that a vector belongs to a few landmarks only."""


class Landmarks:
    """Leader clustering on unit vectors; what is found depends on nothing but the order of what it is shown."""

    def __init__(self, *, limit: int, nearness: float, dim: int) -> None:
        """Start without landmarks.

        Args:
            limit: most landmarks L.
            nearness: a vector becomes a landmark when its cosine to all others is below this.
            dim: dimension D.
        """
        self.limit = limit
        self._nearness = nearness
        self._row_LD = np.zeros((limit, dim), np.float32)
        self._n = 0

    @property
    def rows(self) -> NDArray[np.float32]:
        """The landmarks found, unit rows."""
        return self._row_LD[: self._n]

    def notice(self, row_ND: NDArray[np.float32]) -> None:
        """Add rows that are far from every landmark as new landmarks."""
        if self._n == self.limit:
            return
        for row_D in row_ND:
            if self._n == self.limit:
                return
            if self._n == 0 or float(cosines(self.rows, row_D).max()) < self._nearness:
                self._row_LD[self._n] = row_D
                self._n += 1

    def shares(self, row_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Soft assignment of rows to landmarks, shape (N, L): rows sum to 1, or to 0 without landmarks."""
        share_NL = np.zeros((len(row_ND), self.limit), np.float32)
        if self._n == 0 or len(row_ND) == 0:
            return share_NL
        cosine_NM = product(row_ND, self.rows.T)
        nearest_N = cosine_NM.argmax(axis=1)
        weight_NM = np.exp(_SHARPNESS * (cosine_NM - cosine_NM.max(axis=1, keepdims=True)))
        weight_NM /= weight_NM.sum(axis=1, keepdims=True)
        is_kept_NM = weight_NM >= _LEAST_SHARE
        is_kept_NM[np.arange(len(row_ND)), nearest_N] = True
        weight_NM *= is_kept_NM
        share_NL[:, : self._n] = weight_NM / weight_NM.sum(axis=1, keepdims=True)
        return share_NL

    def restore(self, row_MD: NDArray[np.float32]) -> None:
        """Restore saved landmarks.

        Raises:
            ValueError: too many, or of another dimension.
        """
        self._row_LD[: len(row_MD)] = row_MD
        self._n = len(row_MD)
