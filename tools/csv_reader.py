"""CSV reader for long cells: Python's own refuses cells above 131,072 characters by default."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Final

MAX_CELL_CHARS: Final = 20_000_000
"""Longest cell; what is longer is an error of the reader. A limit stays, because a quotation mark that is never closed
makes one cell of all that follows."""


class CsvReader:
    """Iterates over the records of a CSV file; the project's only use of `csv.reader`.

    Args:
        lines: with their line ends.
        dialect: of the csv module, or its name.
        options: of `csv.reader`.

    Raises:
        csv.Error: while it is iterated: the record cannot be read.
    """

    def __init__(self, lines: Iterable[str], dialect: Any = "excel", **options: Any) -> None:
        # The limit is the process's, and is read when a record is. A host that has set a higher one keeps it.
        if csv.field_size_limit() < MAX_CELL_CHARS:
            csv.field_size_limit(MAX_CELL_CHARS)
        self._reader = csv.reader(lines, dialect, **options)

    @property
    def line_num(self) -> int:
        """Number of lines read so far."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self._reader
