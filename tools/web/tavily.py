"""Tavily's search and page extraction; both also work without a key, rate-limited.

Each call opens its own client and closes it: nothing is held, so it works on any event loop and leaves nothing open.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from memento.extras import optional_imports
from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.text import cut
from memento.tools.web.search_port import SearchResult
from memento.tools.web.ssrf_guard import MAX_URL_CHARS, check_host

if TYPE_CHECKING:
    from tavily import AsyncTavilyClient

MAX_PASSAGES: Final = 5  # Tavily's own limit, of 500 characters each


@dataclass(frozen=True, kw_only=True)
class Tavily:
    """Configuration of Tavily; the key is kept out of the repr and of every message."""

    api_key: str | None = field(default=None, repr=False)
    """None or empty for the rate-limited use without one."""
    api_base_url: str | None = None
    """Another address of the same API."""
    timeout_s: float = 30.0
    """Limit of one whole call."""

    async def search(self, query: str, max_results: int) -> list[SearchResult]:
        """Search the web.

        Raises:
            ToolError: whatever went wrong, as the model may read it.
        """
        answer = await self._call("search", query=query, max_results=max_results)
        return [
            SearchResult(
                title=str(result.get("title") or ""),
                url=str(result.get("url") or ""),
                text=str(result.get("content") or ""),
                published=str(result.get("published_date") or ""),
            )
            for result in answer["results"]
        ]

    async def extract(self, url: str, query: str = "") -> str:
        """Extract one page with Tavily: its whole text, or the passages that match a query.

        Args:
            url: of a public page. Tavily is told it, so a private one is refused.
            query: at most 400 characters; empty for the whole page.

        Raises:
            ToolError: whatever went wrong, as the model may read it.
        """
        url = _checked_url(url)
        options: dict[str, object] = {"urls": [url], "format": "text"}
        if query:
            options |= {"query": query, "chunks_per_source": MAX_PASSAGES}
        answer = await self._call("extract", **options)
        text = "\n\n".join(str(page.get("raw_content") or "") for page in answer["results"]).strip()
        if not text:
            reasons = "; ".join(str(page.get("error", "")) for page in answer["failed_results"])
            raise ToolUnavailable(
                f"{url} cannot be read ({cut(reasons, 200) or 'no text'}); try another page", is_outage=False
            )
        return text

    async def _call(self, endpoint: Literal["search", "extract"], **options: object) -> Mapping[str, Any]:
        """Call one endpoint.

        Raises:
            ToolError: whatever went wrong, as the model may read it.
        """
        # Importing tavily and, in its client, reading the TLS certificates are too slow for the event loop.
        with optional_imports("tools", "Tavily cannot be asked", ToolUnavailable):
            await asyncio.to_thread(import_module, "tavily")
        import httpx
        from tavily import errors

        try:
            client = await asyncio.to_thread(self._client)
            # httpx limits each read; only this limits an answer that arrives drop by drop.
            async with asyncio.timeout(self.timeout_s), client:
                answer: Mapping[str, Any] = await getattr(client, endpoint)(**options, timeout=self.timeout_s)
                return answer
        except (TimeoutError, errors.TimeoutError):
            failure: ToolError = ToolUnavailable(
                f"Tavily gave no answer within {self.timeout_s:g} s; try once more or work with what you have"
            )
        except errors.UsageLimitExceededError as error:  # the keyless limit is a subclass
            failure = self._limit_reached(error)
        except errors.InvalidAPIKeyError:
            failure = ToolUnavailable("Tavily refused the API key; the user must correct TAVILY_API_KEY")
        except errors.ForbiddenError as error:
            failure = ToolUnavailable(f"Tavily does not allow this request{self._detail(error)}; use another tool")
        except errors.BadRequestError as error:
            failure = ToolInputError(
                f"Tavily did not understand the request{self._detail(error)}; change the arguments"
            )
        except httpx.HTTPStatusError as error:
            failure = ToolUnavailable(f"Tavily answered with HTTP status {error.response.status_code}; try again later")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = ToolUnavailable(f"Tavily cannot be reached ({type(error).__name__}); work with what you have")
        except (ValueError, TypeError, AttributeError):
            # What its client raises when a proxy or a login page answers in Tavily's place.
            failure = ToolUnavailable("the answer did not come from Tavily; the user should check the network")
        # Not chained: the server's own words are in the cause, and they may repeat the key.
        raise failure from None

    def _client(self) -> "AsyncTavilyClient":
        from tavily import AsyncTavilyClient

        # An empty key, unlike None, keeps Tavily from reading the environment: only settings do that.
        return AsyncTavilyClient(api_key=(self.api_key or "").strip(), api_base_url=self.api_base_url)

    def _limit_reached(self, error: Exception) -> ToolLimitReached:
        if self.api_key:
            message = "Tavily's plan or rate limit is used up; work with what you have"
        else:
            message = "Tavily's limit for use without a key is reached; work with what you have, or set TAVILY_API_KEY"
        return ToolLimitReached(message, retry_after_s=getattr(error, "retry_after_seconds", None), is_outage=True)

    def _detail(self, error: Exception) -> str:
        text = str(error)
        if self.api_key:
            text = text.replace(self.api_key, "[key]")
        return f" ({cut(text, 200)})" if text else ""


def _checked_url(url: str) -> str:
    """Check that a URL is public http(s): private ones mean nothing to Tavily and should not be sent to it."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", url) or len(url) > MAX_URL_CHARS:
        raise ToolInputError(f"{cut(url, 200)!r} is not a web address; give a full http:// or https:// one")
    if parts.username is not None or parts.password is not None:
        raise ToolInputError("the URL contains a user name or password; give it without")
    check_host(host)
    return url
