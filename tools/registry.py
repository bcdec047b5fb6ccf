"""Every tool the executor may be given, by the name the model calls it."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from memento.tools.files.search_files import make_search_files
from memento.tools.web.web_search import make_fetch_page, make_web_search

ToolFunction = Callable[..., Awaitable[str]]
"""A typed async function whose docstring is what the model reads; it returns text or raises a ToolError."""


def standard_tools(
    *,
    folders: Sequence[Path] = (),
    index_path: Path | None = None,
    tavily_api_key: str | None = None,
    tavily_base_url: str | None = None,
) -> dict[str, ToolFunction]:
    """Make the built-in tools; opens nothing.

    Args:
        folders: where `search_files` looks; without any there is no such tool.
        index_path: its index file; None keeps the index in memory.
        tavily_api_key: key of `web_search` and `fetch_page`, which work without one too, rate-limited.
        tavily_base_url: another address of Tavily's API.
    """
    tools: dict[str, ToolFunction] = {
        "web_search": make_web_search(api_key=tavily_api_key, api_base_url=tavily_base_url),
        "fetch_page": make_fetch_page(api_key=tavily_api_key, api_base_url=tavily_base_url),
    }
    if folders:
        tools["search_files"] = make_search_files(folders, index_path=index_path)
    return tools
