"""Files of an index slot that others than its holder look at: its record, the mark of an erasure, the writers' lock."""

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from memento.memory.errors import EngineUnavailable, IndexDamaged
from memento.memory.index.engines.points import SCHEMA
from memento.private_files import private_modes

_LOOKS = 20
"""How often a folder is looked at again whose files get other names meanwhile."""

UNSAVED = "unsaved"
"""Name of the file that stands for a record while a slot's generation is not saved; it names the segment in use."""

ERASED = "erased"
"""Name of the file that marks a slot whose files may hold erased texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRecord:
    """Contents of slot.json."""

    encoder: str
    dim: int
    generation: int
    """Number of the live shard directory."""
    position: int
    """Ledger offset up to which the live shard is complete."""
    count: int
    """Points the live shard held when `position` was saved."""
    schema: int = SCHEMA
    graph: int = 0
    """Number of the segment that completes the shard (see segment.py); 0 where the shard has everything."""

    def fits(self, *, encoder: str, dim: int) -> bool:
        """Whether the live shard holds this encoder's vectors in this program's layout."""
        return (self.schema, self.encoder, self.dim) == (SCHEMA, encoder, dim)


def writes_lock(path: Path) -> FileLock:
    """Lock of a slot's files, free; `path` is the slot's folder."""
    mode = private_modes(path.parent.stat()).file
    return FileLock(path.with_name(f"{path.name}.writes.lock"), mode=mode, thread_local=False)


def graphs_lock(bank: Path) -> FileLock:
    """Lock of a bank's segments, free: held while one is put in place, copied from, or removed."""
    return FileLock(bank / "graphs.lock", mode=private_modes(bank.stat()).file, thread_local=False)


def graph_folder(bank: Path, number: int) -> Path:
    """Folder of a segment of a bank."""
    return bank / f"graph-{number}"


def check_space(path: Path, n_bytes: int) -> None:
    """Raise if less than `n_bytes` are free on the disk of a path.

    The engine writes through memory maps of sparse files: on a full disk that kills the process (SIGBUS) instead of
    raising, so the last of the space is never touched.

    Raises:
        EngineUnavailable: there is less.
    """
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        raise EngineUnavailable(f"{path} cannot be read: {error}") from error
    if free < n_bytes:
        raise EngineUnavailable(f"the disk of {path} is nearly full: {free >> 20} of {n_bytes >> 20} MiB free")


def read_record(path: Path) -> SlotRecord | None:
    """The record in a slot's folder; None where there is no file of it.

    Raises:
        IndexDamaged: it is not readable.
        EngineUnavailable: the file cannot be read.
    """
    try:
        fields = json.loads((path / "slot.json").read_text("utf-8"))
        record = SlotRecord(**fields)
        numbers = (record.schema, record.dim, record.generation, record.position, record.count, record.graph)
        if not all(type(number) is int for number in numbers):
            raise TypeError("a field that should be an integer is not")
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise IndexDamaged(f"{path / 'slot.json'} is not readable: {error}") from error
    except OSError as error:
        raise EngineUnavailable(f"{path / 'slot.json'} cannot be read: {error}") from error
    return record


def graph_in_use(path: Path) -> set[int]:
    """Numbers of the segments that a slot's generations may need; `path` is its folder."""
    found = set[int]()
    try:
        if (record := read_record(path)) is not None:
            found.add(record.graph)
    except IndexDamaged:
        pass
    try:
        found.add(int((path / UNSAVED).read_text("ascii") or 0))
    except (FileNotFoundError, ValueError):
        pass
    except OSError as error:
        raise EngineUnavailable(f"{path / UNSAVED} cannot be read: {error}") from error
    return found


def is_marked_erased(path: Path) -> bool:
    """Whether the files in a slot's folder may hold texts that were erased."""
    return (path / ERASED).exists()


def mark_erased(path: Path) -> None:
    """Mark a slot's folder: what it holds has texts that were erased.

    Raises:
        EngineUnavailable: the mark cannot be written.
    """
    try:
        (path / ERASED).touch(mode=0o600)
        sync_directory(path)
    except OSError as error:
        raise EngineUnavailable(f"{path / ERASED} cannot be written: {error}") from error


def sync_directory(path: Path) -> None:
    """Make a rename in `path` survive a power cut, where the system can."""
    if os.name == "nt":  # a directory cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make all files of a folder survive a power cut. Blocking.

    The engine's own thread makes the next file of its log under another name: where one has got its name meanwhile, all
    are looked at again.

    Raises:
        OSError: the disk refuses.
    """
    for _ in range(_LOOKS):
        with contextlib.suppress(FileNotFoundError):
            return _sync_all(folder)
    return _sync_all(folder)


def _sync_all(folder: Path) -> None:
    for inside, _, names in os.walk(folder):
        for path in (*(os.path.join(inside, name) for name in names), *([inside] if os.name != "nt" else [])):
            descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
