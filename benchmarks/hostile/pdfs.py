"""PDF: trees without end, millions of objects, pictures that grow, passwords."""

import zlib
from typing import Final

from benchmarks.hostile.bombs import MEGABYTE
from benchmarks.hostile.case import Case, Cases, later
from benchmarks.hostile.made_documents import pdf, pdf_of

_CATALOGUE: Final = b"<< /Type /Catalog /Pages 2 0 R >>"


def pdfs() -> Cases:
    """Yield the cases."""
    yield Case("pdf: truncated", "a.pdf", pdf(["Some text to be read"] * 20)[:900], "damaged|cannot be read")
    yield Case("pdf: protected by a password", "a.pdf", _protected(), "password")
    yield Case("pdf: nothing but its first bytes", "a.pdf", b"%PDF-1.7\n", "damaged")
    recursive = [_CATALOGUE, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>"]
    yield Case("pdf: page tree that contains itself", "a.pdf", pdf_of(recursive), "damaged|cannot be")
    empty = [_CATALOGUE, b"<< /Type /Pages /Kids [3 0 R] /Count 1000000 >>", _page(b"[0 0 595 842]")]
    yield Case("pdf: it says it has a million pages", "a.pdf", pdf_of(empty), "pages that are damaged", is_error=False)
    kids = b"[" + b"3 0 R " * 1_000_000 + b"]"
    million = [_CATALOGUE, b"<< /Type /Pages /Kids %s /Count 1000000 >>" % kids, _page(b"[0 0 595 842]")]
    yield Case("pdf: a million pages", "a.pdf", pdf_of(million), "1,000,000 pages", is_error=False)
    objects = [*empty[:1], b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", empty[2], *[b"<< /A 1 >>"] * 1_000_000]
    yield Case("pdf: a million objects", "a.pdf", pdf_of(objects), "page 1", is_error=False)
    yield Case("pdf: page tree of 50,000 levels", "a.pdf", _deep(), "damaged")
    yield Case("pdf: contents that grow to 1 GB", "a.pdf", later(_growing), "too much memory", is_heavy=True)
    yield Case("pdf: a page of endless size", "a.pdf", _drawn(b"[0 0 99999999 99999999]"), "page 1", is_error=False)
    yield Case("pdf: a form that draws itself", "a.pdf", _recursive_form(), "page 1|too much memory", is_error=None)
    yield Case("pdf: a picture of 50,000 x 50,000", "a.pdf", later(_picture), "page 1", is_error=False, is_heavy=True)
    yield Case("pdf: nested arrays", "a.pdf", pdf_of([b"[" * 500_000, b"]"]), "damaged|cannot be read")


def _page(box: bytes, more: bytes = b"") -> bytes:
    return b"<< /Type /Page /Parent 2 0 R /MediaBox %s %s >>" % (box, more)


def _tree(*objects: bytes) -> bytes:
    return pdf_of([_CATALOGUE, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", *objects])


def _stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more, content)


def _protected() -> bytes:
    plain = pdf(["Some text that is a secret"])
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]" % (
        b"41" * 32,
        b"42" * 32,
    )
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R " + lock)


def _deep() -> bytes:
    levels = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R >>" % (n + 1, n - 1) for n in range(2, 50_000)]
    return pdf_of([_CATALOGUE, *levels, _page(b"[0 0 595 842]")])


def _growing() -> bytes:
    packer = zlib.compressobj(1)
    content = b"".join(packer.compress(b"BT (x) Tj ET\n" * (MEGABYTE // 13)) for _ in range(1_000)) + packer.flush()
    return _tree(_page(b"[0 0 595 842]", b"/Contents 4 0 R"), _stream(content, b"/Filter /FlateDecode"))


def _drawn(box: bytes) -> bytes:
    return _tree(_page(box, b"/Contents 4 0 R"), _stream(b"0 0 100 100 re f"))


def _recursive_form() -> bytes:
    resources = b"/Resources << /XObject << /F 5 0 R >> >>"
    form = _stream(b"/F Do /F Do", b"/Type /XObject /Subtype /Form /BBox [0 0 10 10] " + resources)
    return _tree(_page(b"[0 0 595 842]", b"/Contents 4 0 R " + resources), _stream(b"/F Do /F Do"), form)


def _picture() -> bytes:
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(b"\0" * 50_000_000) for _ in range(50)) + packer.flush()
    about = b"/Type /XObject /Subtype /Image /Width 50000 /Height 50000 /BitsPerComponent 8 /ColorSpace /DeviceGray "
    page = _page(b"[0 0 595 842]", b"/Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >>")
    return _tree(page, _stream(b"595 0 0 842 0 0 cm /I Do"), _stream(pixels, about + b"/Filter /FlateDecode"))
