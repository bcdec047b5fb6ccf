"""Learned outcomes with their contributions to the posterior, so that each can be corrected or withdrawn.

Flat arrays instead of an object for each, so that a snapshot is a copy.
Axes: E experts (A with all prior means), X features of one outcome, C cases that it served, N outcomes held.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.contributions import Features, Site
from memento.memory.estimators.growing_array import GrowingArray
from memento.memory.estimators.text_numbers import text_number

_FIRST_ROWS = 64
_RECENT = 1024
"""Settled events kept in a set before they join the sorted array."""


class TakenIn(NamedTuple):
    """One learned outcome with its contribution."""

    reward: float
    confidence: float
    number: int
    """Number of outcomes learned by then, this one included."""
    row_C: NDArray[np.int64]
    """Cases served, by the rows of their exposures."""
    n_repeated: int
    """Number of them whose action a second case had taken by then."""
    features: Features
    site: Site


class Sites:
    """Retractable outcomes by event, oldest first."""

    def __init__(self, *, capacity: int, n_standard: int, n_experts: int) -> None:
        """Start empty.

        Args:
            capacity: outcomes that can still be corrected; an older one stays as it was learned.
            n_standard: E.
            n_experts: A.
        """
        self._capacity = capacity
        self._row: dict[str, int] = {}
        self._events: list[str | None] = []  # by row, oldest first; None for one that has left
        self._first = 0
        self._rows: dict[str, NDArray[Any]] = {
            "reward": np.zeros((_FIRST_ROWS, 2), np.float64),  # with its confidence
            "number": np.zeros(_FIRST_ROWS, np.int64),
            "n_features": np.zeros(_FIRST_ROWS, np.int32),
            "n_cases": np.zeros(_FIRST_ROWS, np.int32),
            "n_repeated": np.zeros(_FIRST_ROWS, np.int32),
            "information": np.zeros((_FIRST_ROWS, n_standard), np.float32),
            "target": np.zeros((_FIRST_ROWS, n_experts), np.float32),
        }
        self._start = np.zeros((_FIRST_ROWS, 2), np.int64)  # of its features and of its cases
        kinds: dict[str, type[np.int32 | np.float32]] = {"position": np.int32, "value": np.float32, "case": np.int32}
        self._flat = {name: GrowingArray(kind) for name, kind in kinds.items()}
        self._settled_N = np.zeros(0, np.int64)  # events too old to be corrected, by hash, sorted
        self._settled_lately: set[int] = set()

    def get(self, event_id: str) -> TakenIn | None:
        """The outcome held for an event, if any."""
        row = self._row.get(event_id)
        if row is None:
            return None
        at, rows, flat = self._start[row], self._rows, self._flat
        features = slice(at[0], at[0] + rows["n_features"][row])
        position_X, value_X = flat["position"].value[features], flat["value"].value[features]
        reward, confidence = rows["reward"][row].tolist()
        return TakenIn(
            reward,
            confidence,
            int(rows["number"][row]),
            flat["case"].value[at[1] : at[1] + rows["n_cases"][row]].astype(np.int64),
            int(rows["n_repeated"][row]),
            Features(position_X.astype(np.int64), value_X.copy()),
            Site(rows["information"][row].copy(), rows["target"][row].copy()),
        )

    def is_settled(self, event_id: str) -> bool:
        """Whether the event was learned from so long ago that it can no longer be corrected, nor learned from again."""
        if event_id in self._row:
            return False
        hashed = text_number(event_id)
        at = int(np.searchsorted(self._settled_N, hashed))
        is_old = at < len(self._settled_N) and self._settled_N[at] == hashed
        return bool(is_old) or hashed in self._settled_lately

    def put(self, event_id: str, taken: TakenIn) -> None:
        """Add an outcome as the newest."""
        self.pop(event_id)
        if len(self._events) == len(self._start):
            self._make_room()
        row = len(self._events)
        self._events.append(event_id)
        self._row[event_id] = row
        self._start[row] = self._flat["position"].stop, self._flat["case"].stop
        sizes = len(taken.features.position_X), len(taken.row_C), taken.n_repeated
        values = (taken.reward, taken.confidence), taken.number, *sizes
        for name, value in zip(self._rows, (*values, *taken.site), strict=True):
            self._rows[name][row] = value
        for name, part in zip(self._flat, self._parts(taken), strict=True):
            self._flat[name].append(part)
        if len(self._row) > self._capacity:
            self._settle_oldest()

    def pop(self, event_id: str) -> TakenIn | None:
        """Remove and return an outcome."""
        taken = self.get(event_id)
        if taken is not None:
            self._events[self._row.pop(event_id)] = None
        return taken

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the outcomes held, for a snapshot."""
        kept = self._kept()
        settled_N = np.sort(np.concatenate([self._settled_N, np.fromiter(self._settled_lately, np.int64)]))
        return {"settled": settled_N, **self._gathered(kept), **{name: of[kept] for name, of in self._rows.items()}}

    def stamp(self) -> list[str]:
        """Events of the outcomes."""
        return list(self._row)

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: list[str]) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        self._settled_N, self._settled_lately = tensors["settled"].copy(), set()
        self._take({name: tensors[name] for name in (*self._rows, *self._flat)}, stamp)

    @staticmethod
    def _parts(taken: TakenIn) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return taken.features.position_X, taken.features.value_X, taken.row_C

    def _settle_oldest(self) -> None:
        while (oldest := self._events[self._first]) is None:
            self._first += 1
        self._events[self._first] = None
        del self._row[oldest]
        self._settled_lately.add(text_number(oldest))
        if len(self._settled_lately) >= _RECENT:
            fresh = np.fromiter(self._settled_lately, np.int64)
            self._settled_N = np.sort(np.concatenate([self._settled_N, fresh]))
            self._settled_lately.clear()

    def _kept(self) -> NDArray[np.int64]:
        """Rows of the outcomes held, oldest first."""
        return np.fromiter(self._row.values(), np.int64, len(self._row))

    def _gathered(self, kept: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The flat arrays of these rows alone."""
        parts = {}
        for name, flat in self._flat.items():
            side, size = (1, "n_cases") if name == "case" else (0, "n_features")
            size_N = self._rows[size][kept].astype(np.int64)
            first_N = np.cumsum(size_N) - size_N
            at = np.arange(size_N.sum()) + np.repeat(self._start[kept, side] - first_N, size_N)
            parts[name] = flat.value[at]
        return parts

    def _make_room(self) -> None:
        """Leave out the rows of outcomes that have left, and have room for as many again."""
        kept = self._kept()
        self._take({**self._gathered(kept), **{name: of[kept] for name, of in self._rows.items()}}, list(self._row))

    def _take(self, tensors: Mapping[str, NDArray[Any]], events: list[str]) -> None:
        n = len(events)
        if any(len(tensors[name]) != n for name in self._rows):
            raise ValueError("events and outcomes differ in number")
        self._row, self._events, self._first = dict(zip(events, range(n), strict=True)), list(events), 0
        for name, of in self._rows.items():
            self._rows[name] = np.concatenate([tensors[name], np.zeros((n + _FIRST_ROWS, *of.shape[1:]), of.dtype)])
        self._start = np.zeros((2 * n + _FIRST_ROWS, 2), np.int64)
        for side, size in enumerate(("n_features", "n_cases")):
            size_N = tensors[size].astype(np.int64)
            self._start[:n, side] = np.cumsum(size_N) - size_N
        for flat, part in zip(self._flat.values(), (tensors[name] for name in self._flat), strict=True):
            flat.value = flat.value[:0]
            flat.stop = 0
            flat.append(part)
