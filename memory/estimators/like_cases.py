"""Exact top-k search over cases by reward and groups: branch and bound over cells of like cases.

The value of a case is linear in its own reward and its shares of groups, so no case of a cell is worth more than the
largest rewards and shares of the cell make it. Inverted lists, from groups to cells, tell what cells gain from the
groups of positive value; those that gain most are opened first, from the highest bound on, until no other can hold a
better case (bounds of blocks, as in block-max indexes, Ding and Suel 2011).

Axes: N cases by row, C rows asked for, B cells, G groups, K non-zero shares of cells.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.growing_array import GrowingArray
from memento.memory.estimators.sparse_rows import SparseRows

_LEVELS = 4
"""Cases of one cell have rewards and shares that are the same when rounded to a quarter."""
_FIRST_CELLS = 64
"""Cells that are looked at first, of the highest gain: what they hold rules most of the others out."""
_OPENED_TOGETHER = 128
"""Cases that are valued at a time: a call for every cell would cost more than the cases."""
_FIRST_ROOM = 64
_ROUNDING = 1e-9
"""More than sums in double precision differ by when their terms are added in another order."""


class ValuedCases(NamedTuple):
    """Cases with their values."""

    row_C: NDArray[np.int64]
    value_C: NDArray[np.float64]

    def largest(self, n: int) -> "ValuedCases":
        """The `n` of highest value, highest first; of equal ones, those of the lowest rows."""
        best = np.lexsort((self.row_C, -self.value_C))[:n]
        return ValuedCases(self.row_C[best], self.value_C[best])


class Weighting(NamedTuple):
    """Values of cases: `base + reward * own reward + sum over groups of group_G * share`."""

    base: float
    reward: float
    group_G: NDArray[np.float32]


class _Inverted(NamedTuple):
    """Cells with cases of one group, in order, and the largest share of it in each."""

    cells: GrowingArray
    highest: GrowingArray


class LikeCases:
    """Cells of cases that are alike; rows and rewards are kept by the caller."""

    def __init__(self, group: SparseRows) -> None:
        """Start with no cell.

        Args:
            group: shares of groups by row, as the caller keeps them.
        """
        self._group = group
        self._number: dict[tuple[int, bytes], int] = {}
        self._cell_N = np.zeros(0, np.int32)
        self._at_N = np.zeros(0, np.int32)  # position among the rows of its cell
        self._rows: list[NDArray[np.int32]] = []
        self._n_B = np.zeros(0, np.int32)
        self._first_B = np.zeros(0, np.int64)  # no row of the cell is lower
        self._reward_B2 = np.zeros((0, 2), np.float32)  # lowest and highest reward
        self._start_B = np.zeros(1, np.int64)  # of the cell's shares; the last cell ends where the next will start
        self._place_K = np.zeros(0, np.int32)  # in the group's inverted list
        self._column_K = np.zeros(0, np.int16)
        self._share_K2 = np.zeros((0, 2), np.float32)  # lowest and highest share
        self._lists = [_Inverted(GrowingArray(np.int64), GrowingArray(np.float32)) for _ in range(group.n_columns)]

    def put(self, row_C: NDArray[np.int64], reward_C: NDArray[np.float32]) -> None:
        """Put rows into the cells where they belong now; each is named once."""
        self._have_room(int(row_C.max(initial=-1)) + 1)
        shares = self._group.non_zero(row_C)
        cell_C = self._cells(row_C, reward_C)
        is_moved_C = self._cell_N[row_C] != cell_C
        for row in row_C[is_moved_C & (self._cell_N[row_C] >= 0)].tolist():
            self._leave(row)
        self._join(row_C[is_moved_C], cell_C[is_moved_C])
        np.minimum.at(self._reward_B2[:, 0], cell_C, reward_C)
        np.maximum.at(self._reward_B2[:, 1], cell_C, reward_C)
        np.minimum.at(self._first_B, cell_C, row_C)
        size_C = np.bincount(shares.at_K, minlength=len(row_C))
        own_K = np.arange(len(shares.at_K)) - np.repeat(np.cumsum(size_C) - size_C, size_C)
        at_K = self._start_B[cell_C][shares.at_K] + own_K  # all rows of a cell have the same columns
        np.minimum.at(self._share_K2[:, 0], at_K, shares.value_K)
        np.maximum.at(self._share_K2[:, 1], at_K, shares.value_K)
        for group, those in _by_group(shares.column_K):
            np.maximum.at(self._lists[group].highest.value, self._place_K[at_K[those]], shares.value_K[those])

    def order(self, n_rows: int) -> NDArray[np.int64]:
        """The first rows, like ones next to each other."""
        order: NDArray[np.int64] = np.argsort(self._cell_N[:n_rows], kind="stable")
        return order

    def best(
        self,
        weighting: Weighting,
        reward_N: NDArray[np.float32],
        found: ValuedCases,
        *,
        n: int,
        is_left_out: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    ) -> ValuedCases:
        """The `n` cases of highest value, together with some that were found otherwise.

        Args:
            weighting: how cases are valued.
            reward_N: own reward by row.
            found: cases valued already.
            n: number of cases.
            is_left_out: which of some rows are not searched, because they are among `found`.
        """
        best = found.largest(n)
        gain_B = self._gains(weighting)
        cell_A = np.flatnonzero((gain_B > -np.inf) & (gain_B >= _least(best, n) - _ROUNDING))
        at_once = _FIRST_CELLS
        while len(cell_A):
            is_next_A = _largest(gain_B[cell_A], at_once)
            best = self._searched(cell_A[is_next_A], best, weighting, reward_N, n, is_left_out)
            cell_A, at_once = cell_A[~is_next_A], 4 * at_once
            cell_A = cell_A[gain_B[cell_A] >= _least(best, n) - _ROUNDING]
        return best

    def values(
        self, row_C: NDArray[np.int64], weighting: Weighting, reward_C: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Values of rows, shape (C,)."""
        own_C: NDArray[np.float64] = weighting.base + weighting.reward * reward_C.astype(np.float64)
        return own_C + self._group.products(row_C, weighting.group_G)

    def _searched(
        self,
        cell_A: NDArray[np.int64],
        best: ValuedCases,
        weighting: Weighting,
        reward_N: NDArray[np.float32],
        n: int,
        is_left_out: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    ) -> ValuedCases:
        """The best of some cells and those found before; cells are opened from the highest bound on."""
        bound_A = self._bounds(cell_A, weighting)
        order = np.lexsort((self._first_B[cell_A], -bound_A))
        cell_A, bound_A = cell_A[order], bound_A[order]
        while n_open := self._n_hopeful(cell_A, bound_A, best, n):
            n_rows_A = np.cumsum(np.minimum(self._n_B[cell_A[:n_open]], n))
            n_open = min(n_open, int(np.searchsorted(n_rows_A, _OPENED_TOGETHER)) + 1)
            row_C = self._opened(cell_A[:n_open], n, is_left_out)
            value_C = self.values(row_C, weighting, reward_N[row_C])
            together = np.concatenate([best.row_C, row_C]), np.concatenate([best.value_C, value_C])
            best = ValuedCases(*together).largest(n)
            cell_A, bound_A = cell_A[n_open:], bound_A[n_open:]
        return best

    def _n_hopeful(self, cell_A: NDArray[np.int64], bound_A: NDArray[np.float64], best: ValuedCases, n: int) -> int:
        """How many of these cells, highest bound first, may hold a case that is among the best `n`."""
        if len(best.row_C) < n:
            return len(cell_A)
        least, row = best.value_C[-1], best.row_C[-1]
        is_hopeful_A = (bound_A > least) | ((bound_A == least) & (self._first_B[cell_A] <= row))
        return int(np.count_nonzero(is_hopeful_A))

    def _gains(self, weighting: Weighting) -> NDArray[np.float64]:
        """What cases of each cell may be worth by their reward and groups of positive value alone, shape (B,)."""
        n_cells = len(self._rows)
        best_B = self._reward_B2[:n_cells, int(weighting.reward > 0)].astype(np.float64)
        gain_B = np.where(self._n_B[:n_cells] > 0, weighting.base + weighting.reward * best_B, -np.inf)
        for group in np.flatnonzero(weighting.group_G > 0).tolist():
            cells, highest = self._lists[group]
            gain_B[cells.whole] += np.multiply(highest.whole, weighting.group_G[group], dtype=np.float64)
        return gain_B

    def _bounds(self, cell_A: NDArray[np.int64], weighting: Weighting) -> NDArray[np.float64]:
        """Value that no case of a cell exceeds, rounding included: sums in the same order, of terms no smaller."""
        start_A, size_A = self._start_B[cell_A], self._start_B[cell_A + 1] - self._start_B[cell_A]
        of_cell = np.repeat(np.arange(len(cell_A)), size_A)
        at = np.arange(len(of_cell)) + np.repeat(start_A - (np.cumsum(size_A) - size_A), size_A)
        value_K = weighting.group_G[self._column_K[at]].astype(np.float64)
        term_K = value_K * np.where(value_K > 0, self._share_K2[at, 1], self._share_K2[at, 0])
        best_A = self._reward_B2[cell_A, int(weighting.reward > 0)].astype(np.float64)
        bound_A: NDArray[np.float64] = weighting.base + weighting.reward * best_A
        return bound_A + np.bincount(of_cell, weights=term_K, minlength=len(cell_A))

    def _opened(
        self, cell_A: NDArray[np.int64], n: int, is_left_out: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """Rows of cells to value: all, or where those of a cell are worth the same, its first."""
        small, large = list[NDArray[np.int32]](), list[NDArray[np.int64]]()
        for cell, size in zip(cell_A.tolist(), self._n_B[cell_A].tolist(), strict=True):
            rows = self._rows[cell][:size]
            if size > n and self._is_uniform(cell):
                rows = rows[~is_left_out(rows.astype(np.int64))]
                large.append((np.partition(rows, n)[:n] if len(rows) > n else rows).astype(np.int64))
            else:
                small.append(rows)
        row_C = np.concatenate([np.zeros(0, np.int32), *small]).astype(np.int64)
        return np.concatenate([row_C[~is_left_out(row_C)], *large])

    def _is_uniform(self, cell: int) -> bool:
        lowest, highest = self._share_K2[self._start_B[cell] : self._start_B[cell + 1]].T
        return bool(self._reward_B2[cell, 0] == self._reward_B2[cell, 1] and (lowest == highest).all())

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
        first, size = len(self._rows), np.array([len(column) for column in columns])
        stop = first + len(columns)
        self._rows += [np.zeros(0, np.int32)] * len(columns)
        self._have_cells(stop)
        self._start_B[first + 1 : stop + 1] = self._start_B[first] + np.cumsum(size)
        at = slice(int(self._start_B[first]), int(self._start_B[stop]))
        self._have_shares(at.stop)
        self._column_K[at] = column = np.concatenate(columns)
        cell = np.repeat(np.arange(first, stop), size)
        for group, added in _by_group(column):
            cells, highest = self._lists[group]
            self._place_K[at.start + added] = np.arange(cells.stop, cells.stop + len(added))
            cells.append(cell[added])
            highest.append(np.zeros(len(added), np.float32))

    def _have_cells(self, n_cells: int) -> None:
        if n_cells > len(self._n_B):
            added = n_cells + _FIRST_ROOM
            self._n_B = np.concatenate([self._n_B, np.zeros(added, np.int32)])
            self._first_B = np.concatenate([self._first_B, np.full(added, np.iinfo(np.int64).max)])
            self._reward_B2 = np.concatenate([self._reward_B2, _unknown(added)])
            self._start_B = np.concatenate([self._start_B, np.zeros(added, np.int64)])

    def _have_shares(self, n_shares: int) -> None:
        if n_shares > len(self._column_K):
            added = n_shares + _FIRST_ROOM
            self._place_K = np.concatenate([self._place_K, np.zeros(added, np.int32)])
            self._column_K = np.concatenate([self._column_K, np.zeros(added, np.int16)])
            self._share_K2 = np.concatenate([self._share_K2, _unknown(added)])

    def _leave(self, row: int) -> None:
        """Take a row out of its cell: the cell's last row takes its place."""
        cell, at = int(self._cell_N[row]), int(self._at_N[row])
        rows, last = self._rows[cell], int(self._n_B[cell]) - 1
        rows[at] = rows[last]
        self._at_N[rows[last]] = at
        self._n_B[cell], self._cell_N[row] = last, -1

    def _join(self, row_C: NDArray[np.int64], cell_C: NDArray[np.int64]) -> None:
        """Add rows that are in no cell to theirs."""
        if not len(row_C):
            return
        order = np.argsort(cell_C, kind="stable")
        cells, first = np.unique(cell_C[order], return_index=True)
        for cell, joining in zip(cells.tolist(), np.split(row_C[order], first[1:]), strict=True):
            n = int(self._n_B[cell])
            stop = n + len(joining)
            if stop > len(self._rows[cell]):
                self._rows[cell] = np.concatenate([self._rows[cell][:n], np.zeros(stop + 2, np.int32)])
            self._rows[cell][n:stop] = joining
            self._at_N[joining], self._cell_N[joining] = np.arange(n, stop), cell
            self._n_B[cell] = stop

    def _have_room(self, n_rows: int) -> None:
        added = n_rows - len(self._cell_N)
        if added > 0:
            added += n_rows
            self._cell_N = np.concatenate([self._cell_N, np.full(added, -1, np.int32)])
            self._at_N = np.concatenate([self._at_N, np.zeros(added, np.int32)])


def _least(best: ValuedCases, n: int) -> float:
    """Value of the last of the best `n`, while there are as many."""
    return float(best.value_C[-1]) if len(best.row_C) == n else -np.inf


def _largest(gain_A: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Which are the `n` largest; of equal ones, the first."""
    if len(gain_A) <= n:
        return np.ones(len(gain_A), np.bool_)
    last = np.partition(gain_A, len(gain_A) - n)[len(gain_A) - n]
    is_one_A: NDArray[np.bool_] = gain_A > last
    is_one_A[np.flatnonzero(gain_A == last)[: n - int(np.count_nonzero(is_one_A))]] = True
    return is_one_A


def _unknown(n: int) -> NDArray[np.float32]:
    """Lowest and highest of no values, `n` times, shape (n, 2)."""
    return np.repeat(np.array([[np.inf, -np.inf]], np.float32), n, axis=0)


def _by_group(column_K: NDArray[np.integer[Any]]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each column, and where it stands."""
    order = np.argsort(column_K, kind="stable")
    groups, begin = np.unique(column_K[order], return_index=True)
    yield from zip(groups.tolist(), np.split(order, begin[1:]), strict=len(groups) > 0)
