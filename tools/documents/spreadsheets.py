"""Spreadsheets: formatted values, and for Excel workbooks formulas, colours, notes and links."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from memento.tools.documents.cell_ranges import letters, ranges_of_columns
from memento.tools.documents.document import BY_CODE, Document, DocumentPart, Mark, clean, numbers
from memento.tools.documents.excel import Sheet, Style, Workbook
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.number_formats import cell_text
from memento.tools.documents.sheet_extras import MAX_MARKS, Extras, extras, people
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
    workbook = Workbook(file)
    names = [one.title for one in workbook.sheets]
    document = Document("row", (), LeftOut(), sheets=[_size(workbook, one) for one in workbook.sheets])
    document.parts = _rows(workbook, _chosen(names, sheet), document)
    defined = [f"{name} = {value}" for name, value in workbook.names.items()]
    more = f" and {len(defined) - _MAX_NAMES} more" if len(defined) > _MAX_NAMES else ""
    document.notes += [f"names: {'; '.join(defined[:_MAX_NAMES])}{more}"] if defined else []
    _count_parts(document.left_out, workbook.archive.namelist())
    document.left_out.add("chart", sum(one.is_chart for one in workbook.sheets))
    return document


def _count_parts(left_out: LeftOut, parts: list[str]) -> None:
    left_out.add("macro project", sum(part.endswith("vbaProject.bin") for part in parts))
    left_out.add("link to another workbook", sum(part.startswith("xl/externalLinks/externalLink") for part in parts))


def calamine(file: BinaryIO, sheet: str) -> Document:
    """Open a workbook of an older or binary format (xls, xlsb): values only."""
    from python_calamine import CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        workbook = CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise ToolInputError("it is protected by a password; ask for a copy without one") from None
    names = workbook.sheet_names
    sheets = [
        one.name if one.visible == SheetVisibleEnum.Visible else f"{one.name} (hidden)"
        for one in workbook.sheets_metadata
    ]
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


def _size(workbook: Workbook, sheet: Sheet) -> str:
    """Describe a sheet by its name and declared range."""
    size = "chart" if sheet.is_chart else workbook.size(sheet)
    about = [*([size] if size else []), *(["hidden"] if sheet.is_hidden else [])]
    return f"{sheet.title} ({', '.join(about)})" if about else sheet.title


def _rows(workbook: Workbook, names: list[str], document: Document) -> Iterator[DocumentPart]:
    n_left = MAX_CELLS
    writers = people(workbook.archive)
    for sheet in workbook.sheets:
        if sheet.is_chart or sheet.title not in names:
            continue
        beside = extras(workbook.archive, sheet.part, writers, document.left_out)
        document.notes += _told(sheet.title, beside)
        for part in _with_marks(sheet.title, _sheet_rows(workbook, sheet, document.left_out), beside.marks):
            if part.cells or part.marks:
                yield part
            n_left -= max(len(part.cells), 1)
            if n_left < 0:
                document.notes.append(_ended(sheet.title, part.number))
                return


def _sheet_rows(workbook: Workbook, sheet: Sheet, left_out: LeftOut) -> Iterator[DocumentPart]:
    """Yield the rows of a sheet, empty ones included: they count towards the read limit."""
    for number, found in workbook.rows(sheet, max_width=MAX_WIDTH):
        cells = [""] * max((cell.column for cell in found), default=0)
        marks = list[Mark]()
        for cell in found:
            style = workbook.style(cell.style)
            text = cell_text(cell.value, style.number_format)
            if cell.formula is not None:
                formula = _formula(cell.formula)
                marks.append(Mark(cell.column, "formula", formula))
                left_out.add(_UNCOMPUTED, cell.value is None)
                text = text or formula  # a formula whose value was never computed stands for it
            cells[cell.column - 1] = text
            if cell.style:
                marks += _styles(cell.column, style, has_value=bool(text))
        while cells and not cells[-1]:
            cells.pop()
        yield DocumentPart(number, cells=tuple(cells), sheet=sheet.title, marks=tuple(marks))


def _with_marks(name: str, rows: Iterator[DocumentPart], marks: Mapping[int, list[Mark]]) -> Iterator[DocumentPart]:
    """Add annotations to the cells of each row, and rows that have only annotations."""
    waiting = sorted(marks, reverse=True)
    for row in rows:
        while waiting and waiting[-1] < row.number:
            number = waiting.pop()
            yield DocumentPart(number, sheet=name, marks=tuple(marks[number]))
        if waiting and waiting[-1] == row.number:
            yield row._replace(marks=(*row.marks, *marks[waiting.pop()]))
        else:
            yield row
    for number in reversed(waiting):
        yield DocumentPart(number, sheet=name, marks=tuple(marks[number]))


def _told(name: str, beside: Extras) -> list[str]:
    """List hidden parts of a sheet (shown all the same), and its tables."""
    rows = numbers(sorted(beside.hidden_rows))
    columns = ranges_of_columns(beside.hidden_columns)
    hidden = [*([f"rows {rows}"] if rows else []), *([f"columns {columns}"] if columns else [])]
    return [
        *([f"hidden in {name!r}: {'; '.join(hidden)}"] if hidden else []),
        *([f"tables in {name!r}: {', '.join(beside.tables)}"] if beside.tables else []),
    ]


def _formula(value: Any) -> str:
    text = getattr(value, "text", value)  # an array formula is an object
    return clean(text if isinstance(text, str) and text.startswith("=") else f"={text or ''}")


def _styles(column: int, style: Style, *, has_value: bool) -> Iterator[Mark]:
    fill, font = style.fill, style.font
    if fill is not None and fill.fill_type == "solid" and (colour := _colour(fill.fgColor)):
        yield Mark(column, "fill", colour)
    if font is None or not has_value:
        return
    colour = _colour(font.color)
    told = [*(["bold"] if font.b else []), *([colour] if colour not in _BLACK else [])]
    if told:
        yield Mark(column, "font", " ".join(told))


def _colour(colour: Any) -> str:
    """Name a colour: RRGGBB or a theme colour; empty for the default."""
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


def _plain_rows(workbook: Any, names: list[str], notes: list[str]) -> Iterator[DocumentPart]:
    n_left = MAX_CELLS
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        merged = _merged(sheet.merged_cell_ranges or [])
        before = [""] * min(sheet.start[1], MAX_WIDTH) if sheet.start else []  # rows begin at the first column used
        for number, row in enumerate(sheet.iter_rows(), 1):
            cells = [*before, *(cell_text(value) for value in row[:MAX_WIDTH])]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield DocumentPart(number, cells=tuple(cells), sheet=name, marks=merged.get(number, ()))
                n_left -= len(cells)
            if n_left < 0:
                notes.append(_ended(name, number))
                return


def _merged(found: list[tuple[tuple[int, int], tuple[int, int]]]) -> dict[int, tuple[Mark, ...]]:
    """Map merged ranges by the row of their first cell."""
    marks: dict[int, tuple[Mark, ...]] = {}
    for (top, left), (bottom, right) in found[:MAX_MARKS]:
        value = f"{letters(left + 1)}{top + 1}:{letters(right + 1)}{bottom + 1}"
        marks[top + 1] = (*marks.get(top + 1, ()), Mark(left + 1, "merged", value))
    return marks


def _ended(sheet: str, row: int) -> str:
    return f"read up to row {row} of {sheet!r} only; name another sheet to begin there; {BY_CODE}"
