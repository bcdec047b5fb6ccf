"""Charset detection for web pages, whose declared charset is often wrong."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of utf-16-le
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_IN_PAGE: Final = re.compile(
    rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,100}encoding=[\"']([\w.:-]{1,40})"
)
_LOOKED_AT: Final = 4_096
_PAGE_CODECS: Final = re.compile(
    r"utf-8|iso8859-\d+|ascii|cp125\d|cp866|cp874|cp932|cp949|koi8-[ru]|mac-\w+|gb\w+|big5\w*|euc_\w+|"
    r"shift_jis\w*|iso2022_jp\w*|hz|tis-620"
)
# These write everything in ASCII bytes, so it would pass for UTF-8.
_LIKE_ASCII: Final = ("iso2022", "hz")
# Browsers read each of these as its superset.
_SUPERSETS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


def decoded(content: bytes, charset: str = "") -> str:
    """Decode a page's bytes; never fails, undecodable bytes become U+FFFD.

    Args:
        content: whole, or cut anywhere.
        charset: what the server said, empty when it said nothing.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    declared = _known(charset) or _known(_charset_in(content))
    if declared and declared.startswith(_LIKE_ASCII):
        return content.decode(declared, errors="replace")
    # What is valid UTF-8 is nothing else, whatever it is said to be. A cut character at the end is no error.
    text = codecs.getincrementaldecoder("utf-8")(errors="replace").decode(content)
    n_wrong = text.count("\N{REPLACEMENT CHARACTER}")
    other = declared if declared != "utf-8" else None
    if not n_wrong or (other is None and n_wrong * 10 < sum(not character.isascii() for character in text)):
        return text
    return content.decode(other or "cp1252", errors="replace")


def _charset_in(content: bytes) -> str:
    found = _IN_PAGE.search(content[:_LOOKED_AT])
    return (found[1] or found[2]).decode("ascii", errors="ignore") if found else ""


def _known(charset: str) -> str | None:
    """Find the codec of a charset name; None for unknown names and codecs that are not page charsets."""
    try:
        name = codecs.lookup(charset.strip()).name
    except (LookupError, ValueError):
        return None
    return _SUPERSETS.get(name, name) if _PAGE_CODECS.fullmatch(name) else None
