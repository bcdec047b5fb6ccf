"""What the ledger knows of changes to many cases at once: batches with their audit lines, and snapshots.

Part of a writing transaction: what is read here is what is true until it commits.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import case as sql_case
from sqlalchemy import func, insert, select

from memento.memory import tables
from memento.memory.case import Case, CaseStatus, utc_now
from memento.memory.database import Connection, sequence_chunks

_REVISIONS = tables.case_revisions


class CaseChange(NamedTuple):
    """What a batch did to one case."""

    case_id: str
    version_before: int
    version_after: int
    reason: str


class Moved(NamedTuple):
    """A case that has changed since some offset."""

    then: Case | None
    """Its newest revision at that offset; None when it was written later."""
    now: Case


class LedgerBatches:
    """Batches and snapshots, inside one transaction of the ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def newest(self, ids: Sequence[str], *, namespace: str) -> dict[str, Case]:
        """The newest revisions of these cases, as far as they exist in the namespace."""
        found: dict[str, Case] = {}
        for chunk in sequence_chunks(list(ids)):
            query = select(_REVISIONS.c.body).where(
                _REVISIONS.c.case_id.in_(chunk), _REVISIONS.c.namespace == namespace
            )
            for body in (await self._connection.scalars(query.order_by(_REVISIONS.c.version))).all():
                case = Case.model_validate_json(body)
                found[case.id] = case
        return found

    async def revisions(self, versions: Sequence[tuple[str, int]]) -> dict[str, Case]:
        """One old revision of each case, by case id.

        Args:
            versions: case id and version.
        """
        wanted, found = dict(versions), dict[str, Case]()
        for chunk in sequence_chunks(list(wanted)):
            query = select(_REVISIONS.c.body).where(
                _REVISIONS.c.case_id.in_(chunk), _REVISIONS.c.version.in_({wanted[case_id] for case_id in chunk})
            )
            for body in (await self._connection.scalars(query)).all():
                case = Case.model_validate_json(body)
                if wanted[case.id] == case.version:
                    found[case.id] = case
        return found

    async def moved_since(self, offset: int, *, namespace: str) -> list[Moved]:
        """Every case of a namespace that has a revision after an offset, by id."""
        until = func.max(sql_case((_REVISIONS.c.offset <= offset, _REVISIONS.c.offset)))
        newest = func.max(_REVISIONS.c.offset)
        query = select(until, newest).where(_REVISIONS.c.namespace == namespace).group_by(_REVISIONS.c.case_id)
        pairs = (await self._connection.execute(query.having(newest > offset).order_by(_REVISIONS.c.case_id))).all()
        bodies = await self._bodies([place for pair in pairs for place in pair if place is not None])
        return [Moved(None if then is None else bodies[then], bodies[now]) for then, now in pairs]

    async def record(self, batch_id: str, *, namespace: str, verb: str, changes: Sequence[CaseChange]) -> None:
        """Add an audit line for each change, all under one batch."""
        if not changes:
            return
        line = {"at": utc_now(), "namespace": namespace, "verb": verb}
        lines = [{**line, "subject": change.case_id, "detail": change.reason} for change in changes]
        added = insert(tables.audit).returning(tables.audit.c.offset, sort_by_parameter_order=True)
        offsets = (await self._connection.execute(added, lines)).scalars().all()
        rows = [
            {
                "audit_offset": offset,
                "batch_id": batch_id,
                "case_id": change.case_id,
                "version_before": change.version_before,
                "version_after": change.version_after,
            }
            for offset, change in zip(offsets, changes, strict=True)
        ]
        await self._connection.execute(insert(tables.batch_changes), rows)

    async def changes(self, batch_id: str, *, namespace: str) -> list[CaseChange]:
        """What a batch did, in order; empty when it is unknown in the namespace."""
        changes, audit = tables.batch_changes, tables.audit
        query = (
            select(changes.c.case_id, changes.c.version_before, changes.c.version_after, audit.c.detail)
            .join(audit, audit.c.offset == changes.c.audit_offset)
            .where(changes.c.batch_id == batch_id, audit.c.namespace == namespace)
            .order_by(audit.c.offset)
        )
        return [CaseChange(*row) for row in (await self._connection.execute(query)).all()]

    async def last_verb(self, case_id: str) -> str | None:
        """What the newest batch that changed this case was: retire, forget, undo, ...; None when none ever did."""
        changes, audit = tables.batch_changes, tables.audit
        query = select(audit.c.verb).join(changes, changes.c.audit_offset == audit.c.offset)
        query = query.where(changes.c.case_id == case_id).order_by(audit.c.offset.desc()).limit(1)
        verb: str | None = await self._connection.scalar(query)
        return verb

    async def last_status_but_retired(self, case_id: str) -> CaseStatus | None:
        """What a case was when it was last not retired; None when it never was anything else."""
        query = select(_REVISIONS.c.status).where(_REVISIONS.c.case_id == case_id, _REVISIONS.c.status != "retired")
        status: CaseStatus | None = await self._connection.scalar(query.order_by(_REVISIONS.c.version.desc()).limit(1))
        return status

    async def withdrawn_among(self, event_ids: Sequence[str]) -> set[str]:
        """Those of these events whose newest outcome says that the reward is not known."""
        outcomes, found = tables.outcomes, set[str]()
        for chunk in sequence_chunks(list(event_ids)):
            newest = select(func.max(outcomes.c.offset)).where(outcomes.c.event_id.in_(chunk))
            query = select(outcomes.c.event_id).where(
                outcomes.c.offset.in_(newest.group_by(outcomes.c.event_id)), outcomes.c.reward.is_(None)
            )
            found.update((await self._connection.scalars(query)).all())
        return found

    async def append_snapshot(self, name: str, *, namespace: str) -> int:
        """Give this moment a name, which must be new in the namespace.

        Returns:
            The offset of the newest case revision of any namespace.
        """
        offset: int = await self._connection.scalar(select(func.max(_REVISIONS.c.offset))) or 0
        row = {"namespace": namespace, "name": name, "revision_offset": offset, "at": utc_now()}
        await self._connection.execute(insert(tables.snapshots).values(row))
        return offset

    async def snapshots(self, *, namespace: str) -> dict[str, int]:
        """Name to revision offset, oldest first."""
        snapshots = tables.snapshots
        query = select(snapshots.c.name, snapshots.c.revision_offset).where(snapshots.c.namespace == namespace)
        rows = (await self._connection.execute(query.order_by(snapshots.c.offset))).all()
        return {name: offset for name, offset in rows}  # noqa: C416  rows are no pairs to a type checker

    async def _bodies(self, offsets: Sequence[int]) -> dict[int, Case]:
        found: dict[int, Case] = {}
        for chunk in sequence_chunks(offsets):
            query = select(_REVISIONS.c.offset, _REVISIONS.c.body).where(_REVISIONS.c.offset.in_(chunk))
            for offset, body in (await self._connection.execute(query)).all():
                found[offset] = Case.model_validate_json(body)
        return found
