"""Copies a task's files into the workspace folder of its run."""

import asyncio
import itertools
from pathlib import Path
from typing import NamedTuple

from memento.evals.task import EvalTask
from memento.nodes.attachments import RUNS, copy_in, folder_name, run_folder


class LaidOut(NamedTuple):
    """Workspace of a run with its files."""

    thread: str
    """By which its folder is named."""
    attachments: list[str]
    """Paths in the workspace."""


async def laid_out(task: EvalTask, workspace: Path | None, name: str) -> LaidOut:
    """Copy a task's files into a new folder, so that leftovers of a killed run are not met again.

    Args:
        task: with its files.
        workspace: in which each run has a folder; without one there is nothing to do.
        name: of the thread; it is numbered when its folder is there already.

    Raises:
        InvalidAttachment: a file is missing or cannot be read.
    """
    if workspace is None:
        return LaidOut(name, [])
    return await asyncio.to_thread(_lay_out, task, workspace, name)


def _lay_out(task: EvalTask, workspace: Path, name: str) -> LaidOut:
    for number in itertools.count(1):
        thread = name if number == 1 else f"{name}-{number}"
        folder = run_folder(workspace, folder_name(thread, workspace))
        if folder.exists():
            continue
        if task.attachments:
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
        names = copy_in(task.attachments, folder)
        return LaidOut(thread, [f"{RUNS}/{folder.name}/{name}" for name in names])
    raise AssertionError("numbers do not end")
