"""Web search port: what a provider is given, and what it returns."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class SearchResult(NamedTuple):
    """One search result."""

    title: str
    url: str
    text: str
    """What of the page matches, or what it is about."""
    published: str = ""
    """A date as the provider writes it, empty when it gives none."""


WebSearch = Callable[[str, int], Awaitable[Sequence[SearchResult]]]
"""A provider: from a query and a number of results to at most so many, best first; raises a ToolError."""
