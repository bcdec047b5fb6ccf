"""Opens SQLite files in WAL mode, shared by threads and processes."""

import contextlib
import random
import sqlite3
import time
from pathlib import Path

from memento.private_files import create_private_file

_PAUSE_S = 0.02
_PAUSES_S = (0.0003, 0.002)
"""Seconds between two attempts to begin a transaction: about as long as a short one takes."""


def open_shared(path: str, *, timeout_s: float) -> sqlite3.Connection:
    """Open an SQLite file in WAL mode; a new file is readable by its owner only. Blocks.

    Args:
        path: of the file.
        timeout_s: how long this, and each statement later, waits for another process' lock.

    Returns:
        A connection that any thread may use, one at a time.

    Raises:
        sqlite3.Error: it is no database, or was locked for longer.
    """
    with contextlib.suppress(OSError):  # SQLite says better what is wrong
        create_private_file(Path(path))  # its -wal and -shm get the same mode
    connection = sqlite3.connect(path, timeout=timeout_s, check_same_thread=False)
    try:
        _use_wal(connection, time.monotonic() + timeout_s)
    except BaseException:
        connection.close()
        raise
    return connection


def begin_immediate(connection: sqlite3.Connection, *, timeout_s: float) -> None:
    """Begin a writing transaction; waits for another process' by asking often. Blocks.

    SQLite itself waits up to 100 ms between two questions, so that writers in several processes pass the lock on late.

    Args:
        connection: one that waits by itself for `timeout_s`.
        timeout_s: how long to wait.

    Raises:
        sqlite3.OperationalError: it was locked for longer.
    """
    deadline = time.monotonic() + timeout_s
    connection.execute("PRAGMA busy_timeout=0").close()
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE").close()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(*_PAUSES_S))  # noqa: S311  jitter, not a secret
    finally:
        connection.execute(f"PRAGMA busy_timeout={round(1000 * timeout_s)}").close()


def decode_text(raw: bytes) -> str:
    """A column's text; bytes that are not UTF-8 become lone surrogates, which no digest matches, and no error.

    SQLite's own decoder would fail the whole result because of one damaged cell.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape")


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to WAL with retries: SQLite does not wait here when several processes open a new file at once."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)
