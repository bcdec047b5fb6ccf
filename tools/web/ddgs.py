"""Web search without an API key, by scraping public search engines (ddgs).

It breaks whenever they change, and their terms may forbid it: an extra, and the last in a chain of providers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from memento.tools.errors import ToolLimitReached, ToolUnavailable
from memento.tools.web.search_port import SearchResult


@dataclass(frozen=True, kw_only=True)
class Ddgs:
    """Search through the ddgs package."""

    region: str = "us-en"
    safesearch: str = "moderate"
    """`on`, `moderate` or `off`."""
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    timeout_s: int = 10
    """Limit of each engine."""

    async def search(self, query: str, max_results: int) -> list[SearchResult]:
        """Search the web.

        Raises:
            ToolUnavailable: no engine answered, or the extra is not installed.
            ToolLimitReached: the engines want no more requests.
        """
        try:
            package = await asyncio.to_thread(import_module, "ddgs")
            errors = await asyncio.to_thread(import_module, "ddgs.exceptions")
        except ImportError:
            raise ToolUnavailable(
                "this search is not installed; the user must run: pip install 'memento-langgraph[ddgs]'"
            ) from None
        try:
            found = await asyncio.to_thread(self._ask, package.DDGS, query, max_results)
        except errors.RatelimitException:
            raise ToolLimitReached("the search engines' rate limit is reached; work with what you have") from None
        except errors.DDGSException as error:
            if "No results found" in str(error):
                return []
            raise ToolUnavailable(f"no search engine answered ({type(error).__name__})") from None
        return [
            SearchResult(
                title=str(page.get("title", "")), url=str(page.get("href", "")), text=str(page.get("body", ""))
            )
            for page in found
        ]

    def _ask(self, client: Callable[..., Any], query: str, max_results: int) -> list[dict[str, Any]]:
        engines = client(proxy=self.proxy, timeout=self.timeout_s)
        found: list[dict[str, Any]] = engines.text(
            query, region=self.region, safesearch=self.safesearch, max_results=max_results
        )
        return found
