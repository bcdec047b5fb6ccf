"""What workbooks may have beside their plain words."""

from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import CellIsRule
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from tests import documents_with as one
from tests.documents_with import Row


def sheet_rows() -> Iterator[Row]:
    def row(what: str, fill: Callable[[Any, Any], None], expected: str) -> Row:
        return "a.xlsx", what, lambda: one.book(fill), expected

    def valued(value: Any, number_format: str) -> Callable[[Any, Any], None]:
        def fill(_: Any, sheet: Any) -> None:
            sheet["B1"] = value
            sheet["B1"].number_format = number_format

        return fill

    for what, value, number_format, expected in (
        ("percentage", 0.25, "0%", "| 25% |"),
        ("leading zeros", 12, "000000", "| 000012 |"),
        ("currency", 1234.5, "#,##0.00 [$\u20ac-407]", "| 1234.50 \u20ac |"),
        ("unit", 5, '0" kg"', "| 5 kg |"),
        ("date", date(2024, 5, 6), "dd.mm.yyyy", "| 2024-05-06 |"),
        ("time", time(14, 30), "h:mm", "| 14:30:00 |"),
        ("duration", timedelta(hours=26), "[h]:mm", "| 26:00:00 |"),
        ("date beyond all dates", 4_000_000, "dd.mm.yyyy", "| 4000000 |"),
        ("error value", "#DIV/0!", "General", "#DIV/0!"),
    ):
        yield row(what, valued(value, number_format), expected)
    for what, change, expected in (
        ("note", lambda s: setattr(s["A1"], "comment", Comment("check it", "Ann")), "- A1: Ann: check it"),
        ("note of an empty cell", lambda s: setattr(s["J9"], "comment", Comment("why?", "Bo")), "- J9: Bo: why?"),
        ("link", lambda s: setattr(s["A1"], "hyperlink", "https://example.org/x"), "- A1: https://example.org/x"),
        ("link within", lambda s: setattr(s["A1"], "hyperlink", "#Other!B2"), "Other!B2"),
        ("merged range", lambda s: s.merge_cells("A4:C5"), "Merged cells:\n- A4:C5"),
        ("hidden row", lambda s: setattr(s.row_dimensions[1], "hidden", True), "hidden in 'Costs': rows 1"),
        ("hidden column", lambda s: setattr(s.column_dimensions["A"], "hidden", True), "hidden in 'Costs': columns A"),
        ("formula", lambda s: s.__setitem__("B1", "=1+1"), "- B1: =1+1"),
        (
            "formula never computed",
            lambda s: s.__setitem__("B1", "=1+1"),
            "1 value of a formula that was never computed",
        ),
        ("picture", lambda s: s.add_image(Image(one.picture()), "C3"), "1 picture"),
        ("chart", lambda s: s.add_chart(bar_chart(s), "C3"), "1 chart"),
        ("allowed values", lambda s: s.add_data_validation(choice()), "1 list of allowed values"),
        (
            "conditional format",
            lambda s: s.conditional_formatting.add("A1", CellIsRule(operator="lessThan", formula=["0"])),
            "1 conditional format",
        ),
        ("printed header", lambda s: setattr(s.oddHeader.center, "text", "Draft"), "1 printed header or footer"),
        (
            "table",
            lambda s: (s.__setitem__("A2", "x"), s.add_table(Table(displayName="Sales", ref="A1:A2"))),
            "Sales (A1:A2)",
        ),
    ):
        yield row(what, lambda _, sheet, change=change: change(sheet), expected)
    yield row(
        "hidden sheet",
        lambda book, _: setattr(book.create_sheet("Other"), "sheet_state", "hidden"),
        "Other (A1:A1, hidden)",
    )
    yield row(
        "defined name",
        lambda book, _: book.defined_names.add(DefinedName("Rate", attr_text="Costs!$B$2")),
        "Rate = Costs!$B$2",
    )
    yield row("chart sheet", lambda book, sheet: book.create_chartsheet("Graph").add_chart(bar_chart(sheet)), "1 chart")


def bar_chart(sheet: Any) -> BarChart:
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=1, max_row=2))
    return chart


def choice() -> DataValidation:
    validation = DataValidation(type="list", formula1='"yes,no"')
    validation.add("B2")
    return validation
