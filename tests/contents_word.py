"""What Word documents may have beside their plain words."""

from collections.abc import Iterator

from tests import documents_with as one
from tests.documents_with import Row

FOOTNOTE = f'<w:footnote w:id="1"><w:p>{one.run("built 1900")}</w:p></w:footnote>'
COMMENT = f'<w:comment w:id="0" w:author="Ann"><w:p>{one.run("Which one?")}</w:p></w:comment>'
COMMENTED = (
    f'<w:p><w:commentRangeStart w:id="0"/>{one.run("the mill")}<w:commentRangeEnd w:id="0"/>'
    '<w:r><w:commentReference w:id="0"/></w:r></w:p>'
)
FRACTION = f"<m:f><m:num>{one.math_run('a')}</m:num><m:den>{one.math_run('b')}</m:den></m:f>"
CELL = "<w:tc><w:tcPr>{}</w:tcPr><w:p>{}</w:p></w:tc>"
INNER_TABLE = f"<w:tbl><w:tr>{CELL.format('', one.run('in1'))}{CELL.format('', one.run('in2'))}</w:tr></w:tbl>"


def table(*rows: str) -> str:
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


def word_rows() -> Iterator[Row]:
    def row(what: str, inner: str, expected: str, **parts: str) -> Row:
        return "a.docx", what, one.word(inner, **parts), expected

    said = one.in_paragraph
    yield row("comment", COMMENTED, '[comment 1] Ann, about "the mill": Which one?', comments=COMMENT)
    yield row("place of a comment", COMMENTED, "the mill[comment 1]", comments=COMMENT)
    yield row("comment without a place", "", "[comment 1] Ann: Which one?", comments=COMMENT)
    yield row("equation", said(f"{one.run('area ')}<m:oMath {one.M}>{one.SQUARE}</m:oMath>"), "area r^2")
    yield row(
        "equation of its own", said(f"<m:oMathPara {one.M}><m:oMath>{FRACTION}</m:oMath></m:oMathPara>"), "(a)/(b)"
    )
    yield row("header", "", "[header: Confidential]", header1=said(one.run("Confidential")))
    yield row("footer", "", "[footer: Page 1]", footer1=said(one.run("Page 1")))
    yield row("footnote", said('<w:r><w:footnoteReference w:id="1"/></w:r>'), "1. built 1900", footnotes=FOOTNOTE)
    deleted = '<w:del w:author="Bo"><w:r><w:delText>gone</w:delText></w:r></w:del>'
    yield row("deletion", said(deleted), "~~gone~~")
    yield row("deletion, told", said(deleted), "tracked changes: 1 deletion")
    yield row("insertion", said(f'<w:ins w:author="Bo">{one.run("new words")}</w:ins>'), "new words")
    yield row("moved text", said(f'<w:moveTo w:id="1">{one.run("went here")}</w:moveTo>'), "went here")
    yield row("hidden text", said(one.run("secret", "<w:vanish/>")), "[hidden: secret]")
    yield row("exponent", said(one.run("10") + one.run("-3", '<w:vertAlign w:val="superscript"/>')), "10^-3")
    yield row("index", said(one.run("H") + one.run("2", '<w:vertAlign w:val="subscript"/>')), "H_2")
    yield row("text box", said(one.drawing("wordprocessingShape", one.TEXT_BOX)), "in a box")
    choice = f'<mc:Choice Requires="wps">{one.drawing("s", one.TEXT_BOX)}</mc:Choice>'
    newer = f"<mc:AlternateContent {one.MC}>{choice}</mc:AlternateContent>"
    yield row("text box of a newer program only", said(newer), "in a box")
    yield row("field", said(f'<w:fldSimple w:instr="REF x">{one.run("see page 7")}</w:fldSimple>'), "see page 7")
    yield row("text from right to left", said(f'<w:bdo w:val="rtl">{one.run("abc")}</w:bdo>'), "abc")
    ruby = f"<w:r><w:ruby><w:rt>{one.run('kan')}</w:rt><w:rubyBase>{one.run('X')}</w:rubyBase></w:ruby></w:r>"
    yield row("reading of characters", said(ruby), "X(kan)")
    yield row("line break", said("<w:r><w:t>a</w:t><w:cr/><w:t>b</w:t></w:r>"), "a\nb")
    yield row(
        "link", said(f'<w:hyperlink {one.R} r:id="rId9">{one.run("site")}</w:hyperlink>'), "(https://example.org/x)"
    )
    yield row("bar in a cell", table(CELL.format("", one.run("a|b")) * 2), "| a\\|b | a\\|b |")
    wide = CELL.format('<w:gridSpan w:val="2"/>', one.run("wide")) + CELL.format("", one.run("z"))
    yield row("wide cell", table(wide), "| wide | wide | z |")
    top = CELL.format('<w:vMerge w:val="restart"/>', one.run("tall")) + CELL.format("", one.run("1"))
    below = CELL.format("<w:vMerge/>", "") + CELL.format("", one.run("2"))
    yield row("tall cell", table(top, below), "| tall | 2 |")
    nested = f"<w:tc><w:p>{one.run('outer')}</w:p>{INNER_TABLE}<w:p/></w:tc>{CELL.format('', one.run('z'))}"
    yield row("table in a cell", table(nested), "| in1 | in2 |")
    yield row("row beside a table in a cell", table(nested), "| outer (table 1, below) | z |")
    shape = '<w:r><w:pict><v:{0} xmlns:v="urn:schemas-microsoft-com:vml">{1}</v:{0}></w:pict></w:r>'
    in_oval = f"<v:textbox><w:txbxContent>{said(one.run('in an oval'))}</w:txbxContent></v:textbox>"
    yield row("words in an old shape", said(shape.format("oval", in_oval)), "in an oval")
    yield row("letters drawn as a shape", said(shape.format("shape", '<v:textpath string="DRAFT"/>')), "DRAFT")
    watermark = said(shape.format("shape", '<v:textpath string="DRAFT"/>'))
    yield row("watermark", "", "[header: DRAFT]", header1=watermark)
    yield row("old shape", said(shape.format("line", "")), "1 drawing")
    yield row("chart", said(one.drawing("chart")), "1 chart")
    yield row("diagram", said(one.drawing("diagram")), "1 diagram")
    yield row("shape", said(one.drawing("wordprocessingShape")), "1 drawing")
    ole = '<w:r><w:object><o:OLEObject xmlns:o="o" ProgID="{}"/></w:object></w:r>'
    yield row("embedded object", said(ole.format("Excel.Sheet.12")), "1 embedded object")
    yield row("old equation", said(ole.format("Equation.3")), "1 equation")
    yield row("inserted document", "<w:altChunk/>", "1 inserted document")
    yield row("control", said("<w:r><w:object><w:control/></w:object></w:r>"), "1 control")
    yield row("unknown element", said("<w:r><w:dayLong/></w:r>"), "dayLong")
