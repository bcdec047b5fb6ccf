"""Rows of the index of files: which are there, which are to be replaced, and the passages that match.

A file is indexed again when its size or its time of change differs. Batches are committed one by one, so that an
interrupted first search is not lost. Documents are only named here: their passages come from outside.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from memento.tools.errors import ToolInputError
from memento.tools.files.folders import Place, Stamp, is_document, read_bytes, walk
from memento.tools.files.passages import MARK_END, MARK_START, as_text, located, passages

_ROWS_PER_FILE: Final = 20  # bits: passage rowid = file id << 20 | number, so a file's passages are one range of rows
_BATCH_FILES: Final = 100
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


class Hit(NamedTuple):
    """A passage that matches."""

    folder: str
    path: str
    place: str
    """The line; of a document, the `pages` that show it."""
    text: str


def forget_gone(connection: sqlite3.Connection) -> None:
    """Drop the files of folders that are no more: runs have workspaces, and those do not live for ever."""
    for (folder,) in connection.execute("SELECT DISTINCT folder FROM indexed_file").fetchall():
        if not os.path.isdir(folder):
            _apply(connection, folder, [path for path, _ in _known(connection, folder)], {}, Counter())


def refresh(connection: sqlite3.Connection, place: Place, skipped: Counter[str]) -> list[Pending]:
    """Bring the texts of one folder up to date, and drop what is gone."""
    folder = place.folder
    found = dict(walk(place, skipped))
    known = dict(_known(connection, folder))
    gone = [path for path in known if path not in found]
    changed = [path for path, stamp in found.items() if known.get(path) != stamp]
    _apply(connection, folder, [*gone, *(path for path in changed if not is_document(path))], found, skipped)
    return [Pending(folder, path, found[path]) for path in changed if is_document(path)]


def _known(connection: sqlite3.Connection, folder: str) -> list[tuple[str, Stamp]]:
    rows = connection.execute("SELECT path, size, mtime_ns FROM indexed_file WHERE folder = ?", (folder,))
    return [(path, Stamp(size, mtime_ns)) for path, size, mtime_ns in rows]


def _apply(
    connection: sqlite3.Connection, folder: str, paths: Iterable[str], found: Mapping[str, Stamp], skipped: Counter[str]
) -> None:
    for batch in _batches(paths, found):
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
    """Index one text in place of its older version; a stamp of None only takes it out."""
    if _removed(connection, folder, path, stamp) or stamp is None:
        return
    try:
        text = as_text(read_bytes(folder, path), is_html=path.lower().endswith((".html", ".htm")))
    except (OSError, ToolInputError):
        skipped["unreadable"] += 1
        return
    found = None if text is None else [(passage.line, passage.text) for passage in passages(text)]
    _insert(connection, folder, path, stamp, found)


def _removed(connection: sqlite3.Connection, folder: str, path: str, stamp: Stamp | None) -> bool:
    """Take an older version of a file out of the index, and tell whether another process was faster."""
    row = connection.execute(
        "SELECT id, size, mtime_ns FROM indexed_file WHERE folder = ? AND path = ?", (folder, path)
    ).fetchone()
    if row is None:
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
    """Index passages: those of a text with the line that they begin at, those of a document with their place."""
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
    """Index a document in place of its older version; None for one that cannot be read."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if not _removed(connection, *pending):
            _insert(connection, *pending, found)


def matching(connection: sqlite3.Connection, expression: str, folders: Sequence[str], limit: int) -> list[Hit]:
    """Find the passages that match an FTS5 expression best."""
    rows = connection.execute(_SEARCH, {"expression": expression, "folders": json.dumps(folders), "limit": limit})
    return [_hit(*row) for row in rows]


def counts(connection: sqlite3.Connection, folders: Sequence[str]) -> tuple[int, int]:
    """Count the files of folders that are searched, and those that cannot be read."""
    row = connection.execute(
        "SELECT COALESCE(SUM(is_text), 0), COALESCE(SUM(NOT is_text), 0) FROM indexed_file "
        "WHERE folder IN (SELECT value FROM json_each(?))",
        (json.dumps(folders),),
    ).fetchone()
    return row[0], row[1]


def _hit(folder: str, path: str, place: int | str, body: str, snippet: str) -> Hit:
    line, text = located(body, snippet, first_line=place if isinstance(place, int) else 0)
    return Hit(folder, path, place if isinstance(place, str) else str(line), text)
