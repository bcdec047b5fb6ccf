"""Exact top-k search over cases by reward and groups: branch and bound over cells of like cases.

The value of a case is linear in its own reward and its shares of groups, so no case of a cell is worth more than the
largest rewards and shares of the cell make it. Inverted lists, from groups to cells, tell what cells gain from the
groups of positive value; those that gain most are opened first, from the highest bound on, until no other can hold a
better case (bounds of blocks, as in block-max indexes, Ding and Suel 2011).

Axes: N cases by row, C rows asked for, B cells, G groups, K non-zero shares of cells.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.case_cells import CaseCells
from memento.memory.estimators.sparse_rows import SparseRows

_FIRST_CELLS = 64
"""Cells that are looked at first, of the highest gain: what they hold rules most of the others out."""
_OPENED_TOGETHER = 128
"""Cases that are valued at a time: a call for every cell would cost more than the cases."""
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


class LikeCases:
    """Finds the cases of highest value; rows and rewards are kept by the caller."""

    def __init__(self, group: SparseRows) -> None:
        """Start with no case.

        Args:
            group: shares of groups by row, as the caller keeps them.
        """
        self._group = group
        self._cells = CaseCells(group)

    def put(self, row_C: NDArray[np.int64], reward_C: NDArray[np.float32]) -> None:
        """Put rows into the cells where they belong now; each is named once."""
        self._cells.put(row_C, reward_C)

    def order(self, n_rows: int) -> NDArray[np.int64]:
        """The first rows, like ones next to each other."""
        return self._cells.order(n_rows)

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
        order = np.lexsort((self._cells.first_B[cell_A], -bound_A))
        cell_A, bound_A = cell_A[order], bound_A[order]
        while n_open := self._n_hopeful(cell_A, bound_A, best, n):
            n_rows_A = np.cumsum(np.minimum(self._cells.n_B[cell_A[:n_open]], n))
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
        is_hopeful_A = (bound_A > least) | ((bound_A == least) & (self._cells.first_B[cell_A] <= row))
        return int(np.count_nonzero(is_hopeful_A))

    def _gains(self, weighting: Weighting) -> NDArray[np.float64]:
        """What cases of each cell may be worth by their reward and groups of positive value alone, shape (B,)."""
        n_cells = len(self._cells.rows)
        best_B = self._cells.reward_B2[:n_cells, int(weighting.reward > 0)].astype(np.float64)
        gain_B = np.where(self._cells.n_B[:n_cells] > 0, weighting.base + weighting.reward * best_B, -np.inf)
        for group in np.flatnonzero(weighting.group_G > 0).tolist():
            cells, highest = self._cells.lists[group]
            gain_B[cells.whole] += np.multiply(highest.whole, weighting.group_G[group], dtype=np.float64)
        return gain_B

    def _bounds(self, cell_A: NDArray[np.int64], weighting: Weighting) -> NDArray[np.float64]:
        """Value that no case of a cell exceeds, rounding included: sums in the same order, of terms no smaller."""
        start_A, size_A = self._cells.start_B[cell_A], self._cells.start_B[cell_A + 1] - self._cells.start_B[cell_A]
        of_cell = np.repeat(np.arange(len(cell_A)), size_A)
        at = np.arange(len(of_cell)) + np.repeat(start_A - (np.cumsum(size_A) - size_A), size_A)
        value_K = weighting.group_G[self._cells.column_K[at]].astype(np.float64)
        term_K = value_K * np.where(value_K > 0, self._cells.share_K2[at, 1], self._cells.share_K2[at, 0])
        best_A = self._cells.reward_B2[cell_A, int(weighting.reward > 0)].astype(np.float64)
        bound_A: NDArray[np.float64] = weighting.base + weighting.reward * best_A
        return bound_A + np.bincount(of_cell, weights=term_K, minlength=len(cell_A))

    def _opened(
        self, cell_A: NDArray[np.int64], n: int, is_left_out: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """Rows of cells to value: all, or where those of a cell are worth the same, its first."""
        small, large = list[NDArray[np.int32]](), list[NDArray[np.int64]]()
        for cell, size in zip(cell_A.tolist(), self._cells.n_B[cell_A].tolist(), strict=True):
            rows = self._cells.rows[cell][:size]
            if size > n and self._cells.is_uniform(cell):
                rows = rows[~is_left_out(rows.astype(np.int64))]
                large.append((np.partition(rows, n)[:n] if len(rows) > n else rows).astype(np.int64))
            else:
                small.append(rows)
        row_C = np.concatenate([np.zeros(0, np.int32), *small]).astype(np.int64)
        return np.concatenate([row_C[~is_left_out(row_C)], *large])


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
