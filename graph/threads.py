"""The threads of one home: their checkpoints, and the folders in which their runs made files."""

import asyncio
import contextlib
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from memento.graph.home_saver import HomeSaver, damage_of, open_checkpointer
from memento.graph.workflow import MementoGraph
from memento.memory.errors import MementoError
from memento.nodes.attachments import RUNS, folder_name, folder_names, run_folder
from memento.tools.files.removal import remove_tree
from memento.tools.files.walking import Walk

Bytes: TypeAlias = int

__all__ = ["Left", "Thread", "Threads", "open_checkpointer"]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_GREGORIAN: Final = datetime(1582, 10, 15, tzinfo=UTC)
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
    problem: str = ""
    """Why its last checkpoint cannot be read; empty when it can."""


class Left(NamedTuple):
    """What lies in a folder."""

    changed_at: datetime | None
    """Of the newest file; None where there is none."""
    n_bytes: Bytes


class Threads:
    """Finds and removes them. What memory learned from a thread is not the thread's, and stays."""

    def __init__(self, graph: MementoGraph, saver: HomeSaver, workspace: Path) -> None:
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
        """All that have checkpoints, the last changed first.

        Raises:
            MementoError: the file is damaged.
        """
        # As bytes: a name that is damaged must not hide the others.
        query = "SELECT CAST(thread_id AS BLOB) FROM checkpoints GROUP BY thread_id ORDER BY MAX(checkpoint_id) DESC"
        with self._saver.named_errors():
            async with self._saver.lock, self._saver.conn.execute(query) as rows:  # ids begin with their time
                return [bytes(name or b"").decode(errors="surrogateescape") async for (name,) in rows]

    async def read(self, name: str) -> Thread:
        """What there is of one thread; of one whose last checkpoint is damaged, what is known without it.

        Raises:
            MementoError: the file is damaged, or locked for too long.
        """
        try:
            state = await self._graph.aget_state(_config(name))
            left = await asyncio.to_thread(_left, run_folder(self._workspace, await self._folder(name, state)))
            return _thread(name, state, left)
        except Exception as error:  # noqa: BLE001  whatever the decoders of state, or those of the graph, raise
            newest, problem = await self._newest(name), damage_of(error)
        left = await asyncio.to_thread(_left, run_folder(self._workspace, await self._folder(name)))
        changed_at = max(_time_of(newest), left.changed_at or _EPOCH)
        return Thread(name, "", changed_at, (), left.n_bytes, newest or "", problem)

    async def _newest(self, name: str) -> str | None:
        """Id of a thread's last checkpoint, which is not read."""
        where, key = _named(name)
        query = f"SELECT MAX(checkpoint_id) FROM checkpoints WHERE {where} AND checkpoint_ns = ''"  # noqa: S608
        with self._saver.named_errors():
            async with self._saver.lock, self._saver.conn.execute(query, (key,)) as rows:
                row = await rows.fetchone()
        return None if row is None or row[0] is None else str(row[0])

    async def folders(self) -> list[Thread]:
        """Folders of threads that have no checkpoints here: those of a server, or of an app of one's own."""
        known = {folder for name in await self.names() for folder in folder_names(_as_text(name))}
        return await asyncio.to_thread(_folders_but, self._workspace / RUNS, known)

    async def remove(self, thread: Thread) -> bool:
        """Remove its checkpoints, then its folder; cut short in between, the folder is found by `folders`.

        Returns:
            False when nothing was done: it went on since it was read.

        Raises:
            MementoError: the file of threads cannot be written, or is damaged.
            OSError: the folder cannot be removed.
        """
        is_kept_here = thread.checkpoint is not None
        if self._saver.not_kept and is_kept_here:  # on a full disk its files can go, which makes room for the rest
            await asyncio.to_thread(_remove, run_folder(self._workspace, await self._folder_of(thread)))
            raise MementoError(f"of it only files can be removed, {self._saver.not_kept}")
        if is_kept_here and (await self._newest(thread.name) or "") != thread.checkpoint:
            return False
        folder = await self._folder_of(thread)
        if is_kept_here:
            await self._forget(thread.name)
        await asyncio.to_thread(_remove, run_folder(self._workspace, folder))
        return True

    async def _folder_of(self, thread: Thread) -> str:
        """Name the folder of a thread that is to be removed; its state is read where it can be."""
        if thread.checkpoint is None:
            return thread.name
        if thread.problem:
            return await self._folder(thread.name)
        return await self._folder(thread.name, await self._graph.aget_state(_config(thread.name)))

    async def _folder(self, name: str, state: StateSnapshot | None = None) -> str:
        earlier = (state.values.get("run") or {}).get("folder") if state is not None else None
        return await asyncio.to_thread(folder_name, _as_text(name), self._workspace, earlier=earlier)

    async def _forget(self, name: str) -> None:
        """Remove a thread's rows, whatever is in them."""
        where, key = _named(name)
        with self._saver.named_errors():
            async with self._saver.lock:
                for table in ("checkpoints", "writes"):
                    await self._saver.conn.execute(f"DELETE FROM {table} WHERE {where}", (key,))  # noqa: S608
                await self._saver.conn.commit()

    async def tidy(self) -> None:
        """Give back the room of what was removed, and end removals that were cut short.

        Raises:
            MementoError: the file of threads is damaged, or there is no room to write it anew.
        """
        await asyncio.to_thread(_remove_leaving, self._workspace / RUNS)
        with self._saver.named_errors():
            await self._saver.conn.execute("VACUUM")


def _config(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def _as_text(name: str) -> str:
    """Of a name that is no text: damage, for no run has such a thread, and so none has such a folder."""
    return name.encode(errors="backslashreplace").decode()


def _named(name: str) -> tuple[str, str | bytes]:
    """The condition that finds a thread's rows, and its parameter; a name that is no text has no index."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "CAST(thread_id AS BLOB) = ?", name.encode(errors="surrogateescape")
    return "thread_id = ?", name


def _thread(name: str, state: StateSnapshot, left: Left) -> Thread:
    began = datetime.fromisoformat(state.created_at) if state.created_at else _EPOCH
    return Thread(
        name=name,
        task=str((state.values.get("run") or state.values).get("task", "")),
        changed_at=max(began, left.changed_at or began),
        waits_for=_waits_for(state),
        n_bytes=left.n_bytes,
        checkpoint=state.config.get("configurable", {}).get("checkpoint_id"),
    )


def _time_of(checkpoint: str | None) -> datetime:
    """When a checkpoint was made: ids are UUIDs of version 6, which begin with their time (RFC 9562, 5.6)."""
    try:
        number = uuid.UUID(checkpoint or "").int
        ticks = (number >> 96) << 28 | (number >> 80 & 0xFFFF) << 12 | (number >> 64 & 0xFFF)
        return _GREGORIAN + timedelta(microseconds=ticks // 10)
    except (ValueError, OverflowError):
        return _EPOCH


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
        try:
            if entry.name in known or entry.name.startswith(_LEAVING) or not entry.is_dir(follow_symlinks=False):
                continue
            made = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
        except OSError:  # gone meanwhile, or not to be looked at
            continue
        left = _left(Path(entry.path))
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
