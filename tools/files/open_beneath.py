"""Opens files beneath a folder component by component, without following symbolic links.

So nobody can lead it elsewhere by putting a link where there was a folder. Its functions block.
"""

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Sequence, Set
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from memento.private_files import make_private_folder, private_modes

SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__"})
# Windows knows none of these; there a path is checked as a whole, before it is opened.
NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
FOLDER: Final = getattr(os, "O_DIRECTORY", 0) | NO_LINK
CAN_WALK: Final = os.open in os.supports_dir_fd and bool(getattr(os, "O_NOFOLLOW", 0))


class Identity(NamedTuple):
    """A folder's identity (device and inode), whatever path leads to it."""

    device: int
    inode: int


def is_hidden(name: str) -> bool:
    """Whether a file or folder of a shelf is ignored because of its name."""
    return name.startswith(".") or name in SKIPPED_FOLDERS


def identity(folder: Path | str) -> Identity | None:
    """Return a folder's identity; None when it cannot be read."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino)


class HiddenError(PermissionError):
    """The path leads to something that must not be read."""


def opened(root: Path, parts: Sequence[str], unseen: Set[Identity] | None) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        root: the folder; it may be a link itself.
        parts: of the path below it.
        unseen: of a shelf, the folders that it does not show; nor does it show hidden files. None for no shelf.

    Raises:
        HiddenError: it lies in a shelf and is not shown.
        OSError: it cannot be opened, or is not a file.
    """
    if unseen is not None and any(map(is_hidden, parts)):
        raise HiddenError
    if not CAN_WALK:
        return _checked(root, parts, unseen).open("rb")
    folder = _folder(root, parts[:-1], unseen=unseen or frozenset())
    try:
        # Without O_NONBLOCK, a pipe that was planted here would wait for its other end.
        descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NONBLOCK | NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)
    return _regular(descriptor)


def write_file(root: Path, parts: Sequence[str], content: bytes | BinaryIO) -> None:
    """Write a file atomically, creating parent folders and replacing an existing file.

    It gets its name when all of it is written, so that a kill or a full disk leaves no half of it.

    Args:
        root: must be there.
        parts: of the path below it.
        content: the whole, or a file that it is read from.

    Raises:
        OSError: it cannot be written, is not a file, or is a file with a second hard link.
    """
    unfinished = f".{secrets.token_hex(8)}.part"
    if not CAN_WALK:
        target = _checked(root, parts, None)
        make_private_folder(target.parent)
        _put(target.parent / unfinished, target, content)
        return
    folder = _folder(root, parts[:-1], is_making=True)
    try:
        _refuse_unlike_file(parts[-1], folder)
        _put(unfinished, parts[-1], content, folder)
    finally:
        os.close(folder)


def _put(unfinished: Path | str, target: Path | str, content: bytes | BinaryIO, folder: int | None = None) -> None:
    # A link that was planted meanwhile is no matter: the first would be an error, the last is replaced itself.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | getattr(os, "O_BINARY", 0)
    mode = 0o600 if folder is None else private_modes(os.fstat(folder)).file
    descriptor = os.open(unfinished, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                shutil.copyfileobj(content, stream)
        os.replace(unfinished, target, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished, dir_fd=folder)
        raise


def _refuse_unlike_file(name: str, folder: int) -> None:
    try:
        found = os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    # A second name of one file: its reader would take what is written here for what lies elsewhere.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise IsADirectoryError


def _folder(root: Path, parts: Sequence[str], *, is_making: bool = False, unseen: Set[Identity] = frozenset()) -> int:
    """Open the folder at the end of a path, component by component."""
    descriptor = os.open(root, os.O_RDONLY | FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
    _refuse_unseen(descriptor, unseen)
    for part in parts:
        try:
            if is_making:
                _make(part, descriptor)
            below = os.open(part, os.O_RDONLY | FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
        _refuse_unseen(descriptor, unseen)
    return descriptor


def _refuse_unseen(folder: int, unseen: Set[Identity]) -> None:
    """Close a folder that must not be shown, and raise."""
    found = os.fstat(folder)
    if (found.st_dev, found.st_ino) in unseen:
        os.close(folder)
        raise HiddenError


def _make(name: str, folder: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, private_modes(os.fstat(folder)).folder, dir_fd=folder)


def _regular(descriptor: int) -> BinaryIO:
    """Wrap an opened descriptor as a stream; folders, pipes and devices are refused."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError
    return os.fdopen(descriptor, "rb")


def _checked(root: Path, parts: Sequence[str], unseen: Set[Identity] | None) -> Path:
    top = root.resolve()
    resolved = top.joinpath(*parts).resolve()
    if not resolved.is_relative_to(top):
        raise PermissionError
    if unseen is not None:
        names = resolved.relative_to(top).parts  # as they are: a link, or a short name, may have led there
        folders = [top.joinpath(*names[:n_parts]) for n_parts in range(len(names))]
        if any(map(is_hidden, names)) or any(identity(folder) in unseen for folder in folders):
            raise HiddenError
    if resolved.exists() and not resolved.is_file():
        raise IsADirectoryError
    return resolved
