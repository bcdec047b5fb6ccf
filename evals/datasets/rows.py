"""Reads rows with line numbers from JSON lines, JSON or CSV files."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from memento.evals.datasets.csv_rows import csv_rows
from memento.evals.datasets.json_rows import complete_object, json_rows, line_rows, rows_inside
from memento.evals.datasets.row import SourceRow
from memento.memory.errors import InvalidInput

HEAD_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


def read_rows(path: Path) -> Iterator[SourceRow]:
    """Read a file row by row; its content decides the format, its name only in ambiguous cases.

    Raises:
        InvalidInput: there is no such file, it cannot be read, it is empty, or it is not UTF-8 text.
    """
    try:
        yield from _reader(path)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error


def _reader(path: Path) -> Iterator[SourceRow]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if b"\0" in head or head.startswith(_GZIP):
        raise InvalidInput(f"{path} is not UTF-8 text; save it as JSON lines, JSON or csv in UTF-8")
    begin = head.removeprefix(_BOM).lstrip()[:1]
    if not begin:
        raise InvalidInput(f"{path} is empty")
    if path.suffix.lower() in (".csv", ".tsv"):
        return csv_rows(path)
    if begin == b"[":
        return json_rows(path)
    if begin == b"{":
        return _braced(path)
    return line_rows(path) if _is_named_lines(path) else csv_rows(path)


def _braced(path: Path) -> Iterator[SourceRow]:
    """Read a file that begins with a brace: JSON lines, or one object around the list of all rows."""
    if _is_named_lines(path):
        return line_rows(path)
    with path.open("rb") as file:
        lines = list(islice((line for line in file if line.strip()), 2))
    first = complete_object(lines[0])
    if first is None:  # either an object over several lines, or lines of which the first is damaged
        follows = complete_object(lines[1]) if len(lines) > 1 else None
        return line_rows(path) if follows is not None else json_rows(path)
    return json_rows(path) if len(lines) == 1 and rows_inside(first) else line_rows(path)


def _is_named_lines(path: Path) -> bool:
    return path.suffix.lower() in (".jsonl", ".ndjson")
