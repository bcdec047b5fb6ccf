"""Document model: numbered parts (pages, slides, rows, lines) that every format is converted to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from memento.tools.documents.left_out import LeftOut
from memento.tools.errors import ToolInputError
from memento.tools.files.passages import cleaned

MAX_FILE_BYTES: Final = 200_000_000
"""Larger files are not opened at all."""

BY_CODE: Final = "run_python may read all of it, if list_files names it"
"""A hint for what no tool reads: code sees the workspace's own files only."""

Unit = Literal["page", "slide", "row", "line"]

_WANTED: Final = re.compile(
    r"(?:(?P<sheet>.+)!)?\s*(?:(?P<first>\d{1,9})\s*(?P<to>-|\u2013|to)?\s*(?P<last>\d{1,9})?)?"
)


class Mark(NamedTuple):
    """An annotation of a sheet's cell: formula, colour, note, link or merged range."""

    column: int
    """From 1."""
    what: Literal["formula", "fill", "font", "note", "link", "merged"]
    value: str
    """The formula; the colour as RRGGBB (of a font also `bold`); the note and who wrote it; the address; the range."""


class DocumentPart(NamedTuple):
    """A page, a slide, a row or a line."""

    number: int
    """As people count it: from 1, in a sheet or a table the number of the row."""
    text: str = ""
    cells: tuple[str, ...] = ()
    """Of a row, in place of the text."""
    sheet: str = ""
    marks: tuple[Mark, ...] = ()
    is_scan: bool = False
    """A page that is a picture, without text."""

    @property
    def n_chars(self) -> int:
        """Approximate length when shown."""
        marked = sum(4 + len(mark.value) for mark in self.marks if mark.what not in ("fill", "font"))
        beside = 5 + len(str(self.number)) if self.cells else 1
        return len(self.text) + sum(map(len, self.cells)) + 3 * len(self.cells) + beside + marked


@dataclass
class Document:
    """An opened document. Its parts are read lazily; notes may grow meanwhile."""

    unit: Unit
    parts: Iterable[DocumentPart]
    left_out: LeftOut
    """What its text does not show; may grow while parts are read."""
    n_parts: int | None = None
    """None when it is known only after all have been read."""
    sheets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the reader should know: what was left out, and why."""


class PartRange(NamedTuple):
    """A range of parts, of one sheet or of all."""

    first: int = 1
    last: int | None = None
    sheet: str = ""

    def covers(self, part: DocumentPart) -> bool:
        """Tell whether the range includes a part."""
        in_sheet = not self.sheet or part.sheet.lower() == self.sheet.lower()
        return in_sheet and self.first <= part.number and (self.last is None or part.number <= self.last)


def wanted_parts(pages: str) -> PartRange:
    """Parse a range as models write it: `3`, `3-7`, `40-`, `Costs!2-50`, `Costs!`.

    Raises:
        ToolInputError: it is not a valid range.
    """
    found = _WANTED.fullmatch(pages.strip())
    if found is None:
        raise ToolInputError(
            f"pages={pages!r} is not a valid range; write '3', '3-7', '40-' or, for a sheet, 'Costs!2-50'"
        )
    first = int(found["first"] or 1)
    last = int(found["last"]) if found["last"] else None if found["to"] or not found["first"] else first
    if last is not None and last < max(first, 1):
        raise ToolInputError(f"pages={pages!r} is an empty range: it ends before it begins; count from 1")
    return PartRange(max(first, 1), last, (found["sheet"] or "").strip().strip("'"))


def numbers(found: Iterable[int]) -> str:
    """Format ascending numbers compactly: `1-3, 7`."""
    runs: list[list[int]] = []
    for number in found:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)


def clean(text: str) -> str:
    """Remove control characters and lone surrogates, which no model should read and no database stores."""
    return cleaned(text.replace("\r\n", "\n").replace("\r", "\n")).encode("utf-8", "replace").decode()
