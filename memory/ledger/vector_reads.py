"""Queries for vectors of texts, by the hash of the text."""

from collections.abc import Sequence

from sqlalchemy import select

from memento.memory.case import text_hash
from memento.memory.index.engines.port import Vector
from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.rows import VECTORS, CheckedConnection

_LOOKED_AT = 500
"""Number of vectors of which the first that can be read tells their dimension."""


class VectorViews:
    """Queries of one ledger's vectors."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def vector_length(self, *, encoder: str) -> int | None:
        """Dimension of the stored vectors of this encoder; None when none is stored."""
        query = select(*VECTORS.columns).where(schema.vectors.c.encoder == encoder).limit(_LOOKED_AT)
        kept = await self._ledger.query(lambda connection: connection.first(VECTORS, query))
        return None if kept is None else len(kept)

    async def vectors(self, texts: Sequence[str], *, encoder: str) -> dict[str, Vector]:
        """Stored vectors of texts: text to unit row, shape (dim,)."""
        by_hash = {text_hash(value): value for value in texts}
        kept = schema.vectors.c
        key_at = kept.keys().index("text_hash")

        def look(connection: CheckedConnection) -> dict[str, Vector]:
            found: dict[str, Vector] = {}
            for chunk in sequence_chunks(list(by_hash)):
                query = select(*VECTORS.columns).where(kept.encoder == encoder, kept.text_hash.in_(chunk))
                for row, vector in connection.found(VECTORS, query):
                    if vector is not None:
                        found[by_hash[row[key_at]]] = vector
            return found

        return await self._ledger.query(look)
