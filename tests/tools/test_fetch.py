"""What a fetch brings, and that it ends within its limits, whatever the server does."""

import gzip
import socket
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.web.fetch import Fetcher, FetchLimits, PageRefused
from memento.tools.web.ssrf_guard import AddressGuard
from tests.loopback_site import HTML, Answer, Names, Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def fetcher(site: Site, *, is_heeding_robots: bool = False, **limits: float) -> Fetcher:
    guard = AddressGuard(allowed=[site.host, f"site.example:{site.port}"], resolver=Names(site_example=["127.0.0.1"]))
    return Fetcher(guard=guard, limits=FetchLimits(**limits), is_heeding_robots=is_heeding_robots)  # type: ignore[arg-type]


async def test_a_page_comes_with_its_kind_and_charset(site: Site) -> None:
    url = site.page("/a", "<p>Hello</p>")
    page = await fetcher(site).get(f"  {url} ")
    assert (page.url, page.kind, page.charset, page.content, page.is_cut) == (
        url, "html", "utf-8", b"<p>Hello</p>", False,
    )  # fmt: skip
    assert "memento-langgraph" in site.seen[-1]["User-Agent"]


async def test_the_host_header_is_the_urls_when_the_connection_goes_to_an_address(site: Site) -> None:
    site.page("/a", "x")
    await fetcher(site).get(f"http://site.example:{site.port}/a")
    assert site.seen[-1]["Host"] == f"site.example:{site.port}"


async def test_redirects_are_followed_when_there_are_few(site: Site) -> None:
    site.page("/end", "x")
    for number in range(5):
        site.redirect(f"/{number}", f"/{number + 1}" if number < 4 else site.url + "/end", status=301 + number % 2)
    page = await fetcher(site).get(f"{site.url}/0")
    assert page.url == f"{site.url}/end"


async def test_the_fetch_ends_when_redirects_go_in_a_circle(site: Site) -> None:
    site.redirect("/a", "/b")
    with pytest.raises(ToolInputError, match="redirects more than 5 times"):
        await fetcher(site).get(site.redirect("/b", "/a"))
    assert len(site.hits) == 6


async def test_cookies_of_a_redirect_are_not_kept_for_the_next_fetch(site: Site) -> None:
    site.answers["/a"] = Answer(status=302, headers={"Location": "/b", "Set-Cookie": "seen=1"})
    site.page("/b", "x")
    fetch = fetcher(site)
    await fetch.get(f"{site.url}/a")
    await fetch.get(f"{site.url}/b")
    assert [headers.get("Cookie") for headers in site.seen] == [None, "seen=1", None]


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (404, ToolInputError, "no such page"),
        (410, ToolInputError, "no such page"),
        (401, ToolInputError, "HTTP status 401"),
        (403, PageRefused, "refuses to show"),
        (500, ToolUnavailable, "failed to answer"),
        (503, ToolUnavailable, "failed to answer"),
        (304, ToolInputError, "redirects without giving an address"),
    ],
)
async def test_the_error_says_what_to_do_when_the_status_is_no_success(
    site: Site, status: int, expected: type[ToolError], message: str
) -> None:
    site.answers["/a"] = Answer(b"" if status == 304 else b"details", status)
    with pytest.raises(expected, match=message) as caught:
        await fetcher(site).get(f"{site.url}/a")
    assert type(caught.value) is expected


@pytest.mark.parametrize(("header", "expected"), [("120", 120.0), ("soon", None), ("", None)])
async def test_the_time_to_wait_is_told_when_the_site_names_one(
    site: Site, header: str, expected: float | None
) -> None:
    site.answers["/a"] = Answer(status=429, headers={"Retry-After": header})
    with pytest.raises(ToolLimitReached, match="rate limit is reached") as caught:
        await fetcher(site).get(f"{site.url}/a")
    assert caught.value.retry_after_s == expected


async def test_the_time_to_wait_is_counted_when_the_site_names_a_date(site: Site) -> None:
    when = datetime.now(UTC) + timedelta(hours=1)
    site.answers["/a"] = Answer(status=429, headers={"Retry-After": format_datetime(when, usegmt=True)})
    with pytest.raises(ToolLimitReached) as caught:
        await fetcher(site).get(f"{site.url}/a")
    assert 3_500 < (caught.value.retry_after_s or 0) <= 3_600


async def test_the_fetch_ends_in_time_when_the_body_drips(site: Site) -> None:
    site.answers["/a"] = Answer(b"x" * 1_000, drip_s=0.1)
    with pytest.raises(ToolUnavailable, match=r"within 0\.4 s"):
        await fetcher(site, total_s=0.4).get(f"{site.url}/a")


async def test_the_fetch_ends_in_time_when_robots_txt_drips(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(b"x" * 1_000, drip_s=0.1)
    with pytest.raises(ToolUnavailable, match=r"within 0\.4 s"):
        await fetcher(site, total_s=0.4, is_heeding_robots=True).get(site.page("/a", "x"))


async def test_a_text_is_cut_when_it_has_no_end(site: Site) -> None:
    site.answers["/a"] = Answer(b"endless " * 1_000, is_endless=True)
    page = await fetcher(site, text_bytes=100_000).get(f"{site.url}/a")
    assert page.is_cut
    assert len(page.content) == 100_000


def packed(content: bytes, encoding: str = "gzip") -> Answer:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    return Answer(pack(content), headers={"Content-Type": HTML, "Content-Encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_packed_page_is_unpacked(site: Site, encoding: str) -> None:
    site.answers["/a"] = packed(b"<p>packed</p>", encoding)
    assert (await fetcher(site).get(f"{site.url}/a")).content == b"<p>packed</p>"
    assert site.seen[-1]["Accept-Encoding"] == "gzip"


async def test_only_so_much_is_unpacked_when_a_page_is_a_gzip_bomb(site: Site) -> None:
    site.answers["/a"] = packed(b"a" * 50_000_000)
    assert len(site.answers["/a"].body) < 100_000
    page = await fetcher(site, text_bytes=1_000_000).get(f"{site.url}/a")
    assert page.is_cut
    assert len(page.content) == 1_000_000


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        ("gzip", b"not gzip at all", "damaged"),
        ("br", b"x", "unsupported content encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "unsupported content encoding"),
    ],
)
async def test_the_error_is_clear_when_a_page_cannot_be_unpacked(
    site: Site, encoding: str, body: bytes, message: str
) -> None:
    site.answers["/a"] = Answer(body, headers={"Content-Type": HTML, "Content-Encoding": encoding})
    with pytest.raises(ToolUnavailable, match=message):
        await fetcher(site).get(f"{site.url}/a")


async def test_the_error_is_clear_when_the_body_is_shorter_than_announced(site: Site) -> None:
    site.answers["/a"] = Answer(b"short", headers={"Content-Type": HTML, "Content-Length": "5000"})
    with pytest.raises(ToolUnavailable, match="broken"):
        await fetcher(site).get(f"{site.url}/a")


async def test_the_error_is_clear_when_nobody_listens() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ToolUnavailable, match="no connection"):
            await Fetcher(guard=AddressGuard(allowed=[host]), is_heeding_robots=False).get(f"http://{host}/")


async def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    site.page("/a", "x")
    guard = AddressGuard(allowed=[f"two.example:{site.port}"], resolver=Names(two_example=["::1", "127.0.0.1"]))
    page = await Fetcher(guard=guard, is_heeding_robots=False).get(f"http://two.example:{site.port}/a")
    assert page.content == b"x"


async def test_the_error_is_clear_when_the_server_speaks_no_tls(site: Site) -> None:
    with pytest.raises(ToolUnavailable, match="cannot be reached"):
        await fetcher(site).get(f"https://{site.host}/a")


async def test_a_host_that_is_not_known_is_told_from_one_that_cannot_be_asked_for(site: Site) -> None:
    with pytest.raises(ToolInputError, match="there is no host nowhere"):
        await Fetcher().get("http://nowhere.invalid/")


async def test_a_pdf_is_refused_when_it_is_too_large_to_be_whole(site: Site) -> None:
    site.answers["/a.pdf"] = Answer(b"%PDF-1.7" + b"x" * 1_000, headers={"Content-Type": "application/pdf"})
    with pytest.raises(ToolInputError, match="more than 500 bytes"):
        await fetcher(site, file_bytes=500).get(f"{site.url}/a.pdf")
    assert (await fetcher(site).get(f"{site.url}/a.pdf")).kind == "pdf"


async def test_a_pdf_is_recognised_when_the_server_says_nothing(site: Site) -> None:
    site.answers["/a"] = Answer(b"%PDF-1.7 and on", headers={"Content-Type": "application/octet-stream"})
    assert (await fetcher(site, text_bytes=4).get(f"{site.url}/a")).kind == "pdf"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("image/png", b"\x89PNG\r\n"),
        ("video/mp4", b"x"),
        ("application/zip", b"PK"),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b"\x7fELF\0\0\0"),
        ("application/octet-stream", b"\0\1\2"),
        ("application/pdf", b"no pdf"),
    ],
)
async def test_what_is_no_text_is_refused(site: Site, media_type: str, body: bytes) -> None:
    site.answers["/a"] = Answer(body, headers={"Content-Type": media_type})
    with pytest.raises(ToolInputError, match="not a text"):
        await fetcher(site).get(f"{site.url}/a")


@pytest.mark.parametrize(
    ("media_type", "body", "kind"),
    [
        ("application/xhtml+xml", b"<?xml version='1.0'?><html/>", "html"),
        ("text/plain", b"<!DOCTYPE html><html><p>x", "html"),
        ("", b"plain words", "text"),
        ("application/vnd.api+json", b"{}", "json"),
        ("application/rss+xml", b"<rss/>", "xml"),
        ("text/markdown; charset=utf-8", b"# x", "text"),
        ("TEXT/HTML;charset=ISO-8859-1", b"<p>x", "html"),
    ],
)
async def test_the_kind_is_told_from_the_type_and_the_content(
    site: Site, media_type: str, body: bytes, kind: str
) -> None:
    site.answers["/a"] = Answer(body, headers={"Content-Type": media_type})
    assert (await fetcher(site).get(f"{site.url}/a")).kind == kind
