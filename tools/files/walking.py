"""Walks a folder tree by descriptors, without following symbolic links.

So whoever puts a link where a folder was leads nobody elsewhere. Few descriptors are open at a time, however deep the
folders are nested: the way back up is checked instead. Where a system has no such descriptors, paths are used. It
blocks.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from memento.tools.files.open_beneath import CAN_WALK, FOLDER, NO_LINK, Identity

_MOST_OPEN: Final = 32


class DirectoryEntry(NamedTuple):
    """A directory entry: a file, folder, link or anything else with a name.

    Its path is put together when asked for: untrusted code nests folders so deep that a path for each fills the memory.
    """

    above: "DirectoryEntry | None"
    """The folder it lies in; None for the walked one."""
    name: str
    status: os.stat_result
    """Its own, should it be a link."""
    place: int | str
    """The folder it lies in, for functions that take `dir_fd`; a path where there are none. Open until the next one."""
    depth: int
    """How many folders of the walked one it lies in."""

    @property
    def path(self) -> str:
        """Path from the walked folder."""
        names, above = [self.name], self.above
        while above is not None:
            names.append(above.name)
            above = above.above
        return "/".join(reversed(names))

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder itself, not a link to one."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def identity(self) -> Identity:
        """Device and inode, whatever path leads to it."""
        return Identity(self.status.st_dev, self.status.st_ino)


class _Level:
    """A folder that is being walked."""

    def __init__(self, place: int | str, itself: DirectoryEntry | None, *, in_order: bool) -> None:
        self.place: int | str | None = place
        self.itself = itself
        try:
            with os.scandir(place) as entries:
                names = [entry.name for entry in entries]
            self.identity = _identity(os.stat(place))
        except BaseException:
            _close(place)
            raise
        self.names = iter(sorted(names) if in_order else names)

    def close(self) -> None:
        """Close its descriptor."""
        _close(self.place)
        self.place = None


class Walk:
    """Iterates over everything below a folder, each folder before its contents; iterate once."""

    def __init__(
        self,
        root: Path | str,
        *,
        enters: Callable[[DirectoryEntry], bool] = lambda _: True,
        leaves: Callable[[DirectoryEntry], None] = lambda _: None,
        in_order: bool = False,
    ) -> None:
        """Prepare; opens nothing.

        Args:
            root: the folder; it may be a link itself, and be missing.
            enters: asked for each folder, after it was given.
            leaves: told of each folder when everything in it was given.
            in_order: the names of each folder are sorted.
        """
        self.n_closed = 0
        """Folders that were to be entered, and could not be."""
        self._root, self._enters, self._leaves, self._in_order = root, enters, leaves, in_order
        self._levels: list[_Level] = []

    def __iter__(self) -> Iterator[DirectoryEntry]:
        """Yield the entries."""
        try:
            self._go_down(os.fspath(self._root), None)
            while self._levels:
                level = self._levels[-1]
                name = next(level.names, None)
                if name is None or level.place is None:
                    self._go_up()
                    continue
                try:
                    found = DirectoryEntry(
                        level.itself, name, status(name, level.place), level.place, len(self._levels) - 1
                    )
                except OSError:  # gone since it was listed
                    continue
                yield found
                if found.is_folder and self._enters(found):
                    self._go_down(name, found)
        finally:
            for level in self._levels:
                level.close()
            self._levels.clear()

    def _go_down(self, name: str, found: DirectoryEntry | None) -> None:
        try:
            place = _open_below(name, found.place) if found else _open_root(name)
            level = _Level(place, found, in_order=self._in_order)
        except (FileNotFoundError, NotADirectoryError):
            return  # gone since it was listed, or replaced
        except OSError as error:
            self.n_closed += error.errno != errno.ELOOP  # else replaced, too: by a link
            return
        self._levels.append(level)
        if len(self._levels) > _MOST_OPEN:
            self._levels[-1 - _MOST_OPEN].close()

    def _go_up(self) -> None:
        level = self._levels.pop()
        above = self._levels[-1] if self._levels else None
        if above is not None and above.place is None and level.place is not None:
            above.place = self._reopened(level.place, above.identity)
        level.close()
        if above is not None and above.place is None:  # moved elsewhere meanwhile: there is no way back
            self.n_closed += 1
            self._levels.clear()
        elif level.itself is not None and above is not None and above.place is not None:
            self._leaves(level.itself._replace(place=above.place))

    def _reopened(self, below: int | str, identity: Identity) -> int | str | None:
        """Reopen the parent folder, if it still is that folder."""
        if isinstance(below, str):
            return os.path.dirname(below)
        with contextlib.suppress(OSError):
            place = os.open("..", os.O_RDONLY | FOLDER, dir_fd=below)
            if _identity(os.fstat(place)) == identity:
                return place
            os.close(place)
        return None


def status(name: str, place: int | str) -> os.stat_result:
    """Stat an entry of an open folder, without following a link."""
    return os.lstat(os.path.join(place, name)) if isinstance(place, str) else os.lstat(name, dir_fd=place)


def _open_root(path: str) -> int | str:
    return os.open(path, os.O_RDONLY | FOLDER & ~NO_LINK | os.O_CLOEXEC) if CAN_WALK else path


def _open_below(name: str, place: int | str) -> int | str:
    if isinstance(place, int):
        return os.open(name, os.O_RDONLY | FOLDER, dir_fd=place)
    path = os.path.join(place, name)
    if os.path.realpath(path) != os.path.join(os.path.realpath(place), name):  # a link, or a junction
        raise NotADirectoryError(path)
    return path


def _identity(found: os.stat_result) -> Identity:
    return Identity(found.st_dev, found.st_ino)


def _close(place: int | str | None) -> None:
    if isinstance(place, int):
        os.close(place)
