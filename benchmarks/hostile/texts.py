"""XML, JSON, HTML and CSV, files of zeros, and files that are not what their names say."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.hostile import made_documents as made
from benchmarks.hostile.case import Case, Cases

_GIGABYTE: Final = 1_000_000_000
_LAUGHS: Final = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + "]><lolz>&k;</lolz>"
).encode()


def texts() -> Cases:
    """Yield the cases."""
    yield from _xml()
    yield from _deep()
    yield from _large()
    yield from _misnamed()


def _xml() -> Cases:
    yield Case("xml: entities that grow", "a.xml", _LAUGHS, "defines entities")
    quadratic = b'<!DOCTYPE q [<!ENTITY a "%s">]><q>%s</q>' % (b"a" * 100_000, b"&a;" * 20_000)
    yield Case("xml: one large entity, often", "a.xml", b'<?xml version="1.0"?>' + quadratic, "defines entities")
    for what, declaration in (
        ("an entity of another file", b'<!ENTITY x SYSTEM "file:///etc/passwd">'),
        ("an entity of an address", b'<!ENTITY x SYSTEM "http://127.0.0.1:9/x">'),
        ("a parameter entity", b'<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;'),
    ):
        content = b'<?xml version="1.0"?><!DOCTYPE r [%s]><r>&x;</r>' % declaration
        yield Case(f"xml: {what}", "a.xml", content, "defines entities")
    yield Case("xml: truncated", "a.xml", b"<?xml version='1.0'?><a><b>Some text</b><c", "Some text", is_error=False)
    yield Case("svg: entities that grow", "a.svg", _LAUGHS, "defines entities")


def _deep() -> Cases:
    n = 200_000
    yield Case("json: 200,000 lists deep", "a.json", b"[" * n + b"]" * n, "nested too deep", is_error=False)
    yield Case("json: truncated", "a.json", b'{"a": [1, 2, {"b": "some', "cannot be parsed", is_error=False)
    yield Case(
        "json: a number of 1,000,000 digits", "a.json", b"[" + b"9" * 1_000_000 + b"]", "shown as it is", is_error=False
    )
    deep = b"<?xml version='1.0'?>" + b"<a>" * n + b"</a>" * n
    yield Case("xml: 200,000 elements deep", "a.xml", deep, "too deep", is_error=False)
    yield Case(
        "html: 200,000 elements deep",
        "a.html",
        b"<html>" + b"<div>" * n + b"deep",
        "deep",
        is_error=False,
        is_heavy=True,
    )
    yield Case("html: tags that never end", "a.html", b"<html>seen" + b"<p " * 700_000, "seen", is_error=False)
    yield Case(
        "html: 2 MB of paragraphs",
        "a.html",
        b"<html>" + b"<p>word" * 300_000,
        "word|within 30 s",
        is_error=False,
        is_heavy=True,
    )
    yield Case("csv: a field of 15 MB", "a.csv", b'a,b\n1,"' + b"x" * 15_000_000 + b'"\n', "| 2 |", is_error=False)
    yield Case(
        "csv: a quote that is never closed",
        "a.csv",
        b'a,"b\n' + b"1,2\n" * 3_000_000,
        "a",
        is_error=False,
        is_heavy=True,
    )
    yield Case(
        "csv: a row of 4,000,000 fields",
        "a.csv",
        b",".join([b"1"] * 4_000_000),
        "more columns",
        is_error=False,
        is_heavy=True,
    )
    yield Case("text: a line of 20 MB", "a.txt", b"x" * 25_000_000, "lines over 2,000 characters", is_error=False)
    yield Case(
        "text: 10,000,000 lines", "a.txt", b"\n" * 10_000_000 + b"end", "for more", is_error=False, is_heavy=True
    )


def _large() -> Cases:
    for suffix, start in (("txt", b""), ("csv", b""), ("pdf", b"%PDF-1.7\n"), ("xlsx", b"PK\3\4"), ("xml", b"<?xml")):
        yield Case(f"{suffix}: 1 GB, sparse", f"a.{suffix}", _sparse(start, _GIGABYTE), "at most 200,000,000")
    for suffix, start in (("pdf", b"%PDF-1.7\n"), ("docx", b"PK\3\4"), ("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        yield Case(
            f"{suffix}: 190 MB, sparse",
            f"a.{suffix}",
            _sparse(start, 190_000_000),
            "damaged|old binary|cannot be read",
            is_heavy=True,
        )
    yield Case("txt: 190 MB, sparse", "a.txt", _sparse(b"", 190_000_000), "not text", is_heavy=True)
    large = _sparse(b"PK\3\4", _GIGABYTE)
    yield Case("zip: 1 GB, sparse", "a.zip", large, "too much to unpack", tool="extract_archive")
    yield Case("empty file", "a.pdf", b"", "is empty")


def _sparse(start: bytes, n_bytes: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(start)
            stream.truncate(n_bytes)

    return make


def _misnamed() -> Cases:
    yield Case("a picture named pdf", "a.pdf", made.picture("x"), "a picture; use view_image")
    yield Case(
        "a PDF named docx", "a.docx", made.pdf(["Some text to be read"]), "its name ends in .docx", is_error=False
    )
    yield Case("a ZIP named xlsx", "a.xlsx", made.zipped({"a.txt": "x"}), "its name ends in .xlsx", is_error=False)
    yield Case(
        "a page named xls",
        "a.xls",
        b"<html><table><tr><td>7</td></tr></table>",
        "its name ends in .xls",
        is_error=False,
    )
    yield Case("a program named txt", "a.txt", b"\x7fELF\2\1\1" + b"\0" * 500, "not text")
    yield Case("text named pdf", "a.pdf", b"Just some text", "its name ends in .pdf", is_error=False)
    yield Case("a ZIP that is a PDF as well", "a.pdf", b"%PDF-1.4\n" + made.zipped({"a": "x"}), "damaged")
