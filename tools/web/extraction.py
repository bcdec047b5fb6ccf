"""Extracts the main text of an HTML page, in a child process that can be killed.

The good reader (trafilatura) can need minutes for a page that is made to hurt it, or find nothing in an odd one. Then
the plain reader takes over, which understands nothing and always ends.
"""

import re
from typing import Any, Final, NamedTuple

from memento.tools.confined import confined
from memento.tools.errors import ToolInputError
from memento.tools.files.passages import cleaned
from memento.tools.web.visible_text import visible

MAX_HTML_CHARS: Final = 1_000_000
EXTRACTION_S: Final = 6.0
PLAIN_S: Final = 5.0
MIN_TEXT_CHARS: Final = 200
"""Less is hardly the text of a page; the plain reader is asked what else there is."""

# Linear, also over tags that never end. Scripts that hold the page's title and date stay.
_WEIGHT: Final = re.compile(
    r"<(script|style|svg|template)\b(?![^<>]{0,200}ld\+json)[^<]*+(?>(?!</\1)<[^<]*+)*+(?:</\1[^<>]*+>)?"
    r"|<!--[^-]*+(?>(?!-->)-[^-]*+)*+(?:-->)?",
    re.IGNORECASE,
)
# Escapes save a Markdown reader from mistakes; ours reads names and figures as they stand. Code has none of them.
_MARKDOWN_ESCAPE: Final = re.compile(r"(```.*?```|`[^`\n]*`)|\\([_*\[\]<>~`#+-])", re.DOTALL)


class PageText(NamedTuple):
    """Text of a page."""

    title: str
    date: str
    """`YYYY-MM-DD`, empty when the page names none."""
    text: str
    """Markdown: headings, lists, tables, code."""
    forward: str = ""
    """Where the page sends its reader on to, when it does."""
    is_scripted: bool = False
    """Whether there is hardly any text, but scripts that may make it."""


async def page_text(html: str, address: str = "") -> PageText:
    """Extract the main text of a page, else all its visible text.

    Args:
        html: the page.
        address: where it was found; makes the addresses in it whole.
    """
    html = lighter(html)
    try:
        found = PageText(**await _confined("main_text", html, EXTRACTION_S, address=address))
    except ToolInputError:  # killed, or gave up
        found = PageText("", "", "")
    if len(found.text) >= MIN_TEXT_CHARS:
        return found
    try:
        seen = await _confined("visible_page", html, PLAIN_S)
    except ToolInputError:
        return found
    # A short page is short; only one with far more to see was misread.
    text = seen["text"] if len(seen["text"]) > 3 * len(found.text) else found.text
    is_scripted = len(seen["text"]) < MIN_TEXT_CHARS and seen["n_scripts"] > 0
    return PageText(found.title or seen["title"], found.date, text, seen["forward"], is_scripted)


async def _confined(function: str, html: str, timeout_s: float, **more: str) -> dict[str, Any]:
    answer = await confined(f"{__name__}:{function}", {"html": html, **more}, timeout_s=timeout_s)
    return dict(answer)


def lighter(html: str) -> str:
    """Shorten a page to what is parsed; a long one loses markup without text first."""
    return html if len(html) <= MAX_HTML_CHARS else _WEIGHT.sub(" ", html)[:MAX_HTML_CHARS]


def main_text(html: str, address: str = "") -> dict[str, str]:
    """Extract the main text with trafilatura. Runs in the child.

    Merged cells, equations, exponents, frames and pictures are put into words before the main text is looked for, which
    would lose them; of links, those to files keep their addresses.
    """
    import trafilatura

    from memento.tools.documents.left_out import LeftOut
    from memento.tools.documents.page_elements import file_addresses, shown

    tree = trafilatura.load_html(html)
    if tree is None:
        return {"title": "", "date": "", "text": ""}
    about = trafilatura.extract_metadata(tree)
    file_addresses(tree, address)
    shown(tree, LeftOut(), address=address, has_fields=False)
    for figure in tree.iter("figure"):
        figure.tag = "p"  # whose words are kept
    text = trafilatura.extract(tree, output_format="markdown", include_comments=False)
    return {
        "title": cleaned((about and about.title) or ""),
        "date": (about and about.date) or "",
        "text": cleaned(_MARKDOWN_ESCAPE.sub(lambda found: found[1] or found[2], text or "")).strip(),
    }


def visible_page(html: str) -> dict[str, Any]:
    """Extract all visible text. Runs in the child."""
    seen = visible(html)
    return {**seen._asdict(), "title": cleaned(seen.title), "text": cleaned(seen.text)}
