"""Loads many cases with given vectors into ledger and index: blocks are prepared in parallel and written one by one.

    lines and vectors -> rows (processes) -> one transaction a block (the acknowledgement) -> points of the index

Each block is committed whole. What is there already is skipped, so that a load which was interrupted is simply
repeated. The index takes a block's points as they are, without reading their rows again; where it cannot, it follows
the ledger as it always does.
"""

import asyncio
import contextlib
import gc
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from memento.memory.arguments import checked_count
from memento.memory.bulk_files import (
    BadLine,
    LoadPlan,
    PreparedBlock,
    RawBlock,
    check_files,
    prepare,
    raw_blocks,
    texts_and_vectors,
)
from memento.memory.case import utc_now
from memento.memory.errors import InvalidInput
from memento.memory.index.case_points import indexed_namespace
from memento.memory.index.engines.port import BankPoint
from memento.memory.ledger.bulk_rows import CASE_COLUMNS, PreparedRows
from memento.memory.ledger.bulk_writes import LoadedRows, expect_load, insert_cases
from memento.memory.storage import Storage
from memento.worker_processes import end_with_parent

N_SAMPLED: Final = 4
"""States whose vectors are compared with the encoder's own before anything is written."""
_SAME_MODEL: Final = 0.98
"""Cosine from which two vectors of a text are taken for those of one model, in other precisions."""

_ID, _NAMESPACE, _STATUS, _QUESTION, _REWARD, _KIND = (
    CASE_COLUMNS.index(name) for name in ("case_id", "namespace", "status", "question", "reward", "kind")
)

LoadProgress = Callable[["LoadReport"], None]


class LoadReport(NamedTuple):
    """How far a load has come."""

    n_read: int = 0
    """Lines that are not blank."""
    n_loaded: int = 0
    """New cases, which are kept."""
    n_bytes: int = 0
    """Size of the lines read."""
    bad: tuple[BadLine, ...] = ()
    """Lines that were left out."""

    @property
    def n_known(self) -> int:
        """Cases that were there already."""
        return self.n_read - self.n_loaded - len(self.bad)


class BulkLoad:
    """A load of one file into one namespace."""

    def __init__(self, *, storage: Storage, namespace: str, is_trusted: bool, n_workers: int) -> None:
        """Prepare.

        Args:
            storage: an open one.
            namespace: whose cases they become.
            is_trusted: if not, they wait in quarantine.
            n_workers: processes that prepare rows; 0 prepares them in a thread of this one.
        """
        n_workers = checked_count("the number of workers", n_workers)
        self._storage, self._namespace, self._n_workers = storage, namespace, n_workers
        self._is_trusted = is_trusted

    async def run(
        self, cases: Path, vectors: Path | None, *, is_checked: bool, on_progress: LoadProgress = lambda _: None
    ) -> LoadReport:
        """Load everything.

        Args:
            cases: JSON lines.
            vectors: a `.npy` matrix; None where each line has its vector.
            is_checked: whether a sample of the vectors is compared with the encoder's.
            on_progress: called after each block.

        Raises:
            InvalidInput: a file cannot be read, or its vectors are not those of the bank's encoder.
            LedgerUnavailable: the last block was not kept; those before it are.
            EncoderUnavailable: the sample cannot be encoded.
        """
        encoder = self._storage.texts.encoder
        files = await asyncio.to_thread(check_files, cases, vectors, encoder.dim)
        plan = LoadPlan(
            namespace=self._namespace,
            encoder=encoder.name,
            dim=encoder.dim,
            status="active" if self._is_trusted else "quarantined",
            created_at=utc_now(),
            vectors=files.vectors,
        )
        source = f"from {cases.name}, {'a trusted' if self._is_trusted else 'an unknown'} source"
        report = LoadReport()
        await self._storage.ledger.transact(expect_load)
        try:
            async for block in self._prepared(plan, raw_blocks(files.cases)):
                if is_checked and block.rows.cases:
                    await self._check_sample(block.rows)
                    is_checked = False
                report = await self._write(block, source, report)
                on_progress(report)
        finally:
            await self._storage.ledger.transact(lambda writer: expect_load(writer, is_ending=True))
        await self._storage.bank.project()
        return report

    async def _write(self, block: PreparedBlock, source: str, report: LoadReport) -> LoadReport:
        """Commit a block, then give its points to the index."""
        rows = block.rows
        kept = await self._storage.ledger.transact(
            lambda writer: insert_cases(writer, rows, namespace=self._namespace, source=source)
        )
        if kept.n_new:
            points = await asyncio.to_thread(_points, rows, kept)
            await self._storage.bank.extend(points, after=kept.after, until=kept.until)
        return LoadReport(
            n_read=report.n_read + block.n_lines,
            n_loaded=report.n_loaded + kept.n_new,
            n_bytes=report.n_bytes + block.n_bytes,
            bad=(*report.bad, *block.bad),
        )

    async def _prepared(self, plan: LoadPlan, blocks: Iterator[RawBlock]) -> AsyncIterator[PreparedBlock]:
        """Prepared blocks in the order of the file, a few ahead of the one that is being written."""
        pool: Executor = ThreadPoolExecutor(1, thread_name_prefix="memento-load")
        if self._n_workers:
            pool = ProcessPoolExecutor(self._n_workers, mp_context=get_context("spawn"), initializer=_set_up_worker)
        waiting: deque[asyncio.Future[PreparedBlock]] = deque()
        try:
            while True:
                while len(waiting) <= self._n_workers and (block := await asyncio.to_thread(next, blocks, None)):
                    waiting.append(asyncio.wrap_future(pool.submit(prepare, plan, block)))
                if not waiting:
                    return
                yield await waiting.popleft()
        finally:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _check_sample(self, rows: PreparedRows) -> None:
        """Compare a few of the given vectors with the encoder's own.

        Raises:
            InvalidInput: they are another model's.
        """
        texts, given_NE = texts_and_vectors(rows, N_SAMPLED)
        if not texts:
            return
        own_NE = await self._storage.texts.encoder.encode(texts)
        lowest = float(np.min(np.sum(given_NE * own_NE, axis=1)))
        if lowest < _SAME_MODEL:
            raise InvalidInput(
                f"the vectors are not those of the bank's encoder {self._storage.texts.encoder.name!r}: for one of the "
                f"first {len(texts)} states its own has a cosine of {lowest:.2f} with the one given; nothing was loaded"
            )


def _points(rows: PreparedRows, kept: LoadedRows) -> list[BankPoint]:
    """Points of the cases that were new."""
    places = range(len(rows.cases)) if kept.new is None else kept.new
    made = []
    for place in places:
        case = rows.cases[place]
        made.append(
            BankPoint(
                case_id=case[_ID],
                version=1,
                namespace=indexed_namespace(case[_NAMESPACE], case[_KIND]),
                question=case[_QUESTION],
                status=case[_STATUS],
                reward=case[_REWARD],
                state=rows.heads[place],
                vector=np.frombuffer(rows.vectors[place][2], np.float32),
            )
        )
    return made


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Turn the cyclic garbage collector off, for a process that does nothing but load.

    A block makes tens of thousands of tuples, none of them in a cycle, and the collector looks through all of the
    process's objects again and again while it does: up to half of the CPU time of preparing one.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _set_up_worker() -> None:
    """In a worker: no collector; Ctrl-C is the parent's to answer, which lets the block at work end."""
    end_with_parent()
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
