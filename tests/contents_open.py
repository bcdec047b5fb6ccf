"""What OpenDocument files may have beside their plain words."""

from collections.abc import Iterator

from tests import documents_with as one
from tests.documents_with import Row

MATH = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mfrac><mi>a</mi><mi>b</mi></mfrac></semantics></math>'
)
RAISED = '<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/></style:style>'
HIDDEN = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
HIDDEN_SHEET = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
HIDDEN_SLIDE = (
    '<style:style style:name="dp"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)
NOTED = "<dc:creator>Ann</dc:creator><dc:date>2024-05-06</dc:date><text:p>Which one?</text:p>"
CHANGES = (
    '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><text:p>gone</text:p></text:deletion>'
    "</text:changed-region></text:tracked-changes>"
)


def open_document_rows() -> Iterator[Row]:
    def text(what: str, inner: str, expected: str, styles: str = "", parts: dict[str, str] | None = None) -> Row:
        return "a.odt", what, one.text_document(f"<text:p>{inner}</text:p>", styles, parts), expected

    yield text(
        "footnote",
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>built 1900</text:p></text:note-body></text:note>",
        "[note 1: built 1900]",
    )
    yield text(
        "comment", f"the mill<office:annotation>{NOTED}</office:annotation>", "the mill[comment by Ann: Which one?]"
    )
    yield text("link", '<text:a xlink:href="https://example.org/x">site</text:a>', "site (https://example.org/x)")
    yield text("exponent", '10<text:span text:style-name="T1">-3</text:span>', "10^-3", RAISED)
    yield text("hidden text", '<text:span text:style-name="H">secret</text:span>', "[hidden: secret]", HIDDEN)
    yield text("blanks", 'a<text:s text:c="3"/>b', "a   b")
    yield text(
        "text box",
        "<draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box></draw:frame>",
        "[text box: in a box]",
    )
    yield text("picture", "<draw:frame><draw:image/></draw:frame>", "1 picture")
    yield text(
        "described picture", "<draw:frame><draw:image/><svg:desc>a mill</svg:desc></draw:frame>", "[picture: a mill]"
    )
    embedded = '<draw:frame><draw:object xlink:href="./Object 1"/><draw:image/></draw:frame>'
    yield text("equation", embedded, "(a)/(b)", parts={"Object 1/content.xml": MATH})
    yield text("chart", embedded, "1 chart", parts={"Object 1/content.xml": '<x xmlns:c="c"><c:chart/></x>'})
    yield text("embedded object", embedded, "1 embedded object")
    yield text("shape", "<draw:line/>", "1 drawing")
    for what in ("header", "footer"):
        styles = one.master_styles(f"<style:{what}><text:p>Confidential</text:p></style:{what}>")
        yield text(what, "", f"[{what}: Confidential]", parts={"styles.xml": styles})
    yield (
        "a.odt",
        "deletion",
        one.text_document(f'{CHANGES}<text:p>kept<text:change text:change-id="c1"/></text:p>'),
        "kept~~gone~~",
    )
    wide = '<table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
    wide += "<table:covered-table-cell/>"
    plain = "<table:table-cell><text:p>a|b</text:p></table:table-cell>"
    tall = '<table:table-cell table:number-rows-spanned="2"><text:p>tall</text:p></table:table-cell>'
    inner = f"<table:table><table:table-row>{plain}{plain}</table:table-row></table:table>"
    nested = f"<table:table-cell>{inner}</table:table-cell>"
    for what, rows, expected in (
        ("wide cell", [wide + plain], "| wide | wide | a\\|b |"),
        (
            "tall cell",
            [tall + plain, f"<table:covered-table-cell/>{plain}"],
            "| tall | a\\|b |\n|---|---|\n| tall | a\\|b |",
        ),
        ("table in a cell", [nested + plain], "| (table 1, below) | a\\|b |"),
    ):
        written = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        yield "a.odt", what, one.text_document(f"<table:table>{written}</table:table>"), expected
    yield from open_sheet_rows()
    for what, inner, expected, styles in (
        ("comment", f"<office:annotation>{NOTED}</office:annotation>", "[comment by Ann: Which one?]", ""),
        ("picture", "<draw:frame><draw:image/></draw:frame>", "1 picture", ""),
        ("hidden slide", "", "(hidden slide)", HIDDEN_SLIDE),
        ("notes", "<presentation:notes><text:p>Smile</text:p></presentation:notes>", "Notes: Smile", ""),
    ):
        yield "a.odp", what, one.slide_document(inner, styles), expected


def open_sheet_rows() -> Iterator[Row]:
    def cell(about: str, inner: str) -> str:
        return f"<table:table-cell {about}>{inner}</table:table-cell>"

    number = 'office:value-type="{}" office:value="{}"'
    second = "<table:table-row {}><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>"
    hidden = '</table:table><table:table table:name="Other" table:style-name="ta2">'
    for what, cells, more, expected in (
        ("percentage", cell(number.format("percentage", 0.25), "<text:p>25%</text:p>"), "", "| 25% |"),
        ("rounded value", cell(number.format("percentage", 0.256), "<text:p>26%</text:p>"), "", "| 26% (0.256) |"),
        ("leading zeros", cell(number.format("float", 12), "<text:p>000012</text:p>"), "", "| 000012 |"),
        (
            "date",
            cell('office:value-type="date" office:date-value="2024-05-06"', "<text:p>06.05.24</text:p>"),
            "",
            "| 2024-05-06 |",
        ),
        ("note", cell("", f"<office:annotation>{NOTED}</office:annotation>"), "", "- B1: Ann: Which one?"),
        (
            "link",
            cell("", '<text:p><text:a xlink:href="https://example.org/x">site</text:a></text:p>'),
            "",
            "site (https://example.org/x)",
        ),
        ("merged range", cell('table:number-columns-spanned="2"', "<text:p>x</text:p>"), "", "Merged cells:\n- B1:C1"),
        ("formula", cell('table:formula="of:=SUM([.A1:.A9])"', "<text:p>3</text:p>"), "", "- B1: =SUM([.A1:.A9])"),
        ("picture", cell("", "<draw:frame><draw:image/></draw:frame>"), "", "1 picture"),
        ("hidden row", "", second.format('table:visibility="collapse"'), "hidden in 'Costs': rows 2"),
        ("hidden column", "", '<table:table-column table:visibility="collapse"/>', "hidden in 'Costs': columns A"),
        ("rows left out", "", '<table:table-row table:number-rows-repeated="8"/>' + second.format(""), "| 10 | x |"),
        ("hidden sheet", "", hidden, "sheet 'Other' is hidden"),
        ("pivot table", "", "</table:table><table:data-pilot-table/><table:table>", "1 pivot table definition"),
    ):
        yield "a.ods", what, one.sheet_document(cells, more, HIDDEN_SHEET), expected
