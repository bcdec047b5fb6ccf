"""The appends of one transaction of the ledger: all of them are kept, or none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Select, Table, delete, exists, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from memento.memory import tables
from memento.memory.case import Case, text_hash, utc_now
from memento.memory.database import Connection, sequence_chunks
from memento.memory.engines.port import Vector
from memento.memory.event import Outcome, RetrievalEvent

_SLOT = {"slot", "case_id", "similarity", "score", "propensity", "is_randomised"}


class LedgerWriter:
    """The appends, inside one transaction: all of them are kept, or none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._events: dict[str, RetrievalEvent | None] = {}
        self._outcomes: dict[str, list[Outcome]] = {}
        self._heads: dict[str, Case | None] = {}

    @property
    def connection(self) -> Connection:
        """The transaction, for rows that are made elsewhere."""
        return self._connection

    async def create_tables(self) -> None:
        """Create the schema where it is missing."""
        await self._connection.create_all(tables.metadata)

    async def look_up(self, *, events: Sequence[str], cases: Sequence[str]) -> None:
        """Read events with their outcomes, and newest revisions, at once: they are not read one by one afterwards."""
        self._events |= dict.fromkeys(events)
        self._outcomes |= {event_id: [] for event_id in events}
        self._heads |= dict.fromkeys(cases)
        outcomes, revisions, later = tables.outcomes, tables.case_revisions, tables.case_revisions.alias()
        is_newest = ~exists().where(later.c.case_id == revisions.c.case_id, later.c.version > revisions.c.version)
        for chunk in sequence_chunks(list(dict.fromkeys(events))):
            bodies = await self._bodies(select(tables.events.c.body).where(tables.events.c.event_id.in_(chunk)))
            self._events |= {event.id: event for event in map(RetrievalEvent.model_validate_json, bodies)}
            told = select(outcomes.c.body).where(outcomes.c.event_id.in_(chunk)).order_by(outcomes.c.offset)
            for outcome in map(Outcome.model_validate_json, await self._bodies(told)):
                self._outcomes[outcome.event_id].append(outcome)
        for chunk in sequence_chunks(list(dict.fromkeys(cases))):
            bodies = await self._bodies(select(revisions.c.body).where(revisions.c.case_id.in_(chunk), is_newest))
            self._heads |= {case.id: case for case in map(Case.model_validate_json, bodies)}

    async def append_case(self, case: Case) -> Case:
        """Add a revision, unless the newest one already says the same.

        Returns:
            The newest revision, with the version it has in the ledger.
        """
        head = await self.newest_case(case.id)
        if head is not None and head.content() == case.content():
            return head
        # A version that comes from elsewhere (an import) is kept: what has been changed here since is then newer.
        case = case.model_copy(update={"version": max(case.version, 1 if head is None else head.version + 1)})
        await self._connection.execute(insert(tables.case_revisions).values(_case_row(case)))
        if case.id in self._heads:
            self._heads[case.id] = case
        return case

    async def append_newer(self, cases: Sequence[Case]) -> int:
        """Add the revisions whose version is above the ledger's own of that case.

        Returns:
            How many were added.
        """
        versions: dict[str, int] = {}
        revisions = tables.case_revisions
        for chunk in sequence_chunks([case.id for case in cases]):
            query = select(revisions.c.case_id, func.max(revisions.c.version)).where(revisions.c.case_id.in_(chunk))
            found = await self._connection.execute(query.group_by(revisions.c.case_id))
            versions |= {case_id: version for case_id, version in found.all()}  # noqa: C416  rows are no pairs to a type checker
        rows = []
        for case in cases:
            self._heads.pop(case.id, None)
            if case.version > versions.get(case.id, 0):
                versions[case.id] = case.version
                rows.append(_case_row(case))
        if rows:
            await self._connection.execute(insert(revisions), rows)
        return len(rows)

    async def newest_case(self, case_id: str) -> Case | None:
        """The newest revision of a case, or None."""
        if case_id in self._heads:
            return self._heads[case_id]
        revisions = tables.case_revisions
        query = select(revisions.c.body).where(revisions.c.case_id == case_id).order_by(revisions.c.version.desc())
        body = await self._connection.scalar(query.limit(1))
        return None if body is None else Case.model_validate_json(body)

    async def cases_of_event(self, event_id: str) -> list[Case]:
        """The newest revisions of the cases that the event's run wrote."""
        revisions = tables.case_revisions
        ids = await self._connection.scalars(
            select(revisions.c.case_id).where(revisions.c.event_id == event_id).distinct()
        )
        heads = [await self.newest_case(case_id) for case_id in ids.all()]
        return [head for head in heads if head is not None and head.provenance.event_id == event_id]

    async def append_event(self, event: RetrievalEvent) -> RetrievalEvent:
        """Add an event with its slots, or return the one that is already there under this id."""
        return (await self.append_events([event]))[0]

    async def append_events(self, events: Sequence[RetrievalEvent]) -> list[RetrievalEvent]:
        """Add events with their slots; in place of each that was already there, the one that is."""
        if not events:
            return []
        rows = [
            event.model_dump(include={"namespace", "is_degraded"})
            | {"event_id": event.id, "body": event.model_dump_json()}
            for event in events
        ]
        adding = self._insert_if_new(tables.events).returning(tables.events.c.event_id)
        added = set((await self._connection.execute(adding, rows)).scalars().all())
        kept: list[RetrievalEvent] = []
        slots: list[dict[str, Any]] = []
        for event in events:
            if event.id not in added:
                kept.append(await self.event(event.id) or event)
                continue
            added.remove(event.id)  # given twice, it is there already
            self._events.pop(event.id, None)
            kept.append(event)
            slots += [{"event_id": event.id, **slot.model_dump(include=_SLOT)} for slot in event.slots]
        if slots:
            await self._connection.execute(insert(tables.slots), slots)
        return kept

    async def event(self, event_id: str) -> RetrievalEvent | None:
        """The event of this id, or None."""
        if event_id in self._events:
            return self._events[event_id]
        body = await self._connection.scalar(select(tables.events.c.body).where(tables.events.c.event_id == event_id))
        return None if body is None else RetrievalEvent.model_validate_json(body)

    async def has_outcome(self, key: str) -> bool:
        """Whether an outcome of this idempotency key is already kept."""
        query = select(tables.outcomes.c.offset).where(tables.outcomes.c.key == key)
        return await self._connection.scalar(query) is not None

    async def outcomes_of(self, event_id: str) -> list[Outcome]:
        """All outcomes of an event, oldest first; the last one counts."""
        if event_id in self._outcomes:
            return list(self._outcomes[event_id])
        outcomes = tables.outcomes
        query = select(outcomes.c.body).where(outcomes.c.event_id == event_id).order_by(outcomes.c.offset)
        return [Outcome.model_validate_json(body) for body in (await self._connection.scalars(query)).all()]

    async def append_outcome(self, outcome: Outcome) -> None:
        """Add an outcome; its key must be new."""
        row = outcome.model_dump(include={"key", "event_id", "namespace", "reward"})
        await self._connection.execute(insert(tables.outcomes).values(**row, body=outcome.model_dump_json()))
        if outcome.event_id in self._outcomes:
            self._outcomes[outcome.event_id].append(outcome)

    async def save_vectors(self, encoder: str, vectors: Mapping[str, Vector]) -> None:
        """Keep encoded texts; those already there are left alone.

        Args:
            encoder: name of the encoder.
            vectors: text to its unit row, shape (dim,).
        """
        if not vectors:
            return
        rows = [
            {"text_hash": text_hash(value), "encoder": encoder, "vector": np.asarray(row, np.float32).tobytes()}
            for value, row in vectors.items()
        ]
        await self._connection.execute(self._insert_if_new(tables.vectors), rows)

    async def drop_vectors(self, encoder: str, *, except_length: int) -> None:
        """Delete an encoder's kept vectors that do not have this many numbers: they are another model's."""
        n_bytes = except_length * np.dtype(np.float32).itemsize
        kept = tables.vectors.c
        await self._connection.execute(
            delete(tables.vectors).where(kept.encoder == encoder, func.length(kept.vector) != n_bytes)
        )

    async def fact(self, name: str) -> str | None:
        """A single remembered value."""
        value: str | None = await self._connection.scalar(
            select(tables.facts.c.value).where(tables.facts.c.name == name)
        )
        return value

    async def set_fact(self, name: str, value: str) -> None:
        """Remember a single value, replacing the old one."""
        facts = tables.facts
        await self._connection.execute(facts.delete().where(facts.c.name == name))
        await self._connection.execute(insert(facts).values(name=name, value=value))

    async def note(self, namespace: str, verb: str, subject: str, detail: str = "") -> None:
        """Add a line to the audit trail."""
        row = {"at": utc_now(), "namespace": namespace, "verb": verb, "subject": subject, "detail": detail}
        await self._connection.execute(insert(tables.audit).values(row))

    async def _bodies(self, query: Select[tuple[str]]) -> Sequence[str]:
        bodies: Sequence[str] = (await self._connection.scalars(query)).all()
        return bodies

    def _insert_if_new(self, table: Table) -> Any:
        dialect = postgresql if self._connection.dialect_name == "postgresql" else sqlite
        return dialect.insert(table).on_conflict_do_nothing()


def _case_row(case: Case) -> dict[str, Any]:
    row = case.model_dump(include={"version", "namespace", "status", "reward"})
    return row | {
        "case_id": case.id,
        "question": case.question,
        "state_hash": text_hash(case.state),
        "event_id": case.provenance.event_id,
        "body": case.model_dump_json(),
    }
