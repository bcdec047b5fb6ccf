"""Queries of the change feed: case revisions in the order of their offsets."""

from typing import NamedTuple

from sqlalchemy import bindparam, select

from memento.memory.case import Case
from memento.memory.ledger import schema
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.newest_cases import NEWEST_OFFSET
from memento.memory.ledger.prepared import Prepared, unindexed
from memento.memory.ledger.rows import CASES, CheckedConnection, Found

_REVISIONS = schema.case_revisions
_OFFSET = _REVISIONS.c.keys().index("offset")

_CHANGES = Prepared(
    select(*CASES.columns)
    .where(_REVISIONS.c.offset > bindparam("after"))
    .order_by(_REVISIONS.c.offset)
    .limit(bindparam("limit"))
)
_CHANGES_OF_ONE = Prepared(
    select(*CASES.columns)
    .where(_REVISIONS.c.offset > bindparam("after"), _REVISIONS.c.namespace == bindparam("namespace"))
    .order_by(_REVISIONS.c.offset)
    .limit(bindparam("limit"))
)


class CaseRevision(NamedTuple):
    """One line of the change feed."""

    offset: int
    case: Case | None
    """None for a row that is set aside."""


class FeedViews:
    """Queries of one ledger's change feed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def changes(self, *, after: int, limit: int, namespace: str | None = None) -> list[CaseRevision]:
        """Case revisions after an offset, in order, for a projection to apply.

        Args:
            after: the offset.
            limit: how many at most.
            namespace: whose; None for every namespace's, which only an index of the whole ledger needs.
        """

        def look(connection: CheckedConnection) -> list[Found[Case]]:
            if namespace is None:
                return connection.found_in(CASES, _CHANGES.rows(connection, after=after, limit=limit))
            rows = _CHANGES_OF_ONE.rows(connection, after=after, limit=limit, namespace=namespace)
            return connection.found_in(CASES, rows)

        rows = await self._ledger.query(look)
        return [CaseRevision(found.row[_OFFSET], found.record) for found in rows]

    async def newest_changes(self, *, namespace: str, after: int, limit: int) -> list[CaseRevision]:
        """Case revisions of a namespace after an offset, newest first: the cases that a lagging index lacks."""
        # Not by the index on namespaces: by offsets, only what is new is looked at, however much there is.
        query = select(*CASES.columns).where(
            _REVISIONS.c.offset > after, unindexed(_REVISIONS.c.namespace) == namespace
        )
        query = query.order_by(_REVISIONS.c.offset.desc()).limit(limit)
        rows = await self._ledger.query(lambda connection: connection.found(CASES, query))
        return [CaseRevision(found.row[_OFFSET], found.record) for found in rows]

    async def newest_offset(self) -> int:
        """Offset of the newest case revision, 0 for an empty ledger."""
        return await self._ledger.query(NEWEST_OFFSET.scalar) or 0
