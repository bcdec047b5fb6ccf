"""Renders document parts as Markdown for a model."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from memento.tools.documents.cell_ranges import letters, ranges, relative
from memento.tools.documents.document import DocumentPart, Unit
from memento.tools.documents.tables import table

_MAX_MARKS: Final = 60
"""Lines of formulas, of colours, of notes, of links, shown of a table."""
_TITLES: Final = {"note": "Notes", "link": "Links", "merged": "Merged cells"}


def laid_out(unit: Unit, parts: Sequence[DocumentPart], heads: Mapping[str, DocumentPart]) -> str:
    """Render parts in order.

    Args:
        unit: what they are.
        parts: those to show.
        heads: of rows, the first one of each sheet: shown above others, since it tells what the columns are.
    """
    if unit == "line":
        return "\n".join(part.text for part in parts)
    if unit == "row":
        return "\n\n".join(
            _sheet(sheet, list(rows), heads[sheet]) for sheet, rows in groupby(parts, key=lambda part: part.sheet)
        )
    return "\n\n".join(
        f"--- {unit} {part.number} ---\n{part.text}".rstrip() for part in parts if part.text or not part.is_scan
    )


def _sheet(name: str, rows: list[DocumentPart], head: DocumentPart) -> str:
    if rows[0].number != head.number:
        rows = [head, *rows]
    title = [f"--- sheet {name} ---"] if name else []
    return "\n".join([*title, _grid(rows), *_marks(rows)])


def _grid(rows: Sequence[DocumentPart]) -> str:
    """Render a table with row numbers and column letters, as in a spreadsheet."""
    width = max(len(row.cells) for row in rows)
    if not width:
        return "(no values here)"
    names = [letters(column) for column in range(1, width + 1)]
    return table([["", *names], *([str(row.number), *row.cells] for row in rows)])


def _marks(rows: Sequence[DocumentPart]) -> Iterator[str]:
    """Render formulas and colours, grouped by cells that share them, then notes, links and merged cells."""
    formulas: dict[tuple[int, str], list[DocumentPart]] = defaultdict(list)
    cells: dict[str, list[tuple[int, int]]] = defaultdict(list)
    first: dict[tuple[int, str], str] = {}
    beside: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for mark in row.marks:
            if mark.what == "formula":
                key = (mark.column, relative(mark.value, row.number))
                first.setdefault(key, mark.value)
                formulas[key].append(row)
            elif mark.what in _TITLES:
                place = "" if mark.what == "merged" else f"{letters(mark.column)}{row.number}: "
                beside[mark.what].append(f"{place}{mark.value}")
            else:
                cells[f"{mark.what} {mark.value}"].append((row.number, mark.column))
    written = [
        f"{ranges((row.number, key[0]) for row in found)}: {first[key]}{' and so on down' if len(found) > 1 else ''}"
        for key, found in formulas.items()
    ]
    yield from _limited("Formulas", written)
    yield from _limited("Looks", [f"{look}: {ranges(found)}" for look, found in cells.items()])
    for what, title in _TITLES.items():
        yield from _limited(title, beside[what])


def _limited(title: str, written: list[str]) -> Iterator[str]:
    if written:
        more = [f"({len(written) - _MAX_MARKS} more)"] if len(written) > _MAX_MARKS else []
        yield "\n".join([f"{title}:", *(f"- {line}" for line in written[:_MAX_MARKS]), *more])
