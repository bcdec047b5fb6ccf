"""Converts OpenDocument XML to blocks and lines of Markdown."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from memento.tools.documents.equations import linear, local_name, raised
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.ooxml_package import attribute, parsed
from memento.tools.documents.opendocument_styles import Styles
from memento.tools.documents.tables import table

_MAX_DEPTH: Final = 100
_MAX_REPEATED: Final = 100
_SHAPES: Final = frozenset(
    {"custom-shape", "line", "path", "polygon", "polyline", "rect", "circle", "ellipse", "connector", "measure"}
)
_UNSEEN: Final = frozenset(
    {"tracked-changes", "sequence-decls", "variable-decls", "title", "desc", "annotation-end", "scripts"}
)
_FIELDS: Final = frozenset(
    {"text", "textarea", "checkbox", "radio", "listbox", "combobox", "button", "password", "date", "time", "number"}
)


class Writer:
    """Converts the elements of one document."""

    def __init__(self, archive: ZipFile, roots: Sequence[Element], left_out: LeftOut) -> None:
        """Read the document's styles and tracked deletions.

        Args:
            archive: the document; equations are parts of their own in it.
            roots: of the parts that have styles.
            left_out: counts what has no words.
        """
        self._archive = archive
        self._left_out = left_out
        self._styles = Styles(roots)
        self._inner: list[Element] = []  # tables within cells that wait for the end of theirs
        self._n_inner = 0
        self._deleted = {
            key: " / ".join(self.inline(one) for one in blocks) for key, blocks in self._styles.deleted.items()
        }

    def notes(self) -> list[str]:
        """List what the reader should know about the document."""
        told = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in self._styles.changes.items()]
        return [f"tracked changes: {', '.join(told)}; what was deleted is shown ~~struck through~~"] if told else []

    def is_hidden_slide(self, style: str) -> bool:
        """Tell whether slides of that style are hidden."""
        return style in self._styles.hidden

    def blocks(self, parent: Element, depth: int = 0) -> list[str]:
        """Convert the blocks below an element, one string each."""
        if depth > _MAX_DEPTH:
            return [" ".join(parent.itertext())]
        written: list[str] = []
        for element in parent:
            name = local_name(element)
            if name == "h":
                level = attribute(element, "outline-level")
                written += [f"{'#' * min(int(level) if level.isdigit() else 1, 6)} {self.inline(element)}", ""]
            elif name == "p":
                written += [self.inline(element), ""]
            elif name == "table":
                written += self._table(element, depth)
            elif name == "list-item":
                items = [line for line in self.blocks(element, depth + 1) if line]
                written += [f"- {items[0]}", *(f"  {line}" for line in items[1:])] if items else []
            elif name == "notes":
                notes = " ".join(line for line in self.blocks(element, depth + 1) if line)
                written += [f"Notes: {notes}"] if notes else []
            elif name in ("frame", "annotation") or name in _SHAPES:
                written += self._block_of(element, name, depth)
            elif name == "form":
                self._left_out.add("form field", sum(local_name(one) in _FIELDS for one in element.iter()))
            elif name not in _UNSEEN:
                written += self.blocks(element, depth + 1)
        return written

    def _block_of(self, element: Element, name: str, depth: int) -> list[str]:
        """Convert a frame, a shape or a comment that stands directly on a page."""
        if name != "annotation" and any(local_name(one) in ("p", "h", "table") for one in element.iter()):
            return self.blocks(element, depth + 1)
        text = (self._comment(element) if name == "annotation" else self._frame(element, name, depth)).strip()
        return [text, ""] if text else []

    def inline(self, element: Element, depth: int = 0) -> str:
        """Convert the text of a paragraph."""
        return "".join(self._pieces(element, depth)).strip()

    def _pieces(self, element: Element, depth: int) -> Iterator[str]:
        if depth > _MAX_DEPTH:
            yield "".join(element.itertext())
            return
        yield element.text or ""
        for child in element:
            yield self._piece(child, depth + 1)
            yield child.tail or ""

    def _piece(self, element: Element, depth: int) -> str:
        name = local_name(element)
        if name in ("s", "tab", "line-break"):
            count = attribute(element, "c")
            return {"s": " ", "tab": "\t", "line-break": "\n"}[name] * (min(int(count), 100) if count.isdigit() else 1)
        if name in _UNSEEN:
            return ""
        if name == "annotation":
            return self._comment(element)
        if name == "change":
            deleted = self._deleted.get(attribute(element, "change-id"), "")
            return f"~~{deleted}~~" if deleted else ""
        if name in ("frame", "table") or name in _SHAPES:
            return self._frame(element, name, depth)
        if name in ("hidden-text", "hidden-paragraph"):
            return f"[hidden: {attribute(element, 'string-value') or self.inline(element, depth)}]"
        text = "".join(self._pieces(element, depth))
        return self._styled(element, name, text)

    def _styled(self, element: Element, name: str, text: str) -> str:
        """Render an inline element with what its style means for its text."""
        if name == "note":
            parts = {local_name(one): self.inline(one) for one in element}
            return f"[note {parts.get('note-citation', '')}: {parts.get('note-body', '')}]"
        if name == "ruby-text":
            return f"({text})"
        if name == "a":
            address = attribute(element, "href")
            return text if not address or address.startswith("#") or address in text else f"{text} ({address})"
        if name == "span":
            style = attribute(element, "style-name")
            text = raised("", text, self._styles.raised[style]) if style in self._styles.raised else text
            return f"[hidden: {text}]" if style in self._styles.hidden and text else text
        return text

    def _comment(self, element: Element) -> str:
        author, text = self.comment(element)
        return f"[comment by {author}: {text}]"

    def comment(self, element: Element) -> tuple[str, str]:
        """Return the author and the text of a comment."""
        author = next((one.text or "" for one in element if local_name(one) == "creator"), "") or "somebody"
        about = ("creator", "date", "creator-initials", "date-string")
        return author, " / ".join(line for line in self.blocks(_without(element, about)) if line)

    def beside(self, element: Element) -> str:
        """Render an element that stands in a cell beside its text."""
        return self._piece(element, 1)

    def _frame(self, element: Element, name: str, depth: int) -> str:
        """Render a frame or a shape: its words, or its kind."""
        if name == "table":
            self._n_inner += 1
            self._inner.append(element)
            return f"(table {self._n_inner}, below)"
        holder = next((one for one in element if local_name(one) in ("object", "object-ole", "plugin")), None)
        if holder is not None:
            return self._object(holder)
        words = [line for line in self.blocks(_without(element, ("image",)), depth + 1) if line]
        if words:
            return f" [text box: {' / '.join(words)}] "
        about = " ".join(one.text or "" for one in element if local_name(one) in ("title", "desc")).strip()
        is_picture = any(local_name(one) == "image" for one in element)
        self._left_out.add("picture" if is_picture else "drawing")
        return f" [picture: {about}] " if about and is_picture else ""

    def _object(self, holder: Element) -> str:
        """Render an equation; count other objects as left out."""
        place = attribute(holder, "href").removeprefix("./")
        root = next((one for one in holder if local_name(one) == "math"), None)
        root = root if root is not None else parsed(self._archive, f"{place}/content.xml")
        if root is not None and local_name(root) == "math":
            return linear(root)
        is_chart = root is not None and any(local_name(one) == "chart" for one in root.iter())
        kind = "video or sound" if local_name(holder) == "plugin" else "chart" if is_chart else "embedded object"
        self._left_out.add(kind)
        return ""

    def _table(self, element: Element, depth: int) -> list[str]:
        """Render a table, followed by tables nested in its cells."""
        outer, self._inner = self._inner, []
        first = self._n_inner + 1
        written = [table(self._cells(element)), ""]
        inner, self._inner = self._inner, outer
        for number, one in enumerate(inner, first):
            written += [f"Table {number}:", "", *self._table(one, depth + 1)]
        return written

    def _cells(self, element: Element) -> list[list[str]]:
        """Return the cells of a table; a merged cell's text is repeated in every place it covers."""
        grid: list[list[str]] = []
        merged: list[tuple[int, int, int, int]] = []  # first row and column, their numbers
        for row in rows_of(element):
            cells: list[str] = []
            n_cells = sum(local_name(cell) == "table-cell" for cell in row)
            for cell in row:
                if local_name(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                n_columns, n_rows = count(cell, "number-columns-spanned"), count(cell, "number-rows-spanned")
                if (n_columns > 1 and n_cells > 1) or n_rows > 1:
                    merged.append((len(grid), len(cells), n_rows, n_columns))
                text = " ".join(self.inline_blocks(cell))
                cells += [text] * count(cell, "number-columns-repeated")
            grid.append(cells)
        for top, left, n_rows, n_columns in merged:
            for covered in grid[top : top + n_rows]:
                for column in range(left, min(left + n_columns, len(covered))):
                    covered[column] = covered[column] or grid[top][left]
        return grid

    def inline_blocks(self, cell: Element) -> list[str]:
        """Render the paragraphs of a cell; a nested table is moved behind its own."""
        found = []
        for one in cell:
            name = local_name(one)
            text = self._piece(one, 1) if name == "table" else " ".join(filter(None, self.blocks(_only(cell, one))))
            found.append(text.strip())
        return [text for text in found if text]


def _only(parent: Element, child: Element) -> Element:
    copy = Element(parent.tag)
    copy.append(child)
    return copy


def _without(parent: Element, names: Sequence[str]) -> Element:
    copy = Element(parent.tag)
    copy.extend(one for one in parent if local_name(one) not in names)
    return copy


def rows_of(element: Element) -> Iterator[Element]:
    """Yield the rows of a table, without those of nested tables."""
    for child in element:
        if local_name(child) == "table-row":
            yield child
        elif local_name(child) in ("table-rows", "table-header-rows", "table-row-group"):
            yield from rows_of(child)


def count(cell: Element, name: str, most: int = _MAX_REPEATED) -> int:
    """Read a repetition or span count."""
    value = attribute(cell, name)
    return min(max(int(value), 1), most) if value.isdigit() else 1
