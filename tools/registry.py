"""Every tool the executor may be given, by the name the model calls it."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from memento.tools.files.search_files import make_search_files
from memento.tools.web.fetch_page import make_fetch_page
from memento.tools.web.tavily import Tavily
from memento.tools.web.web_search import make_web_search

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
        folders: the shelves of the workspace that comes with each call; without any there is no `search_files`.
        index_path: its index file; None keeps the index in memory.
        tavily_api_key: key of `web_search`, which works without one too, rate-limited.
        tavily_base_url: another address of Tavily's API.
    """
    tavily = Tavily(api_key=tavily_api_key, api_base_url=tavily_base_url)
    tools: dict[str, ToolFunction] = {
        "web_search": make_web_search({"tavily": tavily.search}),
        "fetch_page": make_fetch_page(),
    }
    if folders:
        tools["search_files"] = make_search_files(index_path=index_path)
    return tools
