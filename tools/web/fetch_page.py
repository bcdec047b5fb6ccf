"""The fetch_page tool: one public page as text, or the passages that match a question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.files.passages import cleaned
from memento.tools.text import cut, one_line
from memento.tools.web.charsets import decoded
from memento.tools.web.extraction import PageText, page_text
from memento.tools.web.fetch import Fetched, Fetcher, PageRefused
from memento.tools.web.passage_selection import beginning, compressed
from memento.tools.web.result_text import checked_query
from memento.tools.web.tavily import Tavily

MAX_PAGE_CHARS: Final = 12_000
"""Of a page that is read without a query."""

SHORT_PAGE_CHARS: Final = 6_000
"""A page up to this is given whole, whatever the query; also the most that is left of a longer one."""

KEPT_SHARE: Final = 0.3
"""What a query leaves of a longer page, at most."""

MIN_SCRIPTED_CHARS: Final = 60
"""Less text than this, on a page with scripts, is only what is shown until they have run."""

ReadBytes = Callable[[str, bytes], Awaitable[str]]
"""Reads a document: from its file name and content to its text; raises a ToolError."""


def make_fetch_page(
    *, fetcher: Fetcher | None = None, read_bytes: ReadBytes | None = None, tavily: Tavily | None = None
) -> Callable[..., Awaitable[str]]:
    """Build the `fetch_page` tool; opens nothing before its first call.

    Args:
        fetcher: gets the pages; the default one reaches public pages only and heeds robots.txt.
        read_bytes: reads pdf files; without it there is no text of them.
        tavily: is told the address, and reads the page, when it refuses us or is made by scripts. None: never.
    """
    pages = fetcher or Fetcher()

    async def fetch_page(url: str, query: str = "") -> str:
        """Read one public web page, pdf, text or JSON file from the web as text.

        With a query, a long page is cut to the passages that match it best, in the page's order, with […] where
        something was left out: cheaper, and better for long pages. Without one, the page is returned from its start, up
        to 12,000 characters.

        Args:
            url: the full http or https address.
            query: what to look for on the page; empty for the page from its start.
        """
        query = checked_query(query) if query.strip() else ""
        try:
            fetched = await pages.get(url)
            page = await read_page(fetched, read_bytes)
            if page.is_scripted and (tavily or len(page.text) < MIN_SCRIPTED_CHARS):
                raise PageRefused("the page is rendered by scripts, which are not run here; try another page")
        except (PageRefused, ToolLimitReached):
            if tavily is None:
                raise
            address = url.strip()
            return f"{address}\n\n{cut(await tavily.extract(address, query), MAX_PAGE_CHARS)}"
        head = "\n".join(line for line in (one_line(page.title), fetched.url, _published(page)) if line)
        return f"{head}\n\n{await asyncio.to_thread(_shown, page.text, query)}"

    return fetch_page


async def read_page(fetched: Fetched, read_bytes: ReadBytes | None = None) -> PageText:
    """Convert a fetched page to its full text.

    Raises:
        ToolInputError: there is no text, and no script that would make one.
    """
    if fetched.kind == "pdf":
        if read_bytes is None:
            raise ToolInputError("it is a pdf, which cannot be read here; look for the same as a web page")
        name = unquote(urlsplit(fetched.url).path.rsplit("/", 1)[-1]) or "page"
        name = name if name.lower().endswith(".pdf") else f"{name}.pdf"
        return PageText(title="", date="", text=await read_bytes(name, fetched.content))
    text = await asyncio.to_thread(decoded, fetched.content, fetched.charset)
    if fetched.kind == "html":
        page = await page_text(text, fetched.url)
    else:
        page = PageText("", "", await asyncio.to_thread(_plain, text))
    if not page.text and page.forward:
        raise ToolInputError(
            f"the page only redirects to {cut(urljoin(fetched.url, page.forward), 500)}; fetch that instead"
        )
    if not page.text and not page.is_scripted:
        raise ToolInputError("the page is empty; try another page")
    return page


def _plain(text: str) -> str:
    return cleaned(text).strip()


def _published(page: PageText) -> str:
    return f"published: {page.date}" if page.date else ""


def _shown(text: str, query: str) -> str:
    """Shorten a page to what is shown, and say so."""
    if query and len(text) > SHORT_PAGE_CHARS:
        shown = compressed(text, query, min(SHORT_PAGE_CHARS, int(KEPT_SHARE * len(text))))
        return f"{shown}\n\n[{len(shown):,} of {len(text):,} characters, chosen by the query]"
    if len(text) > MAX_PAGE_CHARS:
        shown = beginning(text, MAX_PAGE_CHARS)
        return f"{shown}\n\n[the first {len(shown):,} of {len(text):,} characters; with a query, the rest is searched]"
    return text
