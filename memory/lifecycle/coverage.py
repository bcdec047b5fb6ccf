"""Cosine neighbourhoods of unit vectors, computed block by block to bound memory.

Axes: C cases, D vector dimensions, B rows of one block.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 256

NOTHING_NEAR = -1.0
"""The cosine to the nearest of no rows at all."""

_SCALE_STEPS = 6
"""Bisection steps over the range of cosines when a scale is searched: to within 0.03."""


class Block(NamedTuple):
    """Some rows, and their cosines to all rows."""

    index_B: NDArray[np.intp]
    cosine_BC: NDArray[np.float32]


def blocks(row_CD: NDArray[np.float32], order: NDArray[np.intp]) -> Iterator[Block]:
    """Rows in the given order, with their cosines to every row."""
    for start in range(0, len(order), BLOCK):
        index_B = order[start : start + BLOCK]
        yield Block(index_B, row_CD[index_B] @ row_CD.T)


def nearest_other(
    row_CD: NDArray[np.float32], is_there_C: NDArray[np.bool_] | None = None, *, kind_C: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """The cosine of each row to the nearest other row.

    Args:
        row_CD: unit rows.
        is_there_C: the rows that count as neighbours; all of them by default.
        kind_C: rows of another kind are no neighbours.

    Returns:
        Shape (C,); `NOTHING_NEAR` where there is no other row.
    """
    nearest_C = np.full(len(row_CD), NOTHING_NEAR, np.float32)
    for index_B, cosine_BC in blocks(row_CD, np.arange(len(row_CD))):
        if is_there_C is not None:
            cosine_BC[:, ~is_there_C] = NOTHING_NEAR
        if kind_C is not None:
            cosine_BC[kind_C[index_B][:, None] != kind_C] = NOTHING_NEAR
        cosine_BC[np.arange(len(index_B)), index_B] = NOTHING_NEAR
        nearest_C[index_B] = cosine_BC.max(axis=1)
    return nearest_C


def net(
    row_CD: NDArray[np.float32], order: NDArray[np.intp], scale: float, *, kind_C: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Greedy net: a subset with a member within `scale` of every row, and no two members that near.

    Args:
        row_CD: unit rows.
        order: all rows, those first that should rather be in the net.
        scale: a cosine.
        kind_C: a row covers only rows of its own kind.

    Returns:
        Shape (C,): whether a row is in the net.
    """
    is_net_C, is_covered_C = np.zeros(len(row_CD), np.bool_), np.zeros(len(row_CD), np.bool_)
    for start in range(0, len(order), BLOCK):
        open_B = [index for index in order[start : start + BLOCK] if not is_covered_C[index]]
        for index, cosine_C in zip(open_B, row_CD[open_B] @ row_CD.T, strict=True):
            if not is_covered_C[index]:
                is_net_C[index] = True
                is_covered_C |= (cosine_C >= scale) & (True if kind_C is None else kind_C == kind_C[index])
                is_covered_C[index] = True
    return is_net_C


def net_within(
    row_CD: NDArray[np.float32],
    order: NDArray[np.intp],
    *,
    scale: float,
    size: int,
    kind_C: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.bool_], float]:
    """The net at `scale`, or at the finest coarser scale at which no more than `size` rows cover all.

    Args:
        row_CD: unit rows.
        order: all rows, those first that should rather be in the net.
        scale: a cosine; the finest scale wanted.
        size: at least 1.
        kind_C: a row covers only rows of its own kind, unless there are more kinds than `size`.

    Returns:
        Whether each row is in the net, shape (C,), and the scale.
    """
    if kind_C is not None and len(np.unique(kind_C)) > size:
        kind_C = None
    found = net(row_CD, order, scale, kind_C=kind_C)
    if found.sum() <= size:
        return found, scale
    low, high = -1.01, scale  # at the low end one row covers its kind, whatever rounding does to opposite rows
    found = net(row_CD, order, low, kind_C=kind_C)
    for _ in range(_SCALE_STEPS):
        middle = (low + high) / 2
        tried = net(row_CD, order, middle, kind_C=kind_C)
        if tried.sum() <= size:
            low, found = middle, tried
        else:
            high = middle
    return found, low
