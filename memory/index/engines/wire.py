"""Builds qdrant-client requests, shared by the server engine and the in-memory one.

Each function returns keyword arguments, because the two clients differ in nothing but `await`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from qdrant_client import models

from memento.memory.index.engines.points import ACTIVE, later_versions, newest, payload
from memento.memory.index.engines.port import BankPoint, Vector

BATCH = 256
"""Points per request: about 2 MB of JSON at 384 dimensions, far below the server's limit of 32 MB."""


def _match(key: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def writes(points: Sequence[BankPoint]) -> Iterator[dict[str, Any]]:
    """Arguments of the `upsert` calls that apply `points` by the version rule (see points.py)."""
    latest = newest(points)
    for batch in _batches(latest):
        yield {"points": batch, "update_mode": models.UpdateMode.INSERT_ONLY}
    for version, group in later_versions(latest):
        below = models.Filter(must=[models.FieldCondition(key="version", range=models.Range(lt=version))])
        for batch in _batches(group):
            yield {"points": batch, "update_mode": models.UpdateMode.UPDATE_ONLY, "update_filter": below}


def _batches(points: Sequence[BankPoint]) -> Iterator[list[models.PointStruct]]:
    for start in range(0, len(points), BATCH):
        yield [
            models.PointStruct(id=point.case_id, vector=point.vector.tolist(), payload=payload(point))
            for point in points[start : start + BATCH]
        ]


def nearest(vector: Vector, *, namespace: str, limit: int, exclude_question: str | None) -> dict[str, Any]:
    """Arguments of the `query_points` call behind `search`."""
    excluded = [] if exclude_question is None else [_match("question", exclude_question)]
    return {
        "query": vector.tolist(),
        "limit": limit,
        "query_filter": models.Filter(
            must=[_match("namespace", namespace), _match("status", ACTIVE)], must_not=excluded or None
        ),
        "with_payload": False,
    }


def slug(encoder: str, dim: int) -> str:
    """The encoder's name as part of a collection name; the hash keeps similar names apart."""
    readable = re.sub(r"[^a-z0-9]+", "-", encoder.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(f'{encoder}|{dim}'.encode()).hexdigest()[:8]}"


def number(generation: str) -> int:
    """The generation's number, at the end of its name."""
    return int(generation.rsplit("__", 1)[1])


def position(found: models.CollectionInfo) -> int:
    """The ledger offset kept with a collection."""
    return int((found.config.metadata or {}).get("position", 0))


def alias_to(name: str, alias: str) -> models.CreateAliasOperation:
    """One action of `update_collection_aliases`."""
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=name, alias_name=alias))
