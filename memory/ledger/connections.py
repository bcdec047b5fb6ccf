"""SQLAlchemy engines for the ledger's database, SQLite or Postgres, and the errors that they raise."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy import event as sa_event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.pool import QueuePool

from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger.read_only_file import ReadOnlyFile, cannot_write
from memento.memory.ledger.sqlite_files import begin_immediate, decode_text, open_shared
from memento.private_files import make_private_folder

DATABASE_ERRORS: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error, OverflowError)
"""Exceptions of databases; SQLite's driver raises its own while a connection is set up, and for numbers too large."""

N_READERS = 4
"""Number of reading threads. A statement takes microseconds; more threads would wait for the interpreter's lock."""

_BUSY_TIMEOUT_S = 15.0
_WRONG_ARGUMENTS = frozenset({"22003", "22P02", "42804", "42883"})
"""Postgres' SQLSTATE codes of a number out of range, a text that is none of the type, and types that do not compare."""

_MAX_PARAMETERS = 500

T = TypeVar("T")


def sqlite_path(url: str) -> Path | None:
    """The file of a ledger URL; None where the ledger is on a server."""
    return Path(url.partition(":///")[2]) if url.startswith("sqlite") else None


def open_engine(url: str, *, is_durable: bool) -> Engine:
    """A connection pool for a ledger URL. Blocks: drivers are imported, a folder may be made.

    Args:
        url: as `places.parse_ledger_url` gives it.
        is_durable: False gives up surviving a power cut.

    Raises:
        InvalidInput: the URL is not a valid SQLAlchemy URL, or its driver is missing.
        LedgerUnavailable: an SQLite file can have no folder there.
    """
    path = sqlite_path(url)
    return _server(url) if path is None else _sqlite(path, is_durable=is_durable)


def open_read_only_engine(file: ReadOnlyFile) -> Engine:
    """A connection pool for an SQLite ledger that cannot be written."""
    return _pool(lambda: file.connect(timeout_s=_BUSY_TIMEOUT_S))


def _sqlite(path: Path, *, is_durable: bool) -> Engine:
    try:
        make_private_folder(path.parent)
        with contextlib.suppress(FileNotFoundError):
            path.stat()
    except OSError as error:
        raise LedgerUnavailable(f"the ledger cannot be created in {path.parent}: {error.strerror}") from error
    except ValueError as error:  # a name that no file system takes: NUL, half a surrogate pair
        raise InvalidInput(f"{str(path)!r} is not a valid file name: {error}") from error
    synchronous = "FULL" if is_durable else "OFF"

    def connect() -> sqlite3.Connection:
        connection = open_shared(str(path), timeout_s=_BUSY_TIMEOUT_S)
        connection.isolation_level = None  # the driver must not begin transactions by itself
        connection.execute(f"PRAGMA synchronous={synchronous}").close()
        return connection

    engine = _pool(connect)

    @sa_event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes its lock at once: upgrading a read lock later can fail without waiting. Readers need no
        # transaction: every statement sees one moment.
        if connection.get_execution_options().get("writes", False):
            begin_immediate(connection.connection.driver_connection, timeout_s=_BUSY_TIMEOUT_S)

    return engine


def _pool(connect: Callable[[], sqlite3.Connection]) -> Engine:
    def connected() -> sqlite3.Connection:
        connection = connect()
        connection.text_factory = decode_text
        return connection

    return create_engine("sqlite://", creator=connected, poolclass=QueuePool, pool_size=N_READERS + 1, max_overflow=0)


def _server(url: str) -> Engine:
    try:
        # READ COMMITTED: what the writer before us committed is seen as soon as the lock is ours
        return create_engine(
            url, pool_pre_ping=True, isolation_level="READ COMMITTED", pool_size=N_READERS + 1, max_overflow=0
        )
    except (SQLAlchemyError, ImportError) as error:  # the URL may hold a password: it is not repeated
        scheme = url.partition(":")[0]
        raise InvalidInput(
            f"no database driver for a ledger URL that starts with {scheme!r}; for Postgres, "
            "pip install 'memento-langgraph[postgres]'"
        ) from error


def ledger_error(verb: str, error: Exception) -> LedgerUnavailable | InvalidInput:
    """The named error for what a database raised while the ledger was being `verb`.

    A parameter that no column takes is its caller's mistake: called an outage, it would be tried again for ever.
    """
    # The driver's own sentence only: SQLAlchemy's would repeat the statement and the values in it.
    driver = error.orig if isinstance(error, DBAPIError) else error
    reason = type(error).__name__ if isinstance(driver, SQLAlchemyError) else str(driver)
    if _is_wrong_argument(driver):
        return InvalidInput(f"the ledger takes no such argument: {reason}")
    return LedgerUnavailable(f"the ledger could not be {verb}: {reason}")


def _is_wrong_argument(driver: BaseException | None) -> bool:
    if isinstance(driver, sqlite3.Error):
        return "binding parameter" in str(driver) or getattr(driver, "sqlite_errorname", "") == "SQLITE_MISMATCH"
    if isinstance(driver, StatementError | OverflowError):  # before the driver saw it
        return True
    return getattr(driver, "sqlstate", "") in _WRONG_ARGUMENTS or "cannot adapt type" in str(driver)


def write_error(error: LedgerUnavailable) -> BaseException | None:
    """SQLite's error, if the ledger could not be opened because it cannot be written."""
    cause = error.__cause__
    driver = cause.orig if isinstance(cause, DBAPIError) else cause
    return driver if cannot_write(driver) else None


def sequence_chunks(values: Sequence[T], size: int = _MAX_PARAMETERS) -> list[Sequence[T]]:
    """Cut a list of ids into pieces that a database accepts as one list of parameters."""
    return [values[start : start + size] for start in range(0, len(values), size)]
