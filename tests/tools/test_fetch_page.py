"""The fetch_page tool, from a URL to what the model reads."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.fetch_pages import F1_BAR, KEPT_BAR, SHARE_BAR, run
from memento.tools.errors import ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.web.fetch import Fetcher, FetchLimits, PageRefused
from memento.tools.web.fetch_page import MAX_PAGE_CHARS, SHORT_PAGE_CHARS, make_fetch_page
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.web.tavily import Tavily
from tests.loopback_site import Answer, Names, Site, serving
from tests.tavily_shim import FakeTavily, serving_tavily

PARAGRAPH = "In year {} the committee measured the old mill in the spring, and nobody objected to that at all."
SCRIPTED = '<title>App</title><div id="root"></div><script src="app.js"></script>'


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def tavily(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTavily]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving_tavily() as tavily:
        tavily.answers({"results": [{"url": "x", "raw_content": "Read by Tavily."}]})
        yield tavily


def reading(site: Site, *, limits: FetchLimits | None = None, **options: Any) -> Any:
    """Make the tool; the site is `site.example` to it, a public name."""
    guard = AddressGuard(allowed=[site.host, f"site.example:{site.port}"], resolver=Names(site_example=["127.0.0.1"]))
    return make_fetch_page(fetcher=Fetcher(guard=guard, limits=limits), **options)


def story(n_paragraphs: int, *, extra: str = "") -> str:
    body = [f"<p>{PARAGRAPH.format(number)}</p>" for number in range(n_paragraphs)]
    body.insert(n_paragraphs * 2 // 3, f"<p>{extra}</p>")
    return f"<html><head><title>A story</title></head><body><article>{''.join(body)}</article></body></html>"


async def test_a_page_is_shown_with_title_and_address_first(site: Site) -> None:
    site.redirect("/start", "/end")
    site.page("/end", story(5))
    text = await reading(site)(f"{site.url}/start")
    assert text.startswith(f"A story\n{site.url}/end\n\nIn year 0 the committee")


async def test_the_date_is_shown_when_the_page_has_one(site: Site) -> None:
    html = story(5).replace("</head>", '<meta property="article:published_time" content="2024-05-06"></head>')
    assert "\npublished: 2024-05-06\n\n" in await reading(site)(site.page("/a", html))


async def test_a_long_page_is_cut_when_there_is_no_query(site: Site) -> None:
    text = await reading(site)(site.page("/a", story(400)))
    assert MAX_PAGE_CHARS * 0.9 < len(text) < MAX_PAGE_CHARS + 200
    assert text.endswith("with a query, the rest is searched]")


async def test_what_matches_is_kept_when_a_long_page_is_read_with_a_query(site: Site) -> None:
    url = site.page("/a", story(400, extra="The county seat of Columbia is St. Helens."))
    text = await reading(site)(url, "county seat\n of Columbia")
    assert "The county seat of Columbia is St. Helens." in text
    assert "[…]" in text
    assert text.endswith("chosen by the query]")
    assert len(text) < SHORT_PAGE_CHARS + 200


async def test_a_short_page_is_whole_when_there_is_a_query(site: Site) -> None:
    url = site.page("/a", story(10))
    assert await reading(site)(url, "county seat") == await reading(site)(url)


@pytest.mark.parametrize(
    ("media_type", "body", "shown"),
    [
        ("application/json", b'{"a": [1,  2]}', '{"a": [1,  2]}'),
        ("text/plain", "Grüße\r\n\x1b[31m".encode(), "Grüße\n[31m"),
        ("application/rss+xml", b"<rss><item>x</item></rss>", "<rss><item>x</item></rss>"),
    ],
)
async def test_other_texts_are_shown_as_they_are(site: Site, media_type: str, body: bytes, shown: str) -> None:
    site.answers["/a"] = Answer(body, headers={"Content-Type": media_type})
    assert await reading(site)(f"{site.url}/a") == f"{site.url}/a\n\n{shown}"


async def test_a_pdf_is_read_by_the_function_that_was_given(site: Site) -> None:
    async def read_bytes(name: str, content: bytes) -> str:
        return f"{name} has {len(content)} bytes"

    site.answers["/b/my%20paper"] = Answer(b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
    text = await reading(site, read_bytes=read_bytes)(f"{site.url}/b/my%20paper?x=1")
    assert text == f"{site.url}/b/my%20paper?x=1\n\nmy paper.pdf has 8 bytes"
    with pytest.raises(ToolInputError, match="pdf, which cannot be read here"):
        await reading(site)(f"{site.url}/b/my%20paper")


async def test_the_error_names_the_target_when_a_page_only_sends_on(site: Site) -> None:
    url = site.page("/docs/", '<meta http-equiv="refresh" content="0; url=latest/index.html">')
    with pytest.raises(ToolInputError, match=f"redirects to {site.url}/docs/latest/index.html"):
        await reading(site)(url)


async def test_the_error_is_clear_when_a_page_is_empty(site: Site) -> None:
    for body, media_type in ((b"<html><body></body></html>", "text/html"), (b" \n", "text/plain")):
        site.answers["/a"] = Answer(body, headers={"Content-Type": media_type})
        with pytest.raises(ToolInputError, match="empty"):
            await reading(site)(f"{site.url}/a")


async def test_the_error_is_clear_when_only_scripts_would_make_the_text(site: Site) -> None:
    with pytest.raises(PageRefused, match="rendered by scripts"):
        await reading(site)(site.page("/a", SCRIPTED))


async def test_a_short_page_is_read_when_it_has_scripts_too(site: Site) -> None:
    url = site.page("/a", f"<title>T</title><p>{PARAGRAPH.format(1)}</p><script>count()</script>")
    assert PARAGRAPH.format(1) in await reading(site)(url)


@pytest.mark.parametrize("case", ["scripts", "robots", "403", "429"])
async def test_tavily_reads_the_page_when_it_refuses_us(site: Site, tavily: FakeTavily, case: str) -> None:
    site.page("/a", SCRIPTED if case == "scripts" else story(5))
    if case == "robots":
        site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /a")
    elif case.isdecimal():
        site.answers["/a"].status = int(case)
    url = f"http://site.example:{site.port}/a"
    with pytest.raises((PageRefused, ToolLimitReached)):
        await reading(site)(url)
    assert await reading(site, tavily=Tavily(api_base_url=tavily.url))(url, "mill") == f"{url}\n\nRead by Tavily."
    assert (tavily.asked["urls"], tavily.asked["query"]) == ([url], "mill")


@pytest.mark.parametrize("path", ["/missing", "/broken", "/empty"])
async def test_tavily_is_not_asked_when_the_page_would_be_no_better_there(
    site: Site, tavily: FakeTavily, path: str
) -> None:
    site.answers |= {"/broken": Answer(status=500), "/empty": Answer()}
    with pytest.raises((ToolInputError, ToolUnavailable)):
        await reading(site, tavily=Tavily(api_base_url=tavily.url))(f"http://site.example:{site.port}{path}")
    assert tavily.n_calls == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/a", "http://10.0.0.1/", "http://intranet/", "file:///etc/passwd"]
)
async def test_tavily_is_never_told_a_private_address(site: Site, tavily: FakeTavily, url: str) -> None:
    site.answers["/a"] = Answer(status=403)
    with pytest.raises(ToolInputError):
        await reading(site, tavily=Tavily(api_base_url=tavily.url))(url.format(port=site.port))
    assert tavily.n_calls == 0


@pytest.mark.parametrize("query", ["long " * 100])
async def test_nothing_is_asked_when_the_query_is_unusable(site: Site, query: str) -> None:
    with pytest.raises(ToolInputError, match="shorten it"):
        await reading(site)(site.page("/a", story(5)), query)
    assert site.hits == []


async def test_a_huge_page_ends_in_a_cut_text(site: Site) -> None:
    site.answers["/a"] = Answer(json.dumps(["word"] * 200_000).encode(), headers={"Content-Type": "application/json"})
    text = await reading(site, limits=FetchLimits(text_bytes=100_000))(f"{site.url}/a")
    assert len(text) < MAX_PAGE_CHARS + 300


@pytest.mark.slow
@pytest.mark.allow_blocking("the benchmark reads its questions and ends its server on the loop's own thread")
async def test_main_text_and_answers_are_kept_on_made_pages(capsys: pytest.CaptureFixture[str]) -> None:
    found = await run(18, seed=3)
    with capsys.disabled():
        print(f"\nfetch_page: F1 {found['f1']:.3f}, kept {found['kept']:.3f} at {found['share']:.3f}")  # noqa: T201
    assert found["f1"] >= F1_BAR
    assert found["largest_share"] <= SHARE_BAR
    assert found["kept"] >= KEPT_BAR - 0.1  # of so few long pages, one is 9 %; the bar itself is the benchmark's
