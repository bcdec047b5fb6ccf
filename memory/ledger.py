"""The ledger: the append-only truth in SQL. What it has committed is remembered, whatever happens to the rest.

SQLite (WAL, synchronous=FULL: a commit survives a power cut) by default, Postgres by URL. Writes are serialised, inside
the process by a lock and between processes by the database, so that offsets become visible in order: whoever follows
the feed by offset never misses a row.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
from sqlalchemy import Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from memento.memory import tables
from memento.memory.case import Case, text_hash, utc_now
from memento.memory.database import (
    DATABASE_ERRORS,
    Connection,
    connected,
    create_engine,
    sequence_chunks,
    unavailable,
)
from memento.memory.engines.port import Vector
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.uncancelled import to_the_end

_WRITERS_LOCK = 0x6D656D656E746F  # "memento": the key of Postgres' advisory lock


class LedgerWriter:
    """The appends, inside one transaction: all of them are kept, or none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The transaction, for rows that are made elsewhere."""
        return self._connection

    async def create_tables(self) -> None:
        """Create the schema where it is missing."""
        await self._connection.create_all(tables.metadata)

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
            if case.version > versions.get(case.id, 0):
                versions[case.id] = case.version
                rows.append(_case_row(case))
        if rows:
            await self._connection.execute(insert(revisions), rows)
        return len(rows)

    async def newest_case(self, case_id: str) -> Case | None:
        """The newest revision of a case, or None."""
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
        row = event.model_dump(include={"namespace", "is_degraded"})
        row |= {"event_id": event.id, "body": event.model_dump_json()}
        added = self._insert_if_new(tables.events).values(**row).returning(tables.events.c.event_id)
        if await self._connection.scalar(added) is None:
            return await self.event(event.id) or event
        if event.slots:
            kept = {"slot", "case_id", "similarity", "score", "propensity", "is_randomised"}
            rows = [{"event_id": event.id, **slot.model_dump(include=kept)} for slot in event.slots]
            await self._connection.execute(insert(tables.slots), rows)
        return event

    async def event(self, event_id: str) -> RetrievalEvent | None:
        """The event of this id, or None."""
        body = await self._connection.scalar(select(tables.events.c.body).where(tables.events.c.event_id == event_id))
        return None if body is None else RetrievalEvent.model_validate_json(body)

    async def has_outcome(self, key: str) -> bool:
        """Whether an outcome of this idempotency key is already kept."""
        query = select(tables.outcomes.c.offset).where(tables.outcomes.c.key == key)
        return await self._connection.scalar(query) is not None

    async def outcomes_of(self, event_id: str) -> list[Outcome]:
        """All outcomes of an event, oldest first; the last one counts."""
        outcomes = tables.outcomes
        query = select(outcomes.c.body).where(outcomes.c.event_id == event_id).order_by(outcomes.c.offset)
        return [Outcome.model_validate_json(body) for body in (await self._connection.scalars(query)).all()]

    async def append_outcome(self, outcome: Outcome) -> None:
        """Add an outcome; its key must be new."""
        row = outcome.model_dump(include={"key", "event_id", "namespace", "reward"})
        await self._connection.execute(insert(tables.outcomes).values(**row, body=outcome.model_dump_json()))

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

    def _insert_if_new(self, table: Table) -> Any:
        dialect = postgresql if self._connection.dialect_name == "postgresql" else sqlite
        return dialect.insert(table).on_conflict_do_nothing()


class Ledger:
    """One connection pool to the truth. Open with `async with Ledger(url)`."""

    def __init__(self, url: str, *, is_durable: bool = True) -> None:
        """Prepare, without opening anything.

        Args:
            url: an SQLAlchemy URL with an async driver, `sqlite+aiosqlite:///...` or `postgresql+psycopg://...`.
            is_durable: False gives up surviving a power cut (throw-away banks only).
        """
        self.url = url
        self._is_durable = is_durable
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Connect and create the schema where it is missing.

        Raises:
            LedgerUnavailable: the database cannot be opened.
            InvalidInput: the URL is none, its driver is missing, or a newer version of this project wrote it.
        """
        self._engine = await asyncio.to_thread(create_engine, self.url, is_durable=self._is_durable)
        try:
            async with self.writing() as writer:
                await writer.create_tables()
                version = await writer.fact("schema")
                if version is None:
                    await writer.set_fact("schema", tables.SCHEMA_VERSION)
                elif version != tables.SCHEMA_VERSION:
                    raise InvalidInput(f"the ledger has schema {version}, this version reads {tables.SCHEMA_VERSION}")
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the pool. Idempotent."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await to_the_end(engine.dispose())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[LedgerWriter]:
        """One transaction; leaving the block commits it, which is the acknowledgement.

        Raises:
            LedgerUnavailable: it was not kept (disk full, database down, locked too long).
        """
        async with self._writing:
            try:
                async with connected(self._open_engine().execution_options(writes=True)) as connection:
                    if connection.dialect_name == "postgresql":
                        await connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                    yield LedgerWriter(connection)
                    await connection.commit()
            except DATABASE_ERRORS as error:
                raise unavailable("written", error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection to read from.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        try:
            async with connected(self._open_engine()) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise unavailable("read", error) from error

    def _open_engine(self) -> AsyncEngine:
        if self._engine is None:
            raise LedgerUnavailable("the ledger is not open; use `async with`")
        return self._engine


def _case_row(case: Case) -> dict[str, Any]:
    row = case.model_dump(include={"version", "namespace", "status", "reward"})
    return row | {
        "case_id": case.id,
        "question": case.question,
        "state_hash": text_hash(case.state),
        "event_id": case.provenance.event_id,
        "body": case.model_dump_json(),
    }
