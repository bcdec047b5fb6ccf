"""The threads of one home: their checkpoints, and the folders in which their runs made files."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import StateSnapshot

from memento.graph.workflow import MementoGraph
from memento.memory.errors import InvalidInput, MementoError
from memento.memory.sqlite_connection import open_shared
from memento.nodes.attachments import RUNS, folder_name, folder_names, run_folder
from memento.tools.files.removal import remove_tree
from memento.tools.files.walking import Walk

Bytes: TypeAlias = int

_BUSY_TIMEOUT_S: Final = 15.0
_LEAVING: Final = ".leaving-"
"""Before the name of a folder while it is removed; no thread's folder begins so."""


class Thread(NamedTuple):
    """A conversation, or the folder of one whose checkpoints are kept elsewhere."""

    name: str
    """The thread's; of a folder alone, the folder's."""
    task: str
    changed_at: datetime
    """Of the last checkpoint or the last file, whichever is later; UTC."""
    waits_for: tuple[str, ...]
    """What goes on when it is resumed: kinds of questions to a person, or nodes. Empty when it has ended."""
    n_bytes: Bytes
    """Of the files in its folder."""
    checkpoint: str | None
    """Id of the last one; None for a folder alone, of which nothing else is known."""


class Left(NamedTuple):
    """What lies in a folder."""

    changed_at: datetime | None
    """Of the newest file; None where there is none."""
    n_bytes: Bytes


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The command line's threads: SQLite, shared by processes.

    Raises:
        InvalidInput: its folder cannot be made.
        MementoError: the file is damaged, or cannot be written.
    """
    import aiosqlite

    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{path.parent} cannot be used: {error.strerror}; set MEMENTO_HOME to a folder") from error
    connection = aiosqlite.Connection(lambda: open_shared(str(path), timeout_s=_BUSY_TIMEOUT_S), iter_chunk_size=64)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(connection)
            # A power cut may cost the last steps of a thread, never the memory: that is the ledger's.
            await connection.execute("PRAGMA synchronous=NORMAL")
            saver = AsyncSqliteSaver(connection)
            await saver.setup()
        except sqlite3.Error as error:
            why = f"the threads in {path} cannot be opened: {error}"
            raise MementoError(f"{why}; move the file away to begin anew, memory is not in it") from error
        yield saver


class Threads:
    """Finds and removes them. What memory learned from a thread is not the thread's, and stays."""

    def __init__(self, graph: MementoGraph, saver: AsyncSqliteSaver, workspace: Path) -> None:
        """Prepare.

        Args:
            graph: compiled with `saver`; it is asked what a thread waits for.
            saver: where the checkpoints are.
            workspace: the folder that has the runs' folders.
        """
        self._graph = graph
        self._saver = saver
        self._workspace = workspace

    async def names(self) -> list[str]:
        """All that have checkpoints, the last changed first."""
        query = "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY MAX(checkpoint_id) DESC"
        async with self._saver.lock, self._saver.conn.execute(query) as rows:  # ids begin with their time
            return [str(name) async for (name,) in rows]

    async def read(self, name: str) -> Thread:
        """What there is of one thread."""
        state = await self._graph.aget_state(_config(name))
        left = await asyncio.to_thread(_left, run_folder(self._workspace, await self._folder(name, state)))
        began = datetime.fromisoformat(state.created_at) if state.created_at else datetime.fromtimestamp(0, UTC)
        return Thread(
            name=name,
            task=str((state.values.get("run") or state.values).get("task", "")),
            changed_at=max(began, left.changed_at or began),
            waits_for=_waits_for(state),
            n_bytes=left.n_bytes,
            checkpoint=_checkpoint(state.config),
        )

    async def folders(self) -> list[Thread]:
        """Folders of threads that have no checkpoints here: those of a server, or of an app of one's own."""
        known = {folder for name in await self.names() for folder in folder_names(name)}
        return await asyncio.to_thread(_folders_but, self._workspace / RUNS, known)

    async def remove(self, thread: Thread) -> bool:
        """Remove its checkpoints, then its folder; cut short in between, the folder is found by `folders`.

        Returns:
            False when nothing was done: it went on since it was read.
        """
        now = await self._graph.aget_state(_config(thread.name)) if thread.checkpoint else None
        if now is not None and _checkpoint(now.config) != thread.checkpoint:
            return False
        if now is not None:
            await self._saver.adelete_thread(thread.name)
        folder = thread.name if now is None else await self._folder(thread.name, now)
        await asyncio.to_thread(_remove, run_folder(self._workspace, folder))
        return True

    async def _folder(self, name: str, state: StateSnapshot) -> str:
        earlier = (state.values.get("run") or {}).get("folder")
        return await asyncio.to_thread(folder_name, name, self._workspace, earlier=earlier)

    async def tidy(self) -> None:
        """Give back the room of what was removed, and end removals that were cut short."""
        await asyncio.to_thread(_remove_leaving, self._workspace / RUNS)
        await self._saver.conn.execute("VACUUM")


def _config(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def _checkpoint(config: RunnableConfig) -> str | None:
    return config.get("configurable", {}).get("checkpoint_id")


def _waits_for(state: StateSnapshot) -> tuple[str, ...]:
    asked = [one.value for one in state.interrupts]
    kinds = [str(value["kind"]) for value in asked if isinstance(value, dict) and "kind" in value]
    return tuple(kinds or state.next)


def _left(folder: Path) -> Left:
    """Links are counted as themselves: what they lead to is not the folder's."""
    newest, n_bytes = None, 0
    for found in Walk(folder):
        if not found.is_folder:
            newest = max(newest or found.status.st_mtime, found.status.st_mtime)
            n_bytes += found.status.st_size
    return Left(None if newest is None else datetime.fromtimestamp(newest, UTC), n_bytes)


def _folders_but(runs: Path, known: set[str]) -> list[Thread]:
    found = []
    for entry in os.scandir(runs) if runs.is_dir() else ():
        if entry.name in known or entry.name.startswith(_LEAVING) or not entry.is_dir(follow_symlinks=False):
            continue
        left = _left(Path(entry.path))
        made = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
        found.append(Thread(entry.name, "", left.changed_at or made, (), left.n_bytes, None))
    return sorted(found, key=lambda one: one.changed_at, reverse=True)


def _remove(folder: Path) -> None:
    """Renamed first: half a folder is never taken for a whole one."""
    leaving = folder.with_name(_LEAVING + folder.name)
    with contextlib.suppress(OSError):
        remove_tree(leaving)
    try:
        folder.rename(leaving)
    except FileNotFoundError:
        return
    remove_tree(leaving)


def _remove_leaving(runs: Path) -> None:
    for leaving in runs.glob(f"{_LEAVING}*"):
        with contextlib.suppress(OSError):
            remove_tree(leaving)
