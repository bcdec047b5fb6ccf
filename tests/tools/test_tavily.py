"""Web search and page reading by Tavily, against one of our own on loopback; its client is the real one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.web.tavily import Tavily
from memento.tools.web.web_search import make_web_search
from tests.tavily_shim import KEY, PAGE, FakeTavily, serving_tavily


@pytest.fixture
def tavily(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTavily]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving_tavily() as tavily:
        yield tavily


def searching(**options: Any) -> Callable[..., Awaitable[str]]:
    return make_web_search({"tavily": Tavily(**options).search})


async def test_pages_are_numbered_with_url_date_and_text_when_the_search_succeeds(tavily: FakeTavily) -> None:
    tavily.answers({"results": [PAGE, {"title": None, "url": "https://example.org/2", "content": "More."}]})
    text = await searching(api_key=KEY, api_base_url=tavily.url)("county  seat\nof Columbia", max_results=2)
    assert text == (
        "1. Columbia County\nhttps://example.org/columbia\npublished: 2025-03-01\nThe county seat is St. Helens."
        "\n\n2. Untitled\nhttps://example.org/2\nMore."
    )
    assert tavily.path == "/search"
    assert tavily.asked == {"query": "county seat of Columbia", "max_results": 2}
    assert tavily.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [None, "", " \n"])
async def test_the_search_is_keyless_when_no_key_is_given(
    tavily: FakeTavily, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", KEY)  # only settings read the environment
    tavily.answers({"results": [PAGE]})
    assert "St. Helens" in await searching(api_key=key, api_base_url=tavily.url)("columbia")
    assert tavily.headers["X-Tavily-Access-Mode"] == "keyless"
    assert "Authorization" not in tavily.headers


@pytest.mark.parametrize(("wanted", "sent"), [(-3, 1), (0, 1), (7, 7), (500, 10)])
async def test_the_number_of_results_is_bounded_when_it_is_out_of_range(
    tavily: FakeTavily, wanted: int, sent: int
) -> None:
    tavily.answers({"results": [PAGE] * 30})
    text = await searching(api_base_url=tavily.url)("columbia", max_results=wanted)
    assert tavily.asked["max_results"] == sent
    assert text.count("St. Helens") == sent


async def test_the_model_is_told_to_rephrase_when_nothing_is_found(tavily: FakeTavily) -> None:
    tavily.answers({"results": []})
    assert "Try other or fewer words" in await searching(api_base_url=tavily.url)("zxcvb")


async def test_the_limit_names_the_key_to_set_when_keyless_use_is_exhausted(tavily: FakeTavily) -> None:
    tavily.answers({"error": {"code": "keyless_limit", "message": "enough", "retry_after_seconds": 90}}, status=429)
    with pytest.raises(ToolLimitReached, match="set TAVILY_API_KEY") as caught:
        await searching(api_base_url=tavily.url)("columbia")
    assert caught.value.retry_after_s == 90


async def test_the_limit_asks_for_no_key_when_there_is_one(tavily: FakeTavily) -> None:
    tavily.answers({"detail": {"error": "too many requests"}}, status=429)
    with pytest.raises(ToolLimitReached, match="plan or rate limit") as caught:
        await searching(api_key=KEY, api_base_url=tavily.url)("columbia")
    assert "TAVILY_API_KEY" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "expected", "message"),
    [
        (401, {"detail": {"error": f"bad key {KEY}"}}, ToolUnavailable, "correct TAVILY_API_KEY"),
        (432, {"detail": {"error": f"plan of {KEY} exceeded"}}, ToolUnavailable, r"plan of \[key\] exceeded"),
        (403, {}, ToolUnavailable, "does not allow this request; use"),
        (400, {"detail": {"error": "Query is invalid"}}, ToolInputError, "Query is invalid"),
        (500, b"oops", ToolUnavailable, "HTTP status 500"),
        (302, b"", ToolUnavailable, "HTTP status 302"),
        (204, b"", ToolUnavailable, "did not come from Tavily"),
        (200, b"<html>Log in to the Wi-Fi</html>", ToolUnavailable, "did not come from Tavily"),
        (200, b"[]", ToolUnavailable, "did not come from Tavily"),
    ],
)
async def test_the_error_says_what_to_do_and_hides_the_key_when_tavily_refuses(
    tavily: FakeTavily, status: int, body: object, expected: type[ToolError], message: str
) -> None:
    tavily.answers(body, status=status)
    with pytest.raises(expected, match=message) as caught:
        await searching(api_key=KEY, api_base_url=tavily.url)("columbia")
    assert KEY not in f"{caught.value!s} {caught.value!r}"
    assert caught.value.__suppress_context__


async def test_the_call_ends_in_time_when_the_answer_arrives_drop_by_drop(tavily: FakeTavily) -> None:
    tavily.answers({"results": [PAGE]})
    tavily.drip_s = 0.2  # each byte comes within the limit of one read
    with pytest.raises(ToolUnavailable, match=r"within 0\.5 s"):
        await searching(api_base_url=tavily.url, timeout_s=0.5)("columbia")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://127.0.0.1:port", "http://tavily.invalid", "nonsense"]
)
async def test_the_tool_is_unavailable_when_the_address_leads_nowhere(tavily: FakeTavily, address: str) -> None:
    with pytest.raises(ToolUnavailable):
        await searching(api_base_url=address)("columbia")


async def test_all_searches_succeed_when_they_run_together(tavily: FakeTavily) -> None:
    tavily.answers({"results": [PAGE]})
    search = searching(api_base_url=tavily.url)
    assert all("St. Helens" in text for text in await asyncio.gather(*(search(f"q {n}") for n in range(5))))


@pytest.mark.allow_blocking("asyncio.run makes loops of its own here")
def test_the_same_tool_works_when_each_call_has_its_own_event_loop(tavily: FakeTavily) -> None:
    tavily.answers({"results": [PAGE]})
    search = searching(api_base_url=tavily.url)
    for _ in range(2):
        assert "St. Helens" in asyncio.run(_as_coroutine(search("columbia")))


async def _as_coroutine(call: Any) -> str:
    return str(await call)


async def test_only_matching_passages_are_asked_for_when_a_query_is_given(tavily: FakeTavily) -> None:
    tavily.answers({"results": [{"url": "https://example.org", "raw_content": "seat [...] St. Helens"}]})
    await Tavily(api_base_url=tavily.url).extract("https://example.org", query="county seat")
    assert tavily.asked["query"] == "county seat"
    assert tavily.asked["chunks_per_source"] == 5


async def test_the_reason_is_given_when_a_page_cannot_be_read(tavily: FakeTavily) -> None:
    tavily.answers({"results": [], "failed_results": [{"url": "https://example.org", "error": "blocked by robots"}]})
    with pytest.raises(ToolUnavailable, match="blocked by robots"):
        await Tavily(api_base_url=tavily.url).extract("https://example.org")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "http://",
        "http://[::1",
        "https://example.org/a b",
        "https://user:pass@example.org/",
        "http://localhost:8080/admin",
        "http://localhost./admin",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://intranet/",
        "http://printer.local/",
        "https://example.org/" + "a" * 3_000,
    ],
)
async def test_nothing_is_asked_when_the_url_is_not_a_public_page(tavily: FakeTavily, url: str) -> None:
    with pytest.raises(ToolInputError):
        await Tavily(api_base_url=tavily.url).extract(url)
    assert tavily.n_calls == 0


async def test_the_whole_text_is_returned_when_no_query_is_given(tavily: FakeTavily) -> None:
    tavily.answers({"results": [{"url": "https://example.org", "raw_content": "St. Helens. " * 5_000}]})
    text = await Tavily(api_key=KEY, api_base_url=tavily.url).extract("  https://example.org ")
    assert text == ("St. Helens. " * 5_000).strip()
    assert tavily.path == "/extract"
    assert tavily.asked == {"urls": ["https://example.org"], "format": "text", "timeout": 30.0}


def test_the_key_is_hidden_when_a_tool_or_its_closure_is_printed() -> None:
    tavily = Tavily(api_key=KEY)
    tool = make_web_search({"tavily": tavily.search})
    cells = [cell.cell_contents for cell in tool.__closure__ or ()]  # type: ignore[attr-defined]
    assert cells
    assert KEY not in f"{tavily!r} {tool!r} {cells!r}"
