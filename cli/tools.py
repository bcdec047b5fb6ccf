"""`memento tools`: lists the tools, and calls one by hand."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from memento.graph.app import Application
    from memento.graph.settings import Settings
    from memento.graph.toolset import Offer, ToolEntry
    from memento.tools.workspace import Workspace

tools = typer.Typer(help="List the available tools, and call one by hand.", no_args_is_help=True)

_DESCRIPTION_CHARS = 100


class _Missing(NamedTuple):
    """A tool, or a source of tools, that is not available."""

    name: str
    reason: str


@tools.command("list")
@run_async
async def list_tools(*, as_json: Json = False) -> ExitCode:
    """List every tool; for missing ones also why, and how to get them."""
    from memento.cli.printing import TextTable, print_table

    async with _offered() as (app, offer):
        failed = [_Missing(name, reason) for name, reason in offer.failures.items()]
        off = _off(app.settings, offer)
    if as_json:
        for entry in offer.entries:
            print_json({"event": "tool", **_shown(entry)})
        for event, missing in (("failed", failed), ("off", off)):
            for one in missing:
                print_json({"event": event, **one._asdict()})
        return ExitCode.OK
    table = TextTable()
    for title in ("tool", "room", "from", "what it does"):
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for entry in offer.entries:
        row = _shown(entry)
        table.add_texts(*(row[key] for key in ("name", "room", "origin", "description")))
    print_table(table)
    for kind, missing in (("failed", failed), ("off", off)):
        for one in missing:
            tell(f"{kind}: {one.name}: {one.reason}")
    return ExitCode.OK


@tools.command()
@run_async
async def call(
    name: Annotated[str, typer.Argument(help="The tool, as `memento tools list` names it.")],
    arguments: Annotated[str, typer.Argument(help='Its arguments, as one JSON object: \'{"query": "..."}\'.')] = "{}",
    *,
    folder: Annotated[
        Path | None,
        typer.Option("--workspace", help="Workspace folder; default: a new one, removed when it stays empty."),
    ] = None,
    as_json: Json = False,
) -> ExitCode:
    """Call one tool, as an executor would."""
    from memento.graph.mcp.definitions import safe_name
    from memento.memory.errors import InvalidInput
    from memento.tools.files.removal import remove_tree

    given = _object(arguments)
    async with _offered() as (app, offer):
        tool = next((tool for tool in offer.tools if tool.name == name), None)
        if tool is None:
            failed = (why for of, why in offer.failures.items() if name == of or name.startswith(f"{safe_name(of)}_"))
            why = next(failed, "`memento tools list` shows the available ones")
            raise InvalidInput(f"there is no tool {name!r}: {why}")
        scratch = folder or Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-workspace-"))
        workspace = app.toolset.workspace_in(scratch)
        made: list[str] = []
        try:
            before = await asyncio.to_thread(workspace.made)
            text, error = await _called(tool, given, workspace)
            made = await asyncio.to_thread(workspace.made, before)
        finally:
            if folder is None and not made:
                with suppress(OSError):
                    await asyncio.to_thread(remove_tree, scratch)
    where = str(workspace.folder) if made else None
    if as_json:
        print_json({"event": "result", "tool": name, "result": text, "error": error, "files": made, "workspace": where})
    else:
        print(text, end="\n" if text else "")  # noqa: T201 - this command's product
        for path in made:
            tell(f"made: {workspace.folder / path}")
        if error:
            tell(f"memento: {name}: {error}")
    return ExitCode.FAILED if error else ExitCode.OK


@asynccontextmanager
async def _offered() -> AsyncIterator[tuple[Application, Offer]]:
    from memento.graph.app import Application

    app = Application()
    try:
        yield app, await app.toolset.offer()
    finally:
        await app.aclose()


async def _called(tool: BaseTool, given: dict[str, Any], workspace: Workspace) -> tuple[str, str | None]:
    """A tool's text, or why there is none."""
    from pydantic import ValidationError

    from memento.memory.errors import InvalidInput
    from memento.nodes.tool_binding import WORKSPACE
    from memento.tools.errors import ToolError

    try:
        return str(await tool.ainvoke(given, {"configurable": {WORKSPACE: workspace}})), None
    except ToolError as error:
        return "", str(error)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInput(f"{tool.name}: {said}") from error


def _object(text: str) -> dict[str, Any]:
    from memento.memory.errors import InvalidInput

    try:
        given = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the arguments are not valid JSON ({error})") from error
    if not isinstance(given, dict):
        raise InvalidInput('the arguments must be one JSON object, such as {"query": "..."}')
    return given


def _shown(entry: ToolEntry) -> dict[str, str]:
    """A line of the list; a description as its first sentence."""
    first = entry.tool.description.partition("\n")[0]
    return {
        "name": entry.tool.name,
        "room": entry.room,
        "origin": entry.origin,
        "description": first if len(first) <= _DESCRIPTION_CHARS else first[: _DESCRIPTION_CHARS - 1] + "…",
    }


def _off(settings: Settings, offer: Offer) -> list[_Missing]:
    """Tools that are turned off, and how to turn them on."""
    there = {tool.name for tool in offer.tools}
    off = [_Missing(server, "disabled in the file of MCP servers") for server in offer.disabled]
    ways = {
        "run_shell": "needs bubblewrap, docker or e2b; `memento doctor` says which is used and why",
        "transcribe_audio": "set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that transcribes",
    }
    for name, way in ways.items():
        if name not in there and not settings.tools:
            off.append(_Missing(name, way))
    if settings.tools:
        off.append(_Missing("other built-in tools", "MEMENTO_TOOLS names those that are wanted"))
    if not settings.shelves:
        off.append(_Missing("your own folders", "set MEMENTO_FILES to folders that tools may read"))
    if settings.mcp is None:
        off.append(_Missing("MCP servers", "set MEMENTO_MCP to a JSON file in the mcpServers format"))
    return off
