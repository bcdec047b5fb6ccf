"""Wraps an MCP tool as a LangChain tool: failures become `ToolError`s, files go into the run's workspace."""

from typing import Any, Final, NoReturn

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from memento.graph.mcp.connection import McpConnection
from memento.graph.mcp.definitions import Definition
from memento.graph.mcp.results import as_text
from memento.nodes.tool_binding import WORKSPACE
from memento.tools.errors import ToolError

ORIGIN: Final = "mcp_server"
"""Key of a tool's metadata: the server it comes from."""


class McpTool(BaseTool):
    """Calls one tool of one server, starting the server when needed."""

    _connection: McpConnection = PrivateAttr()
    _definition: Definition = PrivateAttr()

    def __init__(self, connection: McpConnection, definition: Definition) -> None:
        """Make the tool from its definition."""
        super().__init__(
            name=definition.name,
            description=definition.description,
            args_schema=definition.schema,
            metadata={ORIGIN: connection.config.name},
        )
        self._connection = connection
        self._definition = definition

    def _run(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("an MCP tool is called with `ainvoke`")

    # Names of its own, for a tool may have arguments called `self` or `config`.
    async def _arun(self, /, *, memento_config: RunnableConfig, **arguments: Any) -> str:
        definition, connection = self._definition, self._connection
        result = await connection.call(definition.remote_name, arguments, may_repeat=definition.may_repeat)
        workspace = memento_config.get("configurable", {}).get(WORKSPACE)
        text = connection.masked(await as_text(result, tool=self.name, workspace=workspace))
        if result.is_error:
            raise ToolError(text)
        return text
