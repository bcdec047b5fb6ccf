"""Opens SQLite files in WAL mode, shared by threads and processes."""

import contextlib
import sqlite3
import time
from pathlib import Path

from memento.private_files import create_private_file

_PAUSE_S = 0.02


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
