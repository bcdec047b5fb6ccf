"""Rows of pictures: saved once in a namespace, read by their hash, deleted with the last row that names them."""

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select

from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.erasure_targets import raw_rows
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.prepared import insertion
from memento.memory.ledger.rows import PICTURES, CheckedConnection
from memento.memory.ledger.set_aside import kept_key
from memento.memory.pictures import CasePicture

_ROWS: Final = schema.pictures
_NEW_PICTURE: Final = insertion(_ROWS, is_if_new=True)
_AT_ONCE: Final = 16
"""Pictures read in one query: 16 MB at most."""
_NAMED: Final = re.compile(r'"picture":\s*"([0-9a-f]{32})"')
"""A picture in the body of a case, or of an outcome's attempt; of a damaged body, too."""


class PictureViews:
    """Queries of one ledger's pictures."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def picture(self, picture_hash: str, *, namespace: str) -> CasePicture | None:
        """The picture of this hash in a namespace; None where it has none, or its row is damaged."""
        return (await self.pictures([picture_hash], namespace=namespace)).get(picture_hash)

    async def pictures(self, hashes: Sequence[str], *, namespace: str) -> dict[str, CasePicture]:
        """Those of these pictures that a namespace has and that can be read, by their hashes."""
        return await self._ledger.query(lambda connection: kept_pictures(connection, hashes, namespace=namespace))


def kept_pictures(connection: CheckedConnection, hashes: Sequence[str], *, namespace: str) -> dict[str, CasePicture]:
    """Those of these pictures that a namespace has and that can be read, by their hashes."""
    found: dict[str, CasePicture] = {}
    for chunk in sequence_chunks(sorted(set(hashes)), _AT_ONCE):
        query = select(*PICTURES.columns).where(_ROWS.c.namespace == namespace, _ROWS.c.picture_hash.in_(chunk))
        found |= {picture.hash: picture for picture in connection.records(PICTURES, query)}
    return found


def save_picture(connection: CheckedConnection, picture: CasePicture, *, namespace: str) -> None:
    """Store a picture in a namespace unless it is there; a damaged row of it is replaced."""
    is_it = (_ROWS.c.namespace == namespace, _ROWS.c.picture_hash == picture.hash)
    row = connection.execute(select(*PICTURES.columns).where(*is_it)).first()
    if row is not None and PICTURES.passes(row):
        return
    if row is not None:
        connection.execute(delete(_ROWS).where(*is_it))
        listed = schema.set_aside.c
        is_listed = (listed.table_name == _ROWS.name, listed.row_key == kept_key(PICTURES.key(row)))
        connection.execute(delete(schema.set_aside).where(*is_listed))
    fields = {"namespace": namespace, "picture_hash": picture.hash, "media_type": picture.media_type}
    _NEW_PICTURE.write(connection, [PICTURES.signed(fields | {"content": picture.content})])


def drop_unnamed_pictures(connection: CheckedConnection, *, namespace: str) -> int:
    """Delete the pictures of a namespace that none of its cases and attempts names.

    Returns:
        How many were deleted.
    """
    unnamed = set(connection.scalars(select(_ROWS.c.picture_hash).where(_ROWS.c.namespace == namespace)))
    for table in (schema.case_revisions, schema.outcomes):
        if not unnamed:
            return 0
        for row in raw_rows(connection, table, namespace):
            unnamed.difference_update(_NAMED.findall(str(row.body)))
    for chunk in sequence_chunks(sorted(unnamed)):
        connection.execute(delete(_ROWS).where(_ROWS.c.namespace == namespace, _ROWS.c.picture_hash.in_(chunk)))
    return len(unnamed)
