"""Creates folders and files that their owner alone can read (0700, 0600), whatever the umask of the process.

A folder that somebody has opened to its group on purpose (2770, or 0770) stays a shared one: what is made in it is for
that group, too. Nobody else is ever let in, and what is there already keeps the mode it has. Blocking.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

_GROUP: Final = stat.S_IRWXG
_OTHERS: Final = stat.S_IRWXO


class PrivateModes(NamedTuple):
    """Permission bits of what is made in a folder."""

    folder: int
    file: int


def private_modes(parent: os.stat_result) -> PrivateModes:
    """The modes of what is made in a folder: for its owner, and for its group where the folder is a shared one."""
    if is_shared(parent.st_mode):
        return PrivateModes(0o770 | (parent.st_mode & stat.S_ISGID), 0o660)
    return PrivateModes(0o700, 0o600)


def is_shared(mode: int) -> bool:
    """Whether a folder of this mode was opened to its group on purpose; a usual umask never leads to such a mode."""
    return mode & _GROUP == _GROUP and (bool(mode & stat.S_ISGID) or not mode & _OTHERS)


def is_open(mode: int) -> bool:
    """Whether others may look into a folder of this mode, a group that it is shared with aside."""
    return bool(mode & _OTHERS) or (bool(mode & _GROUP) and not is_shared(mode))


def make_private_folder(path: Path) -> None:
    """Make a folder, with the missing ones above it; one that is there is left as it is.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    if path.is_dir():
        return
    with contextlib.suppress(FileExistsError):  # a file, which `_make` reports, or a broken link
        make_private_folder(path.parent)
    try:
        _make(path)
    except FileExistsError:
        if not path.is_dir():  # else another process was quicker
            raise


def create_private_file(path: Path) -> None:
    """Make an empty file unless there is one; libraries that open it for writing then keep its mode.

    Raises:
        OSError: it cannot be made.
    """
    mode = private_modes(path.parent.stat()).file
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), mode)
    except FileExistsError:
        return
    try:
        if hasattr(os, "fchmod"):  # the umask may have taken the group's bits away
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Give what a library has made in a folder of ours, as the umask had it, the permissions that it would have here.

    Args:
        folder: all that lies in it is looked at.
    """
    for inside, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):  # gone meanwhile, or another's
                mode = os.lstat(path := os.path.join(inside, name)).st_mode
                owners = mode & stat.S_IRWXU
                group = owners >> 3 if is_shared(os.stat(inside).st_mode) else 0
                wanted = owners | group | (mode & stat.S_ISGID)
                if not stat.S_ISLNK(mode) and wanted != stat.S_IMODE(mode):
                    os.chmod(path, wanted)


def _make(path: Path) -> None:
    mode = private_modes(path.parent.stat()).folder
    path.mkdir(mode=mode)
    if mode & _GROUP:  # the umask may have taken some of it away
        path.chmod(mode)
