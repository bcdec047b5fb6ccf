"""aiosqlite with one hop to the connection's thread per statement, instead of four.

SQLAlchemy asks an async driver for a cursor, the execution, the rows and the closing one after the other; with
aiosqlite each is a round trip between two threads, and costs more than the statement. Here they are one.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite

from memento.memory.read_only_file import ReadOnlyFile
from memento.private_files import create_private_file

_NO_CHUNKS = 64
_PAUSE_S = 0.02


class OneHopConnection(aiosqlite.Connection):
    """A connection whose cursors run a statement and fetch its rows in one go."""

    def cursor(self) -> "OneHopCursor":  # type: ignore[override]  # what SQLAlchemy uses of a cursor, no more
        """A fresh cursor; nothing is sent to the thread yet."""
        return OneHopCursor(self)

    async def commit(self) -> None:
        """Keep what was written; nothing to ask the thread for when nothing was begun."""
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """Undo what was written; a reader, which begins nothing, is done at once."""
        if self.in_transaction:
            await super().rollback()


class OneHopCursor:
    """The rows of one statement, fetched when it was run."""

    arraysize = 1

    def __init__(self, connection: OneHopConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement and fetch what it returns."""
        await self._connection._execute(self._run, "execute", sql, parameters)  # type: ignore[no-untyped-call]
        return self

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> Self:
        """Run a statement once for each of the rows."""
        await self._connection._execute(self._run, "executemany", sql, rows)  # type: ignore[no-untyped-call]
        return self

    async def fetchall(self) -> list[Any]:
        """The rows, which are here already."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """The cursor underneath was closed when its rows were fetched."""

    def _run(self, verb: str, sql: str, parameters: Any) -> None:
        cursor: sqlite3.Cursor = getattr(self._connection._conn, verb)(sql, parameters)
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        self._rows = cursor.fetchall() if cursor.description else []
        cursor.close()


async def connect(path: str | ReadOnlyFile, *, timeout_s: float) -> OneHopConnection:
    """Open a database file; its thread does not keep the process alive.

    Args:
        path: of the file; or how one is read that cannot be written.
        timeout_s: how long a statement waits for another process' lock.
    """

    def opened() -> sqlite3.Connection:
        if isinstance(path, str):
            return open_shared(path, timeout_s=timeout_s)
        return path.connect(timeout_s=timeout_s)

    connection = OneHopConnection(opened, _NO_CHUNKS)
    connection._thread.daemon = True
    try:
        await connection
    except sqlite3.Error:
        await asyncio.to_thread(connection._thread.join)  # it is ending, and has a word to say to this loop
        raise
    return connection


def open_shared(path: str, *, timeout_s: float) -> sqlite3.Connection:
    """Open a file whose readers and writers do not wait for each other (WAL); a new one is its owner's alone. Blocks.

    Args:
        path: of the file.
        timeout_s: how long this, and each statement later, waits for another process' lock.

    Raises:
        sqlite3.Error: it is no database, or was locked for longer.
    """
    with contextlib.suppress(OSError):  # SQLite says better what is wrong
        create_private_file(Path(path))  # its -wal and -shm get the same mode
    connection = sqlite3.connect(path, timeout=timeout_s)
    try:
        _use_wal(connection, time.monotonic() + timeout_s)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Where several open a new file at once, SQLite does not wait by itself here: two may each wait for the other."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)
