"""Full-text file index: one SQLite connection, used by one thread at a time.

Several processes may share its file; nothing is locked for longer than one batch of files takes to be stored. Work on
it is done in threads of its own: a folder of many files keeps no other tool waiting.
"""

import asyncio
import contextlib
import errno
import sqlite3
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, TypeVar

from memento.private_files import create_private_file, make_private_folder
from memento.tools.errors import ToolUnavailable
from memento.tools.files import index_rows
from memento.tools.files.folders import Place, Stamp, is_document, walk
from memento.tools.files.index_rows import PassageHit, Pending

_NO_WRITING: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_TRIES: Final = 100
_PAUSE_S: Final = 0.05
_AT_ONCE: Final = 2
_MAX_LATE: Final = 3
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Refreshed(NamedTuple):
    """Files still to be indexed after a refresh."""

    documents: list[Pending]
    n_texts: int
    """Texts that there was no time for."""


class FileIndex:
    """The full-text index. Its methods block unless noted: call them with `call`."""

    def __init__(self, path: Path | None) -> None:
        """Prepare; opens nothing.

        Args:
            path: the index file, which several processes may share; None keeps the index in memory.
        """
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._claims: dict[Pending, object] = {}
        self._n_late: Counter[Pending] = Counter()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "search-files")  # which starts them when they are needed

    async def call(self, function: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        """Run a blocking function in a thread of the index."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args, **kwargs))

    def refresh(
        self, places: Sequence[Place], skipped: Counter[str], *, seconds: float, stop: threading.Event
    ) -> Refreshed:
        """Update the texts of folders within the time limit, and return what is still missing.

        Args:
            places: the folders.
            skipped: counts what is not searched, by reason.
            seconds: after this time no further batch of texts is begun, but for the first.
            stop: ends it when it is set, whatever is left.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        until = time.monotonic() + seconds
        left = Refreshed([], 0)
        n_batches = 0
        for place in places:
            with self._using() as connection:
                # Before the walk: what another search indexes during it is not taken for gone.
                known = index_rows.known(connection, place.folder)
            found = dict(walk(place, skipped, stop))
            if stop.is_set():
                break
            self._drop(place.folder, [path for path in known if path not in found])
            changed = [path for path, stamp in found.items() if known.get(path) != stamp]
            left.documents.extend(Pending(place.folder, path, found[path]) for path in changed if is_document(path))
            for batch in index_rows.batches((path for path in changed if not is_document(path)), found):
                if stop.is_set() or (n_batches and time.monotonic() >= until):
                    left = left._replace(n_texts=left.n_texts + len(batch))
                else:
                    self._replace(place.folder, batch, found, skipped)
                    n_batches += 1
        return left

    def _drop(self, folder: str, paths: Sequence[str]) -> None:
        for batch in index_rows.batches(paths, {}):
            with self._using() as connection:
                index_rows.drop(connection, folder, batch)

    def _replace(self, folder: str, paths: Sequence[str], found: Mapping[str, Stamp], skipped: Counter[str]) -> None:
        with self._using() as connection:
            paths = index_rows.outdated(connection, folder, paths, found)
        texts = index_rows.texts_of(folder, paths, found, skipped)  # meanwhile others may search
        with self._using() as connection:
            index_rows.replace(connection, folder, texts)

    def claim(self, pending: Pending) -> bool:
        """Try to reserve a document for reading, until `release`. Does not block."""
        mine = object()
        return self._claims.setdefault(pending, mine) is mine

    def release(self, pending: Pending) -> None:
        """Release a claimed document, read or not. Does not block."""
        self._claims.pop(pending, None)

    def note_late(self, pending: Pending) -> None:
        """Record that reading a document timed out. Does not block."""
        self._n_late[pending] += 1

    def by_lateness(self, documents: Sequence[Pending]) -> tuple[list[Pending], int]:
        """Sort documents so that those that timed out are tried last. Does not block.

        Returns:
            Those to try, and how many were late three times, which is the last time that they are tried by this index.
        """
        to_try = [document for document in documents if self._n_late[document] < _MAX_LATE]
        return sorted(to_try, key=self._n_late.__getitem__), len(documents) - len(to_try)

    def store(self, pending: Pending, found: Sequence[tuple[str, str]] | None) -> None:
        """Index a document.

        Args:
            pending: the document.
            found: its passages, each with its place; None when it cannot be read, which is not tried again until it
                changes.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._using() as connection:
            index_rows.store(connection, pending, found)

    def search(self, expression: str, places: Sequence[Place], limit: int) -> list[PassageHit]:
        """Find the passages that match an FTS5 expression best.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._using() as connection:
            return index_rows.matching(connection, expression, [place.folder for place in places], limit)

    def counts(self, places: Sequence[Place]) -> tuple[int, int]:
        """Count the searchable files of the folders, and those that cannot be read.

        Raises:
            ToolUnavailable: the index cannot be used.
        """
        with self._using() as connection:
            return index_rows.counts(connection, [place.folder for place in places])

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                self._close()
                if self._path and _cannot_write(error):
                    self._path = None  # the next search makes an index in memory
                    raise ToolUnavailable(f"the file index cannot be written ({error}); try again") from error
                place = f"; if it stays so, delete {self._path}, it is rebuilt" if self._path else ""
                raise ToolUnavailable(f"the file index cannot be used ({error}){place}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connect(self._path)
            except (sqlite3.OperationalError, OSError) as error:
                if self._path is None or not _cannot_write(error):
                    raise
                self._close()
                self._connect(None)  # a read-only home or a full disk: the folders are searched all the same
        assert self._connection is not None  # noqa: S101  one of the two made it
        return self._connection

    def _connect(self, path: Path | None) -> None:
        if path is not None:
            make_private_folder(path.parent)
            create_private_file(path)
        # Autocommit: transactions are explicit. Another process may hold the write lock for one batch.
        self._connection = sqlite3.connect(
            path or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
        )
        self._closer = weakref.finalize(self, self._connection.close)
        _set_up(self._connection)
        index_rows.forget_gone(self._connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._closer()
            self._connection = None


def _cannot_write(error: OSError | sqlite3.Error) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_WRITING


def _set_up(connection: sqlite3.Connection) -> None:
    """Prepare a new connection. SQLite itself does not wait here when several open a new file at once."""
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
