"""`memento mcp`: our tools for other programs."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memento.cli.printing import tell
from memento.cli.running import ExitCode
from memento.graph.app import Application
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolUnavailable
from memento.tools.mcp_server import CODE_TOOLS, PATH, make_mcp_server, serve_http, serve_stdio
from memento.tools.registry import ToolFunction

if TYPE_CHECKING:
    from fastmcp import FastMCP


async def mcp_command(
    names: Sequence[str], folder: Path | None, *, is_http: bool, host: str, port: int, allow_code: bool
) -> ExitCode:
    """Serve until the client goes away, or until interrupted. On stdio nothing else is ever written to stdout."""
    app = Application()
    try:
        functions = chosen(await app.toolset.functions(), names, with_code=allow_code or not is_http)
        workspace = app.toolset.workspace_in(folder or app.settings.folder / "mcp-workspace")
        server = await asyncio.to_thread(make_mcp_server, functions, workspace)
        if is_http:
            await _serve_http(server, host, port, f"{len(functions)} tools, files in {workspace.folder}")
        else:
            await serve_stdio(server)
    except ToolUnavailable as error:
        raise InvalidInput(str(error)) from error
    finally:
        await app.aclose()
    return ExitCode.OK


async def _serve_http(server: "FastMCP[Any]", host: str, port: int, what: str) -> None:
    with _listening(host, port) as listening:
        bound_host, bound_port = listening.getsockname()[:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        tell(f"http://{shown}:{bound_port}{PATH}: {what}")
        if not ipaddress.ip_address(bound_host).is_loopback:
            tell("there is no password: whoever reaches this address can use these tools")
        await serve_http(server, listening)


def chosen(functions: Mapping[str, ToolFunction], names: Sequence[str], *, with_code: bool) -> dict[str, ToolFunction]:
    """Pick the tools to serve.

    Args:
        functions: all there are.
        names: those wanted; none means all.
        with_code: whether those that run code may be among them.

    Raises:
        InvalidInput: one that is wanted is not there, or may not be.
    """
    unknown = [name for name in names if name not in functions]
    if unknown:
        raise InvalidInput(f"there is no tool {unknown[0]!r}; there are: {', '.join(functions)}")
    refused = CODE_TOOLS.intersection(names)
    if refused and not with_code:
        raise InvalidInput(f"over HTTP, {min(refused)} is served only with --allow-code")
    return {
        name: function
        for name, function in functions.items()
        if (not names or name in names) and (with_code or name not in CODE_TOOLS)
    }


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:  # its own text repeats the address
        why = str(error.strerror).partition(" (while")[0]
        raise InvalidInput(f"cannot listen at {host}:{port} ({why})") from error
