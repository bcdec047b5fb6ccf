"""All MCP servers of a config file; one that fails does not affect the others."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.tools import BaseTool

from memento.extras import missing_packages
from memento.graph.mcp.config import McpConfig, read_config
from memento.graph.mcp.connection import McpConnection
from memento.graph.mcp.definitions import Definition, definitions
from memento.graph.mcp.tools import McpTool
from memento.graph.settings import process_environment
from memento.memory.owner_loop import OwnerLoop
from memento.tools.errors import ToolUnavailable

if TYPE_CHECKING:
    from mcp.types import Tool


class McpTools(NamedTuple):
    """Tools offered by the servers."""

    tools: list[BaseTool]
    failures: dict[str, str]
    """Server to the reason why all or some of its tools are missing."""
    disabled: tuple[str, ...]
    """Servers that the file switches off."""
    away: tuple[str, ...] = ()
    """Servers that did not answer."""


class McpServers:
    """Servers of one `mcpServers` file, each started on first use. `aclose` stops all of them.

    Without a loop of their own they belong to the one that started them; after `aclose` another may start them again.
    """

    def __init__(
        self,
        config: Path | Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 6.0,
        call_timeout_s: float = 60.0,
        loop: OwnerLoop | None = None,
    ) -> None:
        """Prepare; nothing is read or started.

        Args:
            config: the file, or what it holds.
            environment: variables that the file may name, this process' by default. A command gets PATH, HOME, LANG
                and what the file gives it.
            start_timeout_s: how long the servers, all at once, are waited for. One that is slower goes on starting, and
                serves from when it is ready.
            call_timeout_s: limit of one call, for servers whose entry has no `timeout`.
            loop: which the connections live on, for callers of several event loops; the running one by default.
        """
        self._source = config
        self._environment = process_environment() if environment is None else environment
        self._limits = {"start_timeout_s": start_timeout_s, "call_timeout_s": call_timeout_s}
        self._loop = loop or OwnerLoop("MCP servers", in_thread=False)
        self._config: McpConfig | None = None
        self._connections: dict[str, McpConnection] = {}
        self._made: dict[str, tuple[Definition, McpTool]] = {}

    async def tools(self, taken: Collection[str] = ()) -> McpTools:
        """Return the tools of all servers that are ready within the start limit.

        Args:
            taken: names of the other tools of the same agent.

        Raises:
            InvalidInput: the file cannot be read. A wrong entry only costs that server.
        """
        config = await self._read()
        failures = dict(config.wrong)
        if missing := missing_packages("mcp", ("mcp", "mcp_types")):
            return McpTools([], failures | dict.fromkeys(self._connections, missing), config.disabled)
        outcomes = await asyncio.gather(*(_listed(connection) for connection in self._connections.values()))
        tools: list[BaseTool] = []
        names, away = set(taken), []
        for (server, connection), outcome in zip(self._connections.items(), outcomes, strict=True):
            if isinstance(outcome, str):
                failures[server] = outcome
                away.append(server)
                continue
            usable, left_out = definitions(server, outcome, names, n_nameless=connection.n_nameless)
            tools += [self._tool(connection, definition) for definition in usable]
            names.update(definition.name for definition in usable)
            if left_out:
                failures[server] = left_out
        return McpTools(tools, failures, config.disabled, tuple(away))

    async def aclose(self) -> None:
        """Stop all servers; none of their processes is left."""
        await asyncio.gather(*(connection.aclose() for connection in self._connections.values()))

    async def _read(self) -> McpConfig:
        if self._config is None:
            config = await asyncio.to_thread(read_config, self._source, self._environment)
            if self._config is None:  # nobody else was faster
                self._config = config
                self._connections = {
                    server.name: McpConnection(server, loop=self._loop, **self._limits) for server in config.servers
                }
        return self._config

    def _tool(self, connection: McpConnection, definition: Definition) -> McpTool:
        """Return the same object for the same definition, so that compiled agents can be reused."""
        known = self._made.get(definition.name)
        if known is None or known[0] != definition:
            known = self._made[definition.name] = definition, McpTool(connection, definition)
        return known[1]


async def _listed(connection: McpConnection) -> "list[Tool] | str":
    """Return a server's tools, or why it has none."""
    try:
        return await connection.listed()
    except ToolUnavailable as error:
        return str(error)
