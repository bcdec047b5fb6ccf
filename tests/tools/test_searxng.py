"""Search through a SearxNG, played by a server on loopback."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from memento.tools.errors import ToolError, ToolLimitReached, ToolUnavailable
from memento.tools.web.search_port import SearchResult
from memento.tools.web.searxng import SearxNG
from tests.loopback_site import Answer, Site, serving

FOUND = {"title": "T", "url": "https://example.org", "content": "C", "publishedDate": "2025-03-01T00:00:00"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def answers(site: Site, body: Any, status: int = 200) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    site.answers["/search"] = Answer(content, status, {"Content-Type": "application/json"})


async def test_results_come_with_title_address_text_and_date(site: Site) -> None:
    answers(site, {"results": [FOUND, {"url": "https://example.org/2"}, "nonsense"]})
    assert await SearxNG(base_url=site.url).search("q", 5) == [
        SearchResult("T", "https://example.org", "C", "2025-03-01T00:00:00"),
        SearchResult("", "https://example.org/2", ""),
    ]


async def test_at_most_so_many_results_come_back(site: Site) -> None:
    answers(site, {"results": [FOUND] * 30})
    assert len(await SearxNG(base_url=site.url).search("q", 4)) == 4


async def test_what_was_configured_is_asked_for(site: Site) -> None:
    answers(site, {"results": [FOUND]})
    engine = SearxNG(base_url=site.url, category="science", language="de", time_range="year", safesearch=2)
    await engine.search("q & r", 5)
    assert parse_qs(urlsplit(site.hits[-1]).query) == {
        "q": ["q & r"],
        "format": ["json"],
        "categories": ["science"],
        "language": ["de"],
        "time_range": ["year"],
        "safesearch": ["2"],
    }


@pytest.mark.parametrize("ending", ["", "/", "/search", "/search/", " "])
async def test_the_address_is_understood_when_it_ends_in(site: Site, ending: str) -> None:
    answers(site, {"results": [FOUND]})
    assert await SearxNG(base_url=site.url + ending).search("q", 5)


@pytest.mark.parametrize(
    ("status", "body", "expected", "message"),
    [
        (403, b"", ToolUnavailable, r"add json to search\.formats"),
        (429, b"", ToolLimitReached, "limiter"),
        (500, b"", ToolUnavailable, "HTTP status 500"),
        (302, b"", ToolUnavailable, "HTTP status 302"),
        (200, b"<html>", ToolUnavailable, "understood"),
        (200, b"[]", ToolUnavailable, "understood"),
        (200, b'{"results": 1}', ToolUnavailable, "understood"),
        (200, {"results": [], "unresponsive_engines": [["google", "timeout"]]}, ToolUnavailable, "google timeout"),
    ],
)
async def test_the_error_says_what_is_wrong_when_there_are_no_results(
    site: Site, status: int, body: Any, expected: type[ToolError], message: str
) -> None:
    answers(site, body, status)
    with pytest.raises(expected, match=message):
        await SearxNG(base_url=site.url).search("q", 5)


async def test_nothing_is_found_when_all_engines_answered_without_results(site: Site) -> None:
    answers(site, {"results": [], "unresponsive_engines": []})
    assert await SearxNG(base_url=site.url).search("q", 5) == []


async def test_the_call_ends_in_time_when_the_answer_drips(site: Site) -> None:
    answers(site, {"results": [FOUND]})
    site.answers["/search"].drip_s = 0.1
    with pytest.raises(ToolUnavailable, match=r"within 0\.3 s"):
        await SearxNG(base_url=site.url, timeout_s=0.3).search("q", 5)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense", "http://[::1", "", "http://searx.invalid"])
async def test_the_error_is_clear_when_the_address_leads_nowhere(address: str) -> None:
    with pytest.raises(ToolUnavailable, match="cannot be reached"):
        await SearxNG(base_url=address).search("q", 5)


async def test_the_password_of_the_address_is_used_and_never_shown(site: Site) -> None:
    answers(site, {"results": [FOUND]})
    engine = SearxNG(base_url=site.url.replace("://", "://user:secret-word@"))
    await engine.search("q", 5)
    assert site.seen[-1]["Authorization"].startswith("Basic ")
    answers(site, b"nonsense")
    with pytest.raises(ToolUnavailable) as caught:
        await engine.search("q", 5)
    assert "secret-word" not in f"{engine!r} {caught.value!r}"
    assert caught.value.__suppress_context__
