"""The real Qdrant engine in this process, on disk: the default for a path.

Every call runs in one dedicated thread. The library holds the GIL while it works, so a call still delays the event
loop for as long as it lasts (2 ms for 32 points, 5 ms for a search among 100,000, a tenth of a second for a flush), but
a stalled disk or a slow rebuild never stops the loop for good, and calls never overlap.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from memento.memory.errors import EngineError, EngineUnavailable, IndexDamaged
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.seeding import seed
from memento.memory.index.engines.shard import BATCH, Shard
from memento.memory.index.engines.slot import IndexSlot
from memento.memory.index.engines.slot_files import SlotRecord, sync_tree

T = TypeVar("T")

MIN_FREE_BYTES = 64 << 20
"""Disk space that must be free for anything that writes; far above what one call can use."""


class EdgeEngine:
    """A `VectorEngine` in a directory that any number of engines, in any number of processes, may share.

    Each engine holds a slot of the directory (see slot.py) with a projection of its own, which it copies from a
    neighbour's where that is further ahead (see seeding.py).

    Args:
        directory: the bank's directory; created by `open`.
        min_free_bytes: writing stops when the disk has less space than this; searching goes on.

    Raises:
        EngineUnavailable: not open, no free slot, or the disk refuses.
        EngineRejected: a vector of the wrong length, or a case id that is not a UUID.
        IndexDamaged: the slot's index cannot be used; `rebuild` replaces it.
    """

    name = "edge"

    def __init__(self, directory: Path, *, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        self._directory = Path(directory)
        self._min_free_bytes = min_free_bytes
        self._thread: ThreadPoolExecutor | None = None
        self._slot: IndexSlot | None = None
        self._record: SlotRecord | None = None
        self._shard: Shard | None = None
        self._next: Shard | None = None
        self._unsaved: Path | None = None
        self._encoder, self._dim = "", 0
        self._rebuilding = asyncio.Lock()

    async def open(self, *, dim: int, encoder: str) -> None:
        """Take a slot and open its projection; an unused slot starts as a copy of a neighbour's, or else empty.

        Args:
            dim: length of the encoder's vectors.
            encoder: name and version of the encoder.

        Raises:
            IndexDamaged: the index does not load, or holds fewer points than were saved.
            EngineUnavailable: the directory cannot be used, or all its slots are taken.
        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="memento-edge")
        await self._run(lambda: self._open(dim, encoder))

    async def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule; survives a kill at once, a power cut after `save_position`.

        A few at a time, so that searches and the event loop have their turns in between.
        """
        for start in range(0, len(points), BATCH):
            await self._run(partial(self._upsert, points[start : start + BATCH]))

    async def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points of erased cases.

        Raises:
            IndexDamaged: some were there, whose texts stay in the shard's files until it is rebuilt. It is marked, so
                that this happens at the next `open` if this process does not live to do it.
        """

        def remove() -> None:
            if not self._need_shard().has_any(case_ids):
                return
            self._need_slot().mark_erased()
            with self._need_slot().writing():
                self._need_shard().delete(case_ids)
            raise IndexDamaged(f"the index in {self._need_slot().path} still holds texts that were erased")

        await self._run(remove)

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine; `vector` has shape (dim,)."""
        return await self._run(
            lambda: self._need_shard().search(
                vector, namespace=namespace, limit=limit, exclude_question=exclude_question
            )
        )

    async def count(self) -> int:
        """All points of this engine's own projection, of every namespace and status."""
        return await self._run(lambda: self._need_shard().count())

    async def position(self) -> int:
        """The ledger offset up to which this slot's projection is complete."""
        return await self._run(lambda: self._need_record().position)

    async def save_position(self, offset: int) -> None:
        """Make durable what was applied, then remember the offset; never lowers it."""
        unsaved = await self._run(lambda: self._unsaved)
        if unsaved is not None:  # in another thread, so that searches go on
            await asyncio.to_thread(_synced, unsaved)
        await self._run(lambda: self._save_position(offset, synced=unsaved))

    async def rebuild(self, batches: AsyncIterator[Sequence[BankPoint]], *, position: int) -> None:
        """Fill a new generation beside the live one, which serves until the switch.

        Also the way out of `IndexDamaged`: it needs nothing of what is there.
        """
        async with self._rebuilding:
            generation = await self._run(self._begin)
            try:
                async for batch in batches:
                    await self._run(partial(self._write_next, batch))
                await self._run(lambda: self._switch(generation, position))
            except BaseException:  # a cancellation, too, must not leave a half-filled copy behind
                with contextlib.suppress(EngineError):  # the first error is the one to report
                    await self._run(self._abandon)
                raise

    async def close(self) -> None:
        """Flush, let go of the files and give the slot back. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
        finally:
            thread.shutdown(wait=False)

    def _open(self, dim: int, encoder: str) -> None:
        if self._shard is not None and (self._encoder, self._dim) == (encoder, dim):
            return
        self._encoder, self._dim = encoder, dim
        if self._shard is not None:
            self._release_shard()
        if self._slot is None:
            self._slot = IndexSlot.take(self._directory)
        self._need_space()
        if self._slot.is_marked_erased:
            raise IndexDamaged(f"the index in {self._slot.path} still holds texts that were erased")
        with self._slot.writing():
            self._load(self._slot)

    def _load(self, slot: IndexSlot) -> None:
        record = slot.read()
        if record is not None and not record.fits(encoder=self._encoder, dim=self._dim):
            record = None
        own = 0 if record is None else record.position
        seeded = seed(slot, encoder=self._encoder, dim=self._dim, position=own)
        if seeded is not None:
            self._unsaved = slot.generation(seeded.generation)
            with contextlib.suppress(IndexDamaged):  # then it starts empty, as it would without a neighbour
                self._use(slot, seeded)
        elif record is not None:
            self._use(slot, record)
        if self._shard is None:
            self._switch(self._begin(), 0)

    def _use(self, slot: IndexSlot, record: SlotRecord) -> None:
        with slot.loading():
            path = slot.generation(record.generation)
            self._shard = Shard.load(path, dim=self._dim, at_least=record.count)
        self._record = record
        slot.keep_only(record.generation)

    def _upsert(self, points: Sequence[BankPoint]) -> None:
        self._need_space()
        with self._need_slot().writing():
            self._need_shard().write(points)
        if self._next is not None:  # a write during a rebuild must not be lost when the new projection takes over
            self._next.write(points)

    def _save_position(self, offset: int, *, synced: Path | None) -> None:
        slot, shard, record = self._need_slot(), self._need_shard(), self._need_record()
        self._need_space()
        if self._unsaved not in (None, synced):  # opened again meanwhile
            _synced(shard.path)
        with slot.writing():
            shard.save()  # first: the record must never promise more than the disk holds
            record = replace(record, position=max(record.position, offset), count=shard.count())
            slot.write(record)
        self._record, self._unsaved = record, None

    def _begin(self) -> int:
        slot = self._need_slot()
        self._need_space()
        self._abandon()  # what an earlier, cancelled attempt left open
        generation = slot.next_generation()
        self._next = Shard.create(slot.generation(generation), dim=self._dim)
        return generation

    def _write_next(self, points: Sequence[BankPoint]) -> None:
        self._need_space()
        self._need_next().write(points)

    def _switch(self, generation: int, position: int) -> None:
        slot, shard = self._need_slot(), self._need_next()
        shard.flush()
        record = SlotRecord(
            encoder=self._encoder, dim=self._dim, generation=generation, position=position, count=shard.count()
        )
        with slot.writing():
            slot.write(record)
            old, self._shard, self._record, self._next = self._shard, shard, record, None
            self._unsaved = None
            if old is not None:
                with contextlib.suppress(EngineError):  # it is thrown away in any case
                    old.close()
            slot.forget_loading()
            slot.keep_only(generation)
            slot.forget_erased()

    def _abandon(self) -> None:
        if self._next is not None:
            self._next.close()
            self._next = None
        if self._record is not None:
            self._need_slot().keep_only(self._record.generation)

    def _close(self) -> None:
        try:
            if self._next is not None:
                self._next.close()
            if self._shard is not None:
                self._release_shard()
        finally:
            if self._slot is not None:
                self._slot.release()
            self._slot = self._next = self._record = None

    def _release_shard(self) -> None:
        slot, shard, unsaved = self._need_slot(), self._need_shard(), self._unsaved
        self._shard = self._record = self._unsaved = None
        with slot.writing():
            try:
                if unsaved is None:
                    shard.flush()
            finally:
                shard.close()
            if unsaved is not None:  # it is sooner copied again than made durable
                slot.forget_unsaved()

    def _need_slot(self) -> IndexSlot:
        if self._slot is None:
            raise EngineUnavailable(f"the bank in {self._directory} is not open")
        return self._slot

    def _need_space(self) -> None:
        self._need_slot().check_space(self._min_free_bytes)

    def _need_shard(self) -> Shard:
        if self._shard is None:
            raise IndexDamaged(f"the index in {self._need_slot().path} cannot be used until it is rebuilt")
        return self._shard

    def _need_next(self) -> Shard:
        if self._next is None:
            raise EngineUnavailable(f"the bank in {self._directory} was closed during a rebuild")
        return self._next

    def _need_record(self) -> SlotRecord:
        if self._record is None:
            raise IndexDamaged(f"the index in {self._need_slot().path} cannot be used until it is rebuilt")
        return self._record

    async def _run(self, call: Callable[[], T]) -> T:
        if self._thread is None:
            raise EngineUnavailable(f"the bank in {self._directory} is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _synced(path: Path) -> None:
    try:
        sync_tree(path)
    except OSError as error:
        raise EngineUnavailable(f"the index in {path} cannot be written: {error}") from error
