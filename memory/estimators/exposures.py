"""Exposures of each case: sufficient statistics of its served tasks, for the average effect of serving it.

A case that was ever served has a row number, by which everything else is known of it. All sums are kept up to date as
outcomes are counted, and what a read asks for touches only the rows that it is about.
Axes: N cases in the tables, C cases asked for, L landmarks, G groups.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.like_cases import LikeCases, ValuedCases, Weighting
from memento.memory.estimators.sparse_rows import SparseRows

_LEAST_REACH = 0.5
"""Smallest reach: for a task unlike any that the case was served for."""


class Exposed(NamedTuple):
    """Averages over the events that served each case."""

    n_C: NDArray[np.int64]
    weight_C4: NDArray[np.float32]
    """1, mean cosine, own reward as it was last, mean support."""
    task_CL: NDArray[np.float32]
    group_CG: NDArray[np.float32]


class Exposures:
    """Counts and sums by case."""

    def __init__(self, *, n_landmarks: int, n_groups: int) -> None:
        """Start with no case."""
        self._row: dict[str, int] = {}
        self.ids: list[str] = []
        """Cases that were ever served, by row."""
        self._tables: dict[str, NDArray[Any]] = {
            "n": np.zeros(64, np.int64),
            "similarity": np.zeros(64, np.float32),
            "reward": np.zeros(64, np.float32),
            "support": np.zeros(64, np.float32),
            "length": np.zeros(64, np.float32),  # of the sum of tasks
        }
        self._sparse = {"task": SparseRows(n_columns=n_landmarks), "group": SparseRows(n_columns=n_groups)}
        self._task, self._group = self._sparse["task"], self._sparse["group"]
        self._alike = LikeCases(self._group)
        self._grow(64)

    def __len__(self) -> int:
        """Number of cases that were ever served."""
        return len(self.ids)

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers, shape (C,); -1 for a case that was never served."""
        row, none = self._row.get, -1
        return np.fromiter((row(case_id, none) for case_id in ids), np.int64, len(ids))

    def added(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers, shape (C,); new cases get one."""
        for case_id in ids:
            if case_id not in self._row:
                self._row[case_id] = len(self.ids)
                self.ids.append(case_id)
        if len(self.ids) > len(self._tables["n"]):
            self._grow(2 * len(self.ids))
        return self.rows(ids)

    def count(
        self,
        row_C: NDArray[np.int64],
        *,
        similarity_C: NDArray[np.float32],
        reward_C: NDArray[np.float32],
        support_C: NDArray[np.float32],
        task_L: NDArray[np.float32],
        group_CG: NDArray[np.float32],
    ) -> None:
        """Count one event."""
        if len(set(row_C.tolist())) < len(row_C):  # an event from elsewhere may name a case twice
            for at in range(len(row_C)):
                one = slice(at, at + 1)
                self.count(
                    row_C[one],
                    similarity_C=similarity_C[one],
                    reward_C=reward_C[one],
                    support_C=support_C[one],
                    task_L=task_L,
                    group_CG=group_CG[one],
                )
            return
        tables = self._tables
        tables["n"][row_C] += 1
        tables["similarity"][row_C] += similarity_C
        tables["support"][row_C] += support_C
        tables["reward"][row_C] = reward_C
        task_CL = self._task.dense(row_C) + task_L
        self._task.put(row_C, task_CL)
        tables["length"][row_C] = np.sqrt((task_CL**2).sum(1))
        self._group.put(row_C, group_CG)
        self._alike.put(row_C, reward_C)

    def discount(self, row_C: NDArray[np.int64]) -> None:
        """Remove an event: its cases count one use less, with their average features."""
        for row in row_C.tolist():
            n = int(self._tables["n"][row])
            self._tables["n"][row] = n - 1
            for name in ("similarity", "support", "length"):
                self._tables[name][row] *= (n - 1) / n
            self._task.scale(row, (n - 1) / n)

    def n(self, row_C: NDArray[np.int64]) -> NDArray[np.int64]:
        """Known outcomes that each case was served in."""
        return np.where(row_C >= 0, self._tables["n"][row_C], 0)

    def reach(self, row_C: NDArray[np.int64], task_L: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of a task to those that each case was served for, in [0, 1]; 1 for an unserved case.

        What a case has done for one kind of task says little about another: without this, the few cases that did well
        somewhere would be served to everybody.
        """
        reach_C = np.ones(len(row_C), np.float32)
        known = np.flatnonzero(row_C >= 0)
        length_C = self._tables["length"][row_C[known]] * np.sqrt((task_L**2).sum())
        alike_C = self._task.products(row_C[known], task_L) / np.maximum(length_C, np.float32(1e-9))
        reach_C[known] = np.where(length_C > 0, _LEAST_REACH + (1 - _LEAST_REACH) * alike_C, 1.0)
        return reach_C

    def worth(self, row_C: NDArray[np.int64], weighting: Weighting) -> NDArray[np.float64]:
        """What cases add by their own reward and their groups, wherever they lie, shape (C,)."""
        return self._alike.values(row_C, weighting, self._tables["reward"][row_C])

    def best(
        self,
        weighting: Weighting,
        found: ValuedCases,
        *,
        n: int,
        is_left_out: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    ) -> ValuedCases:
        """The `n` cases of highest worth, together with some that were valued otherwise.

        Args:
            weighting: of own reward and groups.
            found: cases valued already.
            n: number of cases.
            is_left_out: which of some rows are not searched, because they are among `found`.
        """
        return self._alike.best(weighting, self._tables["reward"], found, n=n, is_left_out=is_left_out)

    def used(self) -> NDArray[np.int64]:
        """Rows of cases with known outcomes; cases of the same groups next to each other."""
        order = self._alike.order(len(self))
        used: NDArray[np.int64] = order[self._tables["n"][order] > 0]
        return used

    def averages(self, row_C: NDArray[np.int64]) -> Exposed:
        """Averages of these cases."""
        table = {name: of[row_C] for name, of in self._tables.items()}
        n_C = np.maximum(table["n"], 1)
        mean = {name: table[name] / n_C for name in ("similarity", "support")}
        weight_C4 = np.stack([np.ones(len(row_C)), mean["similarity"], table["reward"], mean["support"]], axis=1)
        task_CL = (self._task.dense(row_C) / n_C[:, None]).astype(np.float32)
        return Exposed(table["n"], weight_C4.astype(np.float32), task_CL, self._group.dense(row_C))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the tables, for a snapshot."""
        stop = len(self)
        dense = {name: of[:stop].copy() for name, of in self._tables.items()}
        rows = {name: of.tensors(stop) for name, of in self._sparse.items()}
        return dense | {f"{name}.{part}": value for name, parts in rows.items() for part, value in parts.items()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], ids: Sequence[str]) -> None:
        """Restore from `tensors`, for these cases.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self.ids = list(ids)
        self._row = dict(zip(self.ids, range(len(ids)), strict=True))
        for name, of in self._tables.items():
            if tensors[name].shape != (len(ids),):
                raise ValueError(f"{name} is of another shape")
            self._tables[name] = tensors[name].astype(of.dtype)
        for name, rows in self._sparse.items():
            if tensors[f"{name}.size"].shape != (len(ids),):
                raise ValueError(f"{name} is of another shape")
            rows.restore({part: tensors[f"{name}.{part}"] for part in ("size", "column", "value")})
        self._grow(max(64, 2 * len(ids)))
        self._alike = LikeCases(self._group)
        self._alike.put(np.arange(len(ids)), self._tables["reward"][: len(ids)])

    def _grow(self, room: int) -> None:
        for name, of in self._tables.items():
            self._tables[name] = np.concatenate([of, np.zeros(room - len(of), of.dtype)])
        for rows in self._sparse.values():
            rows.grow(room)
