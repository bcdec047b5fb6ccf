"""Word, Excel, PowerPoint, OpenDocument and RTF files: bombs, entities, depth, size, damage."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from openpyxl import Workbook

from benchmarks.hostile import made_documents as made
from benchmarks.hostile.bombs import MEGABYTE, Entry, Packed, repeated, zip_of
from benchmarks.hostile.case import Case, Cases, Tool, later

_ENTITIES: Final = (
    '<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]>"
)
_OUTSIDE: Final = '<!DOCTYPE leak [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'
_UNREADABLE: Final = "cannot be read|not read|damaged|nested"
_ODT: Final = made.open_document("text", "<office:text><text:p>Some text</text:p></office:text>")


def office() -> Cases:
    """Yield the cases."""
    ordinary: dict[str, tuple[str, bytes]] = {
        "docx": ("word/document.xml", made.docx(made.paragraph("Some text"))),
        "pptx": ("ppt/slides/slide1.xml", made.pptx(made.quarterly)),
        "xlsx": ("xl/worksheets/sheet1.xml", made.xlsx(made.costs)),
        "odt": ("content.xml", _ODT),
        "ods": ("content.xml", made.ods([["a", "b"]])),
    }
    for kind, (part, content) in ordinary.items():
        yield from _each(kind, part, content)
    yield from _words()
    yield from _sheets()
    yield from _others()


def _each(kind: str, part: str, content: bytes) -> Cases:
    """Yield what can be done to every office file: to its main part, and to it as a whole."""
    path = f"a.{kind}"
    yield Case(f"{kind}: truncated", path, content[: len(content) * 2 // 3], "damaged or incomplete")
    huge = later(lambda: _replaced(content, part, lambda xml: repeated(b" " * MEGABYTE, 1_000, before=xml)))
    yield Case(f"{kind}: a part of 1 GB", path, huge, "would unpack to", is_heavy=True)
    filled = later(lambda: _replaced(content, part, _filled))
    yield Case(
        f"{kind}: a part of 320 MB of elements", path, filled, f"{_UNREADABLE}|sheet", is_error=None, is_heavy=True
    )
    bomb = _replaced(content, part, lambda xml: _packed(_with_doctype(xml, _ENTITIES, b"&m;")))
    yield Case(f"{kind}: entities that grow", path, bomb, _UNREADABLE)
    leak = _replaced(content, part, lambda xml: _packed(_with_doctype(xml, _OUTSIDE, b"&leak;")))
    yield Case(f"{kind}: an entity of another file", path, leak, "!root:", is_error=None)
    deep = _replaced(
        content, part, lambda xml: _packed(_opening(xml) + b"<x>" * 200_000 + b"</x>" * 200_000 + _closing(xml))
    )
    yield Case(f"{kind}: 200,000 elements deep", path, deep, "!root:", is_error=None)
    yield Case(f"{kind}: under another name", "a.pdf", content, "its name ends in .pdf", is_error=False)


def _filled(xml: bytes) -> Packed:
    return repeated(b"<x>y</x>" * 40_000, 1_000, before=_opening(xml), after=_closing(xml))


def _replaced(content: bytes, part: str, change: Callable[[bytes], Packed]) -> bytes:
    """Change one part of an office file; the others stay."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zip_of([Entry(name, change(xml) if name == part else _packed(xml)) for name, xml in parts.items()])


def _packed(content: bytes) -> Packed:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return Packed(packer.compress(content) + packer.flush(), len(content), zlib.crc32(content))


def _with_doctype(xml: bytes, doctype: str, reference: bytes) -> bytes:
    """Declare entities, and refer to one wherever there is text."""
    body = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", xml)
    return b'<?xml version="1.0"?>' + doctype.encode() + re.sub(rb">([^<>&]+)<", b">" + reference + b"<", body)


def _opening(xml: bytes) -> bytes:
    return xml[: xml.rindex(b"</")]


def _closing(xml: bytes) -> bytes:
    return xml[xml.rindex(b"</") :]


def _words() -> Cases:
    cell = "<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>"
    nested = made.paragraph("innermost")
    for _ in range(3_000):
        nested = cell.format(nested)
    yield Case("docx: 3,000 tables in each other", "a.docx", made.docx(nested), _UNREADABLE)
    long = made.docx(made.paragraph("word " * 200) * 4_000)
    yield Case("docx: 4 MB of text", "a.docx", long, "word word", is_error=False)
    bomb = made.picture("x", size=(1, 1))[:8] + b"\0\0\0\rIHDR\0\1\0\0\0\1\0\0\b\6\0\0\0"
    with_bomb = made.docx(made.paragraph("Some text"), {"word/media/image1.png": bomb})
    tool: Tool = "read_document with pictures"
    yield Case("docx: a picture of 65,536 x 65,536", "a.docx", with_bomb, "no pictures", is_error=False, tool=tool)


def _sheets() -> Cases:
    def far(workbook: Workbook) -> None:
        workbook.worksheets[0]["A1"] = "near"
        workbook.worksheets[0]["XFD1048576"] = "far"

    yield Case("xlsx: a cell at XFD1048576", "a.xlsx", made.xlsx(far), "near", is_error=False)
    row = b'<row><c t="n"><v>1</v></c><c t="n"><v>2</v></c></row>' * 10_000
    rows = _replaced(
        made.xlsx(made.costs),
        "xl/worksheets/sheet1.xml",
        lambda _: repeated(row, 600, before=_SHEET, after=b"</sheetData></worksheet>"),
    )
    yield Case("xlsx: 6,000,000 rows", "a.xlsx", rows, "| 1 | 1 | 2 |", is_error=False)
    wide = made.open_document("spreadsheet", _WIDE)
    yield Case("ods: a cell repeated 10^10 times", "a.ods", wide, "| 1 | x | x |", is_error=False)
    yield Case("xls: truncated", "a.xls", made.xls()[:4_000], _UNREADABLE)


_SHEET: Final = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:B2"/><sheetData>'
)
_WIDE: Final = (
    '<office:spreadsheet><table:table table:name="S"><table:table-row table:number-rows-repeated="1000000">'
    '<table:table-cell table:number-columns-repeated="10000" xmlns:office="urn:oasis:names:tc:opendocument:xmlns:'
    'office:1.0" office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row></table:table>'
    "</office:spreadsheet>"
)


def _others() -> Cases:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1_016
    locked = ole + "EncryptedPackage".encode("utf-16-le") + b"\0" * 5_000
    yield Case("xlsx: protected by a password", "a.xlsx", locked, "protected by a password")
    yield Case("doc: the old format", "a.doc", ole + "WordDocument".encode("utf-16-le"), "old binary Office format")
    yield Case("rtf: 3,000,000 groups", "a.rtf", b"{\\rtf1 " + b"{" * 3_000_000 + b"deep", "deep", is_error=False)
    yield Case("rtf: truncated", "a.rtf", b"{\\rtf1\\ansi Some text {\\fonttbl {\\f0 Ari", "Some text", is_error=False)
