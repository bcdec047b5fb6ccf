"""`memento threads`: what its commands are; what they do is imported when one of them is called."""

from typing import Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import finish, run_command

threads = typer.Typer(help="See the conversations of `ask`, and clear old ones away.", no_args_is_help=True)


@threads.command("list")
def list_threads(
    *,
    limit: Annotated[int, typer.Option(help="How many, the last changed first.", min=1)] = 20,
    as_json: Json = False,
) -> None:
    """Name the threads: what each was about, what it waits for, what its files weigh."""
    from memento.cli.threads_commands import list_command

    finish(run_command(list_command(limit, as_json=as_json), as_json=as_json))


@threads.command()
def prune(
    *,
    older_than: Annotated[float, typer.Option(help="Days since the last change.", min=0)] = 30,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also those that wait for a reply, or could be resumed.")
    ] = False,
    folders: Annotated[
        bool, typer.Option("--folders", help="Also folders of threads kept elsewhere: a server's, or your own app's.")
    ] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Also those that cannot be read; without it they are named and left.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed: the default.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be undone.")] = False,
    as_json: Json = False,
) -> None:
    """Remove old threads with the files their runs made. What memory learned from them stays."""
    from memento.cli.threads_commands import Wanted, prune_command

    wanted = Wanted(older_than, unfinished, folders, damaged)
    finish(run_command(prune_command(wanted, is_meant=yes and not dry_run, as_json=as_json), as_json=as_json))
