"""Rows of a CSV file with a header, each with its line number."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from memento.evals.datasets.row import SourceRow
from memento.memory.errors import InvalidInput
from memento.tools.csv_reader import MAX_CELL_CHARS, CsvReader

_DELIMITERS = (",", ";", "\t")
_NEVER_CLOSED = "unexpected end of data"
_TEXT_AFTER = "expected after"
_TOO_LONG = "larger than field limit"


class _Record(NamedTuple):
    line: int
    cells: list[str]
    problem: str = ""


def csv_rows(path: Path) -> Iterator[SourceRow]:
    """Yield the rows below the header; the delimiter is the most frequent comma, semicolon or tab in it.

    A row whose quotation marks do not match ends where that shows. Its lines are bad rows one by one: what they hold
    could be anything.

    Raises:
        InvalidInput: the header cannot be read, or names a column twice.
    """
    # Bytes that are not UTF-8 become lone surrogates, which UTF-8 never has: they betray the rows they are in.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = list(file)
    delimiter = max(_DELIMITERS, key=lambda sign: len(_first(lines, sign).cells))
    header = _header(_first(lines, delimiter), path)
    for record in islice(_records(lines, delimiter), 1, None):
        yield _row(record, header)


def _first(lines: Sequence[str], delimiter: str) -> _Record:
    return next(_records(lines, delimiter), _Record(1, [], "nothing stands in it"))


def _header(record: _Record, path: Path) -> list[str]:
    problem = record.problem or _not_utf8(record.cells)
    if problem:
        raise InvalidInput(f"{path}, line {record.line}: the header of the csv file cannot be read: {problem}")
    names = [name.strip() for name in record.cells]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise InvalidInput(f"{path}, line {record.line}: several columns are called {twice[0]!r}; rename them")
    return names


def _row(record: _Record, header: Sequence[str]) -> SourceRow:
    problem = record.problem or _not_utf8(record.cells)
    if not problem and len(record.cells) != len(header):
        problem = f"{len(record.cells)} columns, but the header has {len(header)}"
    fields = {} if problem else {name: cell for name, cell in zip(header, record.cells, strict=True) if name}
    return SourceRow(record.line, fields, problem, is_csv=True)


def _records(lines: Sequence[str], delimiter: str) -> Iterator[_Record]:
    """Parse the lines; after an error, resume at the following line."""
    begin = 0
    while begin < len(lines):
        offset, reader = begin, CsvReader(islice(lines, begin, None), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if cells and not _is_blank(cells):
                    yield _Record(begin + 1, cells)
                begin = offset + reader.line_num
        except csv.Error as error:
            end = offset + reader.line_num
            yield _Record(begin + 1, [], _explained(error))
            for line in range(begin + 1, end):
                yield _Record(line + 1, [], f"part of the row that begins on line {begin + 1}, which cannot be read")
            begin = end


def _is_blank(cells: Sequence[str]) -> bool:
    return len(cells) == 1 and not cells[0].strip()


def _explained(error: csv.Error) -> str:
    text = str(error)
    if text == _NEVER_CLOSED:
        return "a quotation mark that is never closed"
    if _TOO_LONG in text:
        return f"a cell of more than {MAX_CELL_CHARS:,} characters"
    return "text after a closing quotation mark" if _TEXT_AFTER in text else text


def _not_utf8(cells: Sequence[str]) -> str:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    return ""
