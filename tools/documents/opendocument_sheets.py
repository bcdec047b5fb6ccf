"""OpenDocument spreadsheets (ods): displayed values, formulas, notes, links, merged ranges, hidden parts."""

import html
import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from memento.tools.documents.cell_ranges import letters, ranges_of_columns
from memento.tools.documents.document import BY_CODE, Document, DocumentPart, Mark, clean, numbers
from memento.tools.documents.equations import local_name
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.ooxml_package import attribute
from memento.tools.documents.opendocument_text import Writer, count
from memento.tools.errors import ToolInputError

MAX_CELLS: Final = 300_000
"""Cells read by one call, of all sheets together."""
MAX_WIDTH: Final = 500
"""Columns read."""

_MAX_ROWS: Final = 1_048_576
_CHUNK_BYTES: Final = 1 << 20
_LONGEST_TAG: Final = 2_000
_SHEET: Final = re.compile(rb"<(?:\w+:)?table\s[^>]*?\btable:name=\"([^\"]*)\"")
_NUMBERS: Final = ("float", "percentage", "currency")
_COUNTED: Final = {
    "data-pilot-table": "pivot table definition",
    "content-validation": "list of allowed values",
    "conditional-format": "conditional format",
}


def ods(file: BinaryIO, sheet: str) -> Document:
    """Open an OpenDocument spreadsheet.

    Args:
        file: the open file.
        sheet: the only sheet to read; empty for all.
    """
    archive = ZipFile(file)
    try:
        names = _sheet_names(archive)
    except (KeyError, RuntimeError):
        raise ToolInputError("it is damaged, or protected by a password") from None
    if sheet and sheet.lower() not in [name.lower() for name in names]:
        raise ToolInputError(f"there is no sheet {sheet!r}; there are: {', '.join(names)}")
    document = Document("row", (), LeftOut(), sheets=names)
    document.parts = _Reader(archive, document, sheet.lower()).rows()
    return document


def _sheet_names(archive: ZipFile) -> list[str]:
    """Find the names of sheets without parsing their rows."""
    found: dict[str, None] = {}
    carried = b""
    with archive.open("content.xml") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            content = carried + chunk
            found |= dict.fromkeys(html.unescape(one[1].decode("utf-8", "replace")) for one in _SHEET.finditer(content))
            carried = content[max(content.rfind(b"<"), len(content) - _LONGEST_TAG) :]
    return list(found)


class _Reader:
    """Reads the sheets of one document, row by row."""

    def __init__(self, archive: ZipFile, document: Document, wanted: str) -> None:
        self._archive = archive
        self._document = document
        self._wanted = wanted
        self._writer = Writer(archive, [], document.left_out)
        self._hidden_styles: set[str] = set()
        self._sheet = ""
        self._number = 1
        self._column = 1
        self._hidden_rows: list[int] = []
        self._hidden_columns: list[int] = []
        self._names: list[str] = []

    def rows(self) -> Iterator[DocumentPart]:
        """Yield the non-empty rows, up to the limit of one call."""
        from defusedxml.ElementTree import iterparse

        n_left = MAX_CELLS
        is_read = False
        with self._archive.open("content.xml") as stream:
            for event, element in iterparse(stream, events=("start", "end")):
                name = local_name(element)
                if event == "start":
                    if name == "table":
                        is_read = self._begin(element)
                elif name == "table-row":
                    for part in self._row(element) if is_read else ():
                        yield part
                        n_left -= max(len(part.cells), 1)
                        if n_left < 0:
                            self._end()
                            self._document.notes.append(
                                f"read up to row {part.number} of {part.sheet!r} only; name another sheet to begin "
                                f"there; {BY_CODE}"
                            )
                            return
                    element.clear()
                else:
                    self._other(element, name, is_read=is_read)
        if self._names:
            self._document.notes.append(f"names: {'; '.join(self._names)}")

    def _begin(self, element: Element) -> bool:
        self._sheet = attribute(element, "name")
        self._number = self._column = 1
        self._hidden_rows, self._hidden_columns = [], []
        is_read = not self._wanted or self._sheet.lower() == self._wanted
        if is_read and attribute(element, "style-name") in self._hidden_styles:
            self._document.notes.append(f"sheet {self._sheet!r} is hidden")
        return is_read

    def _other(self, element: Element, name: str, *, is_read: bool) -> None:
        """Note elements before, between and after the rows."""
        if name == "automatic-styles":
            self._writer = Writer(self._archive, [element], self._document.left_out)
            self._hidden_styles = {
                attribute(style, "name")
                for style in element
                if any(attribute(one, "display") == "false" for one in style)
            }
        elif name == "table-column":
            n = count(element, "number-columns-repeated", MAX_WIDTH)
            if attribute(element, "visibility") in ("collapse", "filter"):
                self._hidden_columns += range(self._column, self._column + n)
            self._column += n
        elif name == "table" and is_read:
            self._end()
        elif name == "shapes" and is_read:
            texts = [text for text in self._writer.blocks(element) if text.strip()]
            self._document.notes += [f"on {self._sheet!r}: {text.strip()}" for text in texts]
        elif name == "named-range":
            self._names.append(f"{attribute(element, 'name')} = {attribute(element, 'cell-range-address')}")
        elif name in _COUNTED:
            self._document.left_out.add(_COUNTED[name])

    def _end(self) -> None:
        rows, columns = numbers(self._hidden_rows), ranges_of_columns(self._hidden_columns)
        hidden = [*([f"rows {rows}"] if rows else []), *([f"columns {columns}"] if columns else [])]
        if hidden:
            self._document.notes.append(f"hidden in {self._sheet!r}: {'; '.join(hidden)}")

    def _row(self, row: Element) -> Iterator[DocumentPart]:
        """Yield a row as often as it is repeated."""
        n_times = count(row, "number-rows-repeated", _MAX_ROWS)
        cells: list[str] = []
        marks: list[Mark] = []
        for cell in row:
            if len(cells) >= MAX_WIDTH:
                break
            if local_name(cell) in ("table-cell", "covered-table-cell"):
                text = self._cell(cell, len(cells) + 1, marks)
                n_columns = count(cell, "number-columns-repeated", MAX_WIDTH - len(cells))
                cells += [text] * n_columns
        while cells and not cells[-1]:
            cells.pop()
        first = self._number
        self._number += n_times
        if attribute(row, "visibility") in ("collapse", "filter"):
            self._hidden_rows += range(first, first + min(n_times, MAX_WIDTH))
        if cells or marks:
            for number in range(first, first + n_times):
                yield DocumentPart(number, cells=tuple(cells), sheet=self._sheet, marks=tuple(marks))

    def _cell(self, cell: Element, column: int, marks: list[Mark]) -> str:
        """Render the value of a cell, and note its annotations."""
        texts = [self._writer.inline(one) for one in cell if local_name(one) in ("p", "h")]
        for one in cell:
            name = local_name(one)
            if name == "annotation":
                author, text = self._writer.comment(one)
                marks.append(Mark(column, "note", clean(f"{author}: {text}")))
            elif name not in ("p", "h") and (text := self._writer.beside(one).strip()):
                marks.append(Mark(column, "note", clean(text)))
        n_columns, n_rows = count(cell, "number-columns-spanned"), count(cell, "number-rows-spanned")
        if n_columns > 1 or n_rows > 1:
            end = f"{letters(column + n_columns - 1)}{self._number + n_rows - 1}"
            marks.append(Mark(column, "merged", f"{letters(column)}{self._number}:{end}"))
        text = clean(_value(cell, "\n".join(texts)))
        formula = attribute(cell, "formula")
        if formula:
            formula = f"={formula.partition('=')[2]}"
            marks.append(Mark(column, "formula", clean(formula)))
        return text or formula


def _value(cell: Element, text: str) -> str:
    """Return a cell's displayed value, followed by the exact number where that has more digits."""
    day, value = attribute(cell, "date-value"), attribute(cell, "value")
    if day:
        return day.replace("T", " ").removesuffix(" 00:00:00")
    if not text or attribute(cell, "value-type") not in _NUMBERS or not value:
        return text or value
    return text if _digits(text) == _digits(value) else f"{text} ({value})"


def _digits(number: str) -> str:
    mantissa = number.lower().partition("e")[0]
    return "".join(one for one in mantissa if one.isdigit()).strip("0")
