"""HTML tables: fills merged cells and moves nested tables behind their table."""

from collections.abc import Iterable
from typing import Any, Final

from memento.tools.documents.left_out import LeftOut

MAX_ADDED: Final = 50_000
"""Cells added to one page for those that span others; no further ones are filled in."""

_MAX_SPAN: Final = 1_000
_MAX_REPEATED_CHARS: Final = 400
_MAX_MOVED: Final = 500
_CELLS: Final = ("td", "th")


def fill_spans(page: Any, left_out: LeftOut) -> None:
    """Give every spanned cell of every table its own place, so that no row is shifted.

    What a merged cell says is repeated in each place that it covers, as `pandas.read_html` does, but not along a row
    that has no other cell.

    Args:
        page: an lxml tree, changed in place.
        left_out: counts the tables for which that is too much.
    """
    n_added = 0
    for table in page.iter("table"):
        if any(cell.get("rowspan") or cell.get("colspan") for cell in table.iter(*_CELLS)):
            n_added += _filled(_rows(table), MAX_ADDED - n_added)
            left_out.add("table whose merged cells are not all filled in", n_added > MAX_ADDED)


def _filled(rows: list[Any], max_added: int) -> int:
    """Fill one table; return how many cells were added."""
    n_added = 0
    carried: dict[int, tuple[int, Any]] = {}  # by column: how many rows below it covers, and the cell
    for number, row in enumerate(rows):
        if n_added > max_added:
            break
        laid: dict[int, Any] = {}
        below = {column: (left - 1, cell) for column, (left, cell) in carried.items() if left > 1}
        cells = [cell for cell in row if cell.tag in _CELLS]
        column = 0
        for cell in cells:
            while column in carried:
                column += 1
            laid[column] = cell
            n_rows = min(_span(cell, "rowspan", len(rows)) or len(rows), len(rows) - number)
            n_columns = max(_span(cell, "colspan", _MAX_SPAN), 1)
            is_alone = len(cells) == 1 and not carried
            n_placed = 1
            for place in range(column, column + n_columns):
                if place in carried or len(laid) > max_added - n_added:
                    break
                if place > column:
                    laid[place] = _copy(cell, "" if is_alone else _words(cell))
                n_placed = place - column + 1
                if n_rows > 1:
                    below[place] = (n_rows - 1, cell)
            column += n_placed
        n_added += _lay(row, cells, laid, carried)
        carried = below
    return n_added


def _lay(row: Any, cells: list[Any], laid: dict[int, Any], carried: dict[int, tuple[int, Any]]) -> int:
    """Merge a row's cells with those spanning down into it, in column order."""
    laid |= {column: _copy(cell, _words(cell)) for column, (_, cell) in carried.items()}
    for cell in cells:
        row.remove(cell)
        for name in ("rowspan", "colspan"):
            cell.attrib.pop(name, None)
    last = -1
    for column in sorted(laid):
        gap = [row.makeelement("td") for _ in range(min(column - last - 1, _MAX_SPAN))]
        row.extend([*gap, laid[column]])
        last = column
    return len(laid) - len(cells)


def _rows(table: Any) -> list[Any]:
    """Return the rows of a table, without those of nested tables."""
    found = []
    for child in table:
        if child.tag == "tr":
            found.append(child)
        elif child.tag in ("thead", "tbody", "tfoot"):
            found += [row for row in child if row.tag == "tr"]
    return found


def _span(cell: Any, name: str, most: int) -> int:
    value = (cell.get(name) or "1").strip()
    return min(int(value), most) if value.isascii() and value.isdigit() and len(value) < 10 else 1


def _words(cell: Any) -> str:
    words = " ".join(" ".join(cell.itertext()).split())
    return words if len(words) <= _MAX_REPEATED_CHARS else f"{words[:_MAX_REPEATED_CHARS]}…"


def _copy(cell: Any, words: str) -> Any:
    copy = cell.makeelement(cell.tag)
    copy.text = words
    return copy


def move_inner_tables(page: Any) -> None:
    """Move each nested table behind its outer one, with a note in the cell.

    Tables of one column that only arrange others are taken apart instead.

    Args:
        page: an lxml tree, changed in place.
    """
    for table in list(page.iter("table")):
        if next(table.iterdescendants("table"), None) is not None and all(_n_cells(row) < 2 for row in _rows(table)):
            _take_apart(table)
    behind: dict[Any, Any] = {}
    inner = [table for table in page.iter("table") if next(table.iterancestors(*_CELLS), None) is not None]
    for number, table in enumerate(inner[:_MAX_MOVED], 1):
        outer = next(table.iterancestors("table"), None)
        if outer is None:
            continue
        name = table.makeelement("p")
        name.text = f"Table {number}:"
        mark = table.makeelement("span")
        mark.text = f" (table {number}, below) "
        mark.tail, table.tail = table.tail, None
        table.getparent().replace(table, mark)
        last = behind.get(outer, outer)
        name.tail, last.tail = None, last.tail
        last.addnext(name)
        name.addnext(table)
        behind[outer] = table


def _n_cells(row: Iterable[Any]) -> int:
    return sum(cell.tag in _CELLS for cell in row)


def _take_apart(table: Any) -> None:
    for row in _rows(table):
        parent = row.getparent()
        for element in (*(cell for cell in row if cell.tag in _CELLS), row):
            element.tag = "div"
        if parent is not table:
            parent.tag = "div"
    table.tag = "div"
