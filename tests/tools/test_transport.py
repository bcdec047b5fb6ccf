"""What the transport sends to an address that the guard has checked: the URL's own name, in TLS too."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.web.fetch import Fetcher
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.web.transport import GuardedTransport
from tests.loopback_site import Names

# For site.example, signed by itself, good for a hundred years; its key is of use to nobody.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUbY6vdJCTv4gKlh0BCcsk3Oujw2cwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMc2l0ZS5leGFtcGxlMCAXDTI2MTEyMjIwNDcwNFoYDzIxMjYx
MDI5MjA0NzA0WjAXMRUwEwYDVQQDDAxzaXRlLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAATiqpkV1cMmM1+JILau/xWEiOOGSzZSusBZQ71qhAlU0maz
EW+E9507f8vVGaSNtwdd1lSz4AqrTJ0Ksw0nmy8ao2wwajAdBgNVHQ4EFgQUJ9Oe
04MKAjEV7v9pAWdNGU0pUN0wHwYDVR0jBBgwFoAUJ9Oe04MKAjEV7v9pAWdNGU0p
UN0wFwYDVR0RBBAwDoIMc2l0ZS5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYI
KoZIzj0EAwIDSAAwRQIga8402cZsxSx9ucASqChiqxdUiJ4FDUl2h6kvSzhs2vgC
IQCN7wP2L0onb6ShGDgfFUuCCPUKRqzpUQph76stLnQNtA==
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7bEol8rkdAHNvyHK
hcG6jbnQK3o2fpeC7XwoY91TC26hRANCAATiqpkV1cMmM1+JILau/xWEiOOGSzZS
usBZQ71qhAlU0mazEW+E9507f8vVGaSNtwdd1lSz4AqrTJ0Ksw0nmy8a
-----END PRIVATE KEY-----
"""


@pytest.fixture
def server_context(tmp_path: Path) -> ssl.SSLContext:
    (tmp_path / "both.pem").write_text(KEY + CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


class TlsSite:
    """What a server on loopback was told."""

    def __init__(self) -> None:
        self.port = 0
        self.names: list[str | None] = []
        self.requests: list[bytes] = []


@asynccontextmanager
async def serving_tls(context: ssl.SSLContext) -> AsyncIterator[TlsSite]:
    site = TlsSite()

    def named(_socket: object, name: str | None, _context: object) -> None:
        site.names.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    context.sni_callback = named
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


def guard(port: int) -> AddressGuard:
    names = Names(site_example=["127.0.0.1"], other_example=["127.0.0.1"])
    return AddressGuard(allowed=[f"site.example:{port}", f"other.example:{port}"], resolver=names)


async def get(url: str, port: int) -> httpx2.Response:
    trusting = ssl.create_default_context(cadata=CERTIFICATE)
    async with httpx2.AsyncClient(transport=GuardedTransport(guard(port), ssl_context=trusting)) as client:
        return await client.get(url)


@pytest.mark.parametrize("host", ["site.example", "SITE.example", "site.example."])
async def test_the_name_is_what_the_server_and_its_certificate_see(host: str, server_context: ssl.SSLContext) -> None:
    async with serving_tls(server_context) as site:
        assert (await get(f"https://{host}:{site.port}/a", site.port)).text == "hi"
    assert site.names == ["site.example"]
    assert f"Host: {host.lower()}:{site.port}".encode() in site.requests[0]


async def test_a_certificate_is_refused_when_it_is_for_another_name(server_context: ssl.SSLContext) -> None:
    async with serving_tls(server_context) as site:
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await get(f"https://other.example:{site.port}/a", site.port)
    assert site.names == ["other.example"]
    assert site.requests == []


async def test_the_error_is_clear_when_nobody_vouches_for_a_certificate(server_context: ssl.SSLContext) -> None:
    async with serving_tls(server_context) as site:
        with pytest.raises(ToolUnavailable, match="certificate cannot be trusted"):
            await Fetcher(guard=guard(site.port), is_heeding_robots=False).get(f"https://site.example:{site.port}/a")
    assert site.requests == []


async def test_no_connection_is_shared_when_two_names_have_one_address(server_context: ssl.SSLContext) -> None:
    async with serving_tls(server_context) as site:
        trusting = ssl.create_default_context(cadata=CERTIFICATE)
        transport = GuardedTransport(guard(site.port), ssl_context=trusting)
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.get(f"https://site.example:{site.port}/")
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"https://other.example:{site.port}/")
    assert site.names == ["site.example", "other.example"]
