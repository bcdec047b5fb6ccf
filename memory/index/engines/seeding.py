"""Seeds an index slot with a copy of a neighbour's, so that a further process need not project the whole ledger anew.

The copy is what the neighbour's files would be had its process been killed between two of its writes: the lock of a
slot's files is held by its holder while anything changes there, and by the copier while it reads. Such files load: the
engine applies its log again. The copy's position is that of the neighbour's record, which never promises more than its
files hold; what came after it is applied from the ledger, whatever of it the copy has already.

Nothing erased is copied: a slot that is marked so is no seed, and whoever erases marks every slot of the bank. A mark
that is set while the copy is made, or before the copying engine has found its own slot marked, discards the copy.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from filelock import Timeout

from memento.memory.errors import EngineError
from memento.memory.index.engines.slot import POLL_S, IndexSlot
from memento.memory.index.engines.slot_files import (
    SlotRecord,
    check_space,
    graph_folder,
    graphs_lock,
    is_marked_erased,
    read_record,
    writes_lock,
)
from memento.private_files import make_private_folder, private_modes

MIN_AHEAD = 1_000
"""Ledger offsets by which a neighbour must be ahead: fewer are sooner applied than copied."""

_LOCK_TIMEOUT_S = 2.0
_PART = 1 << 20


def seed(slot: IndexSlot, *, encoder: str, dim: int, position: int) -> SlotRecord | None:
    """Copy the index of the neighbour that is furthest ahead into a held slot. Blocking.

    Args:
        slot: which; its own index is dropped if there is a better one.
        encoder: of the vectors.
        dim: their length.
        position: ledger offset up to which the slot's own index is complete.

    Returns:
        Record of the copy, which is not written yet (see `IndexSlot.begin_unsaved`); None if no neighbour is far
        enough ahead, or what is there cannot be copied now.
    """
    for path, _ in _neighbours(slot.path, encoder=encoder, dim=dim, position=position + MIN_AHEAD):
        copied: SlotRecord | None = None
        with contextlib.suppress(OSError, EngineError, Timeout, NotImplementedError):
            copied = _copied(path, slot, encoder=encoder, dim=dim)
        if copied is not None and not slot.is_marked_erased:
            slot.prefer_unsaved(copied.generation)
            return copied
        with contextlib.suppress(OSError, EngineError):
            slot.forget_unsaved()
    return None


def _neighbours(own: Path, *, encoder: str, dim: int, position: int) -> list[tuple[Path, SlotRecord]]:
    """Slots that are at or beyond a position, the furthest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in own.parent.glob("slot-*"):
            with contextlib.suppress(EngineError):
                record = read_record(path) if path != own and path.is_dir() and not is_marked_erased(path) else None
                if record is not None and record.fits(encoder=encoder, dim=dim) and record.position >= position:
                    found.append((path, record))
    return sorted(found, key=lambda each: -each[1].position)


def copy_live(source: Path, target: Path) -> SlotRecord | None:
    """Copy the live generation of a slot, held or not, to a folder that does not exist. Blocking.

    Returns:
        The slot's record; None if it has none or is marked erased, and what was copied must be removed.

    Raises:
        Timeout: its holder has been writing for too long.
        OSError, EngineError: it cannot be read, or there is no space for the copy.
    """
    with writes_lock(source).acquire(timeout=_LOCK_TIMEOUT_S, poll_interval=POLL_S):
        record = read_record(source)
        if record is None or is_marked_erased(source):
            return None
        origin = source / f"gen-{record.generation}"
        check_space(target.parent, sum(path.stat().st_blocks * 512 for path in origin.rglob("*")))
        _copy_tree(origin, target)
        return None if is_marked_erased(source) else record


def _copied(source: Path, slot: IndexSlot, *, encoder: str, dim: int) -> SlotRecord | None:
    with graphs_lock(source.parent).acquire(timeout=_LOCK_TIMEOUT_S, poll_interval=POLL_S):
        # whoever removes segments that are not in use has this lock, too
        found = read_record(source)
        if found is None or (found.graph and not graph_folder(source.parent, found.graph).is_dir()):
            return None
        target = slot.begin_unsaved(graph=found.graph)
        record = copy_live(source, target)
    if record is None or record.graph != found.graph or not record.fits(encoder=encoder, dim=dim):
        return None
    return replace(record, generation=slot.number(target))


def _copy_tree(source: Path, target: Path) -> None:
    make_private_folder(target)
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            _copy_tree(entry, target / entry.name)
        else:
            _copy_sparse(entry, target / entry.name)


def _copy_sparse(source: Path, target: Path) -> None:
    """Copy a file without filling its holes: the engine allocates its files ahead."""
    with source.open("rb", buffering=0) as reading:
        size = os.fstat(reading.fileno()).st_size
        mode = private_modes(target.parent.stat()).file
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb", buffering=0) as writing:
            for start, end in _extents(reading.fileno(), size):
                reading.seek(start)
                writing.seek(start)
                while (n_left := end - reading.tell()) > 0 and (part := reading.read(min(_PART, n_left))):
                    reading.seek(writing.write(part) - len(part), os.SEEK_CUR)  # it may not take all at once
            writing.truncate(size)


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Parts of a file that are no holes; the whole file where the system does not tell."""
    if not hasattr(os, "SEEK_DATA"):
        yield 0, size
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # nothing but a hole is left
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
