"""Connections to the ledger's database: SQLite or Postgres, in SQLAlchemy's words and with our promises."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Executable, MetaData
from sqlalchemy import event as sa_event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.read_only_file import ReadOnlyFile, cannot_write
from memento.memory.sqlite_connection import connect
from memento.memory.uncancelled import to_the_end
from memento.private_files import make_private_folder

DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What a database raises; SQLite's driver its own while a connection is being set up."""

_BUSY_TIMEOUT_S = 15.0
_CONNECTIONS = 8
"""To an SQLite file, each with a thread. A statement takes microseconds: whoever finds none free waits for one."""

T = TypeVar("T")


class Connection:
    """A connection whose statements run to their end: one cancelled halfway would keep its locks until a time-out."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.dialect_name = connection.dialect.name

    async def execute(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> Any:
        """Run a statement, once for each of the rows if there are any; SQLAlchemy's result."""
        return await to_the_end(self._connection.execute(statement, rows))

    async def scalar(self, statement: Executable) -> Any:
        """First column of the first row, or None."""
        return await to_the_end(self._connection.scalar(statement))

    async def scalars(self, statement: Executable) -> Any:
        """First column of every row, as SQLAlchemy's result."""
        return await to_the_end(self._connection.scalars(statement))

    async def create_all(self, metadata: MetaData) -> None:
        """Create the tables that are missing."""
        await to_the_end(self._connection.run_sync(metadata.create_all))

    async def commit(self) -> None:
        """Keep what was written."""
        await to_the_end(self._connection.commit())


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """A connection of the pool; what is not committed when it goes back is undone."""
    connection = engine.connect()
    try:
        await to_the_end(_start(connection))
        yield Connection(connection)
    finally:
        if connection.sync_connection is not None:
            await to_the_end(connection.close())


async def _start(connection: AsyncConnection) -> None:
    await connection.start()


def create_read_only_engine(url: str, file: ReadOnlyFile) -> AsyncEngine:
    """A pool for an SQLite ledger that cannot be written. Blocking: the driver is imported."""
    return _pool(url, file)


def sqlite_path(url: str) -> Path | None:
    """The file of a ledger URL; None where the ledger is on a server."""
    return Path(url.partition(":///")[2]) if url.startswith("sqlite") else None


def create_engine(url: str, *, is_durable: bool) -> AsyncEngine:
    """A pool for a ledger URL. Blocking: drivers are imported, a folder may be made.

    Raises:
        InvalidInput: the URL is none, or its driver is missing.
        LedgerUnavailable: an SQLite file can have no folder there.
    """
    return _sqlite(url, is_durable=is_durable) if url.startswith("sqlite") else _server(url)


def _sqlite(url: str, *, is_durable: bool) -> AsyncEngine:
    path = url.partition(":///")[2]
    try:
        make_private_folder(Path(path).parent)
        with contextlib.suppress(FileNotFoundError):
            Path(path).stat()
    except OSError as error:
        raise LedgerUnavailable(f"no ledger can be kept in {Path(path).parent}: {error.strerror}") from error
    except ValueError as error:  # a name that no file system takes: NUL, half a surrogate pair
        raise InvalidInput(f"{path!r} is not the name of a file: {error}") from error
    engine = _pool(url, path)
    synchronous = "FULL" if is_durable else "OFF"

    @sa_event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    @sa_event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes its lock at once: upgrading a read lock later can fail without waiting. Readers need no
        # transaction: every statement sees one moment.
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _pool(url: str, file: str | ReadOnlyFile) -> AsyncEngine:
    return create_async_engine(
        url,
        async_creator=lambda: connect(file, timeout_s=_BUSY_TIMEOUT_S),
        pool_size=_CONNECTIONS,
        max_overflow=0,  # one that is closed after every burst costs more than all that it was opened for
        pool_timeout=None,
    )


def _server(url: str) -> AsyncEngine:
    try:
        # READ COMMITTED: what the writer before us committed is seen as soon as the lock is ours
        return create_async_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")
    except (SQLAlchemyError, ImportError) as error:  # the URL may hold a password: it is not repeated
        scheme = url.partition(":")[0]
        raise InvalidInput(
            f"no async database driver for a ledger URL that starts with {scheme!r}; for Postgres, "
            "pip install 'memento-langgraph[postgres]'"
        ) from error


def unavailable(verb: str, error: SQLAlchemyError | sqlite3.Error) -> LedgerUnavailable:
    """The named error for what a database raised while the ledger was being `verb`."""
    # The driver's own sentence only: SQLAlchemy's would repeat the statement and the values in it.
    driver = error.orig if isinstance(error, DBAPIError) else error
    reason = type(error).__name__ if isinstance(driver, SQLAlchemyError) else str(driver)
    return LedgerUnavailable(f"the ledger could not be {verb}: {reason}")


def write_error(error: LedgerUnavailable) -> BaseException | None:
    """SQLite's error, where the ledger could not be opened because it may not, or cannot, be written here."""
    cause = error.__cause__
    driver = cause.orig if isinstance(cause, DBAPIError) else cause
    return driver if cannot_write(driver) else None


def sequence_chunks(values: Sequence[T], size: int = 500) -> list[Sequence[T]]:
    """Cut a list of ids into pieces that a database accepts as one list of parameters."""
    return [values[start : start + size] for start in range(0, len(values), size)]
