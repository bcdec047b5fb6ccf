"""Checkpointer of the command line: an SQLite file in MEMENTO_HOME, or a temporary copy if it is read-only."""

import asyncio
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from memento.memory.errors import InvalidInput, MementoError
from memento.memory.ledger.read_only_file import cannot_write, copied, why_not_written
from memento.memory.ledger.sqlite_files import open_shared
from memento.private_files import make_private_folder

_BUSY_TIMEOUT_S: Final = 15.0
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_MEND: Final = "move the file away to begin anew, memory is not in it"


class HomeSaver(AsyncSqliteSaver):
    """LangGraph's SQLite checkpointer with its file's path and named errors."""

    path: Path
    """The file in the home, also where a copy of it is used."""
    not_kept = ""
    """Why nothing that is written here is kept; empty when it is kept."""

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """Turn SQLite errors into named errors that mention the file.

        Raises:
            MementoError: the file is damaged, locked for too long, or cannot be written.
        """
        try:
            yield
        except sqlite3.Error as error:
            what = "written" if cannot_write(error) else "read"
            mend = "" if cannot_write(error) or _is_busy(error) else f"; {_MEND}"
            raise MementoError(f"the threads in {self.path} cannot be {what}: {error}{mend}") from error

    async def check(self, thread: str) -> None:
        """Check that a thread's last checkpoint can be read.

        Raises:
            MementoError: it is damaged.
        """
        try:
            found = await self.aget_tuple({"configurable": {"thread_id": thread}})
            if found is not None and not isinstance(found.checkpoint.get("channel_values"), dict):
                raise TypeError("it holds no state")
        except Exception as error:
            raise MementoError(
                f"thread {thread!r} cannot be read: {damage_of(error)}; name another one, or remove it: "
                "memento threads prune --damaged --older-than 0 --yes"
            ) from error


def damage_of(error: Exception) -> str:
    """Describe in one line why a checkpoint could not be read.

    Raises:
        MementoError: nothing; the file was locked for too long, or the error is one of ours.
    """
    if isinstance(error, MementoError):
        raise error
    if _is_busy(error):
        raise MementoError(f"the threads cannot be read: {error}") from error
    said = " ".join(str(error).split())[:200]
    return f"its last checkpoint is damaged ({type(error).__name__}{': ' if said else ''}{said})"


@asynccontextmanager
async def open_checkpointer(path: Path, *, least_free_bytes: int = 0) -> AsyncIterator[HomeSaver]:
    """Open the command line's threads: SQLite, shared by processes.

    Where the file cannot be written (a read-only file system, no permission, a full disk), what is there is copied to a
    temporary file: it can be read, and a run can go on, but nothing of that is kept; `not_kept` says why.

    Args:
        path: of the file.
        least_free_bytes: with less room on its disk, it is taken for one that cannot be written.

    Raises:
        InvalidInput: its folder cannot be made.
        MementoError: the file is damaged, or cannot be read.
    """
    try:
        await asyncio.to_thread(make_private_folder, path.parent)
    except OSError as error:
        raise InvalidInput(f"{path.parent} cannot be used: {error.strerror}; set MEMENTO_HOME to a folder") from error
    why = await asyncio.to_thread(_lack_of_room, path.parent, least_free_bytes)
    async with AsyncExitStack() as stack:
        try:
            if not why:
                saver = await stack.enter_async_context(_opened(path))
        except sqlite3.Error as error:
            if not cannot_write(error):
                raise MementoError(f"the threads in {path} cannot be opened: {error}; {_MEND}") from error
            why = await asyncio.to_thread(why_not_written, path, error)
        if why:
            try:
                copy = await asyncio.to_thread(_copy, path)
                stack.push_async_callback(asyncio.to_thread, copy.cleanup)
                saver = await stack.enter_async_context(_opened(Path(copy.name, path.name)))
            except (OSError, sqlite3.Error) as error:
                raise MementoError(f"the threads in {path} cannot be written ({why}), nor read: {error}") from error
            saver.not_kept = f"the threads in {path} cannot be written: {why}"
        saver.path = path
        yield saver


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[HomeSaver]:
    import aiosqlite

    worker: Future[threading.Thread] = Future()

    def connect() -> sqlite3.Connection:
        worker.set_result(threading.current_thread())
        return open_shared(str(path), timeout_s=_BUSY_TIMEOUT_S)

    try:
        async with aiosqlite.Connection(connect, iter_chunk_size=64) as connection:
            # A power cut may cost the last steps of a thread, never the memory: that is the ledger's.
            await connection.execute("PRAGMA synchronous=NORMAL")
            saver = HomeSaver(connection)
            await saver.setup()
            yield saver
    finally:
        # When opening fails or is cancelled, aiosqlite does not wait for its thread, which would then answer a loop
        # that may have been closed.
        await asyncio.to_thread(_join, worker)


def _join(worker: Future[threading.Thread]) -> None:
    with suppress(TimeoutError):  # the system could start no thread
        worker.result(_BUSY_TIMEOUT_S).join()


def _copy(path: Path) -> tempfile.TemporaryDirectory[str]:
    return copied(path) if path.exists() else tempfile.TemporaryDirectory(prefix="memento-")


def _lack_of_room(folder: Path, n_bytes: int) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return str(error.strerror)
    return "" if free >= n_bytes else f"its disk is full ({free >> 10:,} KiB are free)"


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
