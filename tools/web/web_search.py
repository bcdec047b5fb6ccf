"""The web_search tool: asks one provider after another until one finds something."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from memento.tools.text import cut
from memento.tools.web.result_text import checked_query, numbered
from memento.tools.web.search_port import SearchResult, WebSearch

MAX_RESULTS: Final = 10


def make_web_search(providers: Mapping[str, WebSearch]) -> Callable[..., Awaitable[str]]:
    """Build the `web_search` tool; opens nothing before its first call.

    Args:
        providers: searches by name, in the order in which they are asked. The next one is asked when one fails or
            finds nothing.

    Raises:
        ToolInputError: there is no provider.
    """
    if not providers:
        raise ToolInputError("web_search needs at least one provider")
    searches = dict(providers)

    async def web_search(query: str, max_results: int = 5) -> str:
        """Search the web and return the best pages with the parts of their text that match the query.

        Use a short query with names and keywords. Read a promising page in full with fetch_page.

        Args:
            query: what to look for, at most 400 characters.
            max_results: how many pages to return, 1 to 10.
        """
        query = checked_query(query)
        limit = max(1, min(max_results, MAX_RESULTS))
        failures: dict[str, ToolError] = {}
        for name, search in searches.items():
            try:
                results = (await search(query, limit))[:limit]
            except ToolError as error:
                failures[name] = error
                continue
            if results:
                return _found(results, name, failures)
        if len(failures) == len(searches):
            raise _combined(failures)
        return f"{_failed(failures)}No page found for {query!r}. Try other or fewer words."

    return web_search


def _found(results: Sequence[SearchResult], name: str, failures: Mapping[str, ToolError]) -> str:
    pages = "\n\n".join(numbered(number, result) for number, result in enumerate(results, 1))
    return f"{_failed(failures)}Found by {name}:\n\n{pages}" if failures else pages


def _failed(failures: Mapping[str, ToolError]) -> str:
    return "".join(f"{name} failed: {cut(str(error), 200)}\n" for name, error in failures.items())


def _combined(failures: Mapping[str, ToolError]) -> ToolError:
    """Combine the errors of all providers: the only one itself, or the mildest kind."""
    errors = list(failures.values())
    if len(errors) == 1:
        return errors[0]
    message = "no search works now. " + " ".join(_failed(failures).splitlines())
    if all(isinstance(error, ToolInputError) for error in errors):
        return ToolInputError(message)
    if all(isinstance(error, ToolLimitReached) for error in errors):
        waits = [error.retry_after_s for error in errors if isinstance(error, ToolLimitReached) and error.retry_after_s]
        return ToolLimitReached(message, retry_after_s=min(waits, default=None), is_outage=True)
    return ToolUnavailable(message)
