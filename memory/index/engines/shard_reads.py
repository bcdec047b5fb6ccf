"""What an open shard of the in-process Qdrant engine holds: its points, a few at a time, and how many there are."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import qdrant_edge as edge

from memento.memory.errors import IndexDamaged
from memento.memory.index.engines.edge_errors import named_errors
from memento.memory.index.engines.points import STORED_FIELDS, StoredPoint, stored_point

BATCH = 32
"""Points per call: the engine holds the GIL for a whole call, about 2 ms for this many."""

PAGE = 512
"""Points read at a time: the engine holds the GIL for about 2 ms."""

VECTOR_PAGE = 128
"""Points read at a time with their vectors, which takes about as long."""

MAX_NAMESPACES = 10_000
"""Namespaces that are counted, those with the most cases first."""


class ShardReads:
    """Reads of a shard. Blocking; one thread at a time.

    Raises:
        EngineRejected, EngineUnavailable, IndexDamaged: from every method, as `named_errors` tells.
    """

    def __init__(self, shard: edge.EdgeShard) -> None:
        self._shard = shard

    def has_any(self, case_ids: Sequence[str]) -> bool:
        """Whether a point of one of these cases is there."""
        with named_errors("reading the index"):
            parts = (case_ids[start : start + BATCH] for start in range(0, len(case_ids), BATCH))
            return any(self._shard.retrieve(list(part), with_payload=False, with_vector=False) for part in parts)

    def pages(self) -> Iterator[list[tuple[str, int]]]:
        """Id and version of every point, a few at a time; what is written meanwhile may be missing."""
        for records in self._scrolled(["version"], with_vector=False):
            with _readable():
                page = [(str(record.id), int((record.payload or {})["version"])) for record in records]
            yield page

    def stored(self) -> Iterator[list[StoredPoint]]:
        """Every point with its vector, a few at a time."""
        for records in self._scrolled(STORED_FIELDS, with_vector=True):
            yield _points(records)

    def active_page(self, namespace: str, *, after: Any) -> tuple[list[StoredPoint], Any]:
        """Some active points of a namespace with their vectors, and where the next page begins; None after the last."""
        active = edge.Filter(must=[field_is("active_in", namespace)])
        with named_errors("reading the index"):
            records, following = self._shard.scroll(
                edge.ScrollRequest(
                    limit=VECTOR_PAGE, offset=after, filter=active, with_payload=STORED_FIELDS, with_vector=True
                )
            )
        return _points(records), following

    def retrieved(self, case_ids: Sequence[str]) -> Iterator[StoredPoint]:
        """Those of these points that are there, with their vectors."""
        for start in range(0, len(case_ids), BATCH):
            part: list[edge.PointId] = [*case_ids[start : start + BATCH]]
            with named_errors("reading the index"):
                records = self._shard.retrieve(part, with_payload=STORED_FIELDS, with_vector=True)
            yield from _points(records)

    def n_active(self) -> dict[str, int]:
        """Active points of each namespace, roughly; empty for a shard made of its log, which has lost the counts."""
        with named_errors("counting the index"):
            if "active_in" not in self._shard.info().payload_schema:
                return {}
            found = self._shard.facet(edge.FacetRequest(key="active_in", limit=MAX_NAMESPACES, exact=False))
        return {str(one.value): int(one.count) for one in found.hits}

    def n_active_in(self, namespace: str) -> int:
        """Active points of a namespace."""
        with named_errors("counting the index"):
            active = edge.Filter(must=[field_is("active_in", namespace)])
            return int(self._shard.count(edge.CountRequest(exact=True, filter=active)))

    def count(self) -> int:
        """All points."""
        with named_errors("counting the index"):
            return int(self._shard.info().points_count)  # kept by the engine; its exact count looks at every point

    def _scrolled(self, fields: list[str], *, with_vector: bool) -> Iterator[list[edge.Record]]:
        offset = None
        while True:
            page = edge.ScrollRequest(limit=PAGE, offset=offset, with_payload=fields, with_vector=with_vector)
            with named_errors("reading the index"):
                records, offset = self._shard.scroll(page)
            yield records
            if offset is None:
                return


def _points(records: Sequence[edge.Record]) -> list[StoredPoint]:
    with _readable():
        return [stored_point(record) for record in records]


def _readable() -> AbstractContextManager[None]:
    """For what the engine answered: a field that is missing or of another kind is damage, too."""
    return named_errors("reading points of the index", otherwise=IndexDamaged)


def field_is(key: str, value: str) -> edge.FieldCondition:
    """The condition that a payload field has a value."""
    return edge.FieldCondition(key=key, match=edge.MatchValue(value))
