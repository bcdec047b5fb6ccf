"""What the host sees of a workspace: names while code runs in it, kinds and modes of files afterwards."""

import os
import stat
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from memento.tools.files.folders import Place, walk
from memento.tools.workspace import Workspace

PLANTED_SET_ID = "runs-as-its-owner"
"""A file that lies in the workspace before the code runs."""


def names_while(is_over: threading.Event, folder: Path) -> set[str]:
    """List a workspace again and again, in all the ways that tools do."""
    seen: set[str] = set()
    workspace, place = Workspace(folder), Place("", str(folder))
    while not is_over.is_set():
        seen.update(entry.path for entry in workspace.entries())
        seen.update(path for path, _ in walk(place, Counter(), threading.Event()))
    return seen


def harmful(folder: Path) -> list[str]:
    """Name what must not be left: files and folders with set-id bits, with capabilities, and what is neither."""
    found: list[str] = []
    _search(folder, found)
    return found


def _search(top: Path, found: list[str]) -> None:
    """Look by descriptor, as deep as it goes; a path becomes too long."""
    pending: list[Callable[[], int]] = [lambda: os.open(top, os.O_RDONLY | os.O_DIRECTORY)]
    while pending:
        folder = pending.pop()()
        try:
            _look(os.fstat(folder).st_mode, "a folder", found)
            for name in os.listdir(folder):
                status = os.lstat(name, dir_fd=folder)
                if stat.S_ISDIR(status.st_mode):
                    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                    pending.append(lambda descriptor=below: descriptor)  # type: ignore[misc]
                else:
                    _look(status.st_mode, name, found)
                    with suppress(OSError):
                        os.getxattr(f"/proc/self/fd/{folder}/{name}", "security.capability", follow_symlinks=False)
                        found.append(f"{name} has capabilities")
        finally:
            os.close(folder)


def _look(mode: int, name: str, found: list[str]) -> None:
    if stat.S_ISLNK(mode):
        return
    if mode & 0o6000:
        found.append(f"{name} has mode {mode:o}")
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        found.append(f"{name} is no file ({mode:o})")
