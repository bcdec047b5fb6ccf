"""All tools of this process: built-in ones, and those of MCP servers.

Made once, on first use; the same objects serve all runs, and what belongs to one run, its workspace, comes with it.
Nothing that belongs to others stops a run: what cannot be had is left out, and told with its reason.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from langchain_core.tools import BaseTool

from memento.graph.built_in_tools import built_in_tools
from memento.graph.mcp.definitions import safe_name
from memento.graph.mcp.servers import McpServers
from memento.graph.mcp.tools import ORIGIN
from memento.graph.settings import Settings
from memento.memory.loop_lock import LoopLock
from memento.memory.owner_loop import OwnerLoop
from memento.nodes.attachments import run_folder
from memento.nodes.sources import ModelSource, Toolbox
from memento.nodes.state import Run
from memento.nodes.tool_binding import bound_tool
from memento.tools.registry import ToolFunction
from memento.tools.workspace import Workspace

_OURS: Final = "memento.tools."


class ToolEntry(NamedTuple):
    """A tool and its origin."""

    tool: BaseTool
    room: str
    """The folder of tools/ that it lives in; `mcp` for those of others."""
    origin: str
    """`built-in`, or whose it is."""


class Offer(NamedTuple):
    """All available tools."""

    entries: list[ToolEntry]
    failures: dict[str, str]
    """Built-in tool or MCP server to the reason why it or a part of it is missing."""
    disabled: tuple[str, ...]
    """MCP servers that their file switches off."""
    away: tuple[str, ...] = ()
    """MCP servers that did not answer."""

    @property
    def tools(self) -> list[BaseTool]:
        """Return the tools alone."""
        return [entry.tool for entry in self.entries]


class Toolset:
    """The tools of one process, for any number of event loops where it has a loop of its own; `aclose` it when done."""

    def __init__(
        self,
        settings: Settings,
        models: ModelSource,
        *,
        workspace: Path | None = None,
        loop: OwnerLoop | None = None,
    ) -> None:
        """Prepare; opens nothing.

        Args:
            settings: what is configured.
            models: gives the model that sees.
            loop: which the MCP servers live on; the running one by default.
            workspace: in which each run has a folder; the one of the settings by default.
        """
        self._settings = settings
        self._workspace = workspace or settings.workspace
        self._models = models
        self._making = LoopLock()
        self._loop = loop or OwnerLoop("toolset", in_thread=False)
        self._functions: dict[str, ToolFunction] | None = None
        self._own: list[ToolEntry] = []
        self._missing: dict[str, str] = {}

    @cached_property
    def _mcp(self) -> McpServers | None:
        return McpServers(self._settings.mcp, loop=self._loop) if self._settings.mcp else None

    async def functions(self) -> dict[str, ToolFunction]:
        """Return the built-in tools as plain functions.

        Raises:
            InvalidInput: a setting of theirs makes no sense.
        """
        return self._functions if self._functions is not None else await self._loop.run(self._made)

    async def _made(self) -> dict[str, ToolFunction]:
        async with self._making:
            if self._functions is None:
                functions, self._missing = await built_in_tools(self._settings, self._models)
                self._own = [ToolEntry(bound_tool(one), room_of(one), "built-in") for one in functions.values()]
                self._functions = functions
            return self._functions

    async def offer(self) -> Offer:
        """Return all tools available now; servers that have not answered yet are left out.

        Raises:
            InvalidInput: a setting makes no sense, or the file of MCP servers cannot be read.
        """
        taken = set(await self.functions())
        entries = [*self._own]
        if self._mcp is None:
            return Offer(entries, self._missing, ())
        found = await self._mcp.tools(taken)
        entries += [ToolEntry(tool, "mcp", str((tool.metadata or {})[ORIGIN])) for tool in found.tools]
        return Offer(entries, self._missing | found.failures, found.disabled, found.away)

    async def toolbox(self, run: Run) -> Toolbox:
        """Return the tools and workspace of one run's subtasks (a `ToolSource`)."""
        own = run.get("folder")  # a thread that began with an earlier release has none
        workspace = self.workspace_in(run_folder(self._workspace, own)) if own else None
        offer = await self.offer()
        away = [f"{safe_name(server)}_" for server in offer.away]
        return Toolbox(offer.tools, workspace, _missing(offer.failures), away)

    def workspace_in(self, folder: Path) -> Workspace:
        """Make a workspace with the user's folders as shelves, hiding our own files in them."""
        return Workspace(folder, shelves=self._settings.shelves, hidden=(self._settings.folder,))

    async def aclose(self) -> None:
        """Stop the MCP servers; none of their processes is left."""
        if "_mcp" in self.__dict__ and self._mcp is not None:
            await self._mcp.aclose()


def room_of(function: Callable[..., Awaitable[str]]) -> str:
    """Return the folder of tools/ that a function belongs to."""
    return function.__module__.removeprefix(_OURS).partition(".")[0]


def _missing(failures: Mapping[str, str]) -> list[str]:
    """One sentence for each reason why tools are missing."""
    by_reason: dict[str, list[str]] = {}
    for whose, reason in failures.items():
        by_reason.setdefault(reason, []).append(whose)
    return [f"tools of {', '.join(whose)} are missing: {reason}" for reason, whose in by_reason.items()]
