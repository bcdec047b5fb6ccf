"""Vectors of texts: saved once, and deleted where they are of no use."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, delete, func, select

from memento.memory.case import text_hash
from memento.memory.index.engines.port import Vector
from memento.memory.ledger import schema
from memento.memory.ledger.prepared import insertion
from memento.memory.ledger.rows import VECTORS, CheckedConnection
from memento.memory.ledger.set_aside import DamagedRow, SetAside

_NEW_VECTOR = insertion(schema.vectors, is_if_new=True)


class VectorWriter(CheckedConnection):
    """A transaction that can save and delete vectors."""

    def __init__(self, connection: Connection, set_aside: SetAside) -> None:
        super().__init__(connection, set_aside)
        self._dropped: list[DamagedRow] = []

    def save_vectors(self, encoder: str, vectors: Mapping[str, Vector]) -> None:
        """Store vectors of texts; existing ones are left unchanged.

        Args:
            encoder: name of the encoder.
            vectors: text to its unit row, shape (dim,).
        """
        self.save_hashed_vectors(encoder, {text_hash(value): row for value, row in vectors.items()})

    def save_hashed_vectors(self, encoder: str, vectors: Mapping[str, Vector]) -> None:
        """`save_vectors` by content addresses, of texts or pictures."""
        if not vectors:
            return
        rows = [
            {"text_hash": key, "encoder": encoder, "vector": np.asarray(row, np.float32).tobytes()}
            for key, row in vectors.items()
        ]
        self._drop_damaged_vectors(self.set_aside.unrecorded)
        _NEW_VECTOR.write(self, [VECTORS.signed(row) for row in rows])

    def drop_vectors(self, encoder: str, *, except_length: int) -> None:
        """Delete an encoder's stored vectors of another dimension: they are another model's."""
        n_bytes = except_length * np.dtype(np.float32).itemsize
        kept = schema.vectors.c
        self.execute(delete(schema.vectors).where(kept.encoder == encoder, func.length(kept.vector) != n_bytes))

    def _drop_damaged_vectors(self, damaged: Sequence[DamagedRow]) -> None:
        """Delete damaged vectors, unless another process has encoded their texts anew."""
        kept = schema.vectors.c
        for row in damaged:
            if row.table == schema.vectors.name and row not in self._dropped:
                key, _, encoder = row.key.partition("/")
                is_it = (kept.text_hash == key, kept.encoder == encoder)
                found = self.execute(select(*VECTORS.columns).where(*is_it)).all()
                if any(not VECTORS.passes(one) for one in found):
                    self.execute(delete(schema.vectors).where(*is_it))
                if found:  # else its very key is damaged
                    self._dropped.append(row)
