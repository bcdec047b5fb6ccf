"""Spreadsheets: values as formatted, and what Excel workbooks have beside them: formulas, colours, notes, links."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple
from zipfile import ZipFile

from memento.tools.documents.document import BY_CODE, Document, Mark, Part, clean, numbers
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.number_formats import cell_text
from memento.tools.documents.ranges import letters, ranges_of_columns
from memento.tools.documents.sheet_extras import Extras, extras, people
from memento.tools.errors import ToolInputError

MAX_CELLS: Final = 300_000
"""Cells read by one call, of all sheets together."""
MAX_WIDTH: Final = 500
"""Columns read."""

_MAX_NAMES: Final = 30
_UNCOMPUTED: Final = "value of a formula that was never computed"
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
    document.parts = _rows(_Books(formulas, values, ZipFile(file)), _chosen(names, sheet), document)
    document.notes += _defined(formulas)
    _count_parts(document.left_out, ZipFile(file).namelist())
    document.left_out.add("chart", sum(not hasattr(formulas[name], "iter_rows") for name in names))
    return document


class _Books(NamedTuple):
    """One workbook, opened in three ways."""

    formulas: Any
    values: Any
    archive: ZipFile


def _defined(workbook: Any) -> list[str]:
    """Name what formulas may use by name."""
    defined = [f"{name} = {one.attr_text}" for name, one in workbook.defined_names.items() if not one.hidden]
    more = f" and {len(defined) - _MAX_NAMES} more" if len(defined) > _MAX_NAMES else ""
    return [f"names: {'; '.join(defined[:_MAX_NAMES])}{more}"] if defined else []


def _count_parts(left_out: LeftOut, parts: list[str]) -> None:
    left_out.add("macro project", sum(part.endswith("vbaProject.bin") for part in parts))
    left_out.add("link to another workbook", sum(part.startswith("xl/externalLinks/externalLink") for part in parts))


def calamine(file: BinaryIO, sheet: str) -> Document:
    """Open a workbook of an older or a binary format (xls, xlsb): values only."""
    from python_calamine import CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        workbook = CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise ToolInputError("it is protected by a password; ask for a copy without one") from None
    names = workbook.sheet_names
    states = {SheetVisibleEnum.Visible: "", SheetVisibleEnum.Hidden: " (hidden)"}
    sheets = [f"{one.name}{states.get(one.visible, ' (hidden)')}" for one in workbook.sheets_metadata]
    document = Document("row", (), LeftOut(), sheets=sheets)
    document.notes.append(
        "values only: formulas, number formats (a percentage is a plain fraction), colours, notes and links of this "
        "format are not read"
    )
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
        return f"{sheet.title} (chart{'' if sheet.sheet_state == 'visible' else ', hidden'})"
    hidden = [] if sheet.sheet_state == "visible" else ["hidden"]
    is_known = sheet.max_row and sheet.max_column
    about = [*([f"A1:{letters(sheet.max_column)}{sheet.max_row}"] if is_known else []), *hidden]
    return f"{sheet.title} ({', '.join(about)})" if about else str(sheet.title)


def _rows(books: _Books, names: list[str], document: Document) -> Iterator[Part]:
    n_left = MAX_CELLS
    writers = people(books.archive)
    for name in names:
        if not hasattr(books.formulas[name], "iter_rows"):
            continue
        beside = extras(books.archive, books.formulas[name]._worksheet_path, writers, document.left_out)
        document.notes += _told(name, beside)
        for part in _with_marks(name, _sheet_rows(books, name, document.left_out), beside.marks):
            if part.cells or part.marks:
                yield part
            n_left -= max(len(part.cells), 1)
            if n_left < 0:
                document.notes.append(_ended(name, part.number))
                return


def _sheet_rows(books: _Books, name: str, left_out: LeftOut) -> Iterator[Part]:
    """Yield the rows of a sheet, also empty ones that have a style: they count towards what is read."""
    both = [book[name] for book in (books.formulas, books.values)]
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
        yield _row(name, number, written, kept, left_out)


def _with_marks(name: str, rows: Iterator[Part], marks: Mapping[int, list[Mark]]) -> Iterator[Part]:
    """Add what stands beside the cells of each row, and the rows that have nothing else."""
    waiting = sorted(marks, reverse=True)
    for row in rows:
        while waiting and waiting[-1] < row.number:
            number = waiting.pop()
            yield Part(number, sheet=name, marks=tuple(marks[number]))
        if waiting and waiting[-1] == row.number:
            row = row._replace(marks=(*row.marks, *marks[waiting.pop()]))
        yield row
    for number in reversed(waiting):
        yield Part(number, sheet=name, marks=tuple(marks[number]))


def _told(name: str, beside: Extras) -> list[str]:
    """Say what is hidden of a sheet, which is shown all the same, and name its tables."""
    rows = numbers(sorted(beside.hidden_rows))
    columns = ranges_of_columns(beside.hidden_columns)
    hidden = [*([f"rows {rows}"] if rows else []), *([f"columns {columns}"] if columns else [])]
    return [
        *([f"hidden in {name!r}: {'; '.join(hidden)}"] if hidden else []),
        *([f"tables in {name!r}: {', '.join(beside.tables)}"] if beside.tables else []),
    ]


def _row(sheet: str, number: int, written: Any, kept: Any, left_out: LeftOut) -> Part:
    """Put values and formulas of one row together; a formula whose value was never computed stands for it."""
    cells, marks = [], []
    for column, (cell, value) in enumerate(zip(written, kept, strict=False), 1):
        text = cell_text(value.value, value.number_format)
        if cell.data_type == "f":
            formula = _formula(cell.value)
            marks.append(Mark(column, "formula", formula))
            left_out.add(_UNCOMPUTED, value.value is None)
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
            cells = [*before, *(cell_text(value) for value in row[:MAX_WIDTH])]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield Part(number, cells=tuple(cells), sheet=name)
                n_left -= len(cells)
            if n_left < 0:
                notes.append(_ended(name, number))
                return


def _ended(sheet: str, row: int) -> str:
    return f"read up to row {row} of {sheet!r} only; name another sheet to begin there; {BY_CODE}"
