"""What code leaves in its workspace is made harmless to whoever comes by: set-id bits, file capabilities, devices.

Files keep our owner. A set-user-id program would lend our identity to every other user of the machine, a device open
the kernel to us, and a pipe or socket keep a program waiting that only wanted to read. All of it is done by
descriptor, so that code of another execution in the same workspace cannot lead it elsewhere.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from memento.tools.files.walking import Found, Walk

_SET_ID: Final = stat.S_ISUID | stat.S_ISGID
_CAPABILITY: Final = "security.capability"
_NAMED_ONLY: Final = getattr(os, "O_PATH", 0)  # not on macOS, where chmod can be kept from following a link
_TRIES: Final = 3


def make_harmless(folder: Path) -> None:
    """Clean up after code; what was there before is treated alike. Blocks.

    Set-id bits and capabilities of files go; devices, pipes and sockets go themselves; a folder that is closed to its
    owner is opened again. No file's content is changed. A set-id file with a second name, which may lie elsewhere, is
    left as it is, and loses the name that it has here. What is another user's is left alone where we may not change it.
    """
    if os.name != "posix":  # elsewhere there is nothing of it
        return
    with contextlib.suppress(OSError):
        _set_mode(os.fspath(folder), _harmless(os.stat(folder).st_mode), None)
    for _ in range(_TRIES):  # another execution may be moving folders
        walk = Walk(folder)
        for found in walk:
            with contextlib.suppress(OSError):
                _clean(found)
        if not walk.n_closed:
            return


def _clean(found: Found) -> None:
    mode = found.status.st_mode
    if found.is_folder:
        if mode != _harmless(mode):
            _set_mode(found.name, _harmless(mode), found.place)
    elif not stat.S_ISREG(mode):
        if not stat.S_ISLNK(mode):
            _remove(found)
    elif mode & _SET_ID or _has_capability(found):
        if found.status.st_nlink > 1:
            _remove(found)
            return
        try:
            _set_mode(found.name, stat.S_IMODE(mode) & ~_SET_ID, found.place)
        except OSError:
            _remove(found)


def _harmless(mode: int) -> int:
    """The mode of a folder without set-id bits, open to its owner."""
    return mode & ~_SET_ID | stat.S_IRWXU


def _set_mode(name: str, mode: int, place: int | str | None) -> None:
    """Change the mode of a file or folder, and take its capabilities; never of what a link leads to."""
    folder = place if isinstance(place, int) else None
    if not _NAMED_ONLY:
        os.chmod(name, stat.S_IMODE(mode), dir_fd=folder, follow_symlinks=folder is None)
        return
    flags = _NAMED_ONLY | os.O_CLOEXEC | (0 if folder is None else os.O_NOFOLLOW)
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        # Others may have put something else there since it was looked at.
        if stat.S_ISLNK(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink > 1):
            raise FileExistsError(name)
        itself = f"/proc/self/fd/{descriptor}"
        os.chmod(itself, stat.S_IMODE(mode))
        if stat.S_ISREG(found.st_mode):
            with contextlib.suppress(OSError):  # most have none
                os.removexattr(itself, _CAPABILITY)
    finally:
        os.close(descriptor)


def _has_capability(found: Found) -> bool:
    """Whether a file gives its program rights; only code that ran as root could do that."""
    if not _NAMED_ONLY or os.geteuid() or not isinstance(found.place, int):
        return False
    descriptor = os.open(found.name, _NAMED_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found.place)
    try:
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", _CAPABILITY))
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _remove(found: Found) -> None:
    os.unlink(found.name, dir_fd=found.place if isinstance(found.place, int) else None)
