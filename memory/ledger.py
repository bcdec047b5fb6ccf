"""The ledger: the append-only truth in SQL. What it has committed is remembered, whatever happens to the rest.

SQLite (WAL, synchronous=FULL: a commit survives a power cut) by default, Postgres by URL. Writes are serialised, inside
the process by a lock and between processes by the database, so that offsets become visible in order: whoever follows
the feed by offset never misses a row.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from memento.memory import tables
from memento.memory.database import (
    DATABASE_ERRORS,
    Connection,
    connected,
    create_engine,
    create_read_only_engine,
    sqlite_path,
    unavailable,
    write_error,
)
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger_writer import LedgerWriter
from memento.memory.read_only_file import ReadOnlyFile, read_only_file, why_not_written
from memento.memory.uncancelled import to_the_end

_WRITERS_LOCK = 0x6D656D656E746F  # "memento": the key of Postgres' advisory lock


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
        self._read_only: ReadOnlyFile | None = None
        self.only_read_because = ""
        """Why nothing can be written, where an existing SQLite file is only read (no permission, read-only file
        system, full disk); else empty."""

    async def __aenter__(self) -> Self:
        """Connect and create the schema where it is missing; a file that cannot be written is opened for reading.

        Raises:
            LedgerUnavailable: the database cannot be opened.
            InvalidInput: the URL is none, its driver is missing, or a newer version of this project wrote it.
        """
        self._engine = await asyncio.to_thread(create_engine, self.url, is_durable=self._is_durable)
        try:
            try:
                await self._set_up()
            except LedgerUnavailable as error:
                await self._open_to_read(error)
        except BaseException:  # a cancellation, too, must not leave connections open
            await self.aclose()
            raise
        return self

    async def _set_up(self) -> None:
        async with self.writing() as writer:
            await writer.create_tables()
            version = await writer.fact("schema")
            if version is None:
                await writer.set_fact("schema", tables.SCHEMA_VERSION)
            _check_schema(version)

    async def _open_to_read(self, error: LedgerUnavailable) -> None:
        """Open what is there for reading, if it is an SQLite file that only cannot be written."""
        path, cause = sqlite_path(self.url), write_error(error)
        if path is None or cause is None or not await asyncio.to_thread(path.is_file):
            raise error
        await self.aclose()
        try:
            self._read_only = await asyncio.to_thread(read_only_file, path)
        except OSError as why:
            raise LedgerUnavailable(f"{error}; nor can it be read: {why.strerror or why}") from error
        reason = await asyncio.to_thread(why_not_written, path, cause)
        self.only_read_because = f"the ledger {path} cannot be written: {reason}"
        self._engine = await asyncio.to_thread(create_read_only_engine, self.url, self._read_only)
        async with self.reading() as connection:
            _check_schema(await LedgerWriter(connection).fact("schema"))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the pool. Idempotent."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await to_the_end(engine.dispose())
        read_only, self._read_only = self._read_only, None
        if read_only is not None:
            await to_the_end(asyncio.to_thread(read_only.close))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[LedgerWriter]:
        """One transaction; leaving the block commits it, which is the acknowledgement.

        Raises:
            LedgerUnavailable: it was not kept (disk full, read-only file, database down, locked too long).
        """
        if self.only_read_because:
            raise LedgerUnavailable(f"{self.only_read_because}; nothing was kept")
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


def _check_schema(version: str | None) -> None:
    if version not in (None, tables.SCHEMA_VERSION):
        raise InvalidInput(f"the ledger has schema {version}, this version reads {tables.SCHEMA_VERSION}")
