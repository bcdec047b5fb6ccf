"""`memento mcp`: serves the built-in tools to other programs, as an MCP server."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.running import ExitCode, run_async


@run_async
async def mcp(
    *,
    http: Annotated[bool, typer.Option("--http", help="On an address of this machine; otherwise over stdio.")] = False,
    host: Annotated[str, typer.Option(help="With --http: where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: where to listen.", min=0, max=65535)] = 8765,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="With --http: serve run_python and run_shell.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(help="With --http: what clients must send; MEMENTO_MCP_TOKEN, or a fresh one by default."),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="With --http: let whoever reaches the address use the tools.")
    ] = False,
    workspace: Annotated[Path | None, typer.Option(help="Folder that the tools work in.")] = None,
    tool: Annotated[
        list[str] | None, typer.Option(help="Serve this tool and no others; may be given several times.")
    ] = None,
) -> ExitCode:
    """Serve our tools to other programs, as an MCP server."""
    from memento.cli.mcp_serve import HttpOptions, serve

    options = HttpOptions(host, port, allow_code, token, no_token) if http else None
    return await serve(tool or [], workspace, options)
