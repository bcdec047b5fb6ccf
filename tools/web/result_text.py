"""Formats web search results for the model."""

from typing import Final

from memento.tools.errors import ToolInputError
from memento.tools.text import cut, one_line
from memento.tools.web.search_port import SearchResult

MAX_QUERY_CHARS: Final = 400  # Tavily refuses longer ones
MAX_RESULT_CHARS: Final = 1_200


def numbered(number: int, result: SearchResult) -> str:
    """Format one search result: title, address, date if known, text."""
    lines = [f"{number}. {one_line(result.title) or 'Untitled'}", one_line(result.url)]
    if result.published:
        lines.append(f"published: {one_line(result.published)}")
    lines.append(cut(result.text.strip(), MAX_RESULT_CHARS))
    return "\n".join(line for line in lines if line)


def checked_query(query: str) -> str:
    """Validate a query and put it on one line.

    Raises:
        ToolInputError: it is empty or too long.
    """
    query = " ".join(query.split())
    if not query:
        raise ToolInputError("the query is empty; say what to look for")
    if len(query) > MAX_QUERY_CHARS:
        raise ToolInputError(f"the query has {len(query)} characters; shorten it to at most {MAX_QUERY_CHARS}")
    return query
