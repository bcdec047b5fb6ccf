"""Web search and page reading through Tavily, which also works without a key (rate-limited).

Pages are fetched and cleaned on Tavily's side: no request of ours ever goes to an address that a model chose. Each call
opens its own client and closes it: the tools hold no connection, so they work on any event loop and leave nothing open.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable

if TYPE_CHECKING:
    from tavily import AsyncTavilyClient

MAX_RESULTS: Final = 10
MAX_QUERY_CHARS: Final = 400  # Tavily refuses longer ones
MAX_RESULT_CHARS: Final = 1_200
MAX_PAGE_CHARS: Final = 12_000
MAX_PASSAGES: Final = 5  # Tavily's own limit, of 500 characters each


@dataclass(frozen=True, kw_only=True)
class _Tavily:
    """Where and how Tavily is reached; the key is kept out of the repr and of every message."""

    api_key: str | None = field(repr=False)
    api_base_url: str | None
    timeout_s: float

    async def call(self, endpoint: Literal["search", "extract"], **options: object) -> Mapping[str, Any]:
        """Ask one endpoint.

        Raises:
            ToolError: whatever went wrong, as the model may read it.
        """
        # Importing tavily and, in its client, reading the TLS certificates are too slow for the event loop.
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
        return ToolLimitReached(message, retry_after_s=getattr(error, "retry_after_seconds", None))

    def _detail(self, error: Exception) -> str:
        text = str(error)
        if self.api_key:
            text = text.replace(self.api_key, "[key]")
        return f" ({_cut(text, 200)})" if text else ""


def make_web_search(
    *, api_key: str | None = None, api_base_url: str | None = None, timeout_s: float = 30.0
) -> Callable[..., Awaitable[str]]:
    """Build the `web_search` tool; opens nothing before its first call.

    Args:
        api_key: Tavily's key; None or empty for the rate-limited use without one.
        api_base_url: another address of the same API.
        timeout_s: limit of one whole call.
    """
    tavily = _Tavily(api_key=api_key, api_base_url=api_base_url, timeout_s=timeout_s)

    async def web_search(query: str, max_results: int = 5) -> str:
        """Search the web and return the best pages with the parts of their text that match the query.

        Use a short query with names and keywords. Read a promising page in full with fetch_page.

        Args:
            query: what to look for, at most 400 characters.
            max_results: how many pages to return, 1 to 10.
        """
        query = _checked_query(query)
        answer = await tavily.call("search", query=query, max_results=max(1, min(max_results, MAX_RESULTS)))
        results = answer["results"][:MAX_RESULTS]
        if not results:
            return f"No page found for {query!r}. Try other or fewer words."
        return "\n\n".join(_numbered(number, result) for number, result in enumerate(results, 1))

    return web_search


def make_fetch_page(
    *, api_key: str | None = None, api_base_url: str | None = None, timeout_s: float = 30.0
) -> Callable[..., Awaitable[str]]:
    """Build the `fetch_page` tool; same arguments as `make_web_search`."""
    tavily = _Tavily(api_key=api_key, api_base_url=api_base_url, timeout_s=timeout_s)

    async def fetch_page(url: str, query: str = "") -> str:
        """Read one public web page as text.

        With a query, only the few passages of the page that match it best are returned: cheaper, and better for long
        pages. Without one, the page is returned from its start, up to 12,000 characters.

        Args:
            url: the full http or https address.
            query: what to look for on the page; empty for the whole page.
        """
        url = _checked_url(url)
        options: dict[str, object] = {"urls": [url], "format": "text"}
        if query.strip():
            options |= {"query": _checked_query(query), "chunks_per_source": MAX_PASSAGES}
        answer = await tavily.call("extract", **options)
        text = "\n\n".join(str(page.get("raw_content") or "") for page in answer["results"]).strip()
        if not text:
            reasons = "; ".join(str(page.get("error", "")) for page in answer["failed_results"])
            raise ToolUnavailable(f"{url} cannot be read ({_cut(reasons, 200) or 'no text'}); try another page")
        return f"{url}\n\n{_cut(text, MAX_PAGE_CHARS)}"

    return fetch_page


def _numbered(number: int, result: Mapping[str, Any]) -> str:
    """Render one search result: title, address, date when there is one, text."""
    lines = [f"{number}. {_one_line(result.get('title') or 'Untitled')}", _one_line(result.get("url") or "")]
    if published := result.get("published_date"):
        lines.append(f"published: {_one_line(published)}")
    lines.append(_cut(str(result.get("content") or "").strip(), MAX_RESULT_CHARS))
    return "\n".join(line for line in lines if line)


def _checked_query(query: str) -> str:
    query = " ".join(query.split())
    if not query:
        raise ToolInputError("the query is empty; say what to look for")
    if len(query) > MAX_QUERY_CHARS:
        raise ToolInputError(f"the query has {len(query)} characters; shorten it to at most {MAX_QUERY_CHARS}")
    return query


def _checked_url(url: str) -> str:
    """Accept public http(s) addresses only: a private one means nothing to Tavily and should not be told to it."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ToolInputError(f"{_cut(url, 200)!r} is not a URL; give a full https:// address") from None
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", url) or len(url) > 2_000:
        raise ToolInputError(f"{_cut(url, 200)!r} is not a web address; give a full http:// or https:// one")
    if parts.username is not None or parts.password is not None:
        raise ToolInputError("the URL contains a user name or password; give it without")
    if _is_private(host):
        raise ToolInputError(f"{host} is not a public host; give the address of a public page")
    return url


def _is_private(host: str) -> bool:
    host = host.rstrip(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))


def _one_line(text: object) -> str:
    return _cut(" ".join(str(text).split()), 500)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()} … [cut]"
