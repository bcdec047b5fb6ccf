"""Cleans up a workspace after untrusted code: set-id bits, file capabilities, devices, pipes and sockets.

Files keep our owner. A set-user-id program would lend our identity to every other user of the machine, a device open
the kernel to us, and a pipe or socket keep a program waiting that only wanted to read. All of it is done by
descriptor, so that code of another execution in the same workspace cannot lead it elsewhere.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from memento.tools.files.removal import has_capability, remove, set_mode
from memento.tools.files.walking import DirectoryEntry, Walk

_SET_ID: Final = stat.S_ISUID | stat.S_ISGID
_TRIES: Final = 3


def make_harmless(folder: Path) -> None:
    """Clean up after code; files that were there before are treated alike. Blocks.

    Set-id bits and capabilities of files go; devices, pipes and sockets go themselves; a folder that is closed to its
    owner is opened again. Where the folder above passes its group on, as a shared one does, folders go on to do so. No
    file's content is changed. A set-id file with a second name, which may lie elsewhere, is left as it is, and loses
    the name that it has here. What is another user's is left alone where we may not change it.
    """
    if os.name != "posix":  # elsewhere there is nothing of it
        return
    kept = 0
    with contextlib.suppress(OSError):
        kept = os.stat(folder.parent).st_mode & stat.S_ISGID
        set_mode(os.fspath(folder), _harmless(os.stat(folder).st_mode, kept))
    for _ in range(_TRIES):  # another execution may be moving folders
        walk = Walk(folder)
        for found in walk:
            with contextlib.suppress(OSError):
                _clean(found, kept)
        if not walk.n_closed:
            return


def _clean(found: DirectoryEntry, kept: int) -> None:
    mode = found.status.st_mode
    if found.is_folder:
        if mode != _harmless(mode, kept):
            set_mode(found.name, _harmless(mode, kept), found.place)
    elif not stat.S_ISREG(mode):
        if not stat.S_ISLNK(mode):
            remove(found)
    elif mode & _SET_ID or has_capability(found):
        if found.status.st_nlink > 1:
            remove(found)
            return
        try:
            set_mode(found.name, stat.S_IMODE(mode) & ~_SET_ID, found.place)
        except OSError:
            remove(found)


def _harmless(mode: int, kept: int) -> int:
    """Return a folder's mode without set-id bits except those to be kept, accessible to its owner."""
    return mode & ~(_SET_ID & ~kept) | stat.S_IRWXU
