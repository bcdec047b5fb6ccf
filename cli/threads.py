"""`memento threads`: lists the conversations of `ask`, and removes old ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from memento.graph.threads import Thread, Threads

threads = typer.Typer(help="List the conversations of `ask`, and remove old ones.", no_args_is_help=True)

_TASK_CHARS = 60


@threads.command("list")
@run_async
async def list_threads(
    *,
    limit: Annotated[int, typer.Option(help="Maximum number of threads, the last changed first.", min=1)] = 20,
    as_json: Json = False,
) -> ExitCode:
    """List threads: task, what each waits for, and the size of its files."""
    async with _opened() as threads:
        names = await threads.names()
        found = [await threads.read(name) for name in names[:limit]]
    _show(found, as_json=as_json)
    if not as_json and len(found) < len(names):
        tell(f"older ones: {len(names) - len(found)}; --limit shows more")
    elif not as_json and not names:
        tell("there are no threads yet")
    damaged = [thread for thread in found if thread.problem]
    _tell_damaged(damaged, "memento threads prune --damaged removes it")
    return ExitCode.FAILED if damaged else ExitCode.OK


@threads.command()
@run_async
async def prune(
    *,
    older_than: Annotated[float, typer.Option(help="Minimum age: days since the last change.", min=0)] = 30,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also threads that wait for a reply, or could be resumed.")
    ] = False,
    folders: Annotated[
        bool, typer.Option("--folders", help="Also folders of threads kept elsewhere: a server's, or your own app's.")
    ] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Also threads that cannot be read; otherwise they are listed and kept.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed (the default).")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the threads; cannot be undone.")] = False,
    as_json: Json = False,
) -> ExitCode:
    """Remove old threads with the files their runs made. What memory learned from them stays."""
    from memento.memory.errors import InvalidInput

    try:
        before = datetime.now(UTC) - timedelta(days=older_than)
    except (OverflowError, ValueError) as error:
        raise InvalidInput(f"--older-than is a number of days, not {older_than:g}") from error
    async with _opened() as threads:
        old = [thread async for thread in _old(threads, before, unfinished=unfinished, folders=folders)]
        found = [thread for thread in old if damaged or not thread.problem]
        left = [thread for thread in old if thread.problem and not damaged]
        if yes and not dry_run:
            has_failed = await _remove(threads, found, as_json=as_json)
        else:
            has_failed = False
            _show(found, as_json=as_json)
            _summary(found, is_done=False, as_json=as_json)
    _tell_damaged(left, "it is left as it is; --damaged removes it")
    return ExitCode.FAILED if left or has_failed else ExitCode.OK


async def _remove(threads: Threads, found: Sequence[Thread], *, as_json: bool) -> bool:
    """Remove threads; return whether one could not be removed."""
    from memento.memory.errors import MementoError

    gone: list[Thread] = []
    has_failed = False
    try:
        for thread in found:
            try:
                if await threads.remove(thread):
                    gone.append(thread)
                else:
                    tell(f"{thread.name} stays: it went on meanwhile")
            except (MementoError, OSError) as error:
                has_failed = True
                tell(f"{thread.name} stays: {error}")
        try:
            await threads.tidy()
        except MementoError as error:
            tell(f"the room of what was removed is given back later: {error}")
    finally:  # Ctrl-C too: what is gone is gone, and the rest is whole
        _show(gone, as_json=as_json)
        _summary(gone, is_done=True, as_json=as_json)
    return has_failed


def _tell_damaged(damaged: Sequence[Thread], advice: str) -> None:
    for thread in damaged:
        tell(f"{thread.name}: {thread.problem}; {advice}")


async def _old(threads: Threads, before: datetime, *, unfinished: bool, folders: bool) -> AsyncIterator[Thread]:
    for name in await threads.names():
        thread = await threads.read(name)
        if thread.changed_at < before and (unfinished or not thread.waits_for):
            yield thread
    for folder in await threads.folders() if folders else ():
        if folder.changed_at < before:
            yield folder


@asynccontextmanager
async def _opened() -> AsyncIterator[Threads]:
    from memento.graph.app import Application
    from memento.graph.threads import Threads, open_checkpointer
    from memento.graph.workflow import build_graph

    app = Application()
    try:
        async with open_checkpointer(app.settings.threads) as saver:
            yield Threads(build_graph(app.deps(), checkpointer=saver), saver, app.workspace)
    finally:
        await app.aclose()


def _show(threads: Sequence[Thread], *, as_json: bool) -> None:
    if as_json:
        for thread in threads:
            print_json({"event": "thread", **_row(thread)})
        return
    if not threads:
        return
    from rich.filesize import decimal

    from memento.cli.printing import TextTable, print_table

    table = TextTable()
    for title in ("thread", "last change", "state", "files", "task"):
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for thread in threads:
        when = thread.changed_at.astimezone().strftime("%Y-%m-%d %H:%M")
        task = " ".join(thread.task.split())[:_TASK_CHARS]
        row = (thread.name, when, _state(thread), decimal(thread.n_bytes), task)
        table.add_texts(*row)
    print_table(table)


def _row(thread: Thread) -> dict[str, object]:
    return {
        "thread": thread.name,
        "changed_at": thread.changed_at.isoformat(),
        "state": _short_state(thread),
        "waits_for": list(thread.waits_for),
        "bytes": thread.n_bytes,
        "task": thread.task,
        **({"problem": thread.problem} if thread.problem else {}),
    }


def _short_state(thread: Thread) -> str:
    if thread.checkpoint is None:
        return "elsewhere"
    return "damaged" if thread.problem else "waits" if thread.waits_for else "ended"


def _state(thread: Thread) -> str:
    if thread.checkpoint is None:
        return "kept elsewhere"
    if thread.problem:
        return "damaged"
    return f"waits for {', '.join(thread.waits_for)}" if thread.waits_for else "ended"


def _summary(threads: Sequence[Thread], *, is_done: bool, as_json: bool) -> None:
    from rich.filesize import decimal

    n_bytes = sum(thread.n_bytes for thread in threads)
    if as_json:
        print_json({"event": "pruned" if is_done else "plan", "threads": len(threads), "bytes": n_bytes})
    elif is_done:
        tell(f"removed: {len(threads)}, with files of {decimal(n_bytes)}")
    else:
        tell(f"would go: {len(threads)}, with files of {decimal(n_bytes)}" + ("; --yes does it" if threads else ""))
