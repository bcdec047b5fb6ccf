"""The workspace: one folder per run to read and write in, and read-only shelves of the user.

Code that a model wrote runs in the same folder and may plant links. So every part of a path is opened on its own,
without following links: whatever happens between two looks, no file outside is ever read, written or listed. Such code
also names files as it likes: paths are given as `names.shown` writes them, and taken so or as they are.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple

from memento.private_files import make_private_folder
from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.file_names import NAMES_A_PLACE, as_named, has_escapes, is_text, shown
from memento.tools.files.open_beneath import HiddenError, Identity, identity, opened, write_file
from memento.tools.files.walking import DirectoryEntry, Walk

SPILL_FOLDER: Final = "long-results"
"""Where results lie that were too long to show; not counted among the files that a run made."""

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 500_000_000
_MAX_PARTS: Final = 12
_NO_PATH: Final = "give the path of a file, relative to the workspace"


class FileEntry(NamedTuple):
    """A file of the workspace."""

    path: str
    """From the workspace's folder, with `/` between the parts; as `names.shown` writes it."""
    n_bytes: int
    mtime_ns: int
    """When it was last changed."""
    named: str
    """The path as the file system has it."""


@dataclass(frozen=True)
class Workspace:
    """A writable folder, and shelves that may only be read. Its methods block: call them in a thread.

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
        first: ToolInputError | None = None
        for parts in _readings(path):
            try:
                return self._opened(path, parts)
            except ToolInputError as error:
                first = first or error
        raise first or ToolInputError(_NO_PATH)

    def _opened(self, path: str, parts: Sequence[str]) -> BinaryIO:
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
        """Return those `hidden` folders that exist."""
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
        """Write a file atomically, creating parent folders and replacing an existing file.

        Returns:
            The path as it can be given to every other tool.

        Raises:
            ToolInputError: the path leads outside, through a link, or to a folder.
            ToolLimitReached: the workspace would hold too much.
        """
        parts = self._meant(path)
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
        return shown("/".join(parts))

    def _meant(self, path: str) -> Sequence[str]:
        """Resolve a path to write to: as an existing file, else literally."""
        readings = _readings(path)
        if len(readings) > 1:
            for parts in readings:
                with contextlib.suppress(OSError), opened(self.folder, parts, None):
                    return parts
        with contextlib.suppress(ToolInputError):
            return _parts(path.replace("\\", "/"))
        return readings[0]

    def _amount(self) -> tuple[int, int]:
        """Count all files and their bytes, unlisted ones included; stops above the limit."""
        n_files = n_bytes = 0
        for found in Walk(self.folder):
            if not found.is_folder:
                n_files, n_bytes = n_files + 1, n_bytes + found.status.st_size
            if n_files > MAX_FILES or n_bytes > MAX_BYTES:
                break
        return n_files, n_bytes

    def entries(self) -> Iterator[FileEntry]:
        """Yield the workspace's files by path, without links and hidden ones; no link is followed."""
        for found in Walk(self.folder, enters=_is_listed, in_order=True):
            if stat.S_ISREG(found.status.st_mode) and _is_listed(found):
                yield FileEntry(shown(found.path), found.status.st_size, found.status.st_mtime_ns, found.path)

    def made(self, inputs: Sequence[str] = ()) -> list[str]:
        """List the files made in this run, without given files and long results."""
        given = {*inputs, *map(shown, inputs)}  # earlier releases kept them as they are
        return [
            entry.path
            for entry in self.entries()
            if entry.path not in given and not entry.path.startswith(f"{SPILL_FOLDER}/")
        ]


def _readings(path: str) -> list[Sequence[str]]:
    """Return the ways in which a model's path may be meant: as it was shown, as it stands, literally.

    Raises:
        ToolInputError: it leads outside in all of them.
    """
    readings: list[Sequence[str]] = []
    if has_escapes(path):
        parts = path.strip().removeprefix("/workspace/").split("/")
        names = [as_named(name) for name in parts if name != "."]
        if all(names) and len(names) <= _MAX_PARTS:
            readings.append([name for name in names if name])
    try:
        readings.append(_parts(path.replace("\\", "/")))
    except ToolInputError:
        if not readings:
            raise
    else:
        with contextlib.suppress(ToolInputError):
            readings += [_parts(path)] if "\\" in path and os.sep == "/" else []
    return readings


def _parts(path: str) -> list[str]:
    """Split a path into parts, tolerating what models write for a relative one."""
    text = path.strip().removeprefix("/workspace/")
    parts = [part for part in map(str.strip, PurePosixPath(text).parts) if part not in ("", ".")]
    if not parts or "\0" in text or not is_text(text):
        raise ToolInputError(_NO_PATH)
    # Not by the first part: of a path that begins with two slashes, that is `//`.
    is_elsewhere = text.startswith("/") or ".." in parts or NAMES_A_PLACE.match(parts[0])
    if is_elsewhere or len(parts) > _MAX_PARTS:
        raise ToolInputError(f"{path!r} is not a path inside the workspace; give a relative one without '..'")
    return parts


def _is_listed(found: DirectoryEntry) -> bool:
    """Whether a file is shown, or a folder entered."""
    return not found.name.startswith(".") and found.depth + found.is_folder < _MAX_PARTS


def _refusal(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path!r}; list_files names those there are"
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return f"{path!r} is not a file"
    if error.errno == errno.ELOOP:
        return f"{path!r} leads through a link; links are not followed"
    return f"{path!r} cannot be used: {error.strerror or type(error).__name__}"
