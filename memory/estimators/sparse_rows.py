"""Sparse matrix whose rows can be replaced: the non-zero columns and values of each row, in flat arrays.

A case belongs to a few of many groups. Axes: N rows, C rows asked for, G columns, K non-zero values.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_FIRST_VALUES = 256


class NonZero(NamedTuple):
    """The non-zero values of several rows, row after row, columns in order."""

    at_K: NDArray[np.int64]
    """Which of the rows asked for."""
    column_K: NDArray[np.int64]
    value_K: NDArray[np.float32]


class SparseRows:
    """Compressed sparse rows with room to grow; a replaced row that needs more room moves to the end."""

    def __init__(self, *, n_columns: int) -> None:
        """Start with no room: rows that were never put are zero.

        Args:
            n_columns: G, at most 32,767.
        """
        self.n_columns = n_columns
        self._start_N = np.zeros(0, np.int64)
        self._size_N = np.zeros(0, np.int32)
        self._column = np.zeros(_FIRST_VALUES, np.int16)
        self._value = np.zeros(_FIRST_VALUES, np.float32)
        self._stop = 0

    def grow(self, n_rows: int) -> None:
        """Have room for rows up to this number."""
        added = n_rows - len(self._start_N)
        if added > 0:
            self._start_N = np.concatenate([self._start_N, np.zeros(added, np.int64)])
            self._size_N = np.concatenate([self._size_N, np.zeros(added, np.int32)])

    def put(self, row_C: NDArray[np.int64], value_CG: NDArray[np.float32]) -> None:
        """Replace rows, each named once, by dense ones."""
        for row, value_G in zip(row_C.tolist(), value_CG, strict=True):
            column = np.flatnonzero(value_G)
            size = len(column)
            if size != self._size_N[row]:
                self._make_room(size)
                self._start_N[row], self._size_N[row] = self._stop, size
                self._stop += size
            at = slice(self._start_N[row], self._start_N[row] + size)
            self._column[at], self._value[at] = column, value_G[column]

    def scale(self, row: int, factor: float) -> None:
        """Multiply a row."""
        if factor == 0.0:
            self._size_N[row] = 0
            return
        self._value[self._start_N[row] : self._start_N[row] + self._size_N[row]] *= np.float32(factor)

    def non_zero(self, row_C: NDArray[np.int64]) -> NonZero:
        """The non-zero values of rows."""
        size_C = self._size_N[row_C].astype(np.int64)
        first_C = np.cumsum(size_C) - size_C
        at = np.arange(size_C.sum()) + np.repeat(self._start_N[row_C] - first_C, size_C)
        of_row = np.repeat(np.arange(len(row_C)), size_C)
        return NonZero(of_row, self._column[at].astype(np.int64), self._value[at])

    def dense(self, row_C: NDArray[np.int64]) -> NDArray[np.float32]:
        """Rows with their zeros, shape (C, G)."""
        found = self.non_zero(row_C)
        value_CG = np.zeros((len(row_C), self.n_columns), np.float32)
        value_CG[found.at_K, found.column_K] = found.value_K
        return value_CG

    def products(self, row_C: NDArray[np.int64], weight_G: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scalar product of each row with one vector, shape (C,), summed in the order of the columns."""
        found = self.non_zero(row_C)
        term_K = found.value_K.astype(np.float64) * weight_G[found.column_K]
        summed_C: NDArray[np.float64] = np.bincount(found.at_K, weights=term_K, minlength=len(row_C)).astype(np.float64)
        return summed_C

    def tensors(self, n_rows: int) -> dict[str, NDArray[Any]]:
        """Copies of the first rows, for a snapshot."""
        found = self.non_zero(np.arange(n_rows))
        return {"size": self._size_N[:n_rows].copy(), "column": found.column_K.astype(np.int16), "value": found.value_K}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore from `tensors`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        size_N, column_K, value_K = (tensors[name] for name in ("size", "column", "value"))
        n = int(size_N.sum())
        if column_K.shape != (n,) or value_K.shape != (n,) or (size_N < 0).any():
            raise ValueError("rows and their values differ in number")
        if n and not 0 <= int(column_K.min()) <= int(column_K.max()) < self.n_columns:
            raise ValueError("a value of a column that does not exist")
        self._size_N = size_N.astype(np.int32)
        self._start_N = np.cumsum(self._size_N, dtype=np.int64) - self._size_N
        room = np.zeros(n + _FIRST_VALUES, np.int16), np.zeros(n + _FIRST_VALUES, np.float32)
        (self._column, self._value), self._stop = room, n
        self._column[:n], self._value[:n] = column_K, value_K

    def _make_room(self, size: int) -> None:
        """Leave out values of replaced rows, and have room for as many again."""
        if self._stop + size > len(self._column):
            self.restore(self.tensors(len(self._size_N)))
            room = self._stop + size + _FIRST_VALUES
            self._column = np.concatenate([self._column[: self._stop], np.zeros(room, np.int16)])
            self._value = np.concatenate([self._value[: self._stop], np.zeros(room, np.float32)])
