"""Serves the built-in tools as an MCP server, over stdio or HTTP on this machine.

What a `ToolError` says is for whoever called; any other exception is only said to have happened, for it may hold
paths and keys.
"""

import functools
import hmac
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from memento.extras import optional_imports
from memento.tools.errors import ToolError, ToolUnavailable
from memento.tools.workspace import Workspace
from memento.tools.workspace_binding import bind_workspace

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from fastmcp.server.auth import TokenVerifier
    from fastmcp.server.middleware import Middleware

CODE_TOOLS: Final = frozenset({"run_python", "run_shell"})
"""Over HTTP these are served only when that is asked for."""

PATH: Final = "/mcp"


def make_mcp_server(
    functions: Mapping[str, Callable[..., Awaitable[str]]],
    workspace: Workspace | None,
    *,
    name: str = "memento",
    token: str | None = None,
    instructions: str | None = None,
) -> "FastMCP[Any]":
    """Make an MCP server of tools. Opens nothing, but blocks while importing.

    Args:
        functions: plain typed async functions, by the name to serve them under.
        workspace: given to those that take one; callers are not shown that argument. None where no function does.
        name: what the server calls itself.
        token: that callers over HTTP must send as `Authorization: Bearer ...`; None lets everybody call.
        instructions: told to every client when it connects: when to use these tools.

    Raises:
        ToolUnavailable: the extra is not installed.
    """
    with optional_imports("mcp", "tools cannot be served", ToolUnavailable):
        from fastmcp import FastMCP
        from fastmcp.tools import FunctionTool
    auth = None if token is None else _verifier(token)
    server: FastMCP[Any] = FastMCP(
        name,
        version=version("memento-langgraph"),
        instructions=instructions,
        mask_error_details=True,
        auth=auth,
        middleware=[_misfit_naming()],
    )
    for tool_name, function in functions.items():
        # A string is the text itself; with a schema for it, every result would be sent twice.
        served = _speaking(function if workspace is None else bind_workspace(function, workspace))
        server.add_tool(FunctionTool.from_function(served, name=tool_name, output_schema=None))
    return server


async def serve_stdio(server: "FastMCP[Any]") -> None:
    """Serve until stdin is closed. Anything printed meanwhile goes to stderr."""
    try:
        await server.run_stdio_async(show_banner=False, log_level="ERROR")
    finally:
        _flush_to_stderr()


async def serve_http(server: "FastMCP[Any]", listening: socket.socket) -> None:
    """Serve at `/mcp` until interrupted.

    Args:
        server: made by `make_mcp_server`.
        listening: bound to an address. Where that is this machine's own, requests that a browser was tricked into
            are refused by their Host and Origin.
    """
    host, port = listening.getsockname()[:2]
    await server.run_http_async(
        show_banner=False,
        host=host,
        port=port,
        path=PATH,
        log_level="ERROR",
        sockets=[listening],
        host_origin_protection="auto",
    )


def _misfit_naming() -> "Middleware":
    """Say which arguments do not fit and why, without their values: they may hold keys, and clients keep logs."""
    from fastmcp.exceptions import ToolError as ToldError
    from fastmcp.exceptions import ValidationError
    from fastmcp.server.middleware import Middleware
    from pydantic import ValidationError as PydanticError

    class MisfitNaming(Middleware):
        async def on_call_tool(self, context: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
            try:
                return await call_next(context)
            except ValidationError as error:
                cause = error.__cause__
                if not isinstance(cause, PydanticError):
                    raise
                faults = [f"`{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in cause.errors()]
                raise ToldError(f"invalid arguments: {'; '.join(faults)}") from None

    return MisfitNaming()


def _verifier(token: str) -> "TokenVerifier":
    """Verify one bearer token; other tokens get a 401 challenge (RFC 6750)."""
    from fastmcp.server.auth import AccessToken, TokenVerifier

    class OneToken(TokenVerifier):
        async def verify_token(self, token: str) -> AccessToken | None:
            is_ours = hmac.compare_digest(token.encode(errors="replace"), expected)  # in constant time
            return AccessToken(token=token, client_id="memento", scopes=[]) if is_ours else None

    expected = token.encode()
    return OneToken()


def _flush_to_stderr() -> None:
    """Flush buffered prints to stderr: at exit they would corrupt the protocol stream."""
    wire = os.dup(1)
    os.dup2(2, 1)
    sys.stdout.flush()
    os.dup2(wire, 1)
    os.close(wire)


def _speaking(function: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """Wrap a function so that the messages of its `ToolError`s reach the caller."""
    from fastmcp.exceptions import ToolError as ToldError

    @functools.wraps(function)
    async def speaking(*args: object, **kwargs: object) -> str:
        try:
            return await function(*args, **kwargs)
        except ToolError as error:
            raise ToldError(str(error)) from error

    return speaking
