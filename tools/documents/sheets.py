"""Spreadsheets: values, and what Excel workbooks have beside them: formulas, cell colours, bold."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO, Final

from memento.tools.documents.document import BY_CODE, Document, Mark, Part, clean
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.ranges import letters
from memento.tools.errors import ToolInputError

MAX_CELLS: Final = 300_000
"""Cells read by one call, of all sheets together."""
MAX_WIDTH: Final = 500
"""Columns read."""

_BLACK: Final = ("", "000000")


def xlsx(file: BinaryIO, sheet: str) -> Document:
    """Open an Excel workbook.

    Args:
        file: the open file.
        sheet: the only sheet to read; empty for all.
    """
    import openpyxl

    # Once for the formulas, once for what they came to when the workbook was last saved.
    formulas = openpyxl.load_workbook(file, read_only=True)
    values = openpyxl.load_workbook(file, read_only=True, data_only=True)
    names = formulas.sheetnames
    document = Document("row", (), LeftOut(), sheets=[_size(formulas[name]) for name in names])
    document.parts = _rows(formulas, values, _chosen(names, sheet), document.notes)
    return document


def calamine(file: BinaryIO, sheet: str) -> Document:
    """Open a workbook of another format (xls, xlsb, ods): values only."""
    from python_calamine import CalamineWorkbook, PasswordError

    try:
        workbook = CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise ToolInputError("it is protected by a password; ask for a copy without one") from None
    names = workbook.sheet_names
    document = Document("row", (), LeftOut(), sheets=names)
    document.notes.append("values only: formulas and colours of this format are not read")
    document.parts = _plain_rows(workbook, _chosen(names, sheet), document.notes)
    return document


def _chosen(names: list[str], sheet: str) -> list[str]:
    if not sheet:
        return names
    found = [name for name in names if name.lower() == sheet.lower()]
    if not found:
        raise ToolInputError(f"there is no sheet {sheet!r}; there are: {', '.join(names)}")
    return found


def _size(sheet: Any) -> str:
    """Name a sheet and the range that it says it fills."""
    if not hasattr(sheet, "iter_rows"):
        return f"{sheet.title} (chart)"
    is_known = sheet.max_row and sheet.max_column
    return f"{sheet.title} (A1:{letters(sheet.max_column)}{sheet.max_row})" if is_known else str(sheet.title)


def _rows(formulas: Any, values: Any, names: list[str], notes: list[str]) -> Iterator[Part]:
    n_left = MAX_CELLS
    for name in names:
        if not hasattr(formulas[name], "iter_rows"):
            continue
        both = [book[name] for book in (formulas, values)]
        for sheet in both:
            sheet.reset_dimensions()  # what a sheet says of its size would be filled up with empty cells
        pairs = zip(*(sheet.iter_rows(max_col=MAX_WIDTH) for sheet in both), strict=False)
        blank: Any = None
        for number, (written, kept) in enumerate(pairs, 1):
            if written is blank:  # one object stands for all rows that are not there, a million perhaps
                continue
            if all(cell.value is None and not getattr(cell, "has_style", False) for cell in written):
                blank = written
                continue
            part = _row(name, number, written, kept)
            if part.cells or part.marks:
                yield part
            n_left -= max(len(part.cells), 1)
            if n_left < 0:
                notes.append(_ended(name, number))
                return


def _row(sheet: str, number: int, written: Any, kept: Any) -> Part:
    """Put values and formulas of one row together; a formula whose value was never computed stands for it."""
    cells, marks = [], []
    for column, (cell, value) in enumerate(zip(written, kept, strict=False), 1):
        text = _text(value.value)
        if cell.data_type == "f":
            formula = _formula(cell.value)
            marks.append(Mark(column, "formula", formula))
            text = text or formula
        cells.append(text)
        if getattr(cell, "has_style", False):
            marks += _styles(column, cell)
    while cells and not cells[-1]:
        cells.pop()
    return Part(number, cells=tuple(cells), sheet=sheet, marks=tuple(marks))


def _formula(value: Any) -> str:
    text = getattr(value, "text", value)  # an array formula is an object
    return clean(text if isinstance(text, str) and text.startswith("=") else f"={text or ''}")


def _styles(column: int, cell: Any) -> Iterator[Mark]:
    fill, font = cell.fill, cell.font
    if fill is not None and fill.fill_type == "solid" and (colour := _colour(fill.fgColor)):
        yield Mark(column, "fill", colour)
    if font is None or cell.value is None:
        return
    colour = _colour(font.color)
    told = [*(["bold"] if font.b else []), *([colour] if colour not in _BLACK else [])]
    if told:
        yield Mark(column, "font", " ".join(told))


def _colour(colour: Any) -> str:
    """Name a colour: RRGGBB or one of the theme's; empty for the default."""
    from openpyxl.styles.colors import COLOR_INDEX

    if colour is None:
        return ""
    if colour.type == "rgb" and isinstance(colour.rgb, str):
        return "" if colour.rgb == "00000000" else colour.rgb[-6:]
    if colour.type == "indexed":
        return COLOR_INDEX[colour.indexed][-6:] if 0 <= colour.indexed < len(COLOR_INDEX) else ""
    if colour.type == "theme" and colour.theme not in (0, 1):  # those are the page and its text
        return f"theme{colour.theme}"
    return ""


def _plain_rows(workbook: Any, names: list[str], notes: list[str]) -> Iterator[Part]:
    n_left = MAX_CELLS
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        before = [""] * min(sheet.start[1], MAX_WIDTH) if sheet.start else []  # rows begin at the first column used
        for number, row in enumerate(sheet.iter_rows(), 1):
            cells = [*before, *(_text(value) for value in row[:MAX_WIDTH])]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield Part(number, cells=tuple(cells), sheet=name)
                n_left -= len(cells)
            if n_left < 0:
                notes.append(_ended(name, number))
                return


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, date | time):
        return value.isoformat()
    return clean(str(value))


def _ended(sheet: str, row: int) -> str:
    return f"read up to row {row} of {sheet!r} only; name another sheet to begin there; {BY_CODE}"
