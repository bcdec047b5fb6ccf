"""The folder of one run: what tools make lies there, and nothing is written anywhere else.

Code that a model wrote runs in the same folder and may plant links. So every part of a path is opened on its own,
without following links: whatever happens between two looks, no file outside is ever read or written.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple

from memento.private_files import make_private_folder
from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.files.descent import HiddenError, Identity, identity, opened, write_file

SPILL_FOLDER: Final = "long-results"
"""Where results lie that were too long to show; not counted among the files that a run made."""

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 500_000_000
_MAX_PARTS: Final = 12
_NAMES_A_PLACE: Final = re.compile(r".:|.*:$")
"""A drive, `C:`, or what a URL begins with."""


class Entry(NamedTuple):
    """A file of the workspace."""

    path: str
    """From the workspace's folder, with `/` between the parts."""
    n_bytes: int


@dataclass(frozen=True)
class Workspace:
    """One folder to read and write in, and others that may only be read. Its methods block: call them in a thread.

    A path is relative to the workspace. One that begins with the name of a shelf, `notes/a.md`, and is not a file of
    the workspace itself, is looked up in that shelf's folder. What is hidden there is not read: keys live in it.
    """

    folder: Path
    """Made when the first file is written."""
    shelves: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    """Folders that may be read, by the name that paths into them begin with."""
    hidden: tuple[Path, ...] = ()
    """Folders that no shelf shows, though they lie in it or are it. A shelf that lies in one is shown."""

    def open(self, path: str) -> BinaryIO:
        """Open a regular file for reading.

        Raises:
            ToolInputError: no such file, not a file, not below the workspace or a shelf, or hidden in a shelf.
        """
        parts = _parts(path)
        try:
            return opened(self.folder, parts, None)
        except FileNotFoundError as error:
            shelf = self.shelves.get(parts[0])
            if shelf is None or len(parts) == 1:
                raise ToolInputError(_refusal(path, error)) from error
        except OSError as error:
            raise ToolInputError(_refusal(path, error)) from error
        try:
            return opened(shelf, parts[1:], self.unseen())
        except HiddenError as error:
            raise ToolInputError(f"{path!r} is hidden; hidden files of the user are not read") from error
        except OSError as error:
            raise ToolInputError(_refusal(path, error)) from error

    def unseen(self) -> frozenset[Identity]:
        """Find the `hidden` folders that there are."""
        return frozenset(found for folder in self.hidden if (found := identity(folder)) is not None)

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """Read a whole file.

        Raises:
            ToolInputError: it cannot be opened, or is larger than `max_bytes`.
        """
        with self.open(path) as stream:
            n_bytes = os.fstat(stream.fileno()).st_size
            content = stream.read(max_bytes + 1) if n_bytes <= max_bytes else b""
        if n_bytes > max_bytes or len(content) > max_bytes:
            raise ToolInputError(f"{path!r} has {n_bytes:,} bytes, at most {max_bytes:,} can be read")
        return content

    def write(self, path: str, content: bytes) -> str:
        """Write a file, with the folders above it, in place of one that may be there: whole, or not at all.

        Returns:
            The path as it can be given to every other tool.

        Raises:
            ToolInputError: the path leads outside, through a link, or to a folder.
            ToolLimitReached: the workspace would hold too much.
        """
        parts = _parts(path)
        n_files, n_bytes = self._amount()
        if n_files >= MAX_FILES or n_bytes + len(content) > MAX_BYTES:
            raise ToolLimitReached(
                f"the workspace is full ({n_files:,} files of {n_bytes:,} bytes); make no more of them"
            )
        try:
            make_private_folder(self.folder)
            write_file(self.folder, parts, content)
        except OSError as error:
            raise ToolInputError(_refusal(path, error)) from error
        return "/".join(parts)

    def _amount(self) -> tuple[int, int]:
        """Count all files and their bytes, those too that are not listed; it stops above what is allowed."""
        n_files = n_bytes = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):  # gone meanwhile
                    n_bytes += os.lstat(os.path.join(folder, name)).st_size
            n_files += len(names)
            if n_files > MAX_FILES or n_bytes > MAX_BYTES:
                break
        return n_files, n_bytes

    def entries(self) -> Iterator[Entry]:
        """Yield the workspace's files by path, without links, hidden ones and those whose name is no path to give."""
        yield from _entries(self.folder)

    def made(self, inputs: Sequence[str] = ()) -> list[str]:
        """List the files that were made here, without those that were given and long results."""
        given = set(inputs)
        return [
            entry.path
            for entry in self.entries()
            if entry.path not in given and not entry.path.startswith(f"{SPILL_FOLDER}/")
        ]


def _parts(path: str) -> tuple[str, ...]:
    """Take a model's path apart, tolerating what models write for a relative one."""
    text = path.strip().replace("\\", "/").removeprefix("/workspace/")
    parts = tuple(part for part in map(str.strip, PurePosixPath(text).parts) if part not in ("", "."))
    if not parts or "\0" in text or not _is_text(text):
        raise ToolInputError("give the path of a file, relative to the workspace")
    # Not by the first part: of a path that begins with two slashes, that is `//`.
    is_elsewhere = text.startswith("/") or ".." in parts or _NAMES_A_PLACE.match(parts[0])
    if is_elsewhere or len(parts) > _MAX_PARTS:
        raise ToolInputError(f"{path!r} is not a path inside the workspace; give a relative one without '..'")
    return parts


def _can_be_given(name: str) -> bool:
    """Whether a file that code named is found again under that name."""
    return name == name.strip() and "\\" not in name and not _NAMES_A_PLACE.match(name) and _is_text(name)


def _is_text(name: str) -> bool:
    """Whether a name can be shown and stored: code may name a file by any bytes, a model write half a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(folder: Path, prefix: str = "") -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            children = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for child in children:
        if child.name.startswith(".") or child.is_symlink() or not _can_be_given(child.name):
            continue
        if child.is_dir(follow_symlinks=False):
            if prefix.count("/") < _MAX_PARTS - 1:
                yield from _entries(folder / child.name, f"{prefix}{child.name}/")
        elif child.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):  # another subtask, or code, may just have deleted it
                yield Entry(prefix + child.name, child.stat(follow_symlinks=False).st_size)


def _refusal(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path!r}; list_files names those there are"
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return f"{path!r} is not a file"
    if error.errno == getattr(os, "ELOOP", 40):
        return f"{path!r} leads through a link; links are not followed"
    return f"{path!r} cannot be used: {error.strerror or type(error).__name__}"
