"""HTTP transport with the SSRF guard built in, so that every request and redirect passes through it."""

import ssl
from typing import Final

import httpx2

from memento.tools.errors import ToolInputError
from memento.tools.web.ssrf_guard import AddressGuard

MAX_ADDRESSES: Final = 3
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connects only to addresses that the guard has checked; ignores proxies of the environment.

    Args:
        guard: says where a host may be connected to.
        ssl_context: how certificates are checked. They are checked against the URL's host, not the address.
    """

    def __init__(self, guard: AddressGuard, *, ssl_context: ssl.SSLContext) -> None:
        self._guard = guard
        # A kept connection is found by address: two hosts on one address would share it, and its certificate.
        self._inner = httpx2.AsyncHTTPTransport(
            verify=ssl_context, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request without a body to the first address of its host that responds.

        Raises:
            ToolInputError: the URL is not that of a public page.
            ToolUnavailable: its host cannot be looked up.
            httpx2.TransportError: no address answers.
        """
        url = request.url
        port = url.port if url.port is not None else _DEFAULT_PORTS.get(url.scheme)
        host = url.raw_host.decode("ascii")
        if port is None or url.scheme not in _DEFAULT_PORTS or not host:
            raise ToolInputError("it is not a web address; give a full http:// or https:// one")
        if url.userinfo:
            raise ToolInputError("the URL contains a user name or password; give it without")
        *others, last = (await self._guard.addresses(host, port))[:MAX_ADDRESSES]
        for address in others:
            try:
                return await self._inner.handle_async_request(_pinned(request, host, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_pinned(request, host, last))

    async def aclose(self) -> None:
        """Close open connections."""
        await self._inner.aclose()


def _pinned(request: httpx2.Request, host: str, address: str) -> httpx2.Request:
    """Rewrite the request to a checked address; its Host header stays the URL's."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host.removesuffix(".")},
    )
