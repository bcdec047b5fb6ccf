"""One transaction of the ledger: what it can append, and what it must know for that. Synchronous throughout."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from sqlalchemy import Connection, bindparam, delete, insert, select

from memento.memory.case import Case, CaseStatus, utc_now
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.ledger import schema
from memento.memory.ledger.case_heads import set_aside_heads
from memento.memory.ledger.lost_records import RESTORED, lost_record
from memento.memory.ledger.newest_cases import IS_NEWEST
from memento.memory.ledger.prepared import Among, Prepared, insertion, unindexed
from memento.memory.ledger.row_fields import audit_fields, case_fields, event_fields, outcome_fields, slot_fields
from memento.memory.ledger.rows import CASES, EVENTS, OUTCOMES, Found
from memento.memory.ledger.set_aside import DamagedRow, SetAside, kept_key
from memento.memory.ledger.vector_writes import VectorWriter

_NOT_KNOWN = ""
"""Namespace of an outcome that cannot be read: its column may be damaged, but its event is asked for."""


_EVENTS_BY_ID = Prepared(
    select(*EVENTS.columns).where(
        Among(schema.events.c.event_id, "ids"), Among(schema.events.c.namespace, "namespaces")
    )
)
_OUTCOMES_OF = Prepared(
    select(*OUTCOMES.columns).where(Among(schema.outcomes.c.event_id, "ids")).order_by(schema.outcomes.c.offset)
)
_NEWEST_BY_ID = Prepared(select(*CASES.columns).where(Among(schema.case_revisions.c.case_id, "ids"), IS_NEWEST))
_CASES_OF_EVENT = Prepared(
    select(schema.case_revisions.c.case_id)
    .where(
        schema.case_revisions.c.event_id == bindparam("event"),
        unindexed(schema.case_revisions.c.namespace) == bindparam("namespace"),
    )
    .distinct()
)
_VERSIONS_OF_EVENT = Prepared(
    select(schema.case_revisions.c.case_id, schema.case_revisions.c.version).where(
        schema.case_revisions.c.event_id == bindparam("event"),
        unindexed(schema.case_revisions.c.namespace) == bindparam("namespace"),
    )
)
_NEW_REVISION = insertion(schema.case_revisions)
_NEW_EVENT = insertion(schema.events, is_if_new=True)
_NEW_SLOT = insertion(schema.slots)
_NEW_OUTCOME = insertion(schema.outcomes)
_NEW_LINE = insertion(schema.audit)
_NEW_SET_ASIDE = insertion(schema.set_aside, is_if_new=True)

_COUNTED = {schema.case_revisions.name, schema.events.name, schema.outcomes.name}


class Head(NamedTuple):
    """The newest revision of a case."""

    version: int
    status: CaseStatus | None
    """Value of its status column."""
    case: Case | None
    """None when the row is set aside."""


class LedgerWriter(VectorWriter):
    """Appends to the ledger inside one transaction, all or nothing."""

    def __init__(self, connection: Connection, set_aside: SetAside) -> None:
        super().__init__(connection, set_aside)
        self._events: dict[str, RetrievalEvent | None] = {}
        self._outcomes: dict[str, list[Outcome]] = {}
        self._heads: dict[str, Head | None] = {}

    def look_up(self, *, events: Sequence[str], cases: Sequence[str], namespaces: Sequence[str]) -> None:
        """Prefetch events with their outcomes, and newest revisions, in one query each.

        Args:
            events: ids.
            cases: ids.
            namespaces: whose; what is of another namespace is as if it were not there.
        """
        self._events |= dict.fromkeys(events)
        self._outcomes |= {event_id: [] for event_id in events}
        self._heads |= dict.fromkeys(cases)
        if events:
            found = _EVENTS_BY_ID.rows(self, ids=list(events), namespaces=list(namespaces))
            self._events |= {event.id: event for event in self.records_in(EVENTS, found)}
            for one in self.found_in(OUTCOMES, _OUTCOMES_OF.rows(self, ids=list(events))):
                outcome = _readable(one)
                self._outcomes.setdefault(outcome.event_id, []).append(outcome)
        if cases:
            self._heads |= self._newest(cases)

    def append_case(self, case: Case) -> Case:
        """Append a revision, unless the newest one has the same content.

        Returns:
            The newest revision, with the version it has in the ledger.
        """
        head = self.head(case.id, namespace=case.namespace)
        if head is not None and head.case is not None and head.case.content() == case.content():
            return head.case
        case = case.model_copy(update={"version": 1 if head is None else head.version + 1})
        _NEW_REVISION.write(self, [case_fields(case)])
        if case.id in self._heads:
            self._heads[case.id] = Head(case.version, case.status, case)
        return case

    def append_revisions(self, cases: Sequence[Case]) -> int:
        """Add the revisions whose version is above the ledger's own of that case.

        Returns:
            How many were added.
        """
        versions = {case_id: head.version for case_id, head in self._newest([case.id for case in cases]).items()}
        rows = []
        for case in cases:
            self._heads.pop(case.id, None)
            if case.version > versions.get(case.id, 0):
                versions[case.id] = case.version
                rows.append(case_fields(case))
        if rows:
            _NEW_REVISION.write(self, rows)
        return len(rows)

    def head(self, case_id: str, *, namespace: str) -> Head | None:
        """The newest revision of a case of this namespace, readable or not; None where there is none."""
        head = self._heads[case_id] if case_id in self._heads else self._newest([case_id]).get(case_id)
        is_foreign = head is not None and head.case is not None and head.case.namespace != namespace
        return None if is_foreign else head

    def cases_of_event(self, event_id: str, *, namespace: str) -> list[Case]:
        """The newest revisions of the cases of this namespace that the event's run wrote."""
        found = _CASES_OF_EVENT.rows(self, event=event_id, namespace=namespace)
        heads = [self.head(row[0], namespace=namespace) for row in found]
        cases = [head.case for head in heads if head is not None and head.case is not None]
        return [case for case in cases if case.provenance.event_id == event_id and case.status != "erased"]

    def other_cases_counting(self, event_id: str, *, namespace: str) -> list[Case]:
        """Newest revisions of cases that count the event's outcome, though a later attempt gave them their texts."""
        versions: dict[str, list[int]] = {}
        for case_id, version in _VERSIONS_OF_EVENT.rows(self, event=event_id, namespace=namespace):
            versions.setdefault(case_id, []).append(version)
        heads = [self.head(case_id, namespace=namespace) for case_id in versions]
        cases = [head.case for head in heads if head is not None and head.case is not None]
        return [
            case
            for case in cases
            if case.provenance.event_id != event_id
            and case.status != "erased"
            and case.tally is not None
            and case.tally.agrees(case.reward)
            and any(map(case.tally.counts, versions[case.id]))
        ]

    def append_event(self, event: RetrievalEvent) -> RetrievalEvent | None:
        """Add an event with its slots; see `append_events`."""
        return self.append_events([event])[0]

    def append_events(self, events: Sequence[RetrievalEvent]) -> list[RetrievalEvent | None]:
        """Add events with their slots.

        Returns:
            In place of each that was already there, the one that is; None where another namespace has this id.
        """
        kept: list[RetrievalEvent | None] = []
        slots: list[dict[str, Any]] = []
        for event in events:
            if not _NEW_EVENT.write(self, [event_fields(event)]):
                kept.append(self._recorded(event))
                continue
            self._events.pop(event.id, None)
            kept.append(event)
            slots += slot_fields(event)
        if slots:
            _NEW_SLOT.write(self, slots)
        return kept

    def event(self, event_id: str, *, namespace: str) -> RetrievalEvent | None:
        """The event of this id in this namespace, or None."""
        if event_id in self._events:
            found = self._events[event_id]
            return found if found is not None and found.namespace == namespace else None
        rows = _EVENTS_BY_ID.rows(self, ids=[event_id], namespaces=[namespace])
        return next(iter(self.records_in(EVENTS, rows)), None)

    def has_event(self, event_id: str, *, namespace: str) -> bool:
        """Whether this namespace has an event of this id, whatever was prefetched."""
        return bool(_EVENTS_BY_ID.rows(self, ids=[event_id], namespaces=[namespace]))

    def outcomes_of(self, event_id: str, *, namespace: str) -> list[Outcome]:
        """All outcomes of an event, oldest first; the last one counts. One that cannot be read is an unknown one."""
        if event_id in self._outcomes:
            told = self._outcomes[event_id]
        else:
            told = [_readable(one) for one in self.found_in(OUTCOMES, _OUTCOMES_OF.rows(self, ids=[event_id]))]
        return [outcome for outcome in told if outcome.namespace in (namespace, _NOT_KNOWN)]

    def append_outcome(self, outcome: Outcome) -> None:
        """Add an outcome; its key must be new."""
        _NEW_OUTCOME.write(self, [outcome_fields(outcome)])
        if outcome.event_id in self._outcomes:
            self._outcomes[outcome.event_id].append(outcome)

    def fact(self, name: str) -> str | None:
        """A single stored value by key."""
        value: str | None = self.scalar(select(schema.facts.c.value).where(schema.facts.c.name == name))
        return value

    def set_fact(self, name: str, value: str) -> None:
        """Store a single value by key, replacing the old one."""
        facts = schema.facts
        self.execute(facts.delete().where(facts.c.name == name))
        self.execute(insert(facts).values(name=name, value=value))

    def drop_fact(self, name: str) -> None:
        """Forget a single value."""
        self.execute(delete(schema.facts).where(schema.facts.c.name == name))

    def note(self, namespace: str, verb: str, subject: str, detail: str = "") -> None:
        """Add a line to the audit trail."""
        _NEW_LINE.write(self, [audit_fields(namespace, verb, subject, detail)])

    def record_set_aside(self) -> list[DamagedRow]:
        """Record damaged rows, each with an audit line; damaged vectors are deleted, to be encoded again.

        Returns:
            What was recorded.
        """
        damaged = self.set_aside.unrecorded
        self._drop_damaged_vectors(damaged)
        met = [row for row in damaged if row in self._dropped or self._list(row)]
        counted = [row for row in met if row.table in _COUNTED]
        if counted:
            is_revision = schema.case_revisions.name
            set_aside_heads(self, [int(row.key) for row in counted if row.table == is_revision and row.key.isdecimal()])
        for row in met:
            self.note(row.namespace, "damage", kept_key(f"{row.table} {row.key}"), row.reason)
            self._add_anew(lost_record(self, row))
        return damaged

    def _list(self, row: DamagedRow) -> bool:
        """Put a row on the list of those set aside; False where another process has met it."""
        listed = {"table_name": row.table, "row_key": kept_key(row.key), "namespace": row.namespace}
        return bool(_NEW_SET_ASIDE.write(self, [listed | {"reason": row.reason, "at": utc_now()}]))

    def _add_anew(self, record: Case | Outcome | None) -> None:
        if isinstance(record, Case):
            head = self.head(record.id, namespace=record.namespace)
            version = max(record.version, 0 if head is None else head.version) + 1
            self.append_revisions([record.model_copy(update={"version": version})])
        elif record is not None:
            self.append_outcome(record.model_copy(update={"key": f"{record.key}{RESTORED}"}))

    def _newest(self, ids: Sequence[str]) -> dict[str, Head]:
        # By id alone: ids are of one namespace each, and where the column of that is damaged, a retired case must not
        # come back as a new one; `head` looks at the namespace of what can be read. By offset, not by version, for
        # that is a column which may be damaged, too.
        names = schema.case_revisions.c.keys()
        heads: dict[str, Head] = {}
        for found in self.found_in(CASES, _NEWEST_BY_ID.rows(self, ids=list(ids))):
            row, case = dict(zip(names, found.row, strict=True)), found.record
            status = row["status"] if row["status"] in get_args(CaseStatus) else None
            version = self._highest_version(row["case_id"]) if case is None else case.version
            heads[row["case_id"]] = Head(version, status, case)
        return heads

    def _recorded(self, event: RetrievalEvent) -> RetrievalEvent | None:
        """What its namespace has under an event's id: the event as given where that row cannot be read."""
        found = self.found_in(EVENTS, _EVENTS_BY_ID.rows(self, ids=[event.id], namespaces=[event.namespace]))
        return (found[0].record or event) if found else None

    def _highest_version(self, case_id: str) -> int:
        """The highest version of a case whose newest row is damaged: the next one is free."""
        revisions = schema.case_revisions.c
        rows = self.found(CASES, select(*CASES.columns).where(revisions.case_id == case_id))
        version_at = revisions.keys().index("version")
        taken = {found.row[version_at] for found in rows}
        highest = max([len(rows), *(found.record.version for found in rows if found.record is not None)])
        while highest + 1 in taken:
            highest += 1
        return highest


def _readable(found: Found[Outcome]) -> Outcome:
    """The outcome of a row; an unreadable one becomes an unknown outcome under the same key."""
    if found.record is not None:
        return found.record
    row = dict(zip(schema.outcomes.c.keys(), found.row, strict=True))
    return Outcome(key=str(row["key"]), event_id=str(row["event_id"]), namespace=_NOT_KNOWN)
