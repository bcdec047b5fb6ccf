"""Fetches a page or file: SSRF guard, robots.txt, limits of time and size."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from memento.extras import optional_imports
from memento.tools.errors import ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.web.media_types import charset_of, check_media_type, kind_of, may_be_pdf, media_type_of
from memento.tools.web.response_body import ACCEPTED, read_body
from memento.tools.web.robots import MAX_BYTES, Robots, RobotsFile
from memento.tools.web.ssrf_guard import MAX_URL_CHARS, AddressGuard

if TYPE_CHECKING:
    import httpx2

_Read = TypeVar("_Read")

AGENT: Final = "memento-langgraph"
"""The name that a site's robots.txt can forbid or allow."""

_USER_AGENT: Final = f"Mozilla/5.0 (compatible; {AGENT})"
_HEADERS: Final = {
    "User-Agent": _USER_AGENT,
    "Accept": "text/html, application/xhtml+xml, application/json, application/xml;q=0.9, application/pdf, text/*",
    "Accept-Encoding": ACCEPTED,
    "Accept-Language": "*",
}
# What sites answer to programs they do not know, and not to people: another reader may be let in.
_REFUSALS: Final = frozenset({403, 406})


class PageRefused(ToolInputError):
    """The site refuses this client, or has nothing readable; another page or another reader may work."""


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """Limits of one fetch."""

    total_s: float = 20.0
    """For everything: names, robots.txt, redirects, the body."""
    text_bytes: int = 5_000_000
    """Of a text, unpacked; a longer one is cut."""
    file_bytes: int = 20_000_000
    """Of a pdf, or of any file that is fetched as such; a longer one is refused, as half of it cannot be read."""
    redirects: int = 5


class Fetched(NamedTuple):
    """A fetched page."""

    url: str
    """After redirects."""
    kind: str
    """`html`, `text`, `json`, `xml` or `pdf`."""
    charset: str
    """What the server called it, empty when it did not."""
    content: bytes
    is_cut: bool


class FetchedFile(NamedTuple):
    """A fetched file."""

    url: str
    """After redirects."""
    media_type: str
    """What the server called it, empty when it did not."""
    content: bytes


class Fetcher:
    """Fetches pages and files. Caches robots.txt but no connection, so it works on any event loop.

    Args:
        guard: where it may connect to.
        limits: when it gives up.
        is_heeding_robots: whether robots.txt is asked for and obeyed.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard | None = None,
        limits: FetchLimits | None = None,
        is_heeding_robots: bool = True,
    ) -> None:
        self._guard = guard or AddressGuard()
        self._limits = limits or FetchLimits()
        self._robots = Robots(agent=AGENT) if is_heeding_robots else None
        self._ssl_context: ssl.SSLContext | None = None

    async def get(self, url: str) -> Fetched:
        """Fetch one page.

        Raises:
            ToolInputError: it is not a public page, does not exist, or cannot be read.
            PageRefused: the site refuses.
            ToolLimitReached: the site asks for patience.
            ToolUnavailable: no answer, a broken one, or one that took too long.
        """
        return await self._answer(url, self._read)

    async def get_file(self, url: str) -> FetchedFile:
        """Fetch one file of any kind, whole; raises what `get` raises."""
        return await self._answer(url, self._read_file)

    async def _answer(self, url: str, read: Callable[["httpx2.Response"], Awaitable[_Read]]) -> _Read:
        with optional_imports("tools", "pages cannot be fetched", ToolUnavailable):
            await asyncio.to_thread(import_module, "httpx2")
            await asyncio.to_thread(import_module, "protego")
        import httpx2

        try:
            async with asyncio.timeout(self._limits.total_s), self._client() as client:
                return await self._page(client, _parsed(url), read)
        except (TimeoutError, httpx2.TimeoutException):
            failure = f"the site gave no whole answer within {self._limits.total_s:g} s; try another page"
        except httpx2.ConnectError as error:
            is_about_tls = isinstance(error.__context__, ssl.SSLError) or "certificate" in str(error).lower()
            why = "its certificate cannot be trusted" if is_about_tls else "no connection"
            failure = f"the site cannot be reached ({why}); check the address, or try another page"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            failure = f"the site's answer is broken ({type(error).__name__}); try another page"
        raise ToolUnavailable(failure, is_outage=False)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator["httpx2.AsyncClient"]:
        import httpx2

        from memento.tools.web.transport import GuardedTransport

        if self._ssl_context is None:  # reading the certificates is too slow for the event loop
            self._ssl_context = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        transport = GuardedTransport(self._guard, ssl_context=self._ssl_context)
        async with httpx2.AsyncClient(transport=transport, trust_env=False, headers=_HEADERS, timeout=10.0) as client:
            yield client

    async def _page(
        self,
        client: "httpx2.AsyncClient",
        url: "httpx2.URL",
        read: Callable[["httpx2.Response"], Awaitable[_Read]],
    ) -> _Read:
        for _ in range(self._limits.redirects + 1):
            await self._ask_robots(client, url)
            async with client.stream("GET", url) as response:
                if response.next_request is None:
                    _check_status(response)
                    return await read(response)
                url = response.next_request.url
        raise ToolInputError(f"the page redirects more than {self._limits.redirects} times; try another address")

    async def _ask_robots(self, client: "httpx2.AsyncClient", url: "httpx2.URL") -> None:
        site = url.copy_with(raw_path=b"/robots.txt", fragment=None)

        async def get() -> RobotsFile:
            place = site
            for _ in range(self._limits.redirects + 1):
                async with client.stream("GET", place) as response:
                    if response.next_request is None:
                        body = await read_body(response, max_bytes=MAX_BYTES)
                        return RobotsFile(response.status_code, body.content)
                    place = response.next_request.url
            return RobotsFile(404, b"")

        if self._robots and not await self._robots.allows(str(url), str(site), get):
            raise PageRefused("the site's robots.txt forbids programs to read this page; try another page")

    async def _read(self, response: "httpx2.Response") -> Fetched:
        declared = response.headers.get("content-type", "")
        media_type = media_type_of(declared)
        check_media_type(media_type)
        limits = self._limits
        limit = limits.file_bytes if may_be_pdf(media_type) else limits.text_bytes
        content, is_cut = await read_body(response, max_bytes=limit)
        kind = kind_of(media_type, content)
        if kind != "pdf":
            content, is_cut = content[: limits.text_bytes], is_cut or len(content) > limits.text_bytes
        elif is_cut:
            raise ToolInputError(f"the pdf has more than {limit:,} bytes, which is too much to read; try another page")
        return Fetched(str(response.url), kind, charset_of(declared), content, is_cut)

    async def _read_file(self, response: "httpx2.Response") -> FetchedFile:
        limit = self._limits.file_bytes
        declared = response.headers.get("content-length", "")
        body = None if declared.isdecimal() and int(declared) > limit else await read_body(response, max_bytes=limit)
        if body is None or body.is_cut:
            raise ToolInputError(f"the file has more than {limit:,} bytes, which is too much; get a smaller one")
        media_type = media_type_of(response.headers.get("content-type", ""))
        return FetchedFile(str(response.url), media_type, body.content)


def _parsed(url: str) -> "httpx2.URL":
    import httpx2

    text = url.strip()
    try:
        parsed = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host or " " in text or len(text) > MAX_URL_CHARS:
        raise ToolInputError(f"{text[:200]!r} is not a web address; give a full http:// or https:// one")
    return parsed


def _check_status(response: "httpx2.Response") -> None:
    """Raise the error that an HTTP status without a page stands for."""
    status = response.status_code
    if status < 300:
        return
    if status < 400:
        raise ToolInputError(
            f"the page redirects without giving an address (HTTP status {status}); try another address"
        )
    if status in {404, 410}:
        raise ToolInputError(f"there is no such page (HTTP status {status}); check the address, or search for it")
    if status == 429:
        wait_s = _retry_after_s(response.headers.get("retry-after", ""))
        when = f"in {wait_s:.0f} s" if wait_s is not None else "later"
        raise ToolLimitReached(
            f"the site's rate limit is reached; it takes requests again {when}; read another page", retry_after_s=wait_s
        )
    if status in _REFUSALS:
        raise PageRefused(f"the site refuses to show this page (HTTP status {status}); try another page")
    if status < 500:
        raise ToolInputError(f"the site refuses the request (HTTP status {status}); try another page")
    raise ToolUnavailable(
        f"the site failed to answer (HTTP status {status}); try once more later, or another page", is_outage=False
    )


def _retry_after_s(header: str) -> float | None:
    """Parse a Retry-After header: seconds, or a date."""
    if header.strip().isdecimal() and len(header) < 10:
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
