"""Parses a server's tool list tool by tool, so that a malformed one does not drop the others.

The SDK checks a whole page at once and refuses all of it for one tool without `inputSchema.type`. So each tool is
checked by the SDK's own rule before the page is, and a form that passes stands in for one that does not; what the
server said of its arguments is put back afterwards.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse
from mcp_types.methods import validate_server_result
from pydantic import ValidationError

if TYPE_CHECKING:
    from mcp.types import Tool

# Of the revisions that the SDK knows, the one with the narrowest form of a tool.
_STRICTEST: Final = "2025-11-25"
_HINTS: Final = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


class ToolListing:
    """Malformed tools in the listings of one run of a server."""

    def __init__(self) -> None:
        """Start with nothing listed."""
        self._schemas: dict[str, Any] = {}
        self.n_nameless = 0
        """Tools of the last listing that cannot be called, since they have no name."""

    @asynccontextmanager
    async def streams(self, transport: AbstractAsyncContextManager[Any]) -> AsyncIterator[tuple[Any, ...]]:
        """Wrap a transport's streams so that listings pass the SDK's validation."""
        async with transport as (incoming, *others):
            yield (_Mended(incoming, self), *others)

    def as_said(self, tools: "list[Tool]") -> "list[Tool]":
        """Return the tools of a listing with the arguments as the server gave them."""
        return [
            tool.model_copy(update={"input_schema": self._schemas[tool.name]}) if tool.name in self._schemas else tool
            for tool in tools
        ]

    def mend(self, message: Any) -> Any:
        """Return a message, with its tools made parseable for the SDK."""
        if not isinstance(message, SessionMessage) or not isinstance(message.message, JSONRPCResponse):
            return message
        result = message.message.result
        if not isinstance(result.get("tools"), list):
            return message
        named = [tool for tool in result["tools"] if isinstance(tool, dict) and _is_name(tool.get("name"))]
        self.n_nameless = len(result["tools"]) - len(named)
        tools = [self._readable(tool) for tool in named]
        response = message.message.model_copy(update={"result": {**result, "tools": tools}})
        return SessionMessage(response, message.metadata)

    def _readable(self, tool: dict[str, Any]) -> dict[str, Any]:
        name = tool["name"]
        self._schemas.pop(name, None)
        try:
            validate_server_result("tools/list", _STRICTEST, {"tools": [tool]})
        except ValidationError:
            self._schemas[name] = tool.get("inputSchema")
        else:
            return tool
        plain = {"name": name, "inputSchema": {"type": "object"}}
        if isinstance(description := tool.get("description"), str):
            plain["description"] = description
        if isinstance(hints := tool.get("annotations"), dict):
            plain["annotations"] = {hint: hints[hint] for hint in _HINTS if isinstance(hints.get(hint), bool)}
        return plain


class _Mended:
    """A stream of messages with repaired listings."""

    def __init__(self, inner: Any, listing: ToolListing) -> None:
        self._inner = inner
        self._listing = listing

    def __getattr__(self, name: str) -> Any:  # transports differ in what else they offer
        return getattr(self._inner, name)

    async def receive(self) -> Any:
        return self._listing.mend(await self._inner.receive())

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return self._listing.mend(await self._inner.__anext__())

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._inner.__aexit__(*error)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip())
