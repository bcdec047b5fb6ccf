"""Points and vectors for tests of the search engines."""

import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import numpy as np

from memento.memory.index.engines.points import StoredPoint
from memento.memory.index.engines.port import BankPoint, Vector

DIM = 16
ENCODER = "toy/encoder@1"


def unit(seed: int) -> Vector:
    """A random unit row, shape (DIM,); the same for the same seed."""
    row = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return row / np.linalg.norm(row)


def case_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


def point(number: int, version: int = 1, **fields: Any) -> BankPoint:
    """Case `number` at `version`; every version has a vector of its own."""
    values: dict[str, Any] = {
        "case_id": case_id(number),
        "version": version,
        "namespace": "a",
        "question": f"question-{number}",
        "status": "active",
        "reward": 1.0,
        "state": f"state {number}",
        "vector": unit(1000 * version + number),
    }
    return BankPoint(**{**values, **fields})


async def in_batches(points: Sequence[BankPoint], size: int = 8) -> AsyncIterator[Sequence[BankPoint]]:
    for start in range(0, len(points), size):
        yield points[start : start + size]


def by_cosine(vector: Vector, points: Iterable[BankPoint | StoredPoint]) -> list[tuple[str, float]]:
    """Exact search: case ids and cosines, best first."""
    scored = [(found.case_id, float(found.vector @ vector)) for found in points]
    return sorted(scored, key=lambda pair: -pair[1])
