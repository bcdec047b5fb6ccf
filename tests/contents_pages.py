"""What HTML, RTF and PDF may have beside their plain words."""

from collections.abc import Iterator

from tests import documents_with as one
from tests.documents_with import Row


def page_rows() -> Iterator[Row]:
    for what, inner, expected in (
        ("tall cell", "<table><tr><td rowspan=2>Year<td>a|b<tr><td>8</table>", "a\\|b |\n| --- | --- |\n| Year | 8 |"),
        ("wide cell", "<table><tr><th colspan=2>Share<th>z<tr><td>1<td>2<td>3</table>", "| Share | Share | z |"),
        ("wide and tall", "<table><tr><td rowspan=2 colspan=2>T<td>1<tr><td>2</table>", "| T | T | 2 |"),
        ("row of one cell", "<table><tr><td>1<td>2<tr><td colspan=2>all</table>", "| all |  |"),
        ("table in a cell", "<table><tr><td>o<table><tr><td>in</table><td>z</table>", "| o (table 1, below) | z |"),
        ("exponent", "x<sup>n+1</sup>", "x^(n+1)"),
        ("index", "H<sub>2</sub>O", "H_2O"),
        ("ordinal", "the 1<sup>st</sup> of May", "the 1st of May"),
        ("reference", 'May<sup><a href="#n">[1]</a></sup>', "May[1]"),
        ("equation", "<math><msqrt><mi>x</mi></msqrt></math>", "sqrt(x)"),
        ("frame", '<iframe src="https://example.org/map" title="Map"></iframe>', "[frame: Map https://example.org/map]"),
        ("frame with a page of its own", '<iframe srcdoc="<p>inside</p>"></iframe>', "inside"),
        ("described picture", '<img src="a.png" alt="a mill">', "[picture: a mill]"),
        ("picture", '<img src="a.png">', "1 picture"),
        ("link", '<a href="https://example.org/x">site</a>', "[site](https://example.org/x)"),
        ("details", "<details><summary>More</summary>inside</details>", "inside"),
        ("video", '<video src="v.mp4"></video>', "[video: v.mp4]"),
        ("drawing", "<svg><text>arrow</text></svg>", "[drawing: arrow]"),
        ("drawing without words", "<svg><path/></svg>", "1 drawing"),
        ("canvas", "<canvas></canvas>", "1 canvas"),
        ("box that is ticked", "<input type=checkbox checked>agreed", "[x] agreed"),
        ("field", '<input value="Ada">', "[Ada]"),
        ("choice", "<select><option>a<option selected>b</select>", "[one of: a, b*]"),
        ("area of a picture", '<map><area href="https://example.org/x" alt="North"></map>', "[North: https://example.org/x]"),
        ("text without scripts", "<noscript>still here</noscript>", "still here"),
    ):  # fmt: skip
        yield "a.html", what, one.page(inner), expected
    yield "a.html", "frameset", b"<html><frameset><frame src='/main.html'></frameset></html>", "[frame: /main.html]"


def rtf_rows() -> Iterator[Row]:
    for what, inner, expected in (
        ("comment", r"{\*\atnauthor Ann}{\*\annotation Which one?}", "[comment by Ann: Which one?]"),
        ("footnote", r"{\footnote built 1900}", "[note: built 1900]"),
        ("header", r"{\header Confidential}", "[header: Confidential]"),
        ("footer", r"{\footerr Page 1}", "[footer: Page 1]"),
        ("exponent", r"10{\super -3}", "10^-3"),
        ("index", r"H\sub 2\nosupersub O", "H_2O"),
        ("deletion", r"{\deleted gone}", "~~gone~~"),
        ("hidden text", r"{\v secret}", "[hidden: secret]"),
        ("link", r'{\field{\*\fldinst{HYPERLINK "https://example.org/x"}}{\fldrslt{site}}}', "site (https://example.org/x)"),
        ("text box", r"{\shp{\*\shpinst{\sp{\sn a}{\sv 1}}{\shptxt in a box}}}", "[text box: in a box]"),
        ("picture", r"{\*\shppict{\pict\pngblip 8950}}{\nonshppict{\pict 00}}", "1 picture"),
        ("embedded object", r"{\object{\*\objdata 00}{\result{\pict 00}}}", "1 embedded object"),
        ("equation", r"{\mmath{\*\moMath x}}", "1 equation"),
    ):  # fmt: skip
        yield "a.rtf", what, one.rtf(inner), expected


FIELD = "<< /Type /Annot /Subtype /Widget /FT {} /T ({}) {} /Rect [0 0 9 9] >>"
FORM = "/AcroForm << /Fields [6 0 R] >>"
MARK = "<< /Type /Annot /Subtype /{} /Rect [0 0 9 9] {} >>"
IMAGE = b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
ONE_PIXEL = one.stream(b"\0", IMAGE)
ON = "/V /Yes /AS /Yes /AP << /N << /Yes 4 0 R /Off 4 0 R >> >>"


def pdf_rows() -> Iterator[Row]:
    link = MARK.format("Link", "/A << /S /URI /URI (https://example.org/x) >>")
    for what, annotation, catalogue, expected in (
        ("comment", MARK.format("Text", "/Contents (Which one?) /T (Ann)"), "", "[comment by Ann: Which one?]"),
        ("text box", MARK.format("FreeText", "/Contents (in a box)"), "", "[text box: in a box]"),
        ("link", link, "", "Links: https://example.org/x"),
        ("field", FIELD.format("/Tx", "Name", "/V (Ada)"), FORM, "Name: Ada"),
        ("empty field", FIELD.format("/Tx", "Name", ""), FORM, "Name: (empty)"),
        ("ticked box", FIELD.format("/Btn", "Agreed", ON), FORM, "Agreed: [x]"),
        ("highlight", MARK.format("Highlight", "/QuadPoints [0 0 1 0 0 1 1 1]"), "", "1 highlighted passage"),
        ("stamp", MARK.format("Stamp", ""), "", "1 stamp"),
        ("ink", MARK.format("Ink", ""), "", "1 piece of ink"),
    ):  # fmt: skip
        yield "a.pdf", what, one.pdf(annotation, catalogue=catalogue, more=(ONE_PIXEL,)), expected
    yield "a.pdf", "picture", one.pdf(more=(ONE_PIXEL,), content=b"9 0 0 9 0 0 cm /I Do"), "1 picture"
    files = "/Names << /EmbeddedFiles << /Names [(a.csv) 7 0 R] >> >>"
    attached = (
        ONE_PIXEL,
        b"<< /Type /Filespec /F (a.csv) /EF << /F 8 0 R >> >>",
        one.stream(b"1,2", b"/Type /EmbeddedFile"),
    )
    yield "a.pdf", "attached file", one.pdf(catalogue=files, more=attached), "attached files, which are not read: a.csv"
