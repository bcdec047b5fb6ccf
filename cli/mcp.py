"""`memento mcp`: serves the built-in tools to other programs, as an MCP server."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.running import ExitCode, run_async


@run_async
async def mcp(
    *,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP on a local address instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="With --http: address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: port to listen on.", min=0, max=65535)] = 8765,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="With --http: serve run_python and run_shell.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(help="With --http: bearer token to require; default: MEMENTO_MCP_TOKEN, else a fresh one."),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="With --http: require no token; anyone who reaches it may use the tools.")
    ] = False,
    workspace: Annotated[Path | None, typer.Option(help="Workspace folder of the tools.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Serve only this tool; repeatable.")] = None,
) -> ExitCode:
    """Serve the tools to other programs as an MCP server."""
    from memento.cli.mcp_serve import HttpOptions, serve

    options = HttpOptions(host, port, allow_code, token, no_token) if http else None
    return await serve(tool or [], workspace, options)
