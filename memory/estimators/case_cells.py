"""Cells of like cases: cases of the same groups whose rewards and shares are the same when rounded to a quarter.

Axes: N cases by row, C rows asked for, B cells, G groups, K non-zero shares of cells.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.growing_array import GrowingArray
from memento.memory.estimators.sparse_rows import SparseRows

_LEVELS = 4
"""Cases of one cell have rewards and shares that are the same when rounded to a quarter."""
_FIRST_ROOM = 64


class InvertedList(NamedTuple):
    """Cells with cases of one group, in order, and the largest share of it in each."""

    cells: GrowingArray
    highest: GrowingArray


class CaseCells:
    """Which case is in which cell, and between which values those of a cell lie; rewards are kept by the caller."""

    def __init__(self, group: SparseRows) -> None:
        """Start with no cell.

        Args:
            group: shares of groups by row, as the caller keeps them.
        """
        self._group = group
        self._number: dict[tuple[int, bytes], int] = {}
        self._cell_N = np.zeros(0, np.int32)
        self._at_N = np.zeros(0, np.int32)  # position among the rows of its cell
        self.rows: list[NDArray[np.int32]] = []
        self.n_B = np.zeros(0, np.int32)
        self.first_B = np.zeros(0, np.int64)  # no row of the cell is lower
        self.reward_B2 = np.zeros((0, 2), np.float32)  # lowest and highest reward
        self.start_B = np.zeros(1, np.int64)  # of the cell's shares; the last cell ends where the next will start
        self._place_K = np.zeros(0, np.int32)  # in the group's inverted list
        self.column_K = np.zeros(0, np.int16)
        self.share_K2 = np.zeros((0, 2), np.float32)  # lowest and highest share
        self.lists = [InvertedList(GrowingArray(np.int64), GrowingArray(np.float32)) for _ in range(group.n_columns)]

    def put(self, row_C: NDArray[np.int64], reward_C: NDArray[np.float32]) -> None:
        """Put rows into the cells where they belong now; each is named once."""
        self._have_room(int(row_C.max(initial=-1)) + 1)
        shares = self._group.non_zero(row_C)
        cell_C = self._cells(row_C, reward_C)
        is_moved_C = self._cell_N[row_C] != cell_C
        for row in row_C[is_moved_C & (self._cell_N[row_C] >= 0)].tolist():
            self._leave(row)
        self._join(row_C[is_moved_C], cell_C[is_moved_C])
        np.minimum.at(self.reward_B2[:, 0], cell_C, reward_C)
        np.maximum.at(self.reward_B2[:, 1], cell_C, reward_C)
        np.minimum.at(self.first_B, cell_C, row_C)
        size_C = np.bincount(shares.at_K, minlength=len(row_C))
        own_K = np.arange(len(shares.at_K)) - np.repeat(np.cumsum(size_C) - size_C, size_C)
        at_K = self.start_B[cell_C][shares.at_K] + own_K  # all rows of a cell have the same columns
        np.minimum.at(self.share_K2[:, 0], at_K, shares.value_K)
        np.maximum.at(self.share_K2[:, 1], at_K, shares.value_K)
        for group, those in _by_group(shares.column_K):
            np.maximum.at(self.lists[group].highest.value, self._place_K[at_K[those]], shares.value_K[those])

    def order(self, n_rows: int) -> NDArray[np.int64]:
        """The first rows, like ones next to each other."""
        order: NDArray[np.int64] = np.argsort(self._cell_N[:n_rows], kind="stable")
        return order

    def is_uniform(self, cell: int) -> bool:
        """Whether all cases of a cell are worth the same, whatever the weighting."""
        lowest, highest = self.share_K2[self.start_B[cell] : self.start_B[cell + 1]].T
        return bool(self.reward_B2[cell, 0] == self.reward_B2[cell, 1] and (lowest == highest).all())

    def _cells(self, row_C: NDArray[np.int64], reward_C: NDArray[np.float32]) -> NDArray[np.int64]:
        """The cell of each row; new kinds of cases get one."""
        shares = self._group.non_zero(row_C)
        level_K = np.rint(shares.value_K * _LEVELS)
        told = np.stack([shares.column_K, level_K], axis=1, dtype=np.int32, casting="unsafe").tobytes()
        stop_C = 8 * np.cumsum(np.bincount(shares.at_K, minlength=len(row_C)))
        number, start, cells, fresh = self._number, 0, [], list[tuple[int, bytes]]()
        for level, stop in zip(np.rint(reward_C * _LEVELS).astype(int).tolist(), stop_C.tolist(), strict=True):
            key = level, told[start:stop]
            start = stop
            n_known = len(number)
            cell = number.setdefault(key, n_known)
            if cell == n_known:
                fresh.append(key)
            cells.append(cell)
        self._add([np.frombuffer(kind, np.int32).reshape(-1, 2)[:, 0] for _, kind in fresh])
        return np.array(cells, np.int64)

    def _add(self, columns: list[NDArray[np.int32]]) -> None:
        """Add empty cells of cases in these groups."""
        if not columns:
            return
        first, size = len(self.rows), np.array([len(column) for column in columns])
        stop = first + len(columns)
        self.rows += [np.zeros(0, np.int32)] * len(columns)
        self._have_cells(stop)
        self.start_B[first + 1 : stop + 1] = self.start_B[first] + np.cumsum(size)
        at = slice(int(self.start_B[first]), int(self.start_B[stop]))
        self._have_shares(at.stop)
        self.column_K[at] = column = np.concatenate(columns)
        cell = np.repeat(np.arange(first, stop), size)
        for group, added in _by_group(column):
            cells, highest = self.lists[group]
            self._place_K[at.start + added] = np.arange(cells.stop, cells.stop + len(added))
            cells.append(cell[added])
            highest.append(np.zeros(len(added), np.float32))

    def _have_cells(self, n_cells: int) -> None:
        if n_cells > len(self.n_B):
            added = n_cells + _FIRST_ROOM
            self.n_B = np.concatenate([self.n_B, np.zeros(added, np.int32)])
            self.first_B = np.concatenate([self.first_B, np.full(added, np.iinfo(np.int64).max)])
            self.reward_B2 = np.concatenate([self.reward_B2, _unknown(added)])
            self.start_B = np.concatenate([self.start_B, np.zeros(added, np.int64)])

    def _have_shares(self, n_shares: int) -> None:
        if n_shares > len(self.column_K):
            added = n_shares + _FIRST_ROOM
            self._place_K = np.concatenate([self._place_K, np.zeros(added, np.int32)])
            self.column_K = np.concatenate([self.column_K, np.zeros(added, np.int16)])
            self.share_K2 = np.concatenate([self.share_K2, _unknown(added)])

    def _leave(self, row: int) -> None:
        """Take a row out of its cell: the cell's last row takes its place."""
        cell, at = int(self._cell_N[row]), int(self._at_N[row])
        rows, last = self.rows[cell], int(self.n_B[cell]) - 1
        rows[at] = rows[last]
        self._at_N[rows[last]] = at
        self.n_B[cell], self._cell_N[row] = last, -1

    def _join(self, row_C: NDArray[np.int64], cell_C: NDArray[np.int64]) -> None:
        """Add rows that are in no cell to theirs."""
        if not len(row_C):
            return
        order = np.argsort(cell_C, kind="stable")
        cells, first = np.unique(cell_C[order], return_index=True)
        for cell, joining in zip(cells.tolist(), np.split(row_C[order], first[1:]), strict=True):
            n = int(self.n_B[cell])
            stop = n + len(joining)
            if stop > len(self.rows[cell]):
                self.rows[cell] = np.concatenate([self.rows[cell][:n], np.zeros(stop + 2, np.int32)])
            self.rows[cell][n:stop] = joining
            self._at_N[joining], self._cell_N[joining] = np.arange(n, stop), cell
            self.n_B[cell] = stop

    def _have_room(self, n_rows: int) -> None:
        added = n_rows - len(self._cell_N)
        if added > 0:
            added += n_rows
            self._cell_N = np.concatenate([self._cell_N, np.full(added, -1, np.int32)])
            self._at_N = np.concatenate([self._at_N, np.zeros(added, np.int32)])


def _unknown(n: int) -> NDArray[np.float32]:
    """Lowest and highest of no values, `n` times, shape (n, 2)."""
    return np.repeat(np.array([[np.inf, -np.inf]], np.float32), n, axis=0)


def _by_group(column_K: NDArray[np.integer[Any]]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each column, and where it stands."""
    order = np.argsort(column_K, kind="stable")
    groups, begin = np.unique(column_K[order], return_index=True)
    yield from zip(groups.tolist(), np.split(order, begin[1:]), strict=len(groups) > 0)
