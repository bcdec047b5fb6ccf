"""Excel workbook reader (xlsx): value, formula and style of each cell in one pass over the rows."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, BinaryIO, Final, NamedTuple
from zipfile import ZipFile

from memento.tools.documents.cell_ranges import cell_of

_HEAD_BYTES: Final = 16_000
_DIMENSION: Final = re.compile(rb"<(?:\w+:)?dimension\s[^>]*?\bref=\"([^\"]{1,40})\"")


class Sheet(NamedTuple):
    """A sheet of a workbook."""

    title: str
    part: str
    """Its name in the archive."""
    is_hidden: bool
    is_chart: bool
    """It has a chart in place of cells."""


class Cell(NamedTuple):
    """A cell with a value, a formula or a style."""

    row: int
    column: int
    """From 1."""
    value: Any
    """What was stored when the workbook was last saved; of a formula None when it was never computed."""
    formula: Any
    style: int
    """A key for `Workbook.style`."""


class Style(NamedTuple):
    """Number format and colours of cells."""

    number_format: str
    fill: Any
    font: Any


class Workbook:
    """An open workbook. Its rows are read lazily."""

    def __init__(self, file: BinaryIO) -> None:
        """Read what all sheets share: names, shared strings, styles.

        Args:
            file: open for as long as rows are read.
        """
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet

        # Its own way to open a workbook goes over all rows of a sheet that does not say how large it is.
        reader: Any = ExcelReader(file, read_only=True, data_only=True)
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        self._workbook = reader.wb
        self._texts = reader.shared_strings
        self._styles: dict[int, Style] = {}
        self.archive: ZipFile = reader.archive
        self.sheets = [
            Sheet(sheet.name, relation.target, sheet.state != "visible", "chartsheet" in relation.Type)
            for sheet, relation in reader.parser.find_sheets()
            if relation.target in reader.valid_files
        ]
        self.names: dict[str, str] = {}
        """Names that formulas may use, and what they stand for."""
        for place, names in reader.parser.defined_names.by_sheet().items():
            known = isinstance(place, int) and place < len(self.sheets)
            prefix = f"{self.sheets[place].title}!" if known else ""
            own = {f"{prefix}{key}": one for key, one in names.items() if one.is_reserved is None and not one.hidden}
            self.names |= {key: str(one.attr_text) for key, one in own.items()}

    def size(self, sheet: Sheet) -> str:
        """Return the range that a sheet declares, as `A1:D5`; empty when it declares none."""
        with self.archive.open(sheet.part) as stream:
            found = _DIMENSION.search(stream.read(_HEAD_BYTES))
        last = found[1].decode("ascii", "replace").rpartition(":")[2] if found else ""
        return f"A1:{last}" if cell_of(last) else ""

    def rows(self, sheet: Sheet, *, max_width: int) -> Iterator[tuple[int, list[Cell]]]:
        """Yield the non-empty rows of a sheet, each with its number.

        Args:
            sheet: one that has cells.
            max_width: columns to read.
        """
        from openpyxl.reader.excel import WorksheetReader
        from openpyxl.xml.constants import SHEET_MAIN_NS

        formula_tag, value_tag = f"{{{SHEET_MAIN_NS}}}f", f"{{{SHEET_MAIN_NS}}}v"
        sheet_in_book = SimpleNamespace(parent=self._workbook)
        with self.archive.open(sheet.part) as stream:
            parser: Any = WorksheetReader(sheet_in_book, stream, self._texts, data_only=True, rich_text=False).parser
            read_value = parser.parse_cell

            def parse_cell(element: Any) -> Cell:
                """Read the formula of a cell beside its value."""
                found = read_value(element)
                formula = None if element.find(formula_tag) is None else parser.parse_formula(element)
                value = found["value"]
                if found["data_type"] == "e" and element.get("t", "n") == "n":  # a date beyond all dates
                    value = element.findtext(value_tag)
                return Cell(found["row"], found["column"], value, formula, found["style_id"])

            parser.parse_cell = parse_cell
            for number, cells in parser.parse():
                parser.row_dimensions.clear()  # of a million rows they would be many
                yield number, [cell for cell in cells if cell.column <= max_width]

    def style(self, key: int) -> Style:
        """Look up a style by its index."""
        from openpyxl.cell.read_only import ReadOnlyCell

        if key not in self._styles:
            cell = ReadOnlyCell(SimpleNamespace(parent=self._workbook), 1, 1, None, style_id=key)
            try:
                self._styles[key] = Style(cell.number_format, cell.fill, cell.font)
            except IndexError:  # there is no such style
                self._styles[key] = Style("General", None, None)
        return self._styles[key]
