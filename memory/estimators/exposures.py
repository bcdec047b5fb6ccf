"""Exposures of each case: sufficient statistics of its served tasks, for the average effect of serving it.

A case that was ever served has a row number, by which everything else is known of it.
Axes: N cases in the tables, C cases asked for, L landmarks, G groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.products import product

_LEAST_REACH = 0.5
"""Smallest reach: for a task unlike any that the case was served for."""

_CASES_LAST = frozenset({"task"})
"""Tables whose last axis is the cases: a read wants the few landmarks of its task, for every case."""


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
            "task": np.zeros((n_landmarks, 64), np.float32),
            "group": np.zeros((64, n_groups), np.float32),
        }

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
        tables["group"][row_C] = group_CG
        of_task = np.flatnonzero(task_L)
        tables["task"][np.ix_(of_task, row_C)] += task_L[of_task][:, None]
        tables["length"][row_C] = np.sqrt((tables["task"][:, row_C] ** 2).sum(0))

    def discount(self, row_C: NDArray[np.int64]) -> None:
        """Remove an event: its cases count one use less, with their average features."""
        for row in row_C.tolist():
            n = int(self._tables["n"][row])
            self._tables["n"][row] = n - 1
            for name in ("similarity", "support", "task", "length"):
                self._tables[name][..., row] *= (n - 1) / n

    def n(self, row_C: NDArray[np.int64]) -> NDArray[np.int64]:
        """Known outcomes that each case was served in."""
        return np.where(row_C >= 0, self._tables["n"][row_C], 0)

    def reach(self, row_C: NDArray[np.int64] | slice, task_L: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of a task to those that each case was served for, in [0, 1]; 1 for an unserved case.

        What a case has done for one kind of task says little about another: without this, the few cases that did well
        somewhere would be served to everybody.
        """
        of_task = np.flatnonzero(task_L)
        length_C = self._tables["length"][row_C] * np.sqrt((task_L**2).sum())
        alike_C = (task_L[of_task, None] * self._tables["task"][of_task][:, row_C]).sum(0)
        alike_C /= np.maximum(length_C, np.float32(1e-9))
        reach_C = np.where(length_C > 0, _LEAST_REACH + (1 - _LEAST_REACH) * alike_C, 1.0)
        if not isinstance(row_C, slice):
            reach_C = np.where(row_C >= 0, reach_C, 1.0)
        return reach_C.astype(np.float32)

    def worth(self, weight_4: NDArray[np.float32], value_G: NDArray[np.float32]) -> NDArray[np.float32]:
        """What every case adds by its own reward and its groups, wherever it lies, shape (N,).

        Args:
            weight_4: of 1, cosine, own reward and support; how near cases lie is not known here.
            value_G: of each group.
        """
        stop = len(self)
        reward_N, group_NG = self._tables["reward"][:stop], self._tables["group"][:stop]
        worth_N: NDArray[np.float32] = weight_4[0] + weight_4[2] * reward_N + product(group_NG, value_G)
        return worth_N

    def averages(self, row_C: NDArray[np.int64]) -> Exposed:
        """Averages of these cases."""
        table = {name: of[..., row_C] if name in _CASES_LAST else of[row_C] for name, of in self._tables.items()}
        n_C = np.maximum(table["n"], 1)
        mean = {name: table[name] / n_C for name in ("similarity", "support")}
        weight_C4 = np.stack([np.ones(len(row_C)), mean["similarity"], table["reward"], mean["support"]], axis=1)
        task_CL = (table["task"] / n_C).T.astype(np.float32)
        return Exposed(table["n"], weight_C4.astype(np.float32), task_CL, table["group"])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the tables, for a snapshot."""
        stop = len(self)
        return {
            name: (of[..., :stop] if name in _CASES_LAST else of[:stop]).copy() for name, of in self._tables.items()
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], ids: Sequence[str]) -> None:
        """Restore from `tensors`, for these cases.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self.ids = list(ids)
        self._row = dict(zip(self.ids, range(len(ids)), strict=True))
        for name, of in self._tables.items():
            kept = tensors[name]
            if kept.shape[-1 if name in _CASES_LAST else 0] != len(ids) or kept.ndim != of.ndim:
                raise ValueError(f"{name} is of another shape")
            self._tables[name] = kept.astype(of.dtype)
        self._grow(max(64, 2 * len(ids)))

    def _grow(self, room: int) -> None:
        for name, of in self._tables.items():
            shape = (*of.shape[:-1], room) if name in _CASES_LAST else (room, *of.shape[1:])
            fresh = np.zeros(shape, of.dtype)
            fresh[tuple(slice(n) for n in of.shape)] = of
            self._tables[name] = fresh
