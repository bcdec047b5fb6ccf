"""A raw row of a data set file."""

from typing import Any, NamedTuple


class WrittenNumber(str):
    """A number of a JSON file, in its original notation."""

    __slots__ = ()


class SourceRow(NamedTuple):
    """A row's fields, or why it cannot be read."""

    line: int
    """On which it begins, from 1."""
    fields: dict[str, Any]
    """As in JSON, but numbers are texts as they were written, and NaN is null."""
    problem: str = ""
    """Not empty where the row cannot be read."""
    is_csv: bool = False
    """Whether its fields could only be texts."""
