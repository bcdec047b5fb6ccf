"""The digits of a cosine that count: the same whether an engine computed it, in which order, or a cache of vectors.

Cosines are rounded, so that what is equally near is told so. An engine's single precision is off by up to 1.2e-7; where
rounding might go the other way for that, the cosine is computed anew in double precision. Namespaces too large for the
cache are always scanned, and need it not.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIGITS: Final = 6
"""Decimal digits that are kept."""

_ERROR: Final = 2.5e-7
"""More than an engine's cosine is off: at most 1.2e-7 was measured for vectors of 64 to 1,536 numbers."""


def rounded(similarity_N: Sequence[float]) -> list[float]:
    """Cosines without the digits in which engines, and places within one, differ."""
    cosine_N: list[float] = np.round(np.array(similarity_N, np.float64), DIGITS).astype(np.float32).tolist()
    return cosine_N


def is_near_rounding(similarity_N: Sequence[float]) -> NDArray[np.bool_]:
    """Which cosines an error could round to another value, shape (N,)."""
    steps_N = np.array(similarity_N, np.float64) * 10**DIGITS
    near_N: NDArray[np.bool_] = np.abs(steps_N - np.floor(steps_N) - 0.5) < _ERROR * 10**DIGITS
    return near_N
