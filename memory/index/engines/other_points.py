"""Points of a shard that are not active in the namespace searched, while they are few: then a search needs no filter.

The engine answers a filter by listing all points that pass it, which takes two fifths of a search among 100,000. Most
banks have one large namespace; what else is there (retired cases, other small namespaces) is dropped from the hits.
"""

from collections.abc import Sequence
from typing import Any, Final

import qdrant_edge as edge

from memento.memory.errors import EngineError
from memento.memory.index.engines.edge_errors import named_errors
from memento.memory.index.engines.shard_reads import BATCH, field_is

MAX_OTHERS: Final = 1_024
"""Maximum number of other points; with more, searches are filtered."""

_FIELD: Final = "active_in"


class OtherPoints:
    """Ids of the other points of one shard, kept up to date with its writes. Blocking; in the shard's own thread."""

    def __init__(self, shard: edge.EdgeShard) -> None:
        """Know nothing yet.

        Args:
            shard: whose points.
        """
        self._shard = shard
        self._namespace: str | None = None
        self._ids: set[object] = set()
        self._has_many: set[str] = set()

    def of(self, namespace: str) -> set[object] | None:
        """Ids of the points that are not active in a namespace; None where they are many.

        Raises:
            EngineError: the shard cannot be read.
        """
        if namespace in self._has_many:
            return None
        if namespace != self._namespace:
            others = edge.Filter(must_not=[field_is(_FIELD, namespace)])
            page = edge.ScrollRequest(limit=MAX_OTHERS + 1, filter=others, with_payload=False, with_vector=False)
            with named_errors("reading the index"):
                self._ids = {record.id for record in self._shard.scroll(page)[0]}
            self._namespace = namespace
        if len(self._ids) <= MAX_OTHERS:
            return self._ids
        self._has_many.add(namespace)
        self.forget()
        return None

    def follow(self, case_ids: Sequence[str]) -> None:
        """Look again at points that were just written; many are not looked at before the next search."""
        if self._namespace is None:
            return
        if len(case_ids) > BATCH:
            self.forget()
            return
        ids: list[Any] = [*case_ids]
        try:
            with named_errors("reading the index"):
                records = self._shard.retrieve(ids, with_payload=[_FIELD], with_vector=False)
        except EngineError:  # the next search tells it
            self.forget()
            return
        for record in records:
            if (record.payload or {}).get(_FIELD) == self._namespace:
                self._ids.discard(record.id)
            else:
                self._ids.add(record.id)

    def forget(self) -> None:
        """Look at all points anew before the next search."""
        self._namespace, self._ids = None, set()
