"""The embedded index that one engine holds: a slot, its live generation, and the next one while that is made."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from memento.memory.errors import EngineError, EngineUnavailable, IndexDamaged
from memento.memory.index.engines.generation import Generation
from memento.memory.index.engines.graphs import can_build, remove_graphs, remove_unused_graphs
from memento.memory.index.engines.port import BankPoint
from memento.memory.index.engines.seeding import seed
from memento.memory.index.engines.segment import Segment
from memento.memory.index.engines.shard import Shard
from memento.memory.index.engines.slot import IndexSlot
from memento.memory.index.engines.slot_files import SlotRecord, graph_folder, sync_tree

_LOG = logging.getLogger(__name__)


class HeldIndex:
    """A held slot with its shards. Blocking; one thread at a time.

    Args:
        directory: the bank's; created by `open`.
        min_free_bytes: writing stops when the disk has less space than this.

    Raises:
        EngineUnavailable, EngineRejected, IndexDamaged: from every method, as `EdgeEngine` tells.
    """

    def __init__(self, directory: Path, *, min_free_bytes: int) -> None:
        self._directory = directory
        self._min_free_bytes = min_free_bytes
        self.slot: IndexSlot | None = None
        self._record: SlotRecord | None = None
        self.live: Generation | None = None
        """What is searched; None until it is opened."""
        self._next: Generation | None = None
        self.unsaved: Path | None = None
        """Directory of the live generation if that is a copy of a neighbour's that is not on the disk for sure yet."""
        self._encoder, self.dim = "", 0

    def open(self, *, dim: int, encoder: str) -> None:
        """Take a slot, unless one is held, and load its generation."""
        if self.live is not None and (self._encoder, self.dim) == (encoder, dim):
            return
        self._encoder, self.dim = encoder, dim
        if self.live is not None:
            self._release()
        if self.slot is None:
            self.slot = IndexSlot.take(self._directory)
        self._need_space()
        if self.slot.is_marked_erased:
            raise IndexDamaged(f"the index in {self.slot.path} still holds texts that were erased")
        with self.slot.writing():
            self._load(self.slot)

    def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions to the live generation, and to the next one, which must not lose them when it takes over."""
        self._need_space()
        with self.need_slot().writing():
            self.need().write(points)
        if self._next is not None:
            self._next.write(points)

    def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points; see `EdgeEngine.delete`."""
        live, slot = self.need(), self.need_slot()
        if not live.has_any(case_ids):
            return
        slot.mark_erased()
        with slot.writing():
            live.delete(case_ids)
        raise IndexDamaged(f"the index in {slot.path} still holds texts that were erased")

    def position(self) -> int:
        """The ledger offset saved last."""
        return self._need_record().position

    def save_position(self, offset: int, *, synced: Path | None) -> None:
        """Make durable what was applied, then write the record.

        Args:
            offset: ledger offset up to which it is complete.
            synced: the generation, a copy, whose files have been made durable; None for none.
        """
        slot, live, record = self.need_slot(), self.need(), self._need_record()
        self._need_space()
        if self.unsaved not in (None, synced):  # opened again meanwhile
            make_durable(live.path)
        with slot.writing():
            live.shard.save()  # first: the record must never promise more than the disk holds
            record = replace(record, position=max(record.position, offset), count=live.shard.count())
            slot.write(record)
        self._record, self.unsaved = record, None

    def begin(self, segment: Segment | None = None) -> int:
        """Start the next generation, empty but for a segment; its number."""
        slot = self.need_slot()
        self._need_space()
        self.abandon()  # what an earlier, cancelled attempt left open
        number = slot.next_generation()
        self._next = Generation(Shard.create(slot.generation(number), dim=self.dim), segment, dim=self.dim)
        return number

    def write_next(self, points: Sequence[BankPoint]) -> None:
        """Write to the next generation alone."""
        self._need_space()
        self._need_next().write(points)

    def lacking(self, page: Sequence[tuple[str, int]]) -> list[str]:
        """Those of a page of the live shard's points that the segment of the next generation lacks."""
        return self._need_next().lacks(page)

    def carry_over(self, case_ids: Sequence[str]) -> None:
        """Copy points of the live shard to the next generation, unless it has later ones already."""
        self._need_space()
        self._need_next().take_over(self.need(), case_ids)

    def switch(self, number: int, position: int | None = None) -> None:
        """Put the next generation in the place of the live one.

        Args:
            number: of the next generation.
            position: ledger offset up to which it was built from the ledger, which leaves out what was erased; None if
                it was made of the live one, and is as complete.
        """
        slot, generation = self.need_slot(), self._need_next()
        generation.shard.flush()
        record = SlotRecord(
            encoder=self._encoder,
            dim=self.dim,
            generation=number,
            position=self._need_record().position if position is None else position,
            count=generation.shard.count(),
            graph=generation.graph,
        )
        with slot.writing():
            slot.write(record)
            old, self.live, self._record, self._next = self.live, generation, record, None
            self.unsaved = None
            if old is not None:
                with contextlib.suppress(EngineError):  # it is thrown away in any case
                    old.shard.close()
            slot.forget_loading()
            slot.keep_only(number)
            if position is not None:
                slot.forget_erased()
        with contextlib.suppress(EngineError):  # tried again at the next switch
            remove_unused_graphs(self._directory, but=record.graph)

    def abandon(self) -> None:
        """Remove the next generation."""
        if self._next is not None:
            self._next.shard.close()
            self._next = None
        if self._record is not None:
            self.need_slot().keep_only(self._record.generation)

    def close(self) -> None:
        """Flush, and give the slot back."""
        try:
            if self._next is not None:
                self._next.shard.close()
            if self.live is not None:
                self._release()
        finally:
            if self.slot is not None:
                self.slot.release()
            self.slot = self._next = self._record = None

    def segment(self, number: int) -> Segment:
        """Open a segment; one that is damaged is removed, so that nobody starts with it again.

        Raises:
            IndexDamaged: it is.
        """
        path = graph_folder(self._directory, number)
        with self.need_slot().loading():
            try:
                return Segment(path, dim=self.dim)
            except IndexDamaged:
                _LOG.warning("the graph in %s is damaged and built anew", path)
                with contextlib.suppress(EngineError):
                    remove_graphs(self._directory, {number})
                raise

    def need(self) -> Generation:
        """The live generation.

        Raises:
            IndexDamaged: there is none until a rebuild.
        """
        if self.live is None:
            raise IndexDamaged(f"the index in {self.need_slot().path} cannot be used until it is rebuilt")
        return self.live

    def need_slot(self) -> IndexSlot:
        """The slot.

        Raises:
            EngineUnavailable: it is not open.
        """
        if self.slot is None:
            raise EngineUnavailable(f"the bank in {self._directory} is not open")
        return self.slot

    def _load(self, slot: IndexSlot) -> None:
        record = slot.read()
        if record is not None and not self._is_usable(record):
            record = None
        own = 0 if record is None else record.position
        seeded = seed(slot, encoder=self._encoder, dim=self.dim, position=own)
        if seeded is not None and self._is_usable(seeded):
            self.unsaved = slot.generation(seeded.generation)
            with contextlib.suppress(IndexDamaged):  # then it starts empty, as it would without a neighbour
                self._use(slot, seeded)
        elif record is not None and seeded is None:
            self._use(slot, record)
        if self.live is None:
            self.switch(self.begin(), 0)

    def _is_usable(self, record: SlotRecord) -> bool:
        if not record.fits(encoder=self._encoder, dim=self.dim):
            return False
        return not record.graph or (can_build() and graph_folder(self._directory, record.graph).is_dir())

    def _use(self, slot: IndexSlot, record: SlotRecord) -> None:
        segment = self.segment(record.graph) if record.graph else None
        with slot.loading():
            path = slot.generation(record.generation)
            self.live = Generation(Shard.load(path, dim=self.dim, at_least=record.count), segment, dim=self.dim)
        self._record = record
        slot.keep_only(record.generation)

    def _release(self) -> None:
        slot, shard, unsaved = self.need_slot(), self.need().shard, self.unsaved
        self.live = self._record = self.unsaved = None
        with slot.writing():
            try:
                if unsaved is None and shard.n_unflushed:
                    shard.flush()
            finally:
                shard.close()
            if unsaved is not None:  # it is sooner copied again than made durable
                slot.forget_unsaved()

    def _need_space(self) -> None:
        self.need_slot().check_space(self._min_free_bytes)

    def _need_next(self) -> Generation:
        if self._next is None:
            raise EngineUnavailable(f"the bank in {self._directory} was closed during a rebuild")
        return self._next

    def _need_record(self) -> SlotRecord:
        if self._record is None:
            raise IndexDamaged(f"the index in {self.need_slot().path} cannot be used until it is rebuilt")
        return self._record


def make_durable(path: Path) -> None:
    """Make a folder survive a power cut.

    Raises:
        EngineUnavailable: the disk refuses.
    """
    try:
        sync_tree(path)
    except OSError as error:
        raise EngineUnavailable(f"the index in {path} cannot be written: {error}") from error
