"""Changes to many cases at once, inside a transaction: batches with their audit lines, and snapshots."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy import case as sql_case

from memento.memory.case import Case, CaseStatus, utc_now
from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.prepared import unindexed
from memento.memory.ledger.row_fields import audit_fields
from memento.memory.ledger.rows import AUDIT, BATCH_CHANGES, CASES, OUTCOMES, SNAPSHOTS
from memento.memory.ledger.writes import LedgerWriter

_REVISIONS = schema.case_revisions
_OFFSET = _REVISIONS.c.keys().index("offset")


class CaseChange(NamedTuple):
    """Change that a batch made to one case."""

    case_id: str
    version_before: int
    version_after: int
    reason: str


class MovedCase(NamedTuple):
    """A case that has changed since some offset."""

    then: Case | None
    """Its newest revision at that offset; None when it was written later."""
    now: Case


class LedgerBatches:
    """Batches and snapshots, inside one transaction of the ledger."""

    def __init__(self, writer: LedgerWriter) -> None:
        self._writer = writer

    def newest(self, ids: Sequence[str], *, namespace: str) -> dict[str, Case]:
        """Newest readable revisions of those of these cases that exist in the namespace."""
        heads = {case_id: self._writer.head(case_id, namespace=namespace) for case_id in dict.fromkeys(ids)}
        return {case_id: head.case for case_id, head in heads.items() if head is not None and head.case is not None}

    def revisions(self, versions: Sequence[tuple[str, int]], *, namespace: str) -> dict[str, Case]:
        """One old revision of each case, by case id, as far as it can be read.

        Args:
            versions: case id and version.
            namespace: whose.
        """
        wanted, found = dict(versions), dict[str, Case]()
        for chunk in sequence_chunks(list(wanted)):
            query = select(*CASES.columns).where(
                _REVISIONS.c.case_id.in_(chunk),
                unindexed(_REVISIONS.c.namespace) == namespace,
                _REVISIONS.c.version.in_({wanted[case_id] for case_id in chunk}),
            )
            for case in self._writer.records(CASES, query):
                if wanted[case.id] == case.version:
                    found[case.id] = case
        return found

    def moved_since(self, offset: int, *, namespace: str) -> tuple[list[MovedCase], list[str]]:
        """Every case of a namespace that has a revision after an offset, by id.

        Returns:
            Those whose revisions can be read, and the ids of the others.
        """
        until = func.max(sql_case((_REVISIONS.c.offset <= offset, _REVISIONS.c.offset)))
        newest = func.max(_REVISIONS.c.offset)
        query = select(_REVISIONS.c.case_id, until, newest).where(_REVISIONS.c.namespace == namespace)
        query = query.group_by(_REVISIONS.c.case_id).having(newest > offset).order_by(_REVISIONS.c.case_id)
        rows = self._writer.execute(query).all()
        cases = self._at([place for _, *places in rows for place in places if place is not None], namespace)
        moved, unreadable = list[MovedCase](), list[str]()
        for case_id, then, now in rows:
            if now in cases and (then is None or then in cases):
                moved.append(MovedCase(None if then is None else cases[then], cases[now]))
            else:
                unreadable.append(case_id)
        return moved, unreadable

    def record(self, batch_id: str, *, namespace: str, verb: str, changes: Sequence[CaseChange]) -> None:
        """Add an audit line for each change, all under one batch."""
        if not changes:
            return
        lines = [audit_fields(namespace, verb, change.case_id, change.reason) for change in changes]
        added = insert(schema.audit).returning(schema.audit.c.offset, sort_by_parameter_order=True)
        offsets = self._writer.execute(added, lines).scalars().all()
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
        self._writer.execute(insert(schema.batch_changes), [BATCH_CHANGES.signed(row) for row in rows])

    def changes(self, batch_id: str, *, namespace: str) -> list[CaseChange]:
        """Changes of a batch in order, without unreadable ones; empty when it is unknown in the namespace."""
        changes = schema.batch_changes.c
        rows = self._audited(changes.batch_id == batch_id)
        return [
            CaseChange(change["case_id"], change["version_before"], change["version_after"], line["detail"])
            for change, line in rows
            if line["namespace"] == namespace
        ]

    def last_verb(self, case_id: str, *, namespace: str) -> str | None:
        """What the newest batch that changed this case was, as far as it can be read: retire, forget, undo, ...

        None when none ever did.
        """
        done = self._audited(schema.batch_changes.c.case_id == case_id)
        verbs = [str(line["verb"]) for _, line in done if line["namespace"] == namespace]
        return verbs[-1] if verbs else None

    def _audited(self, condition: ColumnElement[bool]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Changes with their lines of audit, oldest first, where both can be read."""
        changes, audit = schema.batch_changes, schema.audit
        query = select(*BATCH_CHANGES.columns, *AUDIT.columns).join(audit, audit.c.offset == changes.c.audit_offset)
        found = self._writer.execute(query.where(condition).order_by(audit.c.offset)).all()
        n_columns = len(BATCH_CHANGES.columns)
        rows = [
            (self._writer.checked(BATCH_CHANGES, row[:n_columns]), self._writer.checked(AUDIT, row[n_columns:]))
            for row in found
        ]
        return [(change, line) for change, line in rows if change is not None and line is not None]

    def last_status_but_retired(self, case_id: str, *, namespace: str) -> CaseStatus | None:
        """What a case of this namespace was when it was last not retired; None when it never was anything else.

        In quarantine where that cannot be read: nobody knows that it was not.
        """
        query = select(*CASES.columns).where(_REVISIONS.c.case_id == case_id)
        query = query.where(_REVISIONS.c.status.not_in(("retired", "erased")))
        row = self._writer.execute(query.order_by(_REVISIONS.c.offset.desc()).limit(1)).first()
        if row is None:
            return None
        case = self._writer.checked(CASES, row)
        if case is not None and case.namespace != namespace:
            return None
        return "quarantined" if case is None else case.status

    def withdrawn_among(self, event_ids: Sequence[str], *, namespace: str) -> set[str]:
        """Those of these events whose newest outcome says that the reward is not known, or cannot be read."""
        outcomes, found = schema.outcomes, set[str]()
        event_at = outcomes.c.keys().index("event_id")
        for chunk in sequence_chunks(list(event_ids)):
            newest = select(func.max(outcomes.c.offset)).where(outcomes.c.event_id.in_(chunk))
            newest = newest.group_by(outcomes.c.event_id)
            query = select(*OUTCOMES.columns).where(outcomes.c.offset.in_(newest))
            for row, outcome in self._writer.found(OUTCOMES, query):
                if outcome is None or (outcome.reward is None and outcome.namespace == namespace):
                    found.add(row[event_at])
        return found

    def append_snapshot(self, name: str, *, namespace: str) -> int:
        """Add a named snapshot; the name must be new in the namespace.

        Returns:
            The offset of the newest case revision of any namespace.
        """
        # offsets are of the whole ledger: whatever the namespace writes from here on has a higher one
        offset: int = self._writer.scalar(select(func.max(_REVISIONS.c.offset))) or 0
        row = {"namespace": namespace, "name": name, "revision_offset": offset, "at": utc_now()}
        self._writer.execute(insert(schema.snapshots).values(SNAPSHOTS.signed(row)))
        return offset

    def snapshots(self, *, namespace: str) -> dict[str, int | None]:
        """Name to revision offset, oldest first; None for one whose row is damaged."""
        snapshots = schema.snapshots
        query = select(*SNAPSHOTS.columns).where(snapshots.c.namespace == namespace).order_by(snapshots.c.offset)
        name_at = snapshots.c.keys().index("name")
        return {
            str(row[name_at]): None if snapshot is None else snapshot["revision_offset"]
            for row, snapshot in self._writer.found(SNAPSHOTS, query)
        }

    def _at(self, offsets: Sequence[int], namespace: str) -> dict[int, Case]:
        found: dict[int, Case] = {}
        for chunk in sequence_chunks(offsets):
            query = select(*CASES.columns).where(
                _REVISIONS.c.offset.in_(chunk), unindexed(_REVISIONS.c.namespace) == namespace
            )
            found |= {row[_OFFSET]: case for row, case in self._writer.found(CASES, query) if case is not None}
        return found
