"""Documents with one thing in them that a reader might lose, and what the reader makes of them."""

import io
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lxml import etree
from openpyxl import Workbook

from benchmarks.hostile import made_documents as made
from memento.tools.documents.reading import read

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
M = f'xmlns:m="{_OFFICE}/math"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
R = f'xmlns:r="{_OFFICE}/relationships"'
RELATIONS = f"{_OFFICE}/relationships/"
_WP = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
_WPS = 'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
_ODF_MORE = (
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" '
    'xmlns:form="urn:oasis:names:tc:opendocument:xmlns:form:1.0" xmlns:chart="urn:chart"'
)
_ODF = f"{made._ODF} {_ODF_MORE}"


Row = tuple[str, str, bytes | Callable[[], bytes], str]
"""File, what it has, its content, and what the reader must say of that somewhere."""


class Read(NamedTuple):
    """What a reader made of a document."""

    text: str
    notes: str
    left_out: str


def reading(name: str, content: bytes) -> Read:
    """Read a document in this process."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        found = read(file, name=name, pages="", query="", max_chars=16_000, can_look=False)
    return Read(found["text"], "\n".join(found["notes"]), found["left_out"])


def run(text: str, properties: str = "") -> str:
    """Write a run of a Word document."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def math_run(text: str) -> str:
    """Write a run of an equation."""
    return f"<m:r><m:t>{text}</m:t></m:r>"


SQUARE = f"<m:sSup><m:e>{math_run('r')}</m:e><m:sup>{math_run('2')}</m:sup></m:sSup>"


def drawing(uri: str, inner: str = "") -> str:
    """Write a drawing of a Word document."""
    return (
        f'<w:r><w:drawing {_WP} {A} {_WPS}><wp:inline><wp:docPr id="1" name="x" descr="a mill"/><a:graphic>'
        f'<a:graphicData uri="x/{uri}">{inner}</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
    )


TEXT_BOX = f"<wps:wsp><wps:txbx><w:txbxContent><w:p>{run('in a box')}</w:p></w:txbxContent></wps:txbx></wps:wsp>"


def word(body: str, **parts: str) -> bytes:
    """Write a Word document; parts are given by the name of their file without its suffix, as XML without its root."""
    roots = {
        "comments": "comments",
        "footnotes": "footnotes",
        "endnotes": "endnotes",
        "header1": "hdr",
        "footer1": "ftr",
    }
    extra = {
        f"word/{name}.xml": f"<w:{roots[name]} {W}>{inner}</w:{roots[name]}>".encode()
        for name, inner in parts.items()
        if name in roots
    }
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId9" '
        f'Type="{RELATIONS}hyperlink" Target="https://example.org/x" TargetMode="External"/></Relationships>'
    )
    extra["word/_rels/document.xml.rels"] = relations.encode()
    return made.docx(f"{made.paragraph('Plain words')}{body}", extra)


def in_paragraph(inner: str) -> str:
    """Write a paragraph of a Word document."""
    return f"<w:p>{inner}</w:p>"


def book(fill: Callable[[Workbook, Any], None]) -> bytes:
    """Write a workbook whose first cell says `Plain words`."""

    def fill_all(workbook: Workbook) -> None:
        sheet = workbook.worksheets[0]
        sheet.title = "Costs"
        sheet["A1"] = "Plain words"
        fill(workbook, sheet)

    return made.xlsx(fill_all)


def slides(fill: Callable[[Any, Any], None]) -> bytes:
    """Write a presentation of one slide with the title `Plain words`."""

    def fill_all(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "Plain words"
        fill(presentation, slide)

    return made.pptx(fill_all)


def add_part(presentation: Any, owner: Any, name: str, kind: str, content: str) -> str:
    """Add a part to a presentation; give the key of the relation to it."""
    from pptx.opc.package import Part
    from pptx.opc.packuri import PackURI

    part = Part(PackURI(f"/ppt/{name}"), "application/xml", presentation.part.package, content.encode())
    return str(owner.part.relate_to(part, f"{RELATIONS}{kind}"))


def add_xml(slide: Any, content: str) -> None:
    """Add a shape to a slide, as its XML."""
    slide.shapes._spTree.append(etree.fromstring(content))


def frame(uri: str, inner: str = "") -> str:
    """Write a frame of a slide."""
    return (
        f'<p:graphicFrame {P} {A}><p:nvGraphicFramePr><p:cNvPr id="90" name="D"/><p:cNvGraphicFramePr/><p:nvPr/>'
        '</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="1" cy="1"/></p:xfrm><a:graphic>'
        f'<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/{uri}">{inner}</a:graphicData></a:graphic>'
        "</p:graphicFrame>"
    )


def open_document(kind: str, body: str, styles: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """Write an OpenDocument file: `text`, `spreadsheet` or `presentation`."""
    content = (
        f"<office:document-content {_ODF}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    return made.zipped(
        {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content, **(parts or {})}
    )


def text_document(inner: str, styles: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """Write an OpenDocument text."""
    return open_document("text", f"<office:text><text:p>Plain words</text:p>{inner}</office:text>", styles, parts)


def master_styles(inner: str) -> str:
    """Write the part with the headers and footers of an OpenDocument text."""
    return (
        f"<office:document-styles {_ODF}><office:master-styles><style:master-page>{inner}</style:master-page>"
        "</office:master-styles></office:document-styles>"
    )


def sheet_document(cells: str, more: str = "", styles: str = "") -> bytes:
    """Write an OpenDocument spreadsheet of one row."""
    row = f"<table:table-row><table:table-cell><text:p>Plain words</text:p></table:table-cell>{cells}</table:table-row>"
    return open_document(
        "spreadsheet",
        f'<office:spreadsheet><table:table table:name="Costs">{row}{more}</table:table></office:spreadsheet>',
        styles,
    )


def slide_document(inner: str, styles: str = "") -> bytes:
    """Write an OpenDocument presentation of one slide."""
    page = f'<draw:page draw:style-name="dp"><text:p>Plain words</text:p>{inner}</draw:page>'
    return open_document("presentation", f"<office:presentation>{page}</office:presentation>", styles)


def page(inner: str) -> bytes:
    """Write an HTML page."""
    return f"<!doctype html><html><body><p>Plain words</p>{inner}</body></html>".encode()


def rtf(inner: str) -> bytes:
    """Write an RTF document."""
    return rf"{{\rtf1\ansi Plain words {inner}}}".encode("latin-1")


def pdf(*annotations: str, catalogue: str = "", more: tuple[bytes, ...] = (), content: bytes = b"") -> bytes:
    """Write a PDF of one page; annotations are objects from number 6 on, further objects come after them."""
    text = b"BT /F1 12 Tf 40 800 Td (Plain words enough to be read) Tj ET\n" + content
    keys = " ".join(f"{6 + n} 0 R" for n in range(len(annotations)))
    return made.pdf_of(
        [
            f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>".encode(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> "
            b"/XObject << /I %d 0 R >> >> /Annots [%s] >>" % (6 + len(annotations), keys.encode()),
            stream(text),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            *(one.encode() for one in annotations),
            *more,
        ]
    )


def stream(content: bytes, about: bytes = b"") -> bytes:
    """Write a stream of a PDF."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), about, content)


def picture() -> io.BytesIO:
    """Give a picture as a file."""
    return io.BytesIO(made.picture("logo"))
