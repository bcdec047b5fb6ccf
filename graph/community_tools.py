"""Tools of langchain-community by short name; that package is no longer maintained, so it is an extra and no more."""

import asyncio
import re
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

from langchain_core.tools import BaseTool

from memento.memory.errors import InvalidInput
from memento.nodes.tool_binding import bound_tool
from memento.tools.errors import ToolUnavailable

MAX_CHARS: Final = 20_000
_TIMEOUT_S: Final = 30.0
_QUERY_CHARS: Final = 300
_PACKAGE: Final = "langchain_community"


class _Known(NamedTuple):
    module: str
    """Below `langchain_community`; the wrapper has the same name under `utilities`."""
    tool: str
    wrapper: str
    packages: tuple[str, ...]
    """What pip must be told to install beside langchain-community."""
    description: str


_KNOWN: Final = {
    "wikipedia": _Known(
        "wikipedia",
        "WikipediaQueryRun",
        "WikipediaAPIWrapper",
        ("wikipedia",),
        "Look a person, place, event or notion up in Wikipedia and return the summaries of the best articles.",
    ),
    "arxiv": _Known(
        "arxiv",
        "ArxivQueryRun",
        "ArxivAPIWrapper",
        ("'arxiv<3'",),
        "Search arXiv for papers in physics, mathematics, computer science and related fields; returns abstracts.",
    ),
    "pubmed": _Known(
        "pubmed",
        "PubmedQueryRun",
        "PubMedAPIWrapper",
        ("xmltodict",),
        "Search PubMed for papers in medicine and biology; returns abstracts.",
    ),
}
NAMES: Final = tuple(_KNOWN)
"""The names there are."""


def community_tools(names: Sequence[str]) -> list[BaseTool]:
    """Make tools by name. Blocks while it imports; nothing is looked up.

    Args:
        names: any of `NAMES`.

    Raises:
        InvalidInput: no such name, or a package is not installed.
    """
    return [bound_tool(_function(name)) for name in dict.fromkeys(names)]


def _function(name: str) -> Callable[..., Any]:
    known = _KNOWN.get(name)
    if known is None:
        raise InvalidInput(f"MEMENTO_COMMUNITY_TOOLS: there is no tool {name!r}; choose from: {', '.join(NAMES)}")
    tool = _made(name, known)

    async def look_up(query: str) -> str:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await asyncio.to_thread(tool.invoke, {"query": query[:_QUERY_CHARS]})
        except TimeoutError:
            raise ToolUnavailable(f"{name} did not answer within {_TIMEOUT_S:g} s; use another tool") from None
        except Exception as error:  # the service's own client raises whatever it likes
            raise ToolUnavailable(f"{name} failed ({type(error).__name__}: {str(error)[:200]})") from error
        if re.match(r"\w+ exception: ", str(found)):  # some say it instead of raising it
            raise ToolUnavailable(f"{name} failed ({str(found)[:200]})")
        return str(found)[:MAX_CHARS]

    look_up.__name__ = name
    look_up.__doc__ = f"{known.description}\n\nArgs:\n    query: what to look for, a few words.\n"
    return look_up


def _made(name: str, known: _Known) -> BaseTool:
    try:
        with warnings.catch_warnings():  # that it is no longer maintained is said where it is installed
            warnings.simplefilter("ignore", DeprecationWarning)
            tools = import_module(f"{_PACKAGE}.tools.{known.module}.tool")
            wrappers = import_module(f"{_PACKAGE}.utilities.{known.module}")
            made: BaseTool = getattr(tools, known.tool)(api_wrapper=getattr(wrappers, known.wrapper)())
    except (ImportError, ValueError) as error:  # a wrapper without its package is a validation error
        wanted = " ".join(("'memento-langgraph[community]'", *known.packages))
        raise InvalidInput(f"the tool {name!r} needs packages that are not installed: pip install {wanted}") from error
    return made
