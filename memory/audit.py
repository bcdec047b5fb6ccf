"""What can be read of changes made to cases: the audit trail, snapshots. Pure queries, no writes."""

from typing import NamedTuple

from sqlalchemy import select

from memento.memory import tables
from memento.memory.ledger import Ledger


class AuditEntry(NamedTuple):
    """Who changed what, and why."""

    offset: int
    at: str
    verb: str
    """feedback, retire, restore, quarantine, release, forget, undo, snapshot, rollback, ..."""
    subject: str
    """The id of a case or an event, or a snapshot's name."""
    detail: str
    batch_id: str | None
    """Of a change that can be undone."""


class Snapshot(NamedTuple):
    """A moment of a namespace that has a name."""

    name: str
    at: str
    revision_offset: int
    """Ledger offset of the newest case revision then."""


class AuditViews:
    """Read side of the trail of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def entries(self, *, namespace: str, limit: int) -> list[AuditEntry]:
        """The newest entries of a namespace, newest first."""
        audit, changes = tables.audit, tables.batch_changes
        query = (
            select(audit.c.offset, audit.c.at, audit.c.verb, audit.c.subject, audit.c.detail, changes.c.batch_id)
            .outerjoin(changes, changes.c.audit_offset == audit.c.offset)
            .where(audit.c.namespace == namespace)
            .order_by(audit.c.offset.desc())
            .limit(limit)
        )
        async with self._ledger.reading() as connection:
            return [AuditEntry(*row) for row in (await connection.execute(query)).all()]

    async def snapshots(self, *, namespace: str) -> list[Snapshot]:
        """All snapshots of a namespace, oldest first."""
        snapshots = tables.snapshots
        query = select(snapshots.c.name, snapshots.c.at, snapshots.c.revision_offset)
        query = query.where(snapshots.c.namespace == namespace).order_by(snapshots.c.offset)
        async with self._ledger.reading() as connection:
            return [Snapshot(*row) for row in (await connection.execute(query)).all()]
