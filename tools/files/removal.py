"""Removes files and folders, and changes their modes, by descriptor without following symbolic links; blocking."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from memento.tools.files.walking import DirectoryEntry, Walk

_NAMED_ONLY: Final = getattr(os, "O_PATH", 0)  # not on macOS, where chmod can be kept from following a link
_CAPABILITY: Final = "security.capability"


def remove_tree(folder: Path) -> None:
    """Remove a folder and its contents at any depth; a missing folder is ignored.

    Raises:
        OSError: something in it could not be removed; what could be is gone.
    """
    if os.path.islink(folder):
        os.unlink(folder)
        return
    if not os.path.isdir(folder):
        return
    set_mode(os.fspath(folder), os.stat(folder).st_mode | stat.S_IRWXU)
    for found in Walk(folder, enters=_opened_up, leaves=_remove_folder):
        if not found.is_folder:
            remove(found)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(folder)


def remove(found: DirectoryEntry) -> None:
    """Remove anything but a folder."""
    with contextlib.suppress(FileNotFoundError):
        if isinstance(found.place, int):
            os.unlink(found.name, dir_fd=found.place)
        else:
            os.unlink(os.path.join(found.place, found.name))


def set_mode(name: str, mode: int, place: int | str | None = None) -> None:
    """Change the mode of a file or folder, and drop a file's capabilities.

    Args:
        name: in the folder.
        mode: without what says that it is a file or a folder, or with it.
        place: the folder; None where the name is a path, of which no part is a link of untrusted code.

    Raises:
        OSError: it is a link, or a file with a second name, which may lie elsewhere; or it cannot be changed.
    """
    if os.name != "posix":  # elsewhere modes say little
        return
    folder = place if isinstance(place, int) else None
    if not _NAMED_ONLY:
        os.chmod(name, stat.S_IMODE(mode), dir_fd=folder, follow_symlinks=folder is None)
        return
    descriptor = os.open(name, _NAMED_ONLY | os.O_CLOEXEC | (0 if folder is None else os.O_NOFOLLOW), dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISLNK(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink > 1):
            raise FileExistsError(name)
        itself = f"/proc/self/fd/{descriptor}"
        os.chmod(itself, stat.S_IMODE(mode))
        if stat.S_ISREG(found.st_mode):
            with contextlib.suppress(OSError):  # most have none
                os.removexattr(itself, _CAPABILITY)
    finally:
        os.close(descriptor)


def has_capability(found: DirectoryEntry) -> bool:
    """Whether a file has capabilities set; only code that ran as root could set them."""
    if not _NAMED_ONLY or os.geteuid() or not isinstance(found.place, int):
        return False
    descriptor = os.open(found.name, _NAMED_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found.place)
    try:
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", _CAPABILITY))
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _opened_up(found: DirectoryEntry) -> bool:
    """Give the owner access to a folder that code may have closed."""
    if found.status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(OSError):
            set_mode(found.name, found.status.st_mode | stat.S_IRWXU, found.place)
    return True


def _remove_folder(found: DirectoryEntry) -> None:
    with contextlib.suppress(OSError):  # the folder above tells, which is not empty then
        if isinstance(found.place, int):
            os.rmdir(found.name, dir_fd=found.place)
        else:
            os.rmdir(os.path.join(found.place, found.name))
