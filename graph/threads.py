"""Threads of one home: lists, reads and removes their checkpoints and run folders."""

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
    """Files in a thread's folder."""

    changed_at: datetime | None
    """Of the newest file; None where there is none."""
    n_bytes: Bytes


class Threads:
    """Finds and removes threads. Cases learned from a thread stay in the memory."""

    def __init__(self, graph: MementoGraph, saver: HomeSaver, workspace: Path) -> None:
        """Prepare; reads nothing.

        Args:
            graph: compiled with `saver`; it is asked what a thread waits for.
            saver: where the checkpoints are.
            workspace: the folder that has the runs' folders.
        """
        self._graph = graph
        self._saver = saver
        self._workspace = workspace

    async def names(self) -> list[str]:
        """Return the names of all threads with checkpoints, the last changed first.

        Raises:
            MementoError: the file is damaged.
        """
        # As bytes: a name that is damaged must not hide the others.
        query = "SELECT CAST(thread_id AS BLOB) FROM checkpoints GROUP BY thread_id ORDER BY MAX(checkpoint_id) DESC"
        with self._saver.named_errors():
            async with self._saver.lock, self._saver.conn.execute(query) as rows:  # ids begin with their time
                return [bytes(name or b"").decode(errors="surrogateescape") async for (name,) in rows]

    async def read(self, name: str) -> Thread:
        """Read one thread; with a damaged last checkpoint, what is known without it.

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
        """Return the id of a thread's last checkpoint, without reading it."""
        where, key = row_condition(name)
        query = f"SELECT MAX(checkpoint_id) FROM checkpoints WHERE {where} AND checkpoint_ns = ''"  # noqa: S608
        with self._saver.named_errors():
            async with self._saver.lock, self._saver.conn.execute(query, (key,)) as rows:
                row = await rows.fetchone()
        return None if row is None or row[0] is None else str(row[0])

    async def folders(self) -> list[Thread]:
        """Return folders of threads without checkpoints here: those of a server, or of another app."""
        known = {folder for name in await self.names() for folder in folder_names(thread_text(name))}
        return await asyncio.to_thread(_folders_but, self._workspace / RUNS, known)

    async def remove(self, thread: Thread) -> bool:
        """Remove a thread's checkpoints, then its folder; if interrupted in between, `folders` finds the folder.

        Returns:
            False when nothing was done: it went on since it was read.

        Raises:
            MementoError: the file of threads cannot be written, or is damaged.
            OSError: the folder cannot be removed.
        """
        is_kept_here = thread.checkpoint is not None
        if self._saver.not_kept and is_kept_here:  # on a full disk its files can go, which makes room for the rest
            await asyncio.to_thread(remove_folder, run_folder(self._workspace, await self._folder_of(thread)))
            raise MementoError(f"only the thread's files were removed, not its checkpoints: {self._saver.not_kept}")
        if is_kept_here and (await self._newest(thread.name) or "") != thread.checkpoint:
            return False
        folder = await self._folder_of(thread)
        if is_kept_here:
            await self._forget(thread.name)
        await asyncio.to_thread(remove_folder, run_folder(self._workspace, folder))
        return True

    async def _folder_of(self, thread: Thread) -> str:
        """Return the folder of a thread to be removed; its state is read if possible."""
        if thread.checkpoint is None:
            return thread.name
        if thread.problem:
            return await self._folder(thread.name)
        return await self._folder(thread.name, await self._graph.aget_state(_config(thread.name)))

    async def _folder(self, name: str, state: StateSnapshot | None = None) -> str:
        earlier = (state.values.get("run") or {}).get("folder") if state is not None else None
        return await asyncio.to_thread(folder_name, thread_text(name), self._workspace, earlier=earlier)

    async def _forget(self, name: str) -> None:
        """Delete a thread's rows, whatever is in them."""
        where, key = row_condition(name)
        with self._saver.named_errors():
            async with self._saver.lock:
                for table in ("checkpoints", "writes"):
                    await self._saver.conn.execute(f"DELETE FROM {table} WHERE {where}", (key,))  # noqa: S608
                await self._saver.conn.commit()

    async def tidy(self) -> None:
        """Reclaim space after removals, and finish interrupted ones.

        Raises:
            MementoError: the file of threads is damaged, or there is no room to write it anew.
        """
        await asyncio.to_thread(remove_leaving, self._workspace / RUNS)
        with self._saver.named_errors():
            await self._saver.conn.execute("VACUUM")


def _config(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def thread_text(name: str) -> str:
    """Convert a thread name; one that is not text is damage: no run and no folder belongs to it."""
    return name.encode(errors="backslashreplace").decode()


def row_condition(name: str) -> tuple[str, str | bytes]:
    """Return the SQL condition for a thread's rows, and its parameter; a name that is not text has no index."""
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
    """Return the time of a checkpoint: ids are UUIDs of version 6, which begin with it (RFC 9562, 5.6)."""
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
    """Measure a folder; links are counted as themselves."""
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


def remove_folder(folder: Path) -> None:
    """Remove a folder, renaming it first so that a partly removed one is never mistaken for a whole one."""
    leaving = folder.with_name(_LEAVING + folder.name)
    with contextlib.suppress(OSError):
        remove_tree(leaving)
    try:
        folder.rename(leaving)
    except FileNotFoundError:
        return
    remove_tree(leaving)


def remove_leaving(runs: Path) -> None:
    for leaving in runs.glob(f"{_LEAVING}*"):
        with contextlib.suppress(OSError):
            remove_tree(leaving)
