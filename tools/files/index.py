"""The index of files, open: one connection that is used by one thread at a time.

Several processes may share its file; nothing is locked for longer than one batch of files takes.
"""

import contextlib
import sqlite3
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from memento.tools.errors import ToolUnavailable
from memento.tools.files import index_rows
from memento.tools.files.folders import Place
from memento.tools.files.index_rows import Hit, Pending

_TRIES: Final = 100
_PAUSE_S: Final = 0.05


class FileIndex:
    """Its methods block, where they do not say otherwise: call them in a thread."""

    def __init__(self, path: Path | None) -> None:
        """Prepare.

        Args:
            path: the index file, which several processes may share; None keeps the index in memory.
        """
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._claims: dict[Pending, object] = {}

    def refresh(self, places: Sequence[Place], skipped: Counter[str]) -> list[Pending]:
        """Bring the texts of folders up to date, and name the documents that are not.

        Args:
            places: the folders.
            skipped: counts what is not searched, by reason.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._lock, self._failing():
            connection = self._opened()
            return [document for place in places for document in index_rows.refresh(connection, place, skipped)]

    def claim(self, pending: Pending) -> bool:
        """Tell whether nobody else is reading a document; then it is ours until `release`. Does not block."""
        mine = object()
        return self._claims.setdefault(pending, mine) is mine

    def release(self, pending: Pending) -> None:
        """Give a claimed document up, read or not. Does not block."""
        self._claims.pop(pending, None)

    def store(self, pending: Pending, found: Sequence[tuple[str, str]] | None) -> None:
        """Index a document.

        Args:
            pending: the document.
            found: its passages, each with its place; None when it cannot be read, which is not tried again until it
                changes.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._lock, self._failing():
            index_rows.store(self._opened(), pending, found)

    def search(self, expression: str, places: Sequence[Place], limit: int) -> list[Hit]:
        """Find the passages that match an FTS5 expression best.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._lock, self._failing():
            return index_rows.matching(self._opened(), expression, [place.folder for place in places], limit)

    def counts(self, places: Sequence[Place]) -> tuple[int, int]:
        """Count the files of the folders that are searched, and those that cannot be read.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._lock, self._failing():
            return index_rows.counts(self._opened(), [place.folder for place in places])

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self._close()
            place = f"; if it stays so, delete {self._path}, it is rebuilt" if self._path else ""
            raise ToolUnavailable(f"the index of the files cannot be used ({error}){place}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit: transactions are explicit. Another process may hold the write lock for one batch.
            self._connection = sqlite3.connect(
                self._path or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
            )
            self._closer = weakref.finalize(self, self._connection.close)
            _set_up(self._connection)
            index_rows.forget_gone(self._connection)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._closer()
            self._connection = None


def _set_up(connection: sqlite3.Connection) -> None:
    """Prepare a new connection. Where several open a new file at once, SQLite does not wait by itself here."""
    for left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(index_rows.SCHEMA)
        except sqlite3.OperationalError as error:
            if not left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
