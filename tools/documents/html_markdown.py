"""Converts HTML pages to Markdown; falls back to their visible text when they are too large."""

from typing import Any, Final

from memento.tools.documents.document import Document, clean
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.documents.page_elements import shown
from memento.tools.documents.page_tables import move_inner_tables
from memento.tools.files.passages import as_text

MAX_ELEMENTS: Final = 100_000
"""Of a page that is converted; a larger one would take too long."""

_BAR: Final = "\\|"
_BACK: Final = "\u2191"
_DEEP: Final = "its elements are nested too deep"
_LIMITS: Final = ("ERR_INTERNAL_ERROR", "ERR_RESOURCE_LIMIT")


def as_document(html: str, left_out: LeftOut) -> Document:
    """Convert a page to lines of Markdown, or to its visible text when it is too large.

    Args:
        html: the page, at most a few megabytes.
        left_out: counts what the lines do not show; may have been counted into before.
    """
    if not html.strip():
        return lines("", left_out)
    try:
        return lines(_markdown(html, left_out), left_out)
    except (RecursionError, _TooMuch) as error:
        why = str(error) if isinstance(error, _TooMuch) else _DEEP
    document = lines(as_text(html.encode(), is_html=True) or "", left_out)
    document.notes.append(f"{why}, so only the bare text is shown")
    return document


class _TooMuch(Exception):
    """Raised when a page is too large to convert."""


def _markdown(html: str, left_out: LeftOut) -> str:
    from bs4 import BeautifulSoup
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(encoding="utf-8", remove_comments=True)
    page = document_fromstring(html.encode(), parser=parser)
    if any(error.type_name in _LIMITS for error in parser.error_log):
        raise _TooMuch(_DEEP)
    if sum(1 for _ in page.iter()) > MAX_ELEMENTS:
        raise _TooMuch(f"it has more than {MAX_ELEMENTS:,} elements")
    etree.strip_elements(page, "script", "style", "template", with_tail=False)
    for link in page.iter("a"):
        if (link.get("href") or "").startswith("#"):
            del link.attrib["href"]
            if link.text == _BACK:  # from a note to where it is referred to
                link.text = ""
    shown(page, left_out)
    move_inner_tables(page)
    html = etree.tostring(page, encoding="unicode", method="html")
    del page
    return clean(_converter().convert_soup(BeautifulSoup(html, "lxml")))


def _converter() -> Any:
    from markdownify import MarkdownConverter

    class Converter(MarkdownConverter):
        """Writes cells that stay within their row; none of them spans others any more."""

        def convert_td(self, element: Any, text: str, parent_tags: Any) -> str:
            del element, parent_tags
            return f" {' '.join(text.split()).replace('|', _BAR)} |"

        convert_th = convert_td

    return Converter(
        heading_style="ATX",
        bullets="-",
        table_infer_header=True,
        escape_misc=False,
        escape_asterisks=False,
        escape_underscores=False,
    )
