"""`memento cases` verbs for what becomes of cases; what they do is imported when one of them is called."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import finish, run_command

lifecycle = typer.Typer()

Cases = Annotated[list[str], typer.Argument(help="Ids of cases, or their beginnings.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
NeededReason = Annotated[str, typer.Option(help="Why; kept in the audit trail.", prompt="Why")]


@lifecycle.command()
def retire(ids: Cases, *, reason: NeededReason, namespace: Namespace = None, as_json: Json = False) -> None:
    """Serve these cases no more, whatever feedback comes. Nothing is deleted: `restore` brings them back."""
    from memento.cli.lifecycle_commands import status_command

    finish(run_command(status_command("retire", ids, reason, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def restore(ids: Cases, *, reason: Reason = "", namespace: Namespace = None, as_json: Json = False) -> None:
    """Bring retired cases back to what they were."""
    from memento.cli.lifecycle_commands import status_command

    finish(run_command(status_command("restore", ids, reason, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def quarantine(ids: Cases, *, reason: NeededReason, namespace: Namespace = None, as_json: Json = False) -> None:
    """Serve these cases no more until they are released, or a known reward speaks for them."""
    from memento.cli.lifecycle_commands import status_command

    finish(run_command(status_command("quarantine", ids, reason, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def release(ids: Cases, *, reason: Reason = "", namespace: Namespace = None, as_json: Json = False) -> None:
    """Let cases out of quarantine."""
    from memento.cli.lifecycle_commands import status_command

    finish(run_command(status_command("release", ids, reason, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def forget(
    *,
    capacity: Annotated[int | None, typer.Option(help="How many active cases may stay; all by default.", min=1)] = None,
    min_uses: Annotated[int, typer.Option(help="Known outcomes before evidence speaks against a case.", min=1)] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be retired: the default.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Retire cases that were shown to harm, that others cover, or for which there is no room."""
    from memento.cli.lifecycle_commands import forget_command

    command = forget_command(capacity, min_uses, namespace, is_meant=yes and not dry_run, as_json=as_json)
    finish(run_command(command, as_json=as_json))


@lifecycle.command()
def undo(
    batch: Annotated[str, typer.Argument(help="Id of a batch, as printed or in the audit trail.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Bring the cases of a batch back to what they were; what has changed since is left alone."""
    from memento.cli.lifecycle_commands import undo_command

    finish(run_command(undo_command(batch, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def audit(
    *,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Show who changed what, and why."""
    from memento.cli.lifecycle_commands import audit_command

    finish(run_command(audit_command(limit, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def snapshot(
    name: Annotated[str, typer.Argument(help="A new name.")], *, namespace: Namespace = None, as_json: Json = False
) -> None:
    """Give this moment of the namespace a name to roll back to."""
    from memento.cli.lifecycle_commands import snapshot_command

    finish(run_command(snapshot_command(name, namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def snapshots(*, namespace: Namespace = None, as_json: Json = False) -> None:
    """Show the moments that have a name."""
    from memento.cli.lifecycle_commands import snapshots_command

    finish(run_command(snapshots_command(namespace, as_json=as_json), as_json=as_json))


@lifecycle.command()
def rollback(
    name: Annotated[str, typer.Argument(help="Of a snapshot.")], *, namespace: Namespace = None, as_json: Json = False
) -> None:
    """Bring every case back to what it was at a snapshot; `undo` takes that back."""
    from memento.cli.lifecycle_commands import rollback_command

    finish(run_command(rollback_command(name, namespace, as_json=as_json), as_json=as_json))
