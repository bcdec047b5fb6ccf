"""Maintenance of a memory's ledger: backup, restore, a check of every row, re-encoding. Part of `CaseMemory`."""

from collections.abc import Callable
from pathlib import Path

from memento.memory.bulk_load import BulkLoad, LoadProgress, LoadReport
from memento.memory.forwarding import runs_on_owner_loop
from memento.memory.ledger.audit import AuditViews
from memento.memory.ledger.backup import BackupReport, CopyProgress, back_up
from memento.memory.ledger.restore import RestoreReport
from memento.memory.ledger.scan import LedgerScan, scan_ledger
from memento.memory.ledger.set_aside import DamagedRow
from memento.memory.owner_loop import OwnerLoop
from memento.memory.places import parse_folder
from memento.memory.storage import Storage

_REINDEX_BATCH = 256


@runs_on_owner_loop
class LedgerMaintenance:
    """Operations on the whole ledger of a memory, across namespaces."""

    namespace: str
    owner_loop: OwnerLoop
    _storage: Storage

    async def backup(
        self, file: str | Path, *, is_replacing: bool = False, on_progress: CopyProgress = lambda *_: None
    ) -> BackupReport:
        """Copy the ledger, with every namespace, to one SQLite file; writing may go on meanwhile.

        Args:
            file: where to; its owner alone can read it.
            is_replacing: whether a file of that name may be replaced.
            on_progress: called in another thread with how much is copied, and of how much.

        Raises:
            InvalidInput: there is such a file, or no such folder.
            LedgerUnavailable: the ledger cannot be read, or the file cannot be written.
        """
        target = parse_folder(file, "the backup")
        return await back_up(self._storage.ledger, target, is_replacing=is_replacing, on_progress=on_progress)

    async def restore(
        self, file: str | Path, *, is_replacing: bool = False, on_progress: CopyProgress = lambda *_: None
    ) -> RestoreReport:
        """Put a backup in the place of this memory's ledger, whole or not at all: `CaseMemory.open(...).restore(file)`.

        The memory must not be open, here or in another process. Index and weights are made again at the next opening.

        Args:
            file: of `backup`; of an earlier release, too.
            is_replacing: whether a ledger that holds something may be replaced; it is kept beside the new one.
            on_progress: called in another thread with how much is copied, and of how much.

        Raises:
            InvalidInput: the file is not a ledger, or there is one already.
            LedgerTooNew: a newer release wrote the file.
            LedgerUnavailable: the ledger is in use or cannot be written; it is as it was.
        """
        source = parse_folder(file, "the backup")
        return await self._storage.restore(source, is_replacing=is_replacing, on_progress=on_progress)

    async def load(
        self,
        cases: str | Path,
        *,
        vectors: str | Path | None = None,
        is_trusted: bool = True,
        is_checked: bool = True,
        n_workers: int = 0,
        on_progress: LoadProgress = lambda _: None,
    ) -> LoadReport:
        """Load many cases with given vectors into the memory's namespace, block by block; see `bulk_load`.

        Each block is acknowledged by itself. Cases that are there are left unchanged, so that an interrupted load is
        repeated. As with every import, only texts, rewards and models count, never event ids, time or trust.

        Args:
            cases: JSON lines: rows with `state`, `action` and `reward`, or another form that `cases import` reads.
            vectors: a `.npy` matrix of float32 or float16, a row for each line that is not blank, of the bank's
                encoder; None where each line has its own as `vector`.
            is_trusted: if not, they wait in quarantine until `lifecycle.release`.
            is_checked: compare the vectors of the first states with the encoder's own.
            n_workers: processes that prepare rows; 0 prepares them in a thread of this one.
            on_progress: called after each block.

        Raises:
            InvalidInput: a file cannot be read, or its vectors are not those of the bank's encoder.
            LedgerUnavailable: the last block was not kept; those before it are.
            EncoderUnavailable: the first states cannot be encoded.
        """
        load = BulkLoad(storage=self._storage, namespace=self.namespace, is_trusted=is_trusted, n_workers=n_workers)
        files = parse_folder(cases, "the file"), None if vectors is None else parse_folder(vectors, "the vectors")
        return await load.run(*files, is_checked=is_checked, on_progress=on_progress)

    async def set_aside(self) -> list[DamagedRow]:
        """Damaged rows of every namespace that have been met and are left out, by table and key."""
        return await AuditViews(self._storage.ledger).set_aside()

    async def check_ledger(self) -> LedgerScan:
        """Check every row of the ledger, of every namespace; damaged ones are set aside, healed ones are used again.

        Raises:
            LedgerUnavailable: it cannot be read or written.
        """
        return await scan_ledger(self._storage.ledger)

    async def reindex(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Re-encode every case of every namespace and rebuild the index from the ledger.

        Args:
            on_progress: called with the number of case revisions encoded so far.
        """
        texts, ledger = self._storage.texts, self._storage.ledger
        name = texts.encoder.name
        await ledger.transact(lambda writer: writer.drop_vectors(name, except_length=texts.encoder.dim))
        after, n_done = 0, 0
        while changes := await self._storage.views.changes(after=after, limit=_REINDEX_BATCH):
            after = changes[-1].offset
            living = [change.case for change in changes if change.case is not None and change.case.status != "erased"]
            states = [case.state for case in living]
            vectors = dict(zip(states, await texts.rows(states), strict=True))
            await ledger.transact(lambda writer, vectors=vectors: writer.save_vectors(name, vectors))  # type: ignore[misc]
            n_done += len(changes)
            on_progress(n_done)
        await self._storage.bank.rebuild()
        await self._storage.adopt_encoder()
