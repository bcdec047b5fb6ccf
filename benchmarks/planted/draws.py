"""Random draws of the simulated world: what one parameter governs has a generator of its own."""

import math
import zlib

import numpy as np
from numpy.typing import NDArray


def generator(seed: int, what: str) -> np.random.Generator:
    """The generator of one part of a stream, so that worlds that differ in another part share this one."""
    return np.random.default_rng([seed, zlib.crc32(what.encode())])


def near(centre_ND: NDArray[np.float64], noise: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors around centres of unit length.

    Args:
        centre_ND: one for each vector.
        noise: length of what is added to it.
        rng: draws it.
    """
    scale = noise / math.sqrt(centre_ND.shape[1])
    return unit(centre_ND + scale * rng.normal(size=centre_ND.shape)).astype(np.float32)


def unit(rows_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows scaled to length 1."""
    unit_ND: NDArray[np.float64] = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return unit_ND
