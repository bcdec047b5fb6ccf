"""Erases threads whole: their checkpoints, their run folders, and what the file of threads still holds of them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from memento.graph.home_saver import HomeSaver
from memento.graph.threads import remove_folder, remove_leaving, row_condition, thread_text
from memento.memory.errors import MementoError
from memento.nodes.attachments import RUNS, folder_names, run_folder

_UUID: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def erase_threads(saver: HomeSaver, workspace: Path, names: Sequence[str], event_ids: Sequence[str]) -> list[str]:
    """Remove threads whole, whatever they wait for, so that neither the file of threads nor the workspace holds them.

    Args:
        saver: where the checkpoints are.
        workspace: the folder that has the runs' folders.
        names: of threads; those that are not there are no error.
        event_ids: of readings: threads whose checkpoints name one are removed, too.

    Returns:
        The names of the threads that were removed.

    Raises:
        MementoError: the file of threads cannot be written, is damaged, or in use by another process.
        OSError: a folder cannot be removed.
    """
    if saver.not_kept:
        raise MementoError(saver.not_kept)
    erased = set(event_ids)
    gone = list(dict.fromkeys([*names, *[name async for name in _holding(saver, erased)]]))
    with saver.named_errors():
        async with saver.lock:
            for name in gone:
                where, key = row_condition(name)
                for table in ("writes", "checkpoints"):
                    await saver.conn.execute(f"DELETE FROM {table} WHERE {where}", (key,))  # noqa: S608
            await saver.conn.commit()
    for name in gone:
        for folder in folder_names(thread_text(name)):
            await asyncio.to_thread(remove_folder, run_folder(workspace, folder))
    await asyncio.to_thread(remove_leaving, workspace / RUNS)
    with saver.named_errors():
        async with saver.lock:
            await saver.conn.execute("VACUUM")
            async with saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)") as rows:
                row = await rows.fetchone()
    if row is not None and row[0]:
        raise MementoError(f"another process is reading {saver.path}")
    return gone


async def _holding(saver: HomeSaver, event_ids: set[str]) -> AsyncIterator[str]:
    """Names of threads whose rows name one of these readings."""
    for table, column in (("checkpoints", "checkpoint"), ("writes", "value")):
        query = f"SELECT CAST(thread_id AS BLOB), {column} FROM {table}"  # noqa: S608
        with saver.named_errors():
            async with saver.lock, saver.conn.execute(query) as rows:
                async for name, value in rows:
                    held = {found.decode() for found in _UUID.findall(bytes(value or b""))}
                    if not held.isdisjoint(event_ids):
                        yield bytes(name or b"").decode(errors="surrogateescape")
