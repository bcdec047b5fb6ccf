"""The web_search tool: what it shows of results, and how providers stand in for each other."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.web.result_text import MAX_RESULT_CHARS
from memento.tools.web.search_port import SearchResult, WebSearch
from memento.tools.web.web_search import make_web_search

RESULT = SearchResult("A\n title ", "https://example.org/a", " Its text. ", "2025-03-01")


def finding(*results: SearchResult) -> WebSearch:
    async def search(query: str, max_results: int) -> Sequence[SearchResult]:
        return results

    return search


def failing(error: ToolError) -> WebSearch:
    async def search(query: str, max_results: int) -> Sequence[SearchResult]:
        raise error

    return search


async def test_results_are_numbered_with_what_is_known_of_them() -> None:
    text = await make_web_search({"one": finding(RESULT, SearchResult("", "https://example.org/b", ""))})("query")
    assert text == (
        "1. A title\nhttps://example.org/a\npublished: 2025-03-01\nIts text.\n\n2. Untitled\nhttps://example.org/b"
    )


async def test_no_more_results_are_shown_than_were_asked_for() -> None:
    text = await make_web_search({"one": finding(*[RESULT] * 30)})("query", max_results=3)
    assert text.count("Its text") == 3


async def test_a_result_is_cut_when_its_text_is_long() -> None:
    text = await make_web_search({"one": finding(RESULT._replace(text="x" * 50_000))})("query")
    assert text.endswith("x … [cut]")
    assert len(text) < MAX_RESULT_CHARS + 200


@pytest.mark.parametrize("query", ["", " \n ", "long " * 100])
async def test_nothing_is_asked_when_the_query_is_unusable(query: str) -> None:
    with pytest.raises(ToolInputError):
        await make_web_search({"one": failing(ToolUnavailable("was asked"))})(query)


async def test_the_next_provider_is_asked_when_one_fails_or_finds_nothing() -> None:
    search = make_web_search(
        {"one": failing(ToolUnavailable("is down")), "two": finding(), "three": finding(RESULT), "four": finding()}
    )
    assert (await search("query")).startswith("one failed: is down\nFound by three:\n\n1. A title\n")


async def test_no_provider_is_named_when_all_went_well() -> None:
    assert (await make_web_search({"one": finding(), "two": finding(RESULT)})("query")).startswith("1. A title")


async def test_the_model_is_told_to_rephrase_when_nothing_is_found() -> None:
    search = make_web_search({"one": failing(ToolUnavailable("is down")), "two": finding()})
    assert await search("zxcvb") == "one failed: is down\nNo page found for 'zxcvb'. Try other or fewer words."


async def test_the_error_is_the_providers_own_when_there_is_only_one() -> None:
    with pytest.raises(ToolLimitReached, match=r"^enough$"):
        await make_web_search({"one": failing(ToolLimitReached("enough"))})("query")


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([ToolUnavailable("a"), ToolLimitReached("b")], ToolUnavailable),
        ([ToolLimitReached("a", retry_after_s=9), ToolLimitReached("b", retry_after_s=5)], ToolLimitReached),
        ([ToolInputError("a"), ToolInputError("b")], ToolInputError),
        ([ToolInputError("a"), ToolLimitReached("b")], ToolUnavailable),
    ],
)
async def test_every_reason_is_told_when_all_providers_fail(errors: list[ToolError], expected: type[ToolError]) -> None:
    search = make_web_search({f"p{number}": failing(error) for number, error in enumerate(errors)})
    with pytest.raises(ToolError, match="p0 failed: a p1 failed: b") as caught:
        await search("query")
    assert type(caught.value) is expected
    if isinstance(caught.value, ToolLimitReached):
        assert caught.value.retry_after_s == 5


def test_there_is_no_tool_without_a_provider() -> None:
    with pytest.raises(ToolInputError, match="at least one provider"):
        make_web_search({})


@pytest.mark.slow
def test_nothing_heavy_is_imported_when_tools_are_only_made() -> None:
    program = (
        "import sys;"
        "from memento.tools.web.tavily import Tavily; from memento.tools.web.searxng import SearxNG;"
        "from memento.tools.web.web_search import make_web_search;"
        "from memento.tools.web.fetch_page import make_fetch_page; make_fetch_page(tavily=Tavily());"
        "make_web_search({'a': Tavily().search, 'b': SearxNG(base_url='http://x').search});"
        "heavy = {'tavily', 'httpx', 'httpx2', 'trafilatura', 'protego', 'lxml', 'langchain', 'langgraph'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
