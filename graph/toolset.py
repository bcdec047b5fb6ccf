"""Every tool that this process offers: built-in ones, and those of MCP servers.

Made once, on first use; the same objects serve all runs, and what belongs to one run, its workspace, comes with it.
Nothing that belongs to others stops a run: what cannot be had is left out, and told with its reason.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from langchain_core.tools import BaseTool

from memento.graph.built_in_tools import built_in_tools
from memento.graph.mcp.servers import McpServers
from memento.graph.mcp.tools import ORIGIN
from memento.graph.settings import Settings
from memento.nodes.attachments import run_folder
from memento.nodes.sources import ModelSource, Toolbox
from memento.nodes.state import Run
from memento.nodes.tool_binding import bound_tool
from memento.tools.registry import ToolFunction
from memento.tools.workspace import Workspace

_OURS: Final = "memento.tools."


class Entry(NamedTuple):
    """One tool, and where it comes from."""

    tool: BaseTool
    room: str
    """The folder of tools/ that it lives in; `mcp` for those of others."""
    origin: str
    """`built-in`, or whose it is."""


class Offer(NamedTuple):
    """All tools."""

    entries: list[Entry]
    failures: dict[str, str]
    """MCP server to the reason why it or a part of it is missing."""
    disabled: tuple[str, ...]
    """MCP servers that their file switches off."""

    @property
    def tools(self) -> list[BaseTool]:
        """The tools alone."""
        return [entry.tool for entry in self.entries]


class Toolset:
    """The tools of one process. Use it from one event loop; `aclose` it when done."""

    def __init__(self, settings: Settings, models: ModelSource, *, workspace: Path | None = None) -> None:
        """Prepare.

        Args:
            settings: what is configured.
            models: gives the model that sees.
            workspace: in which each run has a folder; the one of the settings by default.
        """
        self._settings = settings
        self._workspace = workspace or settings.workspace
        self._models = models
        self._making = asyncio.Lock()
        self._functions: dict[str, ToolFunction] | None = None
        self._own: list[Entry] = []

    @cached_property
    def _mcp(self) -> McpServers | None:
        return McpServers(self._settings.mcp) if self._settings.mcp else None

    async def functions(self) -> dict[str, ToolFunction]:
        """The built-in tools as plain functions.

        Raises:
            InvalidInput: a setting of theirs makes no sense.
        """
        async with self._making:
            if self._functions is None:
                functions = await built_in_tools(self._settings, self._models)
                self._own = [Entry(bound_tool(one), room_of(one), "built-in") for one in functions.values()]
                self._functions = functions
            return self._functions

    async def offer(self) -> Offer:
        """All tools there are now; servers that have not answered yet are left out.

        Raises:
            InvalidInput: a setting makes no sense, or the file of MCP servers cannot be read.
        """
        taken = set(await self.functions())
        entries = [*self._own]
        if self._mcp is None:
            return Offer(entries, {}, ())
        found = await self._mcp.tools(taken)
        entries += [Entry(tool, "mcp", str((tool.metadata or {})[ORIGIN])) for tool in found.tools]
        return Offer(entries, found.failures, found.disabled)

    async def toolbox(self, run: Run) -> Toolbox:
        """What the subtasks of one run work with (a `ToolSource`)."""
        own = run.get("folder")  # a thread that began with an earlier release has none
        workspace = self.workspace_in(run_folder(self._workspace, own)) if own else None
        offer = await self.offer()
        missing = [f"tools of {whose} are missing: {reason}" for whose, reason in offer.failures.items()]
        return Toolbox(offer.tools, workspace, missing)

    def workspace_in(self, folder: Path) -> Workspace:
        """A workspace with the user's folders as shelves; what is ours is kept from those that hold it."""
        return Workspace(folder, shelves=self._settings.shelves, hidden=(self._settings.folder,))

    async def aclose(self) -> None:
        """End the MCP servers; no process of theirs is left."""
        if "_mcp" in self.__dict__ and self._mcp is not None:
            await self._mcp.aclose()


def room_of(function: Callable[..., Awaitable[str]]) -> str:
    """The folder of tools/ that a function was made in."""
    return function.__module__.removeprefix(_OURS).partition(".")[0]
