"""`memento keys`: makes, lists and revokes API keys of the served graph."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from memento.service.keys import KeyRecord, KeyStore

keys = typer.Typer(
    help="Make, list and revoke API keys of the served graph. From the first key on, the server asks for one.",
    no_args_is_help=True,
)


@keys.command("create")
@run_async
async def create(
    name: Annotated[str, typer.Argument(help="Whose key it is: owns threads, assistants, crons and stored items.")],
    *,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="Whose cases are used; default: as the user's other keys, or the name."),
    ] = None,
    expires: Annotated[float | None, typer.Option(help="Days after which it expires; default: never.")] = None,
    as_json: Json = False,
) -> ExitCode:
    """Make a key and print it, this once."""
    made = await asyncio.to_thread(_store().create, name, namespace=namespace, days=expires)
    if as_json:
        print_json({"event": "key", "key": made.secret} | _row(made.record))
        return ExitCode.OK
    print(made.secret)  # noqa: T201
    tell(
        f"key {made.record.id} of {made.record.name}, namespace {made.record.namespace!r}; it is not shown again. "
        "Clients send it as `Authorization: Bearer KEY` or `X-Api-Key: KEY`"
    )
    return ExitCode.OK


@keys.command("list")
@run_async
async def list_keys(*, as_json: Json = False) -> ExitCode:
    """List all keys that were ever made, without the keys themselves."""
    from memento.cli.printing import TextTable, print_table

    rows = [_row(record) for record in await asyncio.to_thread(_store().records)]
    if as_json:
        for row in rows:
            print_json({"event": "key"} | row)
        return ExitCode.OK
    if not rows:
        tell("there are no keys: the served graph serves this machine alone, without any")
        return ExitCode.OK
    table = TextTable()
    for column in ("id", "user", "namespace", "state", "made", "expires"):
        table.add_column(column)
    for row in rows:
        made, expires = str(row["created_at"])[:10], str(row["expires_at"] or "never")[:10]
        table.add_texts(row["id"], row["name"], row["namespace"], row["state"], made, expires)
    print_table(table)
    return ExitCode.OK


@keys.command("revoke")
@run_async
async def revoke(
    key: Annotated[str, typer.Argument(help="Id of a key, or a user's name for all of theirs.")],
    *,
    as_json: Json = False,
) -> ExitCode:
    """Revoke keys; servers refuse them from the next request on."""
    revoked = await asyncio.to_thread(_store().revoke, key)
    for record in revoked:
        if as_json:
            print_json({"event": "revoked"} | _row(record))
        else:
            print(f"revoked key {record.id} of {record.name}")  # noqa: T201
    if not revoked and not as_json:
        tell(f"{key} was revoked before")
    return ExitCode.OK


def _store() -> "KeyStore":
    from memento.graph.settings import read_settings
    from memento.service.keys import KeyStore

    return KeyStore(read_settings().keys_file)


def _row(record: "KeyRecord") -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"sha256"}) | {"state": record.state(datetime.now(UTC))}
