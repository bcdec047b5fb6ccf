"""Index slots: numbered folders of a bank, each locked by one engine at a time, with a record of what it contains.

    bank/
      slot-0.lock         held by the engine that uses slot-0, freed by the operating system when its process dies
      slot-0.writes.lock  held while files of slot-0 change, and while another engine copies them (see seeding.py)
      slot-0/
        slot.json         which generation is live, for which encoder, complete up to which ledger offset
        gen-3/            the live shard
        loading           exists while a shard is being opened
        unsaved           exists while a generation is there that slot.json does not name yet: a copy of a neighbour's

The engine lets only one process open a shard, so every further process (or engine object) takes the next free slot
and keeps a projection of its own there: copied from a neighbour's, then brought up to date from the ledger.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from memento.memory.errors import EngineUnavailable, IndexDamaged
from memento.memory.index.engines.slot_files import (
    ERASED,
    UNSAVED,
    SlotRecord,
    check_space,
    is_marked_erased,
    mark_erased,
    read_record,
    sync_directory,
    writes_lock,
)
from memento.private_files import create_private_file, make_private_folder, private_modes

MAX_SLOTS = 64
"""Maximum number of concurrent users of a bank directory; more need a server."""

WRITES_TIMEOUT_S = 30.0
"""Longest wait of a slot's holder for an engine that copies its files; a copy of 100,000 points takes half a second."""

POLL_S = 0.002
"""Pause between attempts to get the lock of a slot's files."""

_GENERATION = re.compile(r"gen-(\d+)")


class IndexSlot:
    """A held slot. Blocking file access; one thread at a time.

    Raises:
        EngineUnavailable: the directory cannot be read or written.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock
        self._writes = writes_lock(path)

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

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Change files of the slot: nobody copies them meanwhile. Re-entrant.

        Raises:
            EngineUnavailable: another process has been copying them for too long.
        """
        try:
            self._writes.acquire(timeout=WRITES_TIMEOUT_S, poll_interval=POLL_S)
        except Timeout:
            raise EngineUnavailable(f"{self.path} is being copied by another process") from None
        except OSError as error:
            raise EngineUnavailable(f"{self.path} cannot be locked: {error}") from error
        try:
            yield
        finally:
            self._writes.release()

    def check_space(self, n_bytes: int) -> None:
        """Raise if less than `n_bytes` are free on the disk.

        Raises:
            EngineUnavailable: there is less.
        """
        check_space(self.path, n_bytes)

    def read(self) -> SlotRecord | None:
        """The record, or None in a slot that was never used, or whose copy of a neighbour's index was never saved.

        Raises:
            IndexDamaged: there is something here, but no readable record of it.
        """
        record = read_record(self.path)
        if record is None and self._generations():
            if not (self.path / UNSAVED).exists():
                raise IndexDamaged(f"{self.path} holds an index, but its slot.json is missing")
            self.forget_unsaved()
        return record

    def begin_unsaved(self, *, graph: int) -> Path:
        """Directory for a generation that no record names until `write`: a crash before that leaves nothing of it.

        Args:
            graph: number of the segment that it needs.
        """
        try:
            create_private_file(self.path / UNSAVED)
            (self.path / UNSAVED).write_text(str(graph), "ascii")
        except OSError as error:
            raise EngineUnavailable(f"{self.path / UNSAVED} cannot be written: {error}") from error
        return self.generation(self.next_generation())

    def prefer_unsaved(self, generation: int) -> None:
        """Drop the record and all generations but the unsaved one."""
        (self.path / "slot.json").unlink(missing_ok=True)
        self.keep_only(generation)

    def forget_unsaved(self) -> None:
        """Remove a generation that was never saved."""
        record = read_record(self.path)
        self.keep_only(0 if record is None else record.generation)
        (self.path / UNSAVED).unlink(missing_ok=True)

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
            sync_directory(self.path)
            (self.path / UNSAVED).unlink(missing_ok=True)
        except OSError as error:
            raise EngineUnavailable(f"{self.path / 'slot.json'} cannot be written: {error}") from error

    def generation(self, number: int) -> Path:
        """Directory of one generation."""
        return self.path / f"gen-{number}"

    @staticmethod
    def number(generation: Path) -> int:
        """Number of a generation by its directory."""
        return int(generation.name.removeprefix("gen-"))

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
        return is_marked_erased(self.path)

    def mark_erased(self) -> None:
        """Mark the slot for a rebuild by the next engine that opens it."""
        mark_erased(self.path)

    def forget_erased(self) -> None:
        """Remove the mark, after a rebuild that left nothing of the former generations; else it stays."""
        if len(self._generations()) <= 1:
            (self.path / ERASED).unlink(missing_ok=True)

    def _generations(self) -> list[int]:
        try:
            found = [_GENERATION.fullmatch(entry.name) for entry in self.path.iterdir()]
        except OSError as error:
            raise EngineUnavailable(f"{self.path} cannot be read: {error}") from error
        return [int(match[1]) for match in found if match]
