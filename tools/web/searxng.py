"""Web search through a self-hosted SearxNG instance."""

import asyncio
import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from memento.extras import optional_imports
from memento.tools.errors import ToolError, ToolLimitReached, ToolUnavailable
from memento.tools.text import cut
from memento.tools.web.response_body import ACCEPTED, read_body
from memento.tools.web.search_port import SearchResult

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER_BYTES: Final = 4_000_000


@dataclass(frozen=True, kw_only=True)
class SearxNG:
    """Address and options of a SearxNG instance. The address is the user's: no model and no page can change it."""

    base_url: str = field(repr=False)  # may hold a password
    """Such as `http://127.0.0.1:8888`."""
    category: str = "general"
    language: str = "all"
    time_range: Literal["", "day", "month", "year"] = ""
    safesearch: Literal[0, 1, 2] = 1
    """0 none, 1 moderate, 2 strict."""
    timeout_s: float = 15.0
    """Limit of one whole call."""

    async def search(self, query: str, max_results: int) -> list[SearchResult]:
        """Search the web.

        Raises:
            ToolError: whatever went wrong, as the model may read it.
        """
        with optional_imports("tools", "SearxNG cannot be asked", ToolUnavailable):
            await asyncio.to_thread(import_module, "httpx2")
        import httpx2

        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._answer(query)
        except (TimeoutError, httpx2.TimeoutException):
            raise ToolUnavailable(f"SearxNG gave no answer within {self.timeout_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            # Not chained: the address may hold a password.
            raise ToolUnavailable(f"SearxNG cannot be reached or understood ({type(error).__name__})") from None
        results = [_result(found) for found in answer.get("results", []) if isinstance(found, dict)]
        if not results and (silent := answer.get("unresponsive_engines")):
            raise ToolUnavailable(f"none of SearxNG's engines answered ({cut(_one_by_one(silent), 200)})")
        return results[:max_results]

    async def _answer(self, query: str) -> dict[str, Any]:
        import httpx2

        asked = {
            "q": query,
            "format": "json",
            "categories": self.category,
            "language": self.language,
            "safesearch": self.safesearch,
        }
        if self.time_range:
            asked["time_range"] = self.time_range
        url = self.base_url.strip().rstrip("/").removesuffix("/search") + "/search"
        # No redirect is followed, and no proxy of the environment is used: the address is one of the user's own.
        headers = {"Accept": "application/json", "Accept-Encoding": ACCEPTED}
        certificates = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        async with (
            httpx2.AsyncClient(verify=certificates, trust_env=False, timeout=self.timeout_s, headers=headers) as client,
            client.stream("GET", url, params=asked) as response,
        ):
            if response.status_code != 200:
                raise _failure(response)
            body = await read_body(response, max_bytes=MAX_ANSWER_BYTES)
        answer = json.loads(body.content)
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise ValueError("not a SearxNG answer")  # noqa: TRY004  beside what a JSON parser raises
        return answer


def _failure(response: "httpx2.Response") -> ToolError:
    status = response.status_code
    if status == 403:
        return ToolUnavailable("SearxNG refuses JSON; the user must add json to search.formats in its settings.yml")
    if status == 429:
        message = "SearxNG's limiter refuses more requests now; work with what you have"
        return ToolLimitReached(message, is_outage=True)
    return ToolUnavailable(f"SearxNG answered with HTTP status {status}")


def _result(found: dict[str, Any]) -> SearchResult:
    return SearchResult(
        title=str(found.get("title") or ""),
        url=str(found.get("url") or ""),
        text=str(found.get("content") or ""),
        published=str(found.get("publishedDate") or ""),
    )


def _one_by_one(engines: object) -> str:
    """Format the engines that failed with their reasons, which come as pairs."""
    pairs = engines if isinstance(engines, list) else []
    return "; ".join(" ".join(map(str, pair)) if isinstance(pair, list) else str(pair) for pair in pairs)
