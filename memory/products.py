"""Single-core matrix products (cosines), so that concurrent reads do not fight over BLAS threads.

numpy hands products to OpenBLAS, which starts a thread on every core; on a busy machine these wait for each other in a
loop, and a read costs several times the work. Torch in its own thread keeps to the one core that it was given there.
"""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

N = TypeVar("N", np.float32, np.float64)


def product(left: NDArray[N], right: NDArray[N]) -> NDArray[N]:
    """`left @ right` through torch, for work in the torch thread; both of one precision.

    Args:
        left: of one or two dimensions, as matrix multiplication takes them.
        right: the same.

    Raises:
        RuntimeError: shapes or precisions do not fit.
    """
    import torch

    made: NDArray[N] = torch.matmul(_tensor(left), _tensor(right)).numpy()
    return made


def solved(matrix: NDArray[N], right: NDArray[N]) -> NDArray[N]:
    """The x of `matrix @ x = right` through torch, for work in the torch thread.

    Raises:
        RuntimeError: the matrix is singular.
    """
    import torch

    found: NDArray[N] = torch.linalg.solve(_tensor(matrix), _tensor(right)).numpy()
    return found


def cosines(row_ND: NDArray[np.float32], vector_D: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines of unit rows with a unit vector, shape (N,), for any thread: on its core alone, and without torch."""
    cosine_N: NDArray[np.float32] = np.vecdot(row_ND, vector_D)  # row by row: so short a product starts no threads
    return cosine_N


def exact_cosines(row_ND: NDArray[np.float32], vector_D: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosines in double precision, shape (N,), for any thread; of rows of any length, where 0 gives 0."""
    wide_ND, wide_D = row_ND.astype(np.float64), vector_D.astype(np.float64)
    length_N = np.sqrt(np.vecdot(wide_ND, wide_ND) * np.vecdot(wide_D, wide_D))
    cosine_N: NDArray[np.float64] = np.vecdot(wide_ND, wide_D) / np.where(length_N, length_N, 1.0)
    return cosine_N


def squared_norms(row_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared length of each row, shape (N,), for any thread: on its core alone, and without a copy of the rows."""
    square_N: NDArray[np.float32] = np.vecdot(row_ND, row_ND)
    return square_N


def plain_product(left_NK: NDArray[N], right_KM: NDArray[N]) -> NDArray[N]:
    """`left @ right`, shape (N, M), for any thread: without BLAS, and without torch; for narrow results."""
    made_NM: NDArray[N] = np.einsum("nk,km->nm", left_NK, right_KM)
    return made_NM


def _tensor(array: NDArray[N]) -> "Tensor":
    import torch

    return torch.from_numpy(array if array.flags.writeable else array.copy())  # torch shares no read-only memory
