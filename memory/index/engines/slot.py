"""Index slots: numbered folders of a bank, each locked by one engine at a time, with a record of what it contains.

    bank/
      slot-0.lock         held by the engine that uses slot-0, freed by the operating system when its process dies
      slot-0/
        slot.json         which generation is live, for which encoder, complete up to which ledger offset
        gen-3/            the live shard
        loading           exists while a shard is being opened

The engine lets only one process open a shard, so every further process (or engine object) takes the next free slot
and keeps a full projection of its own there, brought up to date from the ledger.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from memento.memory.errors import EngineUnavailable, IndexDamaged
from memento.memory.index.engines.points import SCHEMA
from memento.private_files import create_private_file, make_private_folder, private_modes

MAX_SLOTS = 64
"""Maximum number of concurrent users of a bank directory; more need a server."""

_ERASED = "erased"
"""Name of the file that marks a slot whose files may hold erased texts."""

_GENERATION = re.compile(r"gen-(\d+)")


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

    def fits(self, *, encoder: str, dim: int) -> bool:
        """Whether the live shard holds this encoder's vectors in this program's layout."""
        return (self.schema, self.encoder, self.dim) == (SCHEMA, encoder, dim)


class IndexSlot:
    """A held slot. Blocking file access; one thread at a time.

    Raises:
        EngineUnavailable: the directory cannot be read or written.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, directory: Path) -> "IndexSlot":
        """Hold the first free slot of a bank directory, which is created if need be.

        Raises:
            EngineUnavailable: all slots are taken, or the directory cannot be used.
        """
        try:
            make_private_folder(directory)
            mode = private_modes(directory.stat()).file
            for number in range(MAX_SLOTS):
                # not thread-local: the lock is taken and released by whichever thread the engine uses
                lock = FileLock(directory / f"slot-{number}.lock", mode=mode, thread_local=False)
                try:
                    lock.acquire(blocking=False)
                except Timeout:
                    continue
                path = directory / f"slot-{number}"
                make_private_folder(path)
                return cls(path, lock)
        except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
            raise EngineUnavailable(f"the bank directory {directory} cannot be used: {error}") from error
        raise EngineUnavailable(f"all {MAX_SLOTS} slots of {directory} are in use; use a Qdrant server instead")

    def release(self) -> None:
        """Release the slot for another engine."""
        self._lock.release()

    def check_space(self, n_bytes: int) -> None:
        """Raise if less than `n_bytes` are free on the disk.

        The engine writes through memory maps of sparse files: on a full disk that kills the process (SIGBUS) instead
        of raising, so the last of the space is never touched.

        Raises:
            EngineUnavailable: there is less.
        """
        try:
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise EngineUnavailable(f"{self.path} cannot be read: {error}") from error
        if free < n_bytes:
            raise EngineUnavailable(f"the disk of {self.path} is nearly full: {free >> 20} of {n_bytes >> 20} MiB free")

    def read(self) -> SlotRecord | None:
        """The record, or None in a slot that was never used.

        Raises:
            IndexDamaged: there is something here, but no readable record of it.
        """
        try:
            fields = json.loads((self.path / "slot.json").read_text("utf-8"))
            record = SlotRecord(**fields)
            numbers = (record.schema, record.dim, record.generation, record.position, record.count)
            if not all(type(number) is int for number in numbers):
                raise TypeError("a field that should be an integer is not")
        except FileNotFoundError:
            if not self._generations():
                return None
            raise IndexDamaged(f"{self.path} holds an index, but its slot.json is missing") from None
        except (ValueError, TypeError) as error:
            raise IndexDamaged(f"{self.path / 'slot.json'} is not readable: {error}") from error
        except OSError as error:
            raise EngineUnavailable(f"{self.path / 'slot.json'} cannot be read: {error}") from error
        return record

    def write(self, record: SlotRecord) -> None:
        """Replace the record: after a crash or a power cut it is either the old one or the new one."""
        aside = self.path / "slot.json.new"
        try:
            create_private_file(aside)
            with aside.open("w", encoding="utf-8") as file:
                json.dump(asdict(record), file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path / "slot.json")
            _sync_directory(self.path)
        except OSError as error:
            raise EngineUnavailable(f"{self.path / 'slot.json'} cannot be written: {error}") from error

    def generation(self, number: int) -> Path:
        """Directory of one generation."""
        return self.path / f"gen-{number}"

    def next_generation(self) -> int:
        """A number above every generation that exists, even half-built."""
        return max(self._generations(), default=0) + 1

    def keep_only(self, generation: int) -> None:
        """Remove every other generation; what cannot be removed now is tried again at the next open."""
        for number in self._generations():
            if number != generation:
                shutil.rmtree(self.generation(number), ignore_errors=True)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Mark that a shard is being opened, so that a shard that kills the process is opened only once.

        On some broken files the engine aborts the whole process, which no `except` can stop.

        Raises:
            IndexDamaged: the mark of an earlier attempt is still there.
        """
        mark = self.path / "loading"
        try:
            mark.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise IndexDamaged(f"an earlier process died while it opened the index in {self.path}") from None
        except OSError as error:
            raise EngineUnavailable(f"{mark} cannot be written: {error}") from error
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def forget_loading(self) -> None:
        """Remove the mark of an earlier attempt, after a rebuild."""
        (self.path / "loading").unlink(missing_ok=True)

    @property
    def is_marked_erased(self) -> bool:
        """Whether what is here may hold texts that were erased."""
        return (self.path / _ERASED).exists()

    def mark_erased(self) -> None:
        """Mark the slot for a rebuild by the next engine that opens it."""
        mark_erased(self.path)

    def forget_erased(self) -> None:
        """Remove the mark, after a rebuild that left nothing of the former generations; else it stays."""
        if len(self._generations()) <= 1:
            (self.path / _ERASED).unlink(missing_ok=True)

    def _generations(self) -> list[int]:
        try:
            found = [_GENERATION.fullmatch(entry.name) for entry in self.path.iterdir()]
        except OSError as error:
            raise EngineUnavailable(f"{self.path} cannot be read: {error}") from error
        return [int(match[1]) for match in found if match]


def purge_slots(directory: Path) -> int:
    """Empty every slot of a bank directory that nobody holds, and mark the others: they are rebuilt from the ledger.

    Returns:
        How many are held: each by an engine that rebuilds its own when it next follows the ledger, or is next opened.

    Raises:
        EngineUnavailable: a slot cannot be read or emptied.
    """
    try:
        slots = [path for path in sorted(directory.glob("slot-*")) if path.is_dir()]
        return sum(not _emptied(path) for path in slots)
    except (OSError, NotImplementedError) as error:
        raise EngineUnavailable(f"the bank directory {directory} cannot be emptied: {error}") from error


def mark_erased(path: Path) -> None:
    """Mark a slot's folder: what it holds has texts that were erased.

    Raises:
        EngineUnavailable: the mark cannot be written.
    """
    try:
        (path / _ERASED).touch(mode=0o600)
        _sync_directory(path)
    except OSError as error:
        raise EngineUnavailable(f"{path / _ERASED} cannot be written: {error}") from error


def _emptied(path: Path) -> bool:
    """Empty a slot, unless somebody holds it."""
    mark_erased(path)  # first: whoever takes it in between, or finds it half emptied, rebuilds it
    lock = FileLock(path.with_name(f"{path.name}.lock"), thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    try:
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != _ERASED:
                entry.unlink()
        (path / _ERASED).unlink()
    finally:
        lock.release()
    return True


def _sync_directory(path: Path) -> None:
    """Make a rename in `path` survive a power cut, where the system can."""
    if os.name == "nt":  # a directory cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
