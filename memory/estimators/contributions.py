"""What one outcome contributes to a Gaussian posterior: its features and its site, as in expectation propagation.

Axes: E experts with the standard prior means, A all experts, X non-zero features.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Features(NamedTuple):
    """The non-zero features of one outcome."""

    position_X: NDArray[np.int64]
    value_X: NDArray[np.float32]


class Site(NamedTuple):
    """Contribution of one outcome, kept to retract it."""

    information_E: NDArray[np.float32]
    target_A: NDArray[np.float32]
    """Pseudo-observation of the linear predictor."""
