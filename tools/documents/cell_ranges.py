"""Spreadsheet cell references and ranges: `A1`, `B2:B40`."""

import re
from collections.abc import Iterable
from typing import Final

_MAX_RANGES: Final = 100
_CELL: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_STRING: Final = re.compile(r'("[^"]*")')
_ROW: Final = re.compile(r"(?<![A-Za-z0-9_.$])(\$?[A-Z]{1,3})(\d{1,7})(?![A-Za-z0-9_(])")


def letters(column: int) -> str:
    """Convert a column number to letters: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def ranges_of_columns(columns: Iterable[int]) -> str:
    """Format columns compactly by their letters: `B, D-F`."""
    return ranges((1, column) for column in columns).replace("1", "").replace(":", "-")


def cell_of(reference: str) -> tuple[int, int] | None:
    """Parse the first cell of `B2` or `B2:C9` as row and column, both from 1; None when it is not a reference."""
    found = _CELL.match(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(found[2]), column


def relative(formula: str, row: int) -> str:
    """Rewrite a formula with relative rows, so that formulas filled down a column become equal."""
    pieces = _STRING.split(formula)  # every other piece is a string
    pieces[::2] = [_ROW.sub(lambda cell: f"{cell[1]}[{int(cell[2]) - row}]", piece) for piece in pieces[::2]]
    return "".join(pieces)


def ranges(cells: Iterable[tuple[int, int]]) -> str:
    """Cover cells, given as row and column, with few rectangles: rows first, then equal rows below each other."""
    runs: list[list[int]] = []  # row, first column, last column
    for row, column in sorted(set(cells)):
        if runs and runs[-1][0] == row and runs[-1][2] == column - 1:
            runs[-1][2] = column
        else:
            runs.append([row, column, column])
    rectangles: list[list[int]] = []  # first row, last row, first column, last column
    growing: dict[tuple[int, int], list[int]] = {}
    for row, first, last in runs:
        found = growing.get((first, last))
        if found is not None and found[1] == row - 1:
            found[1] = row
        else:
            growing[first, last] = found = [row, row, first, last]
            rectangles.append(found)
    shown = [_rectangle(*rectangle) for rectangle in rectangles[:_MAX_RANGES]]
    more = len(rectangles) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _rectangle(top: int, bottom: int, left: int, right: int) -> str:
    start, end = f"{letters(left)}{top}", f"{letters(right)}{bottom}"
    return start if start == end else f"{start}:{end}"
