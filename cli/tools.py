"""`memento tools`: what its commands are; what they do is imported when one of them is called."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import finish, run_command

tools = typer.Typer(help="See which tools there are, and try one by hand.", no_args_is_help=True)


@tools.command("list")
def list_tools(*, as_json: Json = False) -> None:
    """Name every tool, and what is missing: why, and how to get it."""
    from memento.cli.tools_commands import list_command

    finish(run_command(list_command(as_json=as_json), as_json=as_json))


@tools.command()
def call(
    name: Annotated[str, typer.Argument(help="The tool, as `memento tools list` names it.")],
    arguments: Annotated[str, typer.Argument(help='Its arguments, as one JSON object: \'{"query": "..."}\'.')] = "{}",
    *,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder that it works in; by default a new one, removed when it stays empty.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Call one tool, as an executor would."""
    from memento.cli.tools_commands import call_command

    finish(run_command(call_command(name, arguments, workspace, as_json=as_json), as_json=as_json))
