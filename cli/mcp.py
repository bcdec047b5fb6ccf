"""`memento mcp`: serves the built-in tools and the memory to other programs, as an MCP server."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Namespace
from memento.cli.running import ExitCode, run_async


@run_async
async def mcp(
    *,
    memory: Annotated[
        bool,
        typer.Option("--memory", help="Serve the memory too: recall_cases, remember_case, give_feedback and why_case."),
    ] = False,
    memory_only: Annotated[bool, typer.Option("--memory-only", help="Serve the memory and no other tool.")] = False,
    namespace: Namespace = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Use the namespace of this project folder: the same for all clones of its git remote."),
    ] = None,
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
    tool: Annotated[
        list[str] | None, typer.Option(help="Serve only this tool, of the memory's too; repeatable.")
    ] = None,
) -> ExitCode:
    """Serve tools, and with --memory the case memory, to other programs as an MCP server."""
    from memento.cli.mcp_choice import ToolChoice
    from memento.cli.mcp_serve import HttpOptions, serve

    choice = ToolChoice(
        names=tuple(tool or ()),
        with_memory=memory or memory_only,
        with_tools=not memory_only,
        namespace=namespace,
        project=project,
        workspace=workspace,
    )
    return await serve(choice, HttpOptions(host, port, allow_code, token, no_token) if http else None)
