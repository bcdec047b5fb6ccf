"""Exposures of each case: sufficient statistics of its served tasks, for the average effect of serving it.

Axes: N cases in the tables, L landmarks, G groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.products import product

_LEAST_REACH = 0.5
"""Smallest reach: for a task unlike any that the case was served for."""


class Exposed(NamedTuple):
    """Averages over the events that served each case."""

    n_N: NDArray[np.int64]
    weight_N4: NDArray[np.float32]
    """1, mean cosine, own reward as it was last, mean support."""
    task_NL: NDArray[np.float32]
    group_NG: NDArray[np.float32]


class Exposures:
    """Counts and sums by case."""

    def __init__(self, *, n_landmarks: int, n_groups: int) -> None:
        """Start with no case."""
        self._row: dict[str, int] = {}
        self._tables: dict[str, NDArray[Any]] = {
            "n": np.zeros(64, np.int64),
            "similarity": np.zeros(64, np.float32),
            "reward": np.zeros(64, np.float32),
            "support": np.zeros(64, np.float32),
            "task": np.zeros((64, n_landmarks), np.float32),
            "group": np.zeros((64, n_groups), np.float32),
        }

    @property
    def ids(self) -> list[str]:
        """Cases that were ever served."""
        return list(self._row)

    def count(
        self,
        ids: Sequence[str],
        *,
        similarity_N: NDArray[np.float32],
        reward_N: NDArray[np.float32],
        support_N: NDArray[np.float32],
        task_L: NDArray[np.float32],
        group_NG: NDArray[np.float32],
    ) -> None:
        """Count one event."""
        served = zip(ids, similarity_N, reward_N, support_N, group_NG, strict=True)
        for case_id, similarity, reward, support, group_G in served:
            row = self._row.setdefault(case_id, len(self._row))
            if row == len(self._tables["n"]):
                self._tables = {name: np.concatenate([of, np.zeros_like(of)]) for name, of in self._tables.items()}
            self._tables["n"][row] += 1
            self._tables["similarity"][row] += similarity
            self._tables["support"][row] += support
            self._tables["task"][row] += task_L
            self._tables["reward"][row] = reward
            self._tables["group"][row] = group_G

    def discount(self, ids: Sequence[str]) -> None:
        """Remove an event: its cases count one use less, with their average features."""
        for row in (self._row[case_id] for case_id in ids):
            n = int(self._tables["n"][row])
            self._tables["n"][row] = n - 1
            for name in ("similarity", "support", "task"):
                self._tables[name][row] *= (n - 1) / n

    def n(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Known outcomes that each case was served in."""
        row_C = np.array([self._row.get(case_id, -1) for case_id in ids], np.int64)
        return np.where(row_C >= 0, self._tables["n"][row_C], 0)

    def reach(self, ids: Sequence[str], task_L: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of a task to those that each case was served for, in [0, 1]; 1 for an unserved case.

        What a case has done for one kind of task says little about another: without this, the few cases that did well
        somewhere would be served to everybody.
        """
        row_C = np.array([self._row.get(case_id, -1) for case_id in ids], np.int64)
        served_CL = self._tables["task"][row_C]
        length_C = np.linalg.norm(served_CL, axis=1) * np.linalg.norm(task_L)
        alike_C = product(served_CL, task_L) / np.maximum(length_C, 1e-9)
        reach_C = _LEAST_REACH + (1 - _LEAST_REACH) * alike_C
        return np.where((row_C >= 0) & (length_C > 0), reach_C, 1.0).astype(np.float32)

    def averages(self) -> Exposed:
        """Averages of all `ids`, in their order."""
        stop = len(self._row)
        table = {name: of[:stop] for name, of in self._tables.items()}
        n_N = np.maximum(table["n"], 1)
        mean = {name: table[name] / n_N for name in ("similarity", "support")}
        weight_N4 = np.stack([np.ones(stop), mean["similarity"], table["reward"], mean["support"]], axis=1)
        task_NL = (table["task"] / n_N[:, None]).astype(np.float32)
        return Exposed(table["n"], weight_N4.astype(np.float32), task_NL, table["group"])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The tables, for a snapshot."""
        return {name: of[: len(self._row)] for name, of in self._tables.items()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], ids: Sequence[str]) -> None:
        """Restore from `tensors`, for these cases.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._row = {case_id: row for row, case_id in enumerate(ids)}
        room = max(64, 2 * len(ids))
        for name, of in self._tables.items():
            fresh = np.zeros((room, *of.shape[1:]), of.dtype)
            fresh[: len(ids)] = tensors[name]
            self._tables[name] = fresh
