"""The real Qdrant engine in this process, on disk: the default for a path.

Every call runs in one dedicated thread. The library holds the GIL while it works, so a call still delays the event
loop for as long as it lasts (2 ms for 32 points, 5 ms for a search among 100,000, a tenth of a second for a flush), but
a stalled disk or a slow rebuild never stops the loop for good, and calls never overlap.

A namespace that has outgrown `GRAPH_FROM` cases gets an approximate index (see segment.py), which a child process
builds; it is searched in a thread of its own, without the GIL. Until it is there, and below that size, search is exact.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from memento.memory.errors import EngineError, EngineUnavailable, IndexDamaged
from memento.memory.index.engines.generation import Generation
from memento.memory.index.engines.graphs import GraphBuild, can_build, newest_graph
from memento.memory.index.engines.held_index import HeldIndex, make_durable
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.segment import Segment
from memento.memory.index.engines.shard_reads import BATCH
from memento.memory.loop_lock import LoopLock, is_over

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

MIN_FREE_BYTES = 64 << 20
"""Disk space that must be free for anything that writes; far above what one call can use."""

GRAPH_FROM = 200_000
"""Active cases of a namespace from which on it is searched approximately."""

_REGROWTH = 0.25
"""Points in the shard beside a graph, as a share of `GRAPH_FROM`, from which on they are added to the graph."""

_RETRY_S = 60.0
"""Pause after a graph was not built: another process builds one, or it failed."""

_INSTALL = "with `pip install memento-langgraph[scale]` they are searched approximately, off the event loop"


class EdgeEngine:
    """A `VectorEngine` in a directory that any number of engines, in any number of processes, may share.

    Each engine holds a slot of the directory (see slot.py) with a projection of its own, which it copies from a
    neighbour's where that is further ahead (see seeding.py); graphs are shared.

    Args:
        directory: the bank's directory; created by `open`.
        min_free_bytes: writing stops when the disk has less space than this; searching goes on.
        graph_from: active cases of a namespace from which on its search is approximate; needs the extra `scale`.

    Raises:
        EngineUnavailable: not open, no free slot, or the disk refuses.
        EngineRejected: a vector of the wrong length, or a case id that is not a UUID.
        IndexDamaged: the slot's index cannot be used; `rebuild` replaces it.
    """

    name = "edge"

    def __init__(self, directory: Path, *, min_free_bytes: int = MIN_FREE_BYTES, graph_from: int = GRAPH_FROM) -> None:
        self._directory = Path(directory)
        self._graph_from = graph_from
        self._index = HeldIndex(self._directory, min_free_bytes=min_free_bytes)
        self._thread: ThreadPoolExecutor | None = None
        self._searcher: ThreadPoolExecutor | None = None
        self._build: GraphBuild | None = None
        self._building: asyncio.Task[None] | None = None
        self._caching: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._rebuilding = LoopLock()

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
        await self._run(lambda: self._index.open(dim=dim, encoder=encoder))
        await self._build_if_grown()

    async def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule; survives a kill at once, a power cut after `save_position`.

        A few at a time, so that searches and the event loop have their turns in between.
        """
        for start in range(0, len(points), BATCH):
            await self._run(partial(self._index.upsert, points[start : start + BATCH]))

    async def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points of erased cases.

        Raises:
            IndexDamaged: some were there, whose texts stay in the shard's files until it is rebuilt. It is marked, so
                that this happens at the next `open` if this process does not live to do it.
        """
        await self._run(lambda: self._index.delete(case_ids))

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine; `vector` has shape (dim,)."""
        while True:
            live, others = self._index.live, list[Hit]()
            if live is not None and live.cache.wanted == namespace:
                await self._cached(live)
            if live is not None and live.has_graph(namespace):
                found = partial(
                    live.search_segment, vector, namespace=namespace, limit=limit, exclude_question=exclude_question
                )
                others = await self._run_beside(found)
            hits = await self._run(partial(self._searched, live, vector, namespace, limit, exclude_question, others))
            if hits is not None:
                return hits

    async def count(self) -> int:
        """All points of this engine's own projection, of every namespace and status."""
        return await self._run(lambda: self._index.need().count())

    async def position(self) -> int:
        """The ledger offset up to which this slot's projection is complete."""
        return await self._run(self._index.position)

    async def save_position(self, offset: int) -> None:
        """Make durable what was applied, then remember the offset; never lowers it."""
        unsaved = self._index.unsaved
        if unsaved is not None:  # in another thread, so that searches go on
            await asyncio.to_thread(make_durable, unsaved)
        await self._run(lambda: self._index.save_position(offset, synced=unsaved))
        await self._build_if_grown()

    async def rebuild(self, batches: AsyncIterator[Sequence[BankPoint]], *, position: int) -> None:
        """Fill a new generation beside the live one, which serves until the switch.

        Also the way out of `IndexDamaged`: it needs nothing of what is there.
        """
        self._stop_build()
        async with self._rebuilding, self._next() as generation:
            async for batch in batches:
                await self._run(partial(self._index.write_next, batch))
            await self._run(lambda: self._index.switch(generation, position))
        await self._build_if_grown()

    async def settle(self) -> None:
        """Wait until a graph that is being built, and vectors that are being cached, are in use, or have failed."""
        tasks = [task for task in (self._building, self._caching) if task is not None and not is_over(task)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Flush, let go of the files and give the slot back. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop_build()
        await self.settle()
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._index.close)
        finally:
            thread.shutdown(wait=False)
            if self._searcher is not None:
                self._searcher.shutdown(wait=False)
                self._searcher = None

    def _searched(
        self,
        live: Generation | None,
        vector: Vector,
        namespace: str,
        limit: int,
        exclude_question: str | None,
        others: Sequence[Hit],
    ) -> list[Hit] | None:
        """Hits, or None if the generation has been replaced since `others` were found."""
        now = self._index.need()
        if now is not live:
            return None
        return now.search(vector, namespace=namespace, limit=limit, exclude_question=exclude_question, others=others)

    async def _cached(self, live: Generation) -> None:
        """Wait until the vectors of a small namespace that is searched often are in memory.

        Until they are, a scan of the shard takes ten times as long as a search of them.
        """
        if self._caching is None or is_over(self._caching):
            self._caching = asyncio.create_task(self._cache(live), name="memento-vector-cache")
        await asyncio.shield(self._caching)

    async def _cache(self, live: Generation) -> None:
        """Read them, a few at a time, so that other searches and the event loop have their turns in between."""
        try:
            while await self._run(lambda: self._index.live is live and live.cache.fill()):
                pass
        except IndexDamaged:  # the search that waits tells it, and the index is rebuilt
            raise
        except EngineError as error:
            if self._thread is not None:  # else it was closed meanwhile
                _LOG.warning("searches go on without cached vectors: %s", error)

    async def _build_if_grown(self) -> None:
        """Start building graphs if namespaces have outgrown exact search, or the graphs that they have."""
        clock = asyncio.get_running_loop().time()
        if clock < self._not_before or not is_over(self._building):
            return
        if not (names := await self._run(self._outgrown)):
            return
        if not can_build():
            self._not_before = float("inf")
            _LOG.warning("%s have %d cases or more; %s", ", ".join(names), self._graph_from, _INSTALL)
            return
        live = self._index.need()
        slot, dim = self._index.need_slot().path, self._index.dim
        self._build = GraphBuild(slot, graph=live.graph, dim=dim, namespaces=names)
        self._building = asyncio.create_task(self._grow(self._build, live.graph), name="memento-graph")

    def _outgrown(self) -> list[str]:
        live = self._index.live
        if live is None:
            return []
        more = _REGROWTH * self._graph_from
        n_active = live.shard.n_active().items()
        names = [name for name, n in n_active if n >= (more if live.has_graph(name) else self._graph_from)]
        if not names and live.segment is not None and live.n_hidden >= more:
            return live.segment.namespaces
        return names

    async def _grow(self, build: GraphBuild, graph: int) -> None:
        """Use a newer segment of another process, or build one."""
        try:
            number = await asyncio.to_thread(newest_graph, self._directory)
            if number <= graph:
                number = await asyncio.to_thread(build.run)
            if number > graph and await self._has_adopted(number, build):
                return
        except EngineError as error:
            _LOG.warning("search stays exact for now: %s", error)
        self._not_before = asyncio.get_running_loop().time() + _RETRY_S

    async def _has_adopted(self, number: int, build: GraphBuild) -> bool:
        """Replace the live generation by one of a segment and what it lacks."""
        async with self._rebuilding:
            if build.is_stopped:
                return False
            segment = await self._run(lambda: self._index.segment(number))
            async with self._next(segment) as generation:
                pages = (await self._run(self._index.need)).shard.pages()
                while (page := await self._run(lambda: next(pages, None))) is not None:
                    lacking = await self._run(partial(self._index.lacking, page))
                    for start in range(0, len(lacking), BATCH):
                        await self._run(partial(self._index.carry_over, lacking[start : start + BATCH]))
                await self._run(lambda: self._index.switch(generation))
        return True

    def _stop_build(self) -> None:
        if self._build is not None:
            self._build.stop()

    @contextlib.asynccontextmanager
    async def _next(self, segment: Segment | None = None) -> AsyncIterator[int]:
        """A next generation, by its number, which is removed if the block fails."""
        number = await self._run(lambda: self._index.begin(segment))
        try:
            yield number
        except BaseException:  # a cancellation, too, must not leave a half-filled copy behind
            with contextlib.suppress(EngineError):  # the first error is the one to report
                await self._run(self._index.abandon)
            raise

    async def _run(self, call: Callable[[], T]) -> T:
        if self._thread is None:
            raise EngineUnavailable(f"the bank in {self._directory} is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _run_beside(self, call: Callable[[], T]) -> T:
        """Run what needs no turn in the engine's thread."""
        if self._searcher is None:
            self._searcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="memento-graph")
        return await asyncio.get_running_loop().run_in_executor(self._searcher, call)
