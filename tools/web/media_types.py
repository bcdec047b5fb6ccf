"""Media types of fetched pages, from the Content-Type header or the first bytes."""

import re
from typing import Final

from memento.tools.errors import ToolInputError

_KINDS: Final = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/json": "json",
    "text/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/x-ndjson": "json",
    "application/javascript": "text",
    "application/x-yaml": "text",
    "application/yaml": "text",
    "application/toml": "text",
    "application/x-sh": "text",
    "application/x-tex": "text",
}
_SAYS_NOTHING: Final = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
_HTML_START: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE
)
_LOOKED_AT: Final = 4_096
_REFUSAL: Final = "it is {}, not a text; this tool reads web pages, text, json, xml and pdf only, so try another page"


def media_type_of(content_type: str) -> str:
    """Return the media type of a Content-Type header, without its parameters."""
    return content_type.split(";", maxsplit=1)[0].strip().lower()


def charset_of(content_type: str) -> str:
    """Return the charset of a Content-Type header, empty when it has none."""
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return found[1].lower() if found else ""


def check_media_type(media_type: str) -> None:
    """Refuse a media type that cannot be text, before its body is read.

    Raises:
        ToolInputError: it is a picture, an archive, a program...
    """
    if _kind(media_type) is None:
        raise ToolInputError(_REFUSAL.format(media_type))


def may_be_pdf(media_type: str) -> bool:
    """Tell whether a PDF may come under this media type."""
    return media_type in _SAYS_NOTHING or _kind(media_type) == "pdf"


def kind_of(media_type: str, content: bytes) -> str:
    """Classify a page: `html`, `text`, `json`, `xml` or `pdf`.

    Raises:
        ToolInputError: nothing can be.
    """
    if content.startswith(b"%PDF-"):
        return "pdf"
    kind = _kind(media_type)
    if kind is None or kind == "pdf" or _is_binary(content):
        raise ToolInputError(_REFUSAL.format("no pdf, though called one" if kind == "pdf" else "binary"))
    # A page is often called plain text or xml by mistake.
    return "html" if kind in {"text", "xml"} and _HTML_START.match(content[:_LOOKED_AT]) else kind


def _kind(media_type: str) -> str | None:
    if kind := _KINDS.get(media_type):
        return kind
    if media_type.endswith("+json"):
        return "json"
    if media_type.endswith("+xml") and not media_type.startswith("image/"):
        return "xml"
    return "text" if media_type.startswith("text/") or media_type in _SAYS_NOTHING else None


def _is_binary(content: bytes) -> bool:
    """Detect binary content by NUL bytes, which only UTF-16 and UTF-32 text has."""
    start = content[:_LOOKED_AT]
    return b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
