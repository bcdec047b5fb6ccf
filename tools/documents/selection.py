"""Selects what to show of a document: the parts asked for, or those that match a query, up to a length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from memento.tools.documents.document import Document, DocumentPart, PartRange, Unit, numbers
from memento.tools.documents.layout import laid_out
from memento.tools.errors import ToolInputError
from memento.tools.files.passages import PASSAGE_CHARS, passages, without_breaks
from memento.tools.files.ranking import best_passages

MAX_SCANS: Final = 8
"""Scanned pages looked at by one call."""

_HEADING_CHARS: Final = 20
"""Of what stands above a page."""


@dataclass
class SelectedText:
    """The selected text of a document."""

    text: str
    scans: list[int] = field(default_factory=list)
    """Pages to look at."""
    notes: list[str] = field(default_factory=list)
    """Which parts these are, and how to get at the others."""


class TextBlock(NamedTuple):
    """The unit that is kept or left out as a whole."""

    where: str
    """For people; empty for rows, which are shown as a table that says it."""
    text: str
    parts: tuple[DocumentPart, ...]


class _Found(NamedTuple):
    parts: Iterator[DocumentPart]
    heads: dict[str, DocumentPart]
    """The first row of each sheet that was met; it tells what the columns are."""


def selected(document: Document, wanted: PartRange, query: str, *, max_chars: int, can_look: bool) -> SelectedText:
    """Select parts of a document.

    Args:
        document: its parts are read as far as needed.
        wanted: parts to choose from.
        query: keeps the passages that match it best; empty for the first parts that there is room for.
        max_chars: length of what is shown, about.
        can_look: whether somebody will look at scanned pages; they take room, too, then.

    Raises:
        ToolInputError: there are no such parts.
    """
    found = _covered(document, wanted)
    first, following = _first(document.unit, found.parts, max_chars, max_chars // MAX_SCANS if can_look else 0)
    if not first:
        raise ToolInputError(_nothing(document, wanted))
    if following is None or not query.strip():
        return _from_start(document, first, following, found.heads, max_chars)
    everything = [*first, following, *found.parts]
    kept = _answering(list(blocks(document.unit, everything)), query, max_chars)
    if not kept:
        selection = _from_start(document, first, following, found.heads, max_chars)
        selection.notes.insert(0, "no passage has a word of the query, so this is the start")
        return selection
    scans = [part.number for part in everything if part.is_scan]
    return SelectedText(_written(document, kept, found.heads), scans, [_kept(document.unit, len(kept))])


def _covered(document: Document, wanted: PartRange) -> _Found:
    heads: dict[str, DocumentPart] = {}

    def covered() -> Iterator[DocumentPart]:
        for part in document.parts:
            heads.setdefault(part.sheet, part)
            if wanted.covers(part):
                yield part

    return _Found(covered(), heads)


def _first(
    unit: Unit, parts: Iterator[DocumentPart], max_chars: int, scan_chars: int
) -> tuple[list[DocumentPart], DocumentPart | None]:
    """Take as many parts as fit, at least one, and the one after them."""
    heading_chars = _HEADING_CHARS if unit in ("page", "slide") else 0
    taken: list[DocumentPart] = []
    for part in parts:
        max_chars -= scan_chars if part.is_scan else part.n_chars + heading_chars
        if taken and max_chars < 0:
            return taken, part
        taken.append(part)
    return taken, None


def _nothing(document: Document, wanted: PartRange) -> str:
    if wanted == PartRange():
        return "there is nothing in it"
    of = f"; it has {document.n_parts} {document.unit}s" if document.n_parts is not None else ""
    return f"there is no such {document.unit}{of}"


def _from_start(
    document: Document,
    parts: Sequence[DocumentPart],
    following: DocumentPart | None,
    heads: dict[str, DocumentPart],
    max_chars: int,
) -> SelectedText:
    text = laid_out(document.unit, parts, heads)
    selection = SelectedText(text, [part.number for part in parts if part.is_scan])
    if len(text) > 2 * max_chars:
        selection.text = text[:max_chars]
        selection.notes.append(f"cut: {len(text) - max_chars:,} more characters here; give a query to find the rest")
    if following is not None:
        selection.notes.append(_statement(document, parts, following))
    return selection


def _statement(document: Document, parts: Sequence[DocumentPart], following: DocumentPart) -> str:
    """Say which parts are shown and how to read on."""
    unit = document.unit
    if following.sheet:
        shown = f"shown up to {parts[-1].sheet!r} row {parts[-1].number}"
        again = f"{following.sheet}!{following.number}-"
    else:
        of = f" of {document.n_parts}" if document.n_parts is not None else ""
        shown = f"shown: {unit}s {parts[0].number}-{parts[-1].number}{of}"
        again = f"{following.number}-"
    return f"{shown}; for more, call again with pages={again!r}, or with a query"


def blocks(unit: Unit, parts: Sequence[DocumentPart]) -> Iterator[TextBlock]:
    """Group parts into passages of at most about 800 characters."""
    if unit == "line":
        yield from _line_blocks(parts)
    elif unit == "row":
        yield from _row_blocks(parts)
    else:
        for part in parts:
            for passage in passages(part.text):
                yield TextBlock(f"{unit} {part.number}", passage.text, (part,))


def _line_blocks(parts: Sequence[DocumentPart]) -> Iterator[TextBlock]:
    for passage in passages("\n".join(part.text for part in parts)):
        n_lines = passage.text.strip("\n").count("\n")
        start = passage.line - 1
        covered = tuple(parts[start : start + n_lines + 1])
        yield TextBlock(f"lines {numbers(part.number for part in covered)}", passage.text, covered)


def _row_blocks(parts: Sequence[DocumentPart]) -> Iterator[TextBlock]:
    for _, rows in groupby(parts, key=lambda part: part.sheet):
        block: list[DocumentPart] = []
        n_chars = 0
        for row in rows:
            if block and n_chars + row.n_chars > PASSAGE_CHARS:
                yield _row_block(block)
                block, n_chars = [], 0
            block.append(row)
            n_chars += row.n_chars
        yield _row_block(block)


def _row_block(rows: Sequence[DocumentPart]) -> TextBlock:
    return TextBlock("", "\n".join(" | ".join([*row.cells, *_told(row)]) for row in rows), tuple(rows))


def _told(row: DocumentPart) -> list[str]:
    """Return the text of a row's annotations."""
    return [mark.value for mark in row.marks if mark.what in ("note", "link")]


def _answering(candidates: Sequence[TextBlock], query: str, max_chars: int) -> list[TextBlock]:
    chosen = best_passages([block.text for block in candidates], query, max_chars=max_chars)
    return [candidates[position] for position in chosen]


def _written(document: Document, kept: Sequence[TextBlock], heads: dict[str, DocumentPart]) -> str:
    if document.unit == "row":
        return laid_out("row", [part for block in kept for part in block.parts], heads)
    return "\n\n".join(f"[{block.where}]\n{without_breaks(block.text).strip()}" for block in kept)


def _kept(unit: Unit, n_kept: int) -> str:
    return (
        f"only the {n_kept} passages that match the query best are shown; "
        f"for all of some {unit}s, call again with pages and without a query"
    )
