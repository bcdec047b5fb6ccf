"""Excel sheet content outside cells: notes, links, merged ranges, text boxes, hidden parts, drawings.

The rows are not parsed for it, only passed over, so that a sheet of a hundred thousand of them takes a fraction of a
second.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from memento.tools.documents.cell_ranges import cell_of, letters
from memento.tools.documents.document import Mark, clean
from memento.tools.documents.equations import local_name
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.ooxml_package import (
    Relation,
    attribute,
    parsed,
    parsed_bytes,
    relations,
    without_fallbacks,
)

MAX_MARKS: Final = 5_000
"""Notes, links and merged ranges of one sheet; more are counted as not shown."""

_CHUNK_BYTES: Final = 1 << 20
_MAX_AROUND_BYTES: Final = 20_000_000
_START: Final = re.compile(rb"<(?:\w+:)?sheetData\s*(/?)>")
_END: Final = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_HIDDEN_ROW: Final = re.compile(rb"<(?:\w+:)?row\b(?=[^>]*\bhidden=\"(?:1|true)\")[^>]*\br=\"(\d{1,7})\"")
_LONGEST_TAG: Final = 2_000
_COUNTED: Final = {
    "cfRule": "conditional format",
    "dataValidation": "list of allowed values",
    "oleObject": "embedded object",
    "control": "control",
    "sparkline": "sparkline",
    "headerFooter": "printed header or footer",
}
_GRAPHICS: Final = {"chart": "chart", "chartex": "chart", "slicer": "slicer", "diagram": "diagram"}
_MAX_COLUMNS: Final = 20_000
_COUNTED_RELATIONS: Final = {"pivotTable": "pivot table definition", "slicer": "slicer", "timeline": "slicer"}


@dataclass
class Extras:
    """The content outside the cells of one sheet."""

    marks: dict[int, list[Mark]] = field(default_factory=lambda: defaultdict(list))
    """By row."""
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    tables: list[str] = field(default_factory=list)
    """Names of tables and their ranges."""


def extras(archive: ZipFile, part: str, names: Mapping[str, str], left_out: LeftOut) -> Extras:
    """Read the content outside the cells of a sheet.

    Args:
        archive: the workbook.
        part: name of the sheet's part in it.
        names: of those who write threaded comments, by their keys.
        left_out: counts what is not shown.
    """
    found = Extras()
    related = relations(archive, part)
    around = _around(archive, part, found)
    if around is None:
        left_out.add("sheet's notes and links")
    else:
        _read_around(around, {one.key: one for one in related}, found, left_out)
    _read_notes(archive, related, names, found)
    for relation in related:
        if relation.kind == "drawing":
            _read_drawing(archive, relation.target, found, left_out)
        elif relation.kind == "table" and (table := parsed(archive, relation.target)) is not None:
            found.tables.append(f"{table.get('displayName')} ({table.get('ref')})")
        elif relation.kind in _COUNTED_RELATIONS:
            left_out.add(_COUNTED_RELATIONS[relation.kind])
    return found


def _around(archive: ZipFile, part: str, found: Extras) -> Element | None:
    """Parse a sheet without its rows, noting only which rows are hidden."""
    head, rows, tail = b"", b"", bytearray()
    with archive.open(part) as stream:
        while (start := _START.search(head)) is None:
            if not (chunk := stream.read(_CHUNK_BYTES)):
                return parsed_bytes(head)
            head += chunk
            if len(head) > _MAX_AROUND_BYTES:
                return None
        head, rest = head[: start.start()], head[start.end() :]
        while not start[1]:
            rows += rest
            end = _END.search(rows)
            _note_hidden(rows if end is None else rows[: end.start()], found)
            if end is not None:
                rest = rows[end.end() :]
                break
            rows = rows[max(rows.rfind(b"<"), len(rows) - _LONGEST_TAG) :]
            if not (rest := stream.read(_CHUNK_BYTES)):
                return None
        tail += rest
        while chunk := stream.read(_CHUNK_BYTES):
            tail += chunk
            if len(tail) > _MAX_AROUND_BYTES:
                return None
    return parsed_bytes(head + bytes(tail))


def _note_hidden(rows: bytes, found: Extras) -> None:
    if b"hidden=" in rows:
        found.hidden_rows.update(int(row[1]) for row in _HIDDEN_ROW.finditer(rows))


def _read_around(around: Element, related: dict[str, Relation], found: Extras, left_out: LeftOut) -> None:
    """Read merged ranges, links and hidden columns; count what is not shown."""
    n_marks = 0
    for element in without_fallbacks(around):
        name = local_name(element)
        if name in ("mergeCell", "hyperlink"):
            n_marks += 1
            if n_marks > MAX_MARKS:
                left_out.add("merged range" if name == "mergeCell" else "link")
                continue
            ref = element.get("ref") or ""
            if name == "mergeCell":
                _mark(found, ref, "merged", ref)
            elif address := _address(element, related):
                _mark(found, ref, "link", address)
        elif name == "col" and element.get("hidden") in ("1", "true"):
            first, last = int(element.get("min") or 0), int(element.get("max") or 0)
            found.hidden_columns.update(range(first, min(last, first + _MAX_COLUMNS) + 1))
        elif name in _COUNTED:
            left_out.add(_COUNTED[name])


def _address(link: Element, related: dict[str, Relation]) -> str:
    relation = related.get(attribute(link, "id"))
    place = link.get("location") or ""
    address = relation.target if relation is not None else ""
    return f"{address}#{place}" if place else address


def _mark(found: Extras, ref: str, what: Literal["note", "link", "merged"], value: str) -> None:
    place = cell_of(ref)
    if place is not None and value:
        found.marks[place[0]].append(Mark(place[1], what, clean(value)))


def _read_notes(archive: ZipFile, related: Sequence[Relation], names: Mapping[str, str], found: Extras) -> None:
    """Read comments; of threaded ones, the form that keeps the authors."""
    threaded: set[str] = set()
    for relation in sorted(related, key=lambda one: one.kind != "threadedComment"):
        root = parsed(archive, relation.target) if relation.kind in ("comments", "threadedComment") else None
        if root is None:
            continue
        authors = [one.text or "" for one in root.iter() if local_name(one) == "author"]
        for comment in (one for one in root.iter() if local_name(one) in ("comment", "threadedComment")):
            ref = comment.get("ref") or ""
            if relation.kind == "threadedComment":
                threaded.add(ref)
                author = names.get(comment.get("personId") or "", "")
            elif ref in threaded:
                continue
            else:
                number = comment.get("authorId") or ""
                author = authors[int(number)] if number.isdigit() and int(number) < len(authors) else ""
            _mark(found, ref, "note", _note(author, comment))


def _note(author: str, comment: Element) -> str:
    text = " ".join("".join(one.text or "" for one in comment.iter() if local_name(one) in ("t", "text")).split())
    text = text.removeprefix(f"{author}:").strip()  # which programs write before it
    return f"{author}: {text}" if author else text


def _read_drawing(archive: ZipFile, part: str, found: Extras, left_out: LeftOut) -> None:
    """Read a sheet's text boxes as notes of the cells where they begin; count other drawings."""
    root = parsed(archive, part)
    for anchor in () if root is None else root:
        begins = next((one for one in anchor if local_name(one) == "from"), None)
        places = {} if begins is None else {local_name(one): int(one.text or 0) for one in begins}
        for element in without_fallbacks(anchor):
            name = local_name(element)
            if name == "sp":
                words = " ".join(one.text or "" for one in element.iter() if local_name(one) == "t").strip()
                cell = f"{letters(places.get('col', 0) + 1)}{places.get('row', 0) + 1}"
                _mark(found, cell, "note", f"text box: {words}" if words else "")
                left_out.add("drawing", not words)
            elif name == "pic":
                left_out.add("picture")
            elif name == "cxnSp":
                left_out.add("connector")
            elif name == "graphicData":
                left_out.add(_GRAPHICS.get((element.get("uri") or "").rpartition("/")[2], "drawing"))


def people(archive: ZipFile) -> dict[str, str]:
    """Map the ids of comment authors to names."""
    found = {}
    for part in archive.namelist():
        if part.startswith("xl/persons/") and (root := parsed(archive, part)) is not None:
            found.update({one.get("id") or "": one.get("displayName") or "" for one in root})
    return found
