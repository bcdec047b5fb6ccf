"""Rows of the full-text file index: known files, outdated files, matching passages.

A file is indexed again when its size or its time of change differs. Texts come in batches, each committed on its own,
so that an interrupted first search is not lost. Documents are only named here: their passages come from outside.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from memento.tools.errors import ToolInputError
from memento.tools.files.folders import Stamp, read_bytes
from memento.tools.files.passages import MARK_END, MARK_START, as_text, located, passages

_ROWS_PER_FILE: Final = 20  # bits: passage rowid = file id << 20 | number, so a file's passages are one range of rows
BATCH_FILES: Final = 100
_BATCH_BYTES: Final = 4_000_000
SCHEMA: Final = """
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


class Pending(NamedTuple):
    """A document that is not indexed yet."""

    folder: str
    path: str
    stamp: Stamp


class Text(NamedTuple):
    """A text file that was read."""

    path: str
    stamp: Stamp
    passages: list[tuple[int, str]] | None
    """Each with the line that it begins at; None when it is binary."""


class PassageHit(NamedTuple):
    """A passage that matches a query."""

    folder: str
    path: str
    place: str
    """The line; of a document, the `pages` that show it."""
    text: str


def forget_gone(connection: sqlite3.Connection) -> None:
    """Delete the rows of folders that no longer exist: workspaces of past runs."""
    for (folder,) in connection.execute("SELECT DISTINCT folder FROM indexed_file").fetchall():
        if not os.path.isdir(folder):
            for batch in batches(known(connection, folder), {}):
                drop(connection, folder, batch)


def known(connection: sqlite3.Connection, folder: str) -> dict[str, Stamp]:
    """Return the indexed files of a folder, with their stamps."""
    rows = connection.execute("SELECT path, size, mtime_ns FROM indexed_file WHERE folder = ?", (folder,))
    return {path: Stamp(size, mtime_ns) for path, size, mtime_ns in rows}


def batches(paths: Iterable[str], found: Mapping[str, Stamp]) -> Iterator[list[str]]:
    """Group paths so that each transaction stays short: other processes wait for it."""
    batch: list[str] = []
    n_bytes = 0
    for path in paths:
        batch.append(path)
        n_bytes += found[path].size if path in found else 0
        if len(batch) >= BATCH_FILES or n_bytes >= _BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def drop(connection: sqlite3.Connection, folder: str, paths: Iterable[str]) -> None:
    """Remove files from the index."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for path in paths:
            _removed(connection, folder, path, None)


def outdated(
    connection: sqlite3.Connection, folder: str, paths: Iterable[str], found: Mapping[str, Stamp]
) -> list[str]:
    """Return those paths that no other process has indexed meanwhile."""
    return [path for path in paths if _row(connection, folder, path)[1:] != found[path]]


def texts_of(folder: str, paths: Iterable[str], found: Mapping[str, Stamp], skipped: Counter[str]) -> list[Text]:
    """Read and split texts; unreadable ones are counted in `skipped`."""
    texts = []
    for path in paths:
        try:
            text = as_text(read_bytes(folder, path), is_html=path.lower().endswith((".html", ".htm")))
        except (OSError, ToolInputError):
            skipped["unreadable"] += 1
            continue
        cut = None if text is None else [(passage.line, passage.text) for passage in passages(text)]
        texts.append(Text(path, found[path], cut))
    return texts


def replace(connection: sqlite3.Connection, folder: str, texts: Iterable[Text]) -> None:
    """Index texts in place of their older versions."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for path, stamp, cut in texts:
            if not _removed(connection, folder, path, stamp):
                _insert(connection, folder, path, stamp, cut)


def _row(connection: sqlite3.Connection, folder: str, path: str) -> tuple[int, ...]:
    """Return id, size and modification time of an indexed file; None for others."""
    row: tuple[int, ...] | None = connection.execute(
        "SELECT id, size, mtime_ns FROM indexed_file WHERE folder = ? AND path = ?", (folder, path)
    ).fetchone()
    return row or ()


def _removed(connection: sqlite3.Connection, folder: str, path: str, stamp: Stamp | None) -> bool:
    """Remove an older version of a file, and tell whether another process was faster."""
    row = _row(connection, folder, path)
    if not row:
        return False
    if row[1:] == stamp:
        return True
    first = row[0] << _ROWS_PER_FILE
    connection.execute("DELETE FROM passage WHERE rowid BETWEEN ? AND ?", (first, first + (1 << _ROWS_PER_FILE) - 1))
    connection.execute("DELETE FROM indexed_file WHERE id = ?", row[:1])
    return False


def _insert(
    connection: sqlite3.Connection,
    folder: str,
    path: str,
    stamp: Stamp,
    found: Sequence[tuple[int | str, str]] | None,
) -> None:
    """Insert passages: those of a text with their first line, those of a document with their place."""
    file_id = connection.execute(
        "INSERT INTO indexed_file (folder, path, size, mtime_ns, is_text) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (folder, path, *stamp, found is not None),
    ).fetchone()[0]
    connection.executemany(
        "INSERT INTO passage (rowid, name, body, line) VALUES (?, ?, ?, ?)",
        (
            ((file_id << _ROWS_PER_FILE) + number, os.path.basename(path), text, place)
            for number, (place, text) in enumerate(found or ())
        ),
    )


def store(connection: sqlite3.Connection, pending: Pending, found: Sequence[tuple[str, str]] | None) -> None:
    """Index a document in place of its older version; None for an unreadable one."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if not _removed(connection, *pending):
            _insert(connection, *pending, found)


def matching(connection: sqlite3.Connection, expression: str, folders: Sequence[str], limit: int) -> list[PassageHit]:
    """Find the passages that match an FTS5 expression best."""
    rows = connection.execute(_SEARCH, {"expression": expression, "folders": json.dumps(folders), "limit": limit})
    return [_hit(*row) for row in rows]


def counts(connection: sqlite3.Connection, folders: Sequence[str]) -> tuple[int, int]:
    """Count the searchable files of folders, and those that cannot be read."""
    row = connection.execute(
        "SELECT COALESCE(SUM(is_text), 0), COALESCE(SUM(NOT is_text), 0) FROM indexed_file "
        "WHERE folder IN (SELECT value FROM json_each(?))",
        (json.dumps(folders),),
    ).fetchone()
    return row[0], row[1]


def _hit(folder: str, path: str, place: int | str, body: str, snippet: str) -> PassageHit:
    line, text = located(body, snippet, first_line=place if isinstance(place, int) else 0)
    return PassageHit(folder, path, place if isinstance(place, str) else str(line), text)
