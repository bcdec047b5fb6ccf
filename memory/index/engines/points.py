"""The point that every engine stores for a case, and the rule that a newer version replaces an older one.

The version rule keeps deliveries order-free and idempotent without reading anything back:

    1. insert every point, but only where no point of that id exists;
    2. for each version v > 1, update its points, but only where the stored version is below v.

Whatever the order, repetition or loss of a reply, a point ends at the highest version that was ever delivered.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from memento.memory.index.engines.port import BankPoint, Hit, Vector

SCHEMA = 1
"""Layout of the stored payload; a projection with another number is built anew from the ledger."""

ACTIVE = "active"

# `namespace` is what shards of before 0.2 say of inactive points
STORED_FIELDS = ["version", "question", "active_in", "inactive_in", "namespace"]
"""Payload fields that make a `StoredPoint`."""


class StoredPoint(NamedTuple):
    """A point as the embedded engine holds it, without what only people look at."""

    case_id: str
    version: int
    namespace: str
    question: str
    is_active: bool
    vector: Vector


class StoredRecord(Protocol):
    """What a read of the embedded engine gives."""

    @property
    def id(self) -> Any:
        """Of the point."""

    @property
    def payload(self) -> Any:
        """Fields by name, or None."""

    @property
    def vector(self) -> Any:
        """Its numbers."""


def payload(point: BankPoint) -> dict[str, Any]:
    """Payload stored with the vector.

    `active_in` repeats the namespace of active points only: one indexed condition then says both "of this namespace"
    and "searchable". The engine answers a single condition from the index but checks two or more point by point,
    which made a search over 100,000 points three times slower (28 ms instead of 11 ms).
    """
    stored = {
        "version": point.version,
        "namespace": point.namespace,
        "question": point.question,
        "status": point.status,
        "reward": point.reward,
        "state": point.state,
    }
    if point.status == ACTIVE:
        stored["active_in"] = point.namespace
    return stored


def searched_payload(point: BankPoint) -> dict[str, Any]:
    """The part of `payload` that the embedded engine looks at.

    Nobody reads the rest there, and a text costs the engine's binding half as long as a whole vector.
    """
    stored: dict[str, Any] = {"version": point.version, "question": point.question}
    stored["active_in" if point.status == ACTIVE else "inactive_in"] = point.namespace
    return stored


def newest(points: Sequence[BankPoint]) -> list[BankPoint]:
    """The highest version of each case, in order of first appearance."""
    latest: dict[str, BankPoint] = {}
    for point in points:
        known = latest.get(point.case_id)
        if known is None or point.version > known.version:
            latest[point.case_id] = point
    return list(latest.values())


def later_versions(points: Sequence[BankPoint]) -> list[tuple[int, list[BankPoint]]]:
    """Points above version 1, grouped by version: those that may have to replace a stored one."""
    groups: dict[int, list[BankPoint]] = defaultdict(list)
    for point in points:
        if point.version > 1:
            groups[point.version].append(point)
    return sorted(groups.items())


def hit(case_id: object, score: float) -> Hit:
    """A search result; rounding in the engine may leave a cosine a hair outside [-1, 1]."""
    return Hit(str(case_id), max(-1.0, min(1.0, float(score))))


def stored_point(record: StoredRecord) -> StoredPoint:
    """The point of a record with `STORED_FIELDS` and its vector.

    Raises:
        KeyError, TypeError, ValueError: it lacks a field, or its vector is not one of numbers.
    """
    said = record.payload or {}
    namespace = said.get("active_in") or said.get("inactive_in") or said["namespace"]
    vector = np.asarray(record.vector, np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError("its vector is not one of finite numbers")
    return StoredPoint(
        str(record.id), said["version"], namespace, said["question"], is_active="active_in" in said, vector=vector
    )
