"""`memento cases why`: what the command is; what it does is imported when it is called."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import finish, run_command

why = typer.Typer()


@why.command("why")
def explain(
    event_id: Annotated[str, typer.Argument(help="The event_id that `ask` printed.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Say for each case that an event served why it was chosen."""
    from memento.cli.why_command import why_command

    finish(run_command(why_command(event_id, namespace, as_json=as_json), as_json=as_json))
