"""Reads an SQLite database whose file or disk cannot be written: in place where that is safe, else from a copy.

A WAL database is read through an index file (`-shm`) that every reader may have to write. Where a writer at work keeps
one, a read-only connection uses it and follows the writer. Where there is none, the file is copied to a temporary
folder and opened there. `immutable=1` would spare the copy, and give wrong rows as soon as anybody writes.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

_NO_WRITING: Final = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
    }
)
_TRIES: Final = 5
_SPARE_BYTES: Final = 1 << 20
_MEMORY_DISK: Final = Path("/dev/shm")  # noqa: S108  for a private folder, where the disk has no room


def cannot_write(error: BaseException | None) -> bool:
    """Whether SQLite failed because it cannot write here; reading may still be possible."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _NO_WRITING


def why_not_written(path: Path, error: BaseException) -> str:
    """Reason why a file cannot be written, for a person to act on. Blocks.

    Args:
        path: of the database.
        error: SQLite's, whose own words may be "unable to open database file".
    """
    folder = path.parent
    with contextlib.suppress(OSError, AttributeError):  # there is no statvfs on Windows
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return "its file system is read-only"
        if not shutil.disk_usage(folder).free:
            return "its disk is full"
    if not (os.access(folder, os.W_OK) and os.access(path, os.W_OK)):
        return f"there is no permission to write in {folder}"
    return str(error)


class ReadOnlyFile(NamedTuple):
    """Read-only access to a database that cannot be written."""

    path: str
    """For `sqlite3.connect` with `uri=True`."""
    copy: tempfile.TemporaryDirectory[str] | None
    """Temporary copy that is read instead, if any; to be cleaned up."""

    @property
    def file(self) -> Path:
        """The database itself."""
        return Path(unquote(self.path.removeprefix("file:").partition("?")[0]))

    def connect(self, *, timeout_s: float) -> sqlite3.Connection:
        """Open it; statements that write are refused. Blocks."""
        connection = sqlite3.connect(
            self.path, timeout=timeout_s, uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = ON").close()
        return connection

    def close(self) -> None:
        """Remove the copy."""
        if self.copy is not None:
            self.copy.cleanup()


def read_only_file(path: Path) -> ReadOnlyFile:
    """Open read-only access to a database, in place or by a copy. Blocks for as long as a copy takes.

    Args:
        path: of the database.

    Raises:
        OSError: it cannot be read, or there is no room for a copy.
    """
    in_place = f"file:{quote(str(path))}?mode=ro"
    return ReadOnlyFile(in_place, None) if _can_read(in_place) else read_only_copy(path)


def read_only_copy(path: Path) -> ReadOnlyFile:
    """Read a database from a copy in a temporary folder. Blocks for as long as a copy takes.

    Raises:
        OSError: it cannot be read, or there is no room for a copy.
    """
    copy = copied(path)
    return ReadOnlyFile(f"file:{quote(str(Path(copy.name, path.name)))}", copy)


def copied(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Copy a database, under its name, to a private temporary folder. Blocks.

    Args:
        path: of the database; what stands in its write-ahead log comes along.

    Raises:
        OSError: it cannot be read, is written to all the time, or there is no room.
    """
    for _ in range(_TRIES):
        before = _stamps(path)
        folder = tempfile.TemporaryDirectory(prefix="memento-", dir=_roomy(sum(stamp[0] for stamp in before)))
        try:
            for part in _parts(path):  # the log last: it has what a checkpoint is putting into the database meanwhile
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(part, Path(folder.name, part.name))
            if before and _stamps(path) == before:
                return folder
        except BaseException:
            folder.cleanup()
            raise
        folder.cleanup()
    if not before:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    raise OSError(errno.EBUSY, "it is being written continuously", str(path))


def _can_read(uri: str) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        return False
    return True


def _parts(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}-wal")


def _stamps(path: Path) -> list[tuple[int, int, int]]:
    found = [os.stat(part) for part in _parts(path) if part.exists()]
    return [(one.st_size, one.st_mtime_ns, one.st_ino) for one in found]


def _roomy(n_bytes: int) -> Path:
    """A temporary folder with this much free space."""
    for folder in _temporary_folders():
        with contextlib.suppress(OSError):
            if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= n_bytes + _SPARE_BYTES:
                return folder
    raise OSError(errno.ENOSPC, "no temporary folder has enough free space for a copy")


def _temporary_folders() -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):  # it tries them by writing a file
        yield Path(tempfile.gettempdir())
    yield _MEMORY_DISK
