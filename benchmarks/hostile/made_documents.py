"""Real documents, made with the real writers, and by hand where there are none."""

import base64
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"'
)
# Written once with xlwt: sheet Costs (Item, Price / Bolt, 2.5 / an empty row / Nut, 4), sheet Second (C3: deep).
_XLS = (
    "c-rk)O=uHA6#iy6+x*a^Nlb-SD4}50wiof@rLI=AcrZjgC?aT@?4dL!C5;C?Xtm}j2%Z!#g@SmgdhrK6=*@#r(Sslei9PltD0pbIzIi)~iRRFNEm"
    "rqi=FOWo@6EiO_h$Cz?P9Dt_o%mqU$754>UIzv4KhI`=r*FDe%qF;TL-Av9yS$%0SaV?f#=~jei=g<?;12b^t~bqe5P^+Q%DsHR&oO|%06U-^kGE"
    "!DEBnnr4m68`xR%JWx9pw1J-@PbU#aOFdZS?syK~BGc~wZ<?$)4pZg+21)i|YN0#hHH(tv;zH(DIx&{uECNlZIv!l<~iFr`u#;k%>%H*p^PzdMo%"
    "}xSe-M#uU>B%=%E<p0{&2oPW`7O-{%)mY;WFl4&#*!|33>+*@m!~U~q4x}DU!JhC#X@ccLoiqYAk!md>pZdP(nQvx=4dfrCi~QdGBt9RH5HOaHgE"
    "B0(-seN;&&3wp^Nz#r+<_V@s;~u-W?rJn`c=v!^gUF_-~iq!p2o;LB<j8@iCRUgG`5*UgJ@>G2hEHK~7UWknUE@;aS$X&b<RP&mP8mb4LTellaQ="
    "v8R2NC36??3uCoQiG>g59Qx^Dlp}k2&0<&#i#xX^o|$ef)G_giY0qy*MnH=y-);4T>%uBR%*L2HEx9^E>5CTng7xKym$eZ46T`CZ=<6-?b=KFFzR"
    "vn_`Owwkcr1sZ1MDZ(JBCuj@lxNUF?8;rd5tx?Vw{`2s%W*U9z1yP;K73j5C0*AdUe;;i@c#;F8%7i&MK9<_nYLO#c>qrD${4_Arz=C;bL3)vlWJ"
    "L#}aF_asL-eoTS-Hn8Y~yG1+$h(#L^lyq`52M*rLvYIpv6JASV7{67FKP4;2"
)


def xls() -> bytes:
    """Give the old workbook."""
    return zlib.decompress(base64.b85decode(_XLS))


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """Write a ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """Write a TAR archive, compressed as the mode of `tarfile` says."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def pdf(pages: Sequence[str]) -> bytes:
    """Write a PDF with one line of text per line of a page."""
    streams = [_page_content(text) for text in pages]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, content in enumerate(streams):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return pdf_of(objects)


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """Write a PDF of these objects; the first one is the catalogue."""
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(written)


def _page_content(text: str) -> bytes:
    shown = "\n".join(f"({line}) Tj T*" for line in text.split("\n"))
    return f"BT /F1 12 Tf 14 TL 40 800 Td\n{shown}\nET".encode("latin-1")


def picture(text: str, kind: str = "PNG", size: tuple[int, int] = (300, 200)) -> bytes:
    """Draw a few words."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 20), text, fill="black")
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def scanned_pdf(n_pages: int) -> bytes:
    """Write a PDF of pictures."""
    pages = [Image.open(io.BytesIO(picture(f"page {n}"))) for n in range(1, n_pages + 1)]
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", save_all=True, append_images=pages[1:])
    return stream.getvalue()


def docx(body: str, extra: Mapping[str, bytes] | None = None) -> bytes:
    """Write the body of a Word document, as its XML."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )
    document = f"<w:document {_W}><w:body>{body}</w:body></w:document>"
    parts = {"[Content_Types].xml": types, "_rels/.rels": relations, "word/document.xml": document}
    return zipped({**parts, **(extra or {})})


def paragraph(text: str, style: str = "") -> str:
    """Write a paragraph of a Word document."""
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table of a Word document."""
    written = "".join("<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f"<w:tbl>{written}</w:tbl>"


def open_document(kind: str, body: str) -> bytes:
    """Write the body of an OpenDocument file (`text`, `spreadsheet`, `presentation`)."""
    content = f"<office:document-content {_ODF}><office:body>{body}</office:body></office:document-content>"
    return zipped({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content})


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """Write an OpenDocument spreadsheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    table = f'<office:spreadsheet><table:table table:name="Sheet1">{cells}</table:table></office:spreadsheet>'
    content = f"<office:document-content {_ODF}><office:body>{table}</office:body></office:document-content>"
    mime_type = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": mime_type, "content.xml": content, "META-INF/manifest.xml": manifest})


def pptx(fill: Callable[[Presentation], None]) -> bytes:  # type: ignore[valid-type]
    """Write a presentation."""
    presentation = Presentation()
    fill(presentation)
    stream = io.BytesIO()
    presentation.save(stream)
    return stream.getvalue()


def quarterly(presentation: Presentation) -> None:  # type: ignore[valid-type]
    """Fill a presentation: a title with notes, a table, a chart, a picture."""
    first = presentation.slides.add_slide(presentation.slide_layouts[0])  # type: ignore[attr-defined]
    first.shapes.title.text = "Quarterly report"
    first.notes_slide.notes_text_frame.text = "Greet the board first"
    second = presentation.slides.add_slide(presentation.slide_layouts[5])  # type: ignore[attr-defined]
    second.shapes.title.text = "Sales"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, column, text in ((0, 0, "Region"), (0, 1, "Sold"), (1, 0, "North"), (1, 1, "117")):
        table.cell(row, column).text = text
    third = presentation.slides.add_slide(presentation.slide_layouts[6])  # type: ignore[attr-defined]
    figures = CategoryChartData()
    figures.categories = ["May", "June"]
    figures.add_series("Visits", (31, 47))
    third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), figures)
    third.shapes.add_picture(io.BytesIO(picture("logo")), Inches(5), Inches(1))


def xlsx(fill: Callable[[Workbook], None]) -> bytes:
    """Write a workbook."""
    workbook = Workbook()
    fill(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def costs(workbook: Workbook) -> None:
    """Fill a workbook: formulas filled down, a red heading, a coloured map without values."""
    sheet = workbook.worksheets[0]
    sheet.title = "Costs"
    sheet.append(["Item", "Price", "Count", "Total"])
    for row, (item, price, count) in enumerate([("Bolt", 2.5, 4), ("Nut", 1, 10), ("Gear", 12, 1)], 2):
        sheet.append([item, price, count, f"=B{row}*C{row}"])
    sheet.append(["Sum", None, None, "=SUM(D2:D4)"])
    for cell in sheet[1]:
        cell.fill = PatternFill("solid", fgColor="FFFF0000")
        cell.font = Font(bold=True)
    plots = workbook.create_sheet("Map")
    for place in ("B2", "C2", "B3", "C3", "E9"):
        plots[place].fill = PatternFill("solid", fgColor="FF00B050")
