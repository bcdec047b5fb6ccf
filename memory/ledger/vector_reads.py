"""Queries for vectors of texts, by the hash of the text."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select

from memento.memory.case import text_hash
from memento.memory.index.engines.port import Vector
from memento.memory.ledger import schema
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.newest_cases import NEWEST_OFFSET
from memento.memory.ledger.prepared import Among, Prepared
from memento.memory.ledger.rows import VECTORS, CheckedConnection

_LOOKED_AT = 500
"""Number of vectors of which the first that can be read tells their dimension."""


_KEY = schema.vectors.c.keys().index("text_hash")
_OF_TEXTS = Prepared(
    select(*VECTORS.columns).where(
        Among(schema.vectors.c.text_hash, "hashes"), schema.vectors.c.encoder == bindparam("encoder")
    )
)


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
        hashed = {text: text_hash(text) for text in texts}
        return await self._ledger.query(lambda connection: _vectors_of(connection, hashed, encoder))

    async def vectors_at(self, texts: Sequence[str], *, encoder: str) -> tuple[dict[str, Vector], int]:
        """Stored vectors of texts, and the offset of the newest revision of any case."""
        return await self.hashed_vectors_at({text: text_hash(text) for text in texts}, encoder=encoder)

    async def hashed_vectors_at(self, hashed: Mapping[str, str], *, encoder: str) -> tuple[dict[str, Vector], int]:
        """`vectors_at` for texts with their hashes."""
        return await self._ledger.query(
            lambda connection: (_vectors_of(connection, hashed, encoder), NEWEST_OFFSET.scalar(connection) or 0)
        )


def _vectors_of(connection: CheckedConnection, hashed: Mapping[str, str], encoder: str) -> dict[str, Vector]:
    by_hash = {key: text for text, key in hashed.items()}
    rows = _OF_TEXTS.rows(connection, hashes=list(by_hash), encoder=encoder)
    found = connection.found_in(VECTORS, rows)
    return {by_hash[row[_KEY]]: vector for row, vector in found if vector is not None}
