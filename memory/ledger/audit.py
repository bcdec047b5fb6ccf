"""Queries for changes made to cases: the audit trail, snapshots, rows that are set aside."""

from typing import NamedTuple

from sqlalchemy import select

from memento.memory.ledger import schema
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.rows import AUDIT, SNAPSHOTS, CheckedConnection
from memento.memory.ledger.set_aside import DamagedRow


class AuditEntry(NamedTuple):
    """Entry of the audit trail: who changed what, and why."""

    offset: int
    at: str
    verb: str
    """feedback, retire, restore, quarantine, release, forget, undo, snapshot, rollback, import, erase, damage, ..."""
    subject: str
    """The id of a case or an event, or a snapshot's name."""
    detail: str
    batch_id: str | None
    """Id of the batch, for a change that can be undone."""


class CaseSnapshot(NamedTuple):
    """Named snapshot of the cases of a namespace."""

    name: str
    at: str
    revision_offset: int
    """Ledger offset of the newest case revision at that time."""


class AuditViews:
    """Queries of the audit trail of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def entries(self, *, namespace: str, limit: int) -> list[AuditEntry]:
        """The newest entries of a namespace, newest first."""
        audit, changes = schema.audit, schema.batch_changes
        query = (
            select(*AUDIT.columns, changes.c.batch_id)
            .outerjoin(changes, changes.c.audit_offset == audit.c.offset)
            .where(audit.c.namespace == namespace)
            .order_by(audit.c.offset.desc())
            .limit(limit)
        )

        def look(connection: CheckedConnection) -> list[AuditEntry]:
            rows = [(connection.checked(AUDIT, row[:-1]), row[-1]) for row in connection.execute(query).all()]
            return [
                AuditEntry(line["offset"], line["at"], line["verb"], line["subject"], line["detail"], batch_id)
                for line, batch_id in rows
                if line is not None
            ]

        return await self._ledger.query(look)

    async def snapshots(self, *, namespace: str) -> list[CaseSnapshot]:
        """All snapshots of a namespace, oldest first."""
        snapshots = schema.snapshots.c
        query = select(*SNAPSHOTS.columns).where(snapshots.namespace == namespace).order_by(snapshots.offset)
        rows = await self._ledger.query(lambda connection: connection.records(SNAPSHOTS, query))
        return [CaseSnapshot(row["name"], row["at"], row["revision_offset"]) for row in rows]

    async def set_aside(self) -> list[DamagedRow]:
        """Rows of every namespace that have been set aside, by table and key."""
        rows = schema.set_aside.c
        query = select(rows.table_name, rows.row_key, rows.namespace, rows.reason)
        query = query.order_by(rows.table_name, rows.row_key)
        listed = await self._ledger.query(lambda connection: [DamagedRow(*row) for row in connection.execute(query)])
        if not self._ledger.only_read_because:
            return listed
        known = {(row.table, row.key) for row in listed}  # what was met since cannot be recorded
        return [*listed, *(row for row in self._ledger.set_aside.unrecorded if (row.table, row.key) not in known)]
