"""What may be read in a folder: visible, plain text files of a bearable size that really lie below it.

Links are not followed: their target is either below the folder anyway, or outside, where nothing may be read. Hidden
files are not looked at: that is where keys live.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_FILE_BYTES: Final = 5_000_000
_PROSE: Final = ("", ".txt", ".md", ".markdown", ".rst", ".org", ".tex", ".adoc", ".log", ".srt", ".vtt")  # "": README
_TABLES: Final = (
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".conf",
    ".sql",
)
_PAGES: Final = (".html", ".htm", ".xml", ".css", ".js", ".jsx", ".ts", ".tsx")
_CODE: Final = (".py", ".sh", ".java", ".c", ".h", ".cpp", ".go", ".rs", ".rb", ".r")
SUFFIXES: Final = frozenset({*_PROSE, *_TABLES, *_PAGES, *_CODE})
SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__"})


class Stamp(NamedTuple):
    """What tells that a file has changed."""

    size: int
    mtime_ns: int


def walk(folder: str, skipped: Counter[str]) -> Iterator[tuple[str, Stamp]]:
    """Yield every searchable file below the folder, as its path from there with `/` between the parts."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(os.path.join(folder, prefix)) as entries:
                children = list(entries)
        except OSError:
            skipped["unreadable"] += 1
            continue
        for entry in children:
            path = prefix + entry.name
            if entry.is_symlink():
                skipped["links"] += 1
            elif not _is_utf8(path):
                skipped["unreadable"] += 1
            elif entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                skipped["hidden"] += 1
            elif entry.is_dir(follow_symlinks=False):
                pending.append(f"{path}/")
            elif (stamp := _stamp(entry, skipped)) is not None:
                yield path, stamp


def _stamp(entry: os.DirEntry[str], skipped: Counter[str]) -> Stamp | None:
    """Look at one file; None and a reason in `skipped` when it is not searchable."""
    reason = "unreadable"
    try:
        found = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode) or os.path.splitext(entry.name)[1].lower() not in SUFFIXES:
            reason = "in other formats"
        elif found.st_size > MAX_FILE_BYTES:
            reason = "over 5 MB"
        else:
            return Stamp(found.st_size, found.st_mtime_ns)
    except OSError:  # gone since the folder was listed
        pass
    skipped[reason] += 1
    return None


def _is_utf8(name: str) -> bool:
    """Tell whether a name can be stored and printed; a file system may hold any bytes."""
    return name.encode(errors="ignore").decode() == name


def read_bytes(folder: str, path: str) -> bytes:
    """Read a file found by `walk`, its first 5 MB should it have grown since.

    Raises:
        OSError: it has gone, may not be read, or has become a link.
    """
    with open(os.path.join(folder, path), "rb", opener=_open_no_link) as stream:
        return stream.read(MAX_FILE_BYTES)


def _open_no_link(path: str, flags: int) -> int:
    # The file may have become a link or a pipe since it was listed. Windows knows neither flag.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
