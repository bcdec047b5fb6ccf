"""What presentations may have beside their plain words."""

from collections.abc import Callable, Iterator
from typing import Any

from pptx.chart.data import XyChartData
from pptx.enum.chart import XL_CHART_TYPE

from tests import documents_with as one
from tests.documents_with import Row


def slide_rows() -> Iterator[Row]:
    def row(what: str, fill: Callable[[Any, Any], object], expected: str) -> Row:
        return "a.pptx", what, lambda: one.slides(fill), expected

    def merged(_: Any, slide: Any) -> None:
        cells = slide.shapes.add_table(2, 3, 0, 0, 900, 900).table
        for number in range(6):
            cells.cell(number // 3, number % 3).text = f"{number}|"
        cells.cell(0, 0).merge(cells.cell(1, 0))

    def equation(_: Any, slide: Any) -> None:
        paragraph = slide.shapes.add_textbox(0, 0, 9, 9).text_frame.paragraphs[0]
        paragraph.add_run().text = "area "
        paragraph._p.append(
            one.etree.fromstring(
                f'<mc:AlternateContent {one.MC}><mc:Choice Requires="a14"><a14:m xmlns:a14="a14"><m:oMath {one.M}>'
                f"{one.SQUARE}</m:oMath></a14:m></mc:Choice></mc:AlternateContent>"
            )
        )

    def linked(_: Any, slide: Any) -> None:
        run = slide.shapes.add_textbox(0, 0, 9, 9).text_frame.paragraphs[0].add_run()
        run.text, run.hyperlink.address = "site", "https://example.org/x"

    def raised(_: Any, slide: Any) -> None:
        paragraph = slide.shapes.add_textbox(0, 0, 9, 9).text_frame.paragraphs[0]
        paragraph.add_run().text = "10"
        run = paragraph.add_run()
        run.text = "-3"
        run._r.get_or_add_rPr().set("baseline", "30000")

    def commented(presentation: Any, slide: Any) -> None:
        comment = f'<p:cmLst {one.P}><p:cm authorId="0" idx="1"><p:text>Which one?</p:text></p:cm></p:cmLst>'
        authors = f'<p:cmAuthorLst {one.P}><p:cmAuthor id="0" name="Ann"/></p:cmAuthorLst>'
        one.add_part(presentation, slide, "comments/comment1.xml", "comments", comment)
        one.add_part(presentation, presentation, "commentAuthors.xml", "commentAuthors", authors)

    def newer_comment(presentation: Any, slide: Any) -> None:
        comment = (
            f'<q:cmLst xmlns:q="q" {one.A}><q:cm authorId="{{7}}"><q:txBody><a:p><a:r><a:t>Which one?</a:t></a:r></a:p>'
            "</q:txBody></q:cm></q:cmLst>"
        )
        authors = '<q:authorLst xmlns:q="q"><q:author id="{7}" name="Bo"/></q:authorLst>'
        one.add_part(presentation, slide, "comments/modernComment_1.xml", "comments", comment)
        one.add_part(presentation, presentation, "authors.xml", "authors", authors)

    def diagram(presentation: Any, slide: Any) -> None:
        points = "".join(f"<d:pt><d:t><a:t>{word}</a:t></d:t></d:pt>" for word in ("Plan", "Do"))
        data = f'<d:dataModel xmlns:d="d" {one.A}><d:ptLst>{points}</d:ptLst></d:dataModel>'
        key = one.add_part(presentation, slide, "diagrams/data1.xml", "diagramData", data)
        one.add_xml(slide, one.frame("diagram", f'<dgm:relIds xmlns:dgm="dgm" {one.R} r:dm="{key}"/>'))

    def points(_: Any, slide: Any) -> None:
        figures = XyChartData()
        figures.add_series("Pts").add_data_point(3, 4.5)
        slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, 0, 0, 900, 900, figures)

    def newer_shape(_: Any, slide: Any) -> None:
        shape = slide.shapes.add_textbox(0, 0, 9, 9)
        shape.text_frame.text = "for newer programs"
        wrapped = one.etree.fromstring(f'<mc:AlternateContent {one.MC}><mc:Choice Requires="x"/></mc:AlternateContent>')
        shape._element.addprevious(wrapped)
        wrapped[0].append(shape._element)

    yield row("merged cells", merged, "| 0\\|")
    yield row("row below a merged cell", merged, "| 4\\| | 5\\| |")
    yield row("equation", equation, "area r^2")
    yield row("link", linked, "site (https://example.org/x)")
    yield row("exponent", raised, "10^-3")
    yield row("comment", commented, "[comment by Ann: Which one?]")
    yield row("comment of the newer form", newer_comment, "[comment by Bo: Which one?]")
    yield row("diagram", diagram, "Diagram: Plan | Do")
    yield row("diagram without words", lambda _, slide: one.add_xml(slide, one.frame("diagram")), "1 diagram")
    yield row("embedded object", lambda _, slide: one.add_xml(slide, one.frame("ole")), "1 embedded object")
    yield row("chart of points", points, "| 3 | 4.5 |")
    yield row("shape for newer programs", newer_shape, "for newer programs")
    yield row("shape without words", lambda _, slide: slide.shapes.add_shape(1, 0, 0, 9, 9), "1 drawing")
    yield row("connector", lambda _, slide: slide.shapes.add_connector(1, 0, 0, 9, 9), "1 connector")
    yield row("picture", lambda _, slide: slide.shapes.add_picture(one.picture(), 0, 0), "1 picture")
    yield row("hidden slide", lambda _, slide: slide._element.set("show", "0"), "(hidden slide)")
    yield row("notes", lambda _, slide: setattr(slide.notes_slide.notes_text_frame, "text", "Smile"), "Notes: Smile")
    yield row(
        "group",
        lambda _, slide: setattr(
            slide.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame, "text", "in a group"
        ),
        "in a group",
    )
