"""Searchable files of a folder: visible texts and documents of moderate size, symbolic links excluded.

Links are not followed: their target is either below the folder anyway, or outside, where nothing may be read. Hidden
files are not looked at: that is where keys live.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from threading import Event
from typing import Final, NamedTuple

from memento.tools.errors import ToolUnavailable
from memento.tools.file_names import is_text, shown
from memento.tools.files.open_beneath import Identity, identity, is_hidden
from memento.tools.files.walking import DirectoryEntry, Walk
from memento.tools.workspace import Workspace

MAX_FILE_BYTES: Final = 5_000_000
MAX_DOCUMENT_BYTES: Final = 50_000_000
_DEEPEST: Final = 100
"""Folders above a searched file."""
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
DOCUMENT_SUFFIXES: Final = frozenset(
    {".pdf", ".docx", ".docm", ".pptx", ".pptm", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".odt", ".odp", ".rtf"}
)
"""Files that only a parser makes text of."""


class Place(NamedTuple):
    """A folder that is searched."""

    prefix: str
    """What its files' paths begin with for every tool of the workspace: nothing, or a shelf's name and `/`."""
    folder: str
    """Resolved."""
    unseen: frozenset[Identity] = frozenset()
    """Folders that are left alone, though they lie in it or are it."""


class Stamp(NamedTuple):
    """Size and modification time by which a changed file is recognised."""

    size: int
    mtime_ns: int


def places(workspace: Workspace) -> list[Place]:
    """Return the workspace's folder and its shelves, without those contained in another one.

    Raises:
        ToolUnavailable: the folder of a shelf is not there.
    """
    folders: dict[Path, str] = {}
    if os.path.isdir(workspace.folder):
        folders[workspace.folder.resolve()] = ""
    for name, folder in _named(workspace.shelves).items():
        if not os.path.isdir(folder):  # unlike Path.is_dir, false for one that may not be looked at
            raise ToolUnavailable(f"the folder {folder} is missing or unreadable; the user must correct that")
        folders.setdefault(folder.resolve(), name)
    unseen = workspace.unseen()
    return [
        Place(name, str(folder), unseen)
        for folder, name in folders.items()
        if not any(other != folder and _sees(other, folder, unseen) for other in folders)
    ]


def _named(shelves: Mapping[str, Path]) -> dict[str, Path]:
    return {f"{name}/": folder for name, folder in shelves.items()}


def _sees(outer: Path, inner: Path, unseen: Set[Identity]) -> bool:
    """Tell whether a walk through the outer folder reaches the inner one."""
    if not inner.is_relative_to(outer):
        return False
    names = inner.relative_to(outer).parts
    passed = [outer.joinpath(*names[:n_parts]) for n_parts in range(len(names) + 1)]
    return not any(map(is_hidden, names)) and not any(identity(folder) in unseen for folder in passed)


def walk(place: Place, skipped: Counter[str], stop: Event) -> Iterator[tuple[str, Stamp]]:
    """Yield every searchable file of a place, as its path from the folder with `/` between the parts.

    Args:
        place: where to look.
        skipped: counts what is not searchable, by reason.
        stop: ends the walk when it is set; then not every file was found.
    """
    if identity(place.folder) in place.unseen:
        return
    below = Walk(place.folder, enters=lambda found: _reason(found, place.unseen) is None)
    for found in below:
        if stop.is_set():
            break
        reason = _reason(found, place.unseen)
        if reason is not None:
            skipped[reason] += 1
        elif not found.is_folder:
            yield found.path, Stamp(found.status.st_size, found.status.st_mtime_ns)
    skipped["unreadable"] += below.n_closed


def _reason(found: DirectoryEntry, unseen: Set[Identity]) -> str | None:
    """Say why a file is not searched, or a folder not entered; None when it is."""
    if stat.S_ISLNK(found.status.st_mode):
        return "links"
    if not is_text(found.name) or found.depth > _DEEPEST:  # it cannot be stored, or has no path that can be opened
        return "unreadable"
    if is_hidden(found.name) or (found.is_folder and found.identity in unseen):
        return "hidden"
    if found.is_folder:
        return None
    limit = _limit(found.name)
    if not stat.S_ISREG(found.status.st_mode) or not limit:
        return "in other formats"
    return f"over {limit // 1_000_000} MB" if found.status.st_size > limit else None


def is_document(path: str) -> bool:
    """Tell whether a file needs a parser to become text."""
    return os.path.splitext(path)[1].lower() in DOCUMENT_SUFFIXES


def _limit(name: str) -> int:
    """Return the size limit of a file's format; 0 for unsupported formats."""
    if is_document(name):
        return MAX_DOCUMENT_BYTES
    return MAX_FILE_BYTES if os.path.splitext(name)[1].lower() in SUFFIXES else 0


def read_bytes(folder: str, path: str) -> bytes:
    """Read a file found by `walk`, its first 5 MB should it have grown since.

    Raises:
        ToolInputError: it has gone, may not be read, or lies behind what has become a link.
    """
    with Workspace(Path(folder)).open(shown(path)) as stream:
        return stream.read(MAX_FILE_BYTES)
