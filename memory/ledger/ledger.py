"""One ledger: opens its database, and runs every step in the ledger's own threads as one synchronous transaction.

SQLite (WAL, synchronous=FULL: a commit survives a power cut) by default, Postgres by URL. Writes are serialised, inside
the process by one thread and between processes by the database, so that offsets become visible in order: whoever
follows the feed by offset never misses a row. A step that has begun runs to its end, whatever happens to its caller.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Engine, select

from memento.memory.errors import LedgerUnavailable
from memento.memory.ledger import migrations, schema
from memento.memory.ledger.connections import (
    N_READERS,
    open_engine,
    open_read_only_engine,
    sqlite_path,
    write_error,
)
from memento.memory.ledger.group_commit import GroupCommit, StepResult, TransactionStep
from memento.memory.ledger.read_only_file import ReadOnlyFile, read_only_copy, read_only_file, why_not_written
from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.set_aside import SetAside
from memento.memory.ledger.transactions import compacted, queried, set_up, transacted
from memento.memory.ledger.writes import LedgerWriter

_PATIENCE_S = 20.0
"""Timeout in seconds for a cancelled caller to wait for a running step, such as at a server that hangs."""

T = TypeVar("T")


class Ledger:
    """One connection pool and its threads. Open with `async with Ledger(url)`; use it from any event loop."""

    def __init__(self, url: str, *, is_durable: bool = True) -> None:
        """Prepare, without opening anything.

        Args:
            url: `sqlite:///...` or `postgresql+psycopg://...`, as `places.parse_ledger_url` gives it.
            is_durable: False gives up surviving a power cut (throw-away banks only).
        """
        self.url = url
        self._is_durable = is_durable
        self._engine: Engine | None = None
        self._threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._read_only: ReadOnlyFile | None = None
        self._writes = GroupCommit(self._transacted)
        self.set_aside = SetAside()
        self.only_read_because = ""
        """Reason why nothing can be written, where an existing SQLite file is only read (no permission, read-only file
        system, full disk); else empty."""

    async def __aenter__(self) -> Self:
        """Connect, create or migrate the schema; a file that cannot be written is opened for reading.

        Raises:
            LedgerUnavailable: the database cannot be opened.
            LedgerTooNew: a newer release wrote it; nothing was written.
            InvalidInput: the URL is not a valid one, or its driver is missing.
        """
        self._threads = (
            ThreadPoolExecutor(1, thread_name_prefix="memento-ledger-write"),
            ThreadPoolExecutor(N_READERS, thread_name_prefix="memento-ledger-read"),
        )
        try:
            await _finished(self._threads[0].submit(self._open))
        except BaseException:  # a cancellation, too, must not leave connections open
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for the steps that have begun, and close the pool. Idempotent."""
        threads, self._threads = self._threads, None
        if threads is not None:
            closing = asyncio.ensure_future(asyncio.to_thread(self._close, threads))
            await asyncio.shield(closing)

    async def transact(self, step: Callable[[LedgerWriter], T]) -> T:
        """Run a step in a transaction; when this returns, it is committed, which is the acknowledgement.

        Steps that wait at the same time share a transaction; each has its own answer (see `group_commit`).

        Args:
            step: reads and appends; blocks, and waits for nothing but the database. What it raises undoes it.

        Raises:
            LedgerUnavailable: it was not kept (disk full, read-only file, database down, locked too long).
        """
        if self.only_read_because:
            raise LedgerUnavailable(f"{self.only_read_because}; nothing was written")
        thread = self._open_threads()[0]
        running = self._writes.add(step)
        thread.submit(self._writes.serve)
        result: T = await _finished(running)
        return result

    async def query(self, look: Callable[[CheckedConnection], T]) -> T:
        """Run queries on one connection.

        Args:
            look: reads only; blocks.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        found = await _finished(self._open_threads()[1].submit(self._queried, look))
        if self.set_aside.unrecorded and not self.only_read_because:
            with contextlib.suppress(LedgerUnavailable):  # tried again after the next query
                await self.transact(lambda _: None)
        return found

    async def compact(self) -> bool:
        """Write the database's files anew, so that they hold nothing of rows that were changed or deleted.

        Returns:
            False when another connection still reads the write-ahead log, which keeps it: try again later.

        Raises:
            LedgerUnavailable: it could not be written (no room, locked for too long).
        """
        return await _finished(self._open_threads()[0].submit(compacted, self._open_engine()))

    def _transacted(self, steps: Sequence[TransactionStep]) -> list[StepResult]:
        return transacted(self._open_engine(), steps, set_aside=self.set_aside)

    def _queried(self, look: Callable[[CheckedConnection], T]) -> T:
        return queried(self._open_engine(), look, set_aside=self.set_aside)

    def _open(self) -> None:
        self._engine = open_engine(self.url, is_durable=self._is_durable)
        try:
            self._schema_number()  # nothing is written to a ledger of the future
            set_up(self._open_engine())
            known = select(schema.set_aside.c.table_name, schema.set_aside.c.row_key)
            self.set_aside.know(
                self._queried(lambda connection: [(row[0], row[1]) for row in connection.execute(known)])
            )
        except LedgerUnavailable as error:
            self._open_to_read(error)

    def _open_to_read(self, error: LedgerUnavailable) -> None:
        """Open an SQLite file read-only, if it can be read but not written."""
        path, cause = sqlite_path(self.url), write_error(error)
        if path is None or cause is None or not path.is_file():
            raise error
        self._dispose()
        try:
            self._read_only = read_only_file(path)
        except OSError as why:
            raise LedgerUnavailable(f"{error}; nor can it be read: {why.strerror or why}") from error
        self.only_read_because = f"the ledger {path} cannot be written: {why_not_written(path, cause)}"
        self._engine = open_read_only_engine(self._read_only)
        if self._schema_number() not in (None, migrations.HEAD):
            self._open_migrated_copy(path, error)

    def _open_migrated_copy(self, path: Path, error: LedgerUnavailable) -> None:
        """Open a migrated temporary copy of an earlier release's ledger that cannot be written."""
        self._dispose()
        if self._read_only is not None:
            self._read_only.close()
        try:
            self._read_only = read_only_copy(path)
        except OSError as why:
            raise LedgerUnavailable(f"{error}; nor can it be read: {why.strerror or why}") from error
        self._engine = open_engine(f"sqlite:///{self._read_only.file}", is_durable=False)
        set_up(self._open_engine())
        self._dispose()
        self._engine = open_read_only_engine(self._read_only)

    def _schema_number(self) -> int | None:
        return self._queried(lambda connection: migrations.schema_number(connection.sql))

    def _close(self, threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor]) -> None:
        for executor in threads:
            executor.shutdown()
        self._dispose()
        read_only, self._read_only = self._read_only, None
        if read_only is not None:
            read_only.close()

    def _dispose(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _open_threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        if self._threads is None:
            raise LedgerUnavailable("the ledger is not open; use `async with`")
        return self._threads

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise LedgerUnavailable("the ledger is not open; use `async with`")
        return self._engine


async def _finished(running: "Future[T]") -> T:
    """Wait for work in a thread; a cancellation is raised once work that has begun has ended."""
    waiting = asyncio.wrap_future(running)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        if not running.cancel():
            await asyncio.wait([waiting], timeout=_PATIENCE_S)
        if waiting.done() and not waiting.cancelled():
            waiting.exception()  # seen: nobody is left to hear of it
        raise
