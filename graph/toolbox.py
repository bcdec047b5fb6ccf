"""Every tool that this process can offer: built-in ones, langchain-community's, those of MCP servers.

Nothing that belongs to others stops a run: what cannot be had is left out, and told with its reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from langchain_core.tools import BaseTool

from memento.graph.community_tools import community_tools
from memento.graph.mcp.servers import McpServers
from memento.graph.mcp.tools import ORIGIN
from memento.memory.errors import InvalidInput
from memento.nodes.tool_binding import bound_tool

_OURS = "memento.tools."


class Entry(NamedTuple):
    """One tool, and where it comes from."""

    tool: BaseTool
    room: str
    """The folder of tools/ that it lives in; `mcp`, `community` or `host` for those of others."""
    origin: str
    """`built-in`, or whose it is."""


class Offer(NamedTuple):
    """All tools."""

    entries: list[Entry]
    failures: dict[str, str]
    """MCP server, or name of a community tool, to the reason why it or a part of it is missing."""
    disabled: tuple[str, ...]
    """MCP servers that their file switches off."""

    @property
    def tools(self) -> list[BaseTool]:
        """The tools alone."""
        return [entry.tool for entry in self.entries]


class Toolbox:
    """The tools of others are found on first use, and stay the same objects afterwards. `aclose` it when done."""

    def __init__(self, *, community: Sequence[str] = (), mcp: McpServers | None = None) -> None:
        """Prepare.

        Args:
            community: names of langchain-community's tools.
            mcp: servers, which become the toolbox's to close.
        """
        self._wanted = tuple(community)
        self._mcp = mcp
        self._community: tuple[list[BaseTool], dict[str, str]] | None = None

    async def offer(self, functions: Mapping[str, Callable[..., Awaitable[str]]]) -> Offer:
        """Bind functions, and add what others give.

        Args:
            functions: built-in tools by name; theirs is the name where another tool has the same.

        Raises:
            InvalidInput: the file of MCP servers cannot be read.
        """
        built_in = [Entry(bound_tool(function), room_of(function), "built-in") for function in functions.values()]
        entries, failures, disabled = await self.others([entry.tool.name for entry in built_in])
        return Offer([*built_in, *entries], failures, disabled)

    async def others(self, taken: Sequence[str]) -> Offer:
        """Only the tools of others.

        Args:
            taken: names that these may not have.

        Raises:
            InvalidInput: the file of MCP servers cannot be read.
        """
        if self._community is None:
            self._community = await asyncio.to_thread(_community, self._wanted)
        tools, failures = self._community
        entries = [Entry(tool, "community", "langchain-community") for tool in tools if tool.name not in taken]
        if self._mcp is None:
            return Offer(entries, failures, ())
        found = await self._mcp.tools({*taken, *(entry.tool.name for entry in entries)})
        entries += [Entry(tool, "mcp", str((tool.metadata or {})[ORIGIN])) for tool in found.tools]
        return Offer(entries, failures | found.failures, found.disabled)

    async def aclose(self) -> None:
        """End the MCP servers; no process of theirs is left."""
        if self._mcp is not None:
            await self._mcp.aclose()


def room_of(function: Callable[..., Awaitable[str]]) -> str:
    """The folder of tools/ that a function was made in."""
    module = function.__module__
    return module.removeprefix(_OURS).partition(".")[0] if module.startswith(_OURS) else "host"


def _community(names: Sequence[str]) -> tuple[list[BaseTool], dict[str, str]]:
    tools: list[BaseTool] = []
    failures: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            tools += community_tools([name])
        except InvalidInput as error:
            failures[name] = str(error)
    return tools, failures
