"""Serves the built-in tools and the memory over stdio or HTTP, as `memento mcp` does."""

import asyncio
import ipaddress
import json
import re
import secrets
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from memento.cli.mcp_choice import ToolChoice
from memento.cli.running import ExitCode
from memento.cli.streams import tell
from memento.graph.app import Application
from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolUnavailable
from memento.tools.mcp_server import PATH, make_mcp_server, serve_http, serve_stdio

if TYPE_CHECKING:
    from fastmcp import FastMCP

_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""
_LEAST_TOKEN_CHARS: Final = 16


class HttpOptions(NamedTuple):
    """The options of `--http`."""

    host: str
    port: int
    allow_code: bool
    token: str | None
    """Token given by the user; None for MEMENTO_MCP_TOKEN, or else a fresh one."""
    is_open: bool
    """Whether no token is required."""


async def serve(choice: ToolChoice, http: HttpOptions | None) -> ExitCode:
    """Serve until the client goes away, or until interrupted. On stdio nothing else is ever written to stdout.

    The memory is opened by the first call that needs it.

    Args:
        choice: what to serve.
        http: where and how to listen; None for stdio.
    """
    app = Application(await choice.settings())
    try:
        token = None if http is None else _token(http, app.settings)
        functions = await choice.functions(app, with_code=http is None or http.allow_code)
        workspace = choice.workspace_of(app)
        make = partial(
            make_mcp_server, functions, workspace, token=token and token.text, instructions=choice.instructions
        )
        server = await asyncio.to_thread(make)
        async with choice.hooks(app):
            if http is not None:
                parts = [f"{len(functions)} tools"]
                parts += [f"files in {workspace.folder}"] if workspace else []
                parts += [f"memory of namespace {app.settings.namespace!r}"] if choice.with_memory else []
                await _serve_http(server, http, token, ", ".join(parts))
            else:
                await serve_stdio(server)
    except ToolUnavailable as error:
        raise InvalidInput(str(error)) from error
    finally:
        await app.aclose()
    return ExitCode.OK


class _Token(NamedTuple):
    text: str
    is_fresh: bool


def _token(http: HttpOptions, settings: Settings) -> _Token | None:
    """The token to require.

    Raises:
        InvalidInput: it cannot be sent in a header, or is too short to be a secret.
    """
    if http.is_open:
        if http.token is not None:
            raise InvalidInput("--token and --no-token exclude each other")
        return None
    given = http.token
    if given is None and settings.mcp_token is not None:
        given = settings.mcp_token.get_secret_value()
    if given is None:
        return _Token(secrets.token_urlsafe(32), is_fresh=True)
    if not _BEARER.fullmatch(given) or len(given) < _LEAST_TOKEN_CHARS:
        raise InvalidInput(
            f"a token has {_LEAST_TOKEN_CHARS} or more letters, digits and characters of -._~+/; "
            "`openssl rand -hex 32` makes one (--no-token asks for none)"
        )
    return _Token(given, is_fresh=False)


async def _serve_http(server: "FastMCP[Any]", http: HttpOptions, token: _Token | None, what: str) -> None:
    with _listening(http.host, http.port) as listening:
        bound_host, bound_port = listening.getsockname()[:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        url = f"http://{shown}:{bound_port}{PATH}"
        tell(f"{url}: {what}")
        if token is None:
            tell("there is no token: whoever reaches this address, web pages of local servers too, can use these tools")
        else:
            _tell_token(url, token)
            if not ipaddress.ip_address(bound_host).is_loopback:
                tell("the token goes over the network as it is: put a proxy with TLS in front")
        await serve_http(server, listening)


def _tell_token(url: str, token: _Token) -> None:
    """Print a fresh token, once; one given by the user is not printed."""
    shown = token.text if token.is_fresh else "<your token>"
    tell(f"clients send the header  Authorization: Bearer {shown}")
    entry = {"mcpServers": {"memento": {"url": url, "headers": {"Authorization": f"Bearer {shown}"}}}}
    tell(f"in an mcpServers file:   {json.dumps(entry)}")
    if token.is_fresh:
        tell("the next start makes another token; set MEMENTO_MCP_TOKEN to keep one, --no-token asks for none")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:  # its own text repeats the address
        why = str(error.strerror).partition(" (while")[0]
        raise InvalidInput(f"cannot listen at {host}:{port} ({why})") from error
