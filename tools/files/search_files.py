"""Search in local files: an SQLite FTS5 index over folders, brought up to date by every search.

A file is indexed again when its size or its time of change differs, in batches that are committed one by one, so that
an interrupted first search is not lost and several processes can share one index file. Nothing outside the folders is
read: links are not followed, hidden files (which is where keys live) are not looked at.
"""

import asyncio
import json
import os
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.files.folders import Stamp, read_bytes, walk
from memento.tools.files.passages import MARK_END, MARK_START, as_text, located, passages, query_expression

MAX_RESULTS: Final = 10

_ROWS_PER_FILE: Final = 20  # bits: passage rowid = file id << 20 | number, so a file's passages are one range of rows
_BATCH_FILES: Final = 100
_BATCH_BYTES: Final = 4_000_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS indexed_file (
    id INTEGER PRIMARY KEY, folder TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    is_text INTEGER NOT NULL, UNIQUE (folder, path));
CREATE VIRTUAL TABLE IF NOT EXISTS passage USING fts5 (
    name, body, line UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2');
"""
# CROSS JOIN and the rank column let FTS5 sort by itself, so that a snippet is cut only for the rows returned.
_SEARCH: Final = f"""
SELECT file.folder, file.path, passage.line, passage.body, snippet(passage, 1, '{MARK_START}', '{MARK_END}', '…', 64)
FROM passage CROSS JOIN indexed_file AS file ON file.id = passage.rowid >> {_ROWS_PER_FILE}
WHERE passage MATCH :expression AND rank MATCH 'bm25(0.5, 1.0)'
  AND file.folder IN (SELECT value FROM json_each(:folders))
ORDER BY rank LIMIT :limit
"""  # noqa: S608 - only constants are formatted in


def make_search_files(folders: Sequence[Path], *, index_path: Path | None = None) -> Callable[..., Awaitable[str]]:
    """Build the `search_files` tool; nothing is read or opened before its first call.

    Args:
        folders: where to search, sub-folders included.
        index_path: the index file, which several processes may share; None keeps the index in memory.
    """
    if not folders:
        raise ToolInputError("search_files needs at least one folder")
    index = _FileIndex(folders, index_path)

    async def search_files(query: str, max_results: int = 5) -> str:
        """Search the user's local text files and return the passages that match best, with file and line.

        Any of the words may match, in any form (plural, tense); more and rarer words rank higher. Words of file names
        count too.

        Args:
            query: keywords or a question.
            max_results: how many passages to return, 1 to 10.
        """
        return await asyncio.to_thread(index.search, query, max(1, min(max_results, MAX_RESULTS)))

    return search_files


class _FileIndex:
    """One connection, used by one thread at a time; blocking, so always called through a thread."""

    def __init__(self, folders: Sequence[Path], index_path: Path | None) -> None:
        self._folders = tuple(folders)
        self._index_path = index_path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def search(self, query: str, limit: int) -> str:
        expression = query_expression(query)
        if not expression:
            raise ToolInputError("the query has no words; say what to look for")
        folders = _existing(self._folders)
        skipped: Counter[str] = Counter()
        with self._lock:
            try:
                connection = self._opened()
                for folder in folders:
                    _refresh(connection, folder, skipped)
                hits = _hits(connection, expression, folders, limit)
                n_files, n_binary = _counts(connection, folders)
            except (sqlite3.Error, OSError) as error:
                self._close()
                place = f"; if it stays so, delete {self._index_path}, it is rebuilt" if self._index_path else ""
                raise ToolUnavailable(f"the index of the files cannot be used ({error}){place}") from error
        if hits:
            return "\n\n".join(f"{number}. {hit}" for number, hit in enumerate(hits, 1))
        skipped["binary"] += n_binary
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(skipped.items()) if n)
        return f"Nothing found in {n_files} files{f' (skipped: {reasons})' if reasons else ''}. Try other words."

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._index_path:
                self._index_path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit: transactions are explicit. Another process may hold the write lock for one batch.
            self._connection = sqlite3.connect(
                self._index_path or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
            )
            self._closer = weakref.finalize(self, self._connection.close)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._closer()
            self._connection = None


def _existing(folders: Iterable[Path]) -> list[str]:
    """Resolve the folders, dropping those inside another one, whose files would be found twice."""
    resolved = []
    for folder in folders:
        if not os.path.isdir(folder):  # unlike Path.is_dir, false for one that may not be looked at
            raise ToolUnavailable(f"the folder {folder} is not there or not readable; the user must correct that")
        resolved.append(folder.resolve())
    unique = dict.fromkeys(resolved)
    return [str(folder) for folder in unique if not any(parent in unique for parent in folder.parents)]


def _refresh(connection: sqlite3.Connection, folder: str, skipped: Counter[str]) -> None:
    """Bring the index of one folder up to date."""
    found = dict(walk(folder, skipped))
    rows = connection.execute("SELECT path, size, mtime_ns FROM indexed_file WHERE folder = ?", (folder,))
    known = {path: Stamp(size, mtime_ns) for path, size, mtime_ns in rows}
    stale = [path for path in known if path not in found]
    stale += [path for path, stamp in found.items() if known.get(path) != stamp]
    for batch in _batches(stale, found):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for path in batch:
                _replace(connection, folder, path, found.get(path), skipped)


def _batches(paths: Iterable[str], found: Mapping[str, Stamp]) -> Iterator[list[str]]:
    """Group paths so that one transaction stays short: others wait for it."""
    batch: list[str] = []
    n_bytes = 0
    for path in paths:
        batch.append(path)
        n_bytes += found[path].size if path in found else 0
        if len(batch) >= _BATCH_FILES or n_bytes >= _BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _replace(
    connection: sqlite3.Connection, folder: str, path: str, stamp: Stamp | None, skipped: Counter[str]
) -> None:
    """Index one file in place of its older version; a stamp of None only takes it out."""
    key = (folder, path)
    row = connection.execute(
        "SELECT id, size, mtime_ns FROM indexed_file WHERE folder = ? AND path = ?", key
    ).fetchone()
    if row is not None:
        if row[1:] == stamp:
            return  # another process was faster
        first = row[0] << _ROWS_PER_FILE
        connection.execute(
            "DELETE FROM passage WHERE rowid BETWEEN ? AND ?", (first, first + (1 << _ROWS_PER_FILE) - 1)
        )
        connection.execute("DELETE FROM indexed_file WHERE id = ?", row[:1])
    if stamp is None:
        return
    try:
        text = as_text(read_bytes(folder, path), is_html=path.lower().endswith((".html", ".htm")))
    except OSError:
        skipped["unreadable"] += 1
        return
    file_id = connection.execute(
        "INSERT INTO indexed_file (folder, path, size, mtime_ns, is_text) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (*key, *stamp, text is not None),
    ).fetchone()[0]
    connection.executemany(
        "INSERT INTO passage (rowid, name, body, line) VALUES (?, ?, ?, ?)",
        (
            ((file_id << _ROWS_PER_FILE) + number, os.path.basename(path), passage.text, passage.line)
            for number, passage in enumerate(passages(text or ""))
        ),
    )


def _hits(connection: sqlite3.Connection, expression: str, folders: Sequence[str], limit: int) -> list[str]:
    """Render the best passages, each as `path:line` and a snippet."""
    rows = connection.execute(
        _SEARCH, {"expression": expression, "folders": json.dumps(folders), "limit": limit}
    ).fetchall()
    hits = []
    for folder, path, line, body, snippet in rows:
        hit_line, text = located(body, snippet, first_line=line)
        prefix = f"[{os.path.basename(folder)}] " if len(folders) > 1 else ""
        hits.append(f"{prefix}{path}:{hit_line}\n{text}")
    return hits


def _counts(connection: sqlite3.Connection, folders: Sequence[str]) -> tuple[int, int]:
    """Count the text files and the binary ones of the folders."""
    row = connection.execute(
        "SELECT COALESCE(SUM(is_text), 0), COALESCE(SUM(NOT is_text), 0) FROM indexed_file "
        "WHERE folder IN (SELECT value FROM json_each(?))",
        (json.dumps(folders),),
    ).fetchone()
    return row[0], row[1]
