"""How much the coefficients of a family vary, by MacKay's evidence rule (Neural Computation 4, 1992).

Axes: A coefficients of the family.
"""

import numpy as np
from numpy.typing import NDArray

_PSEUDO_COEFFICIENTS = 8.0
"""Weight of a family's built-in variance, in well-determined coefficients."""
_SCALE_LIMITS = (0.02, 16.0)
"""Limits of a family's variance, as multiples of the built-in one."""


def family_variance(mean_A: NDArray[np.float32], share_A: NDArray[np.float32], *, built_in: float) -> np.float32:
    """Prior variance of a family: the built-in one, moved by the coefficients that are well known.

    Args:
        mean_A: posterior means of its coefficients; prior means are 0.
        share_A: share of each one's prior variance that is left.
        built_in: the built-in variance.
    """
    resolved = float(np.maximum(1 - share_A, 0.0).sum())
    scale = (_PSEUDO_COEFFICIENTS * built_in + float((mean_A**2).sum())) / (_PSEUDO_COEFFICIENTS + resolved)
    return np.float32(min(max(scale, _SCALE_LIMITS[0] * built_in), _SCALE_LIMITS[1] * built_in))
