"""Projects the ledger's change feed into an engine. Raises every failure; the case bank decides what to do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from memento.memory.coalescer import Coalescer
from memento.memory.errors import EngineUnavailable, IndexDamaged, IndexRebuilding
from memento.memory.index.case_points import case_points, erased_ids
from memento.memory.index.case_vectors import CaseVectors
from memento.memory.index.engines.port import BankPoint, VectorEngine
from memento.memory.index.projector_lease import ProjectorLease
from memento.memory.ledger.reads import LedgerViews
from memento.memory.loop_lock import LoopLock
from memento.memory.notices import Notices

BATCH = 256
"""Case revisions applied at a time."""

SAVE_EVERY = 1024
"""Case revisions after which the position is saved: a copy of the index, or the next start, repeats no more."""

_FOLLOW_S = 0.1
"""Seconds between two looks at the position that another process saves, and between two savings of our own."""

_REBUILD = "rebuild"


class ProjectionStep(NamedTuple):
    """How far the engine has followed after one step."""

    position: int
    """The ledger offset up to which cases can be found now."""
    is_behind: bool
    """Whether the ledger may have more than that."""
    n_applied: int
    """Revisions just applied; 0 where there was nothing to do, and the engine was perhaps not called."""


class Projection:
    """Keeps one engine in step with the ledger, one batch at a time, for concurrent callers.

    Raises:
        EngineError: from every method: the engine failed. The same step may be tried again.
        LedgerUnavailable: the change feed cannot be read.
        EncoderUnavailable: a case's vector is lost and cannot be made again.
    """

    def __init__(
        self,
        *,
        views: LedgerViews,
        engine: VectorEngine,
        vectors: CaseVectors,
        notices: Notices,
        lease: ProjectorLease | None = None,
    ) -> None:
        """Wire the parts, without opening anything.

        Args:
            views: the ledger to follow.
            engine: the search engine.
            vectors: of the cases.
            notices: where users are told of a rebuild.
            lease: for an index that several processes share: who holds it, projects; the others follow its position.
        """
        self._views = views
        self._engine = engine
        self._vectors = vectors
        self._notices = notices
        self._lease = lease
        self._term = 0
        self._looked_at = self._saved_at = 0.0
        self._position: int | None = None
        self._n_unsaved = 0
        self._is_damaged = False
        self._is_rebuilding = False
        self._stepping = LoopLock()
        self._together = Coalescer(self._step)

    def note_damage(self) -> None:
        """Record a failure that only a rebuild repairs: the next step rebuilds."""
        self._is_damaged = True

    async def step(self) -> ProjectionStep:
        """Apply the next batch, unless a rebuild is under way. Calls during a step share the next one."""
        if self._is_rebuilding:
            if self._position is None or self._is_damaged:
                raise EngineUnavailable("the index is being rebuilt")
            # The old one serves as it is until the new one is complete.
            return ProjectionStep(self._position, self._position < await self._views.newest_offset(), 0)
        return await self._together(None)

    def reached(self, offset: int) -> ProjectionStep | None:
        """Where the engine has followed to, if that is a ledger offset or beyond; else None, and `step` goes on."""
        is_there = self._position is not None and self._position >= offset
        return ProjectionStep(offset, is_behind=False, n_applied=0) if is_there and not self._is_damaged else None

    async def complete(self) -> None:
        """Apply everything, however long it takes."""
        is_behind = True
        while is_behind:
            async with self._stepping:  # waits for a rebuild
                await self._connected()
            step = await self.step()
            is_behind = step.is_behind
            if is_behind and not step.n_applied:  # another process applies it, or its lease ends
                await asyncio.sleep(_FOLLOW_S)

    async def extend(self, points: Sequence[BankPoint], *, after: int, until: int) -> None:
        """Apply points of revisions that were just appended, without reading these from the ledger.

        Args:
            points: of all revisions at the offsets from `after` (left out) to `until`.
            after: the ledger's newest offset before them.
            until: its newest offset with them.
        """
        async with self._stepping:
            if not await self._is_projector():
                return  # whoever projects reads them from the ledger
            while (position := await self._connected()) < after:
                await self._advance(position, limit=min(BATCH, after - position))
            if position == after:  # else another step has read some of them: it goes on
                await self._engine.upsert(points)
                self._position, self._n_unsaved = until, self._n_unsaved + len(points)
                await self._save_soon()
            if self._lease is not None:
                await self._lease.renew()

    async def rebuild(self) -> None:
        """Rebuild the index from the ledger and replace the old one, which serves until then."""
        if self._lease is not None:
            await self._lease.seize()
            self._term = self._lease.term
        async with self._stepping:
            await self._rebuild()
        # Other processes may have put what came meanwhile into the old index only: all of it is in the ledger.
        await self.complete()

    async def save(self) -> None:
        """Save the position durably, so that the next start need not repeat the applied changes."""
        if self._n_unsaved and not self._is_damaged:
            await self._save()

    async def resign(self) -> None:
        """Let another process project from now on."""
        if self._lease is not None:
            await self._lease.release()

    async def _step(self, asked: Sequence[None]) -> list[ProjectionStep]:
        async with self._stepping:
            step = await self._follow_or_advance(await self._connected())
        return [step] * len(asked)

    async def _follow_or_advance(self, position: int) -> ProjectionStep:
        """Apply the next changes, or look how far the process has come that does."""
        if self._lease is None or (newest := await self._views.newest_offset()) <= position:
            await self._save_soon()
            return await self._advance(position)
        if await self._is_projector():
            step = await self._advance(await self._connected())
            await self._lease.renew()
            return step
        if (now := time.monotonic()) - self._looked_at >= _FOLLOW_S:
            self._looked_at = now
            self._position = position = max(position, await self._engine.position())
        return ProjectionStep(position, position < newest, 0)

    async def _advance(self, position: int, limit: int = BATCH) -> ProjectionStep:
        """Apply the next changes after a position."""
        if changes := await self._views.changes(after=position, limit=limit):
            if points := await case_points(changes, self._vectors):
                await self._engine.upsert(points)
            if erased := erased_ids(changes):
                await self._engine.delete(erased)
            self._position = position = changes[-1].offset
            self._n_unsaved += len(changes)
            await self._save_soon()
        return ProjectionStep(position, len(changes) == limit, len(changes))

    async def _is_projector(self) -> bool:
        """Whether this process applies changes; where it has just become so, it looks at the index anew."""
        if self._lease is None:
            return True
        is_ours = await self._lease.is_ours()
        if is_ours and self._term != self._lease.term:  # what the former holder has not saved is applied again
            self._term, self._position = self._lease.term, None
        return is_ours

    async def _connected(self) -> int:
        if self._position is not None and not self._is_damaged:
            return self._position
        if self._is_damaged and self._lease is not None:
            is_ours = await self._lease.is_ours()
            if (not is_ours or self._term != self._lease.term) and await self._is_whole_again():
                return self._position or 0
            if not is_ours:
                raise IndexRebuilding("the index is damaged, and another process rebuilds it")
            self._term = self._lease.term
        try:
            await self._engine.open(dim=self._vectors.dim, encoder=self._vectors.name)
            if self._is_damaged:
                raise IndexDamaged("the index failed while it was in use")
            self._position = await self._checked_position()
        except IndexDamaged as error:
            self._notices.say(_REBUILD, f"{error}; rebuilding it from the ledger")
            try:
                await self._rebuild()
            finally:
                self._notices.withdraw(_REBUILD)
            self._notices.note(f"{error}; it was rebuilt from the ledger")
        return self._position or 0

    async def _is_whole_again(self) -> bool:
        """Whether another process has rebuilt what we found damaged; opens nothing, which might make an empty index."""
        try:
            self._position = await self._checked_position()
        except IndexDamaged:
            return False
        self._is_damaged = False
        return True

    async def _checked_position(self) -> int:
        position = await self._engine.position()
        n_points = await self._engine.count()
        n_cases = await self._views.n_cases_until(position) if self._vectors.covers_all else 0
        if n_points < n_cases:  # unless rows are damaged that nobody has read since: those cannot be in an index
            n_cases = await self._views.n_readable_cases_until(position)
        if n_points < n_cases:
            raise IndexDamaged(f"the index holds {n_points} of {n_cases} cases")
        if position > await self._views.newest_offset():  # the ledger is a restored backup
            raise IndexDamaged("the index is ahead of the ledger")
        return position

    async def _rebuild(self) -> None:
        while await self._has_rebuilt_stale():
            pass

    async def _has_rebuilt_stale(self) -> bool:
        """Rebuild once; whether a case was erased meanwhile whose texts had been put into the new index already."""
        position, after = await self._views.newest_offset(), 0
        written, is_stale = set[str](), False

        async def batches() -> AsyncIterator[Sequence[BankPoint]]:
            nonlocal after, is_stale
            # What comes meanwhile, too: others may read the new index as soon as it is in the old one's place.
            while changes := await self._views.changes(after=after, limit=BATCH):
                points = await case_points(changes, self._vectors)
                is_stale = is_stale or not written.isdisjoint(erased_ids(changes))
                written.update(point.case_id for point in points)
                yield points
                after = changes[-1].offset
                if self._lease is not None:
                    await self._lease.renew()

        self._is_rebuilding = True
        try:
            await self._engine.rebuild(batches(), position=position)
        finally:
            self._is_rebuilding = False
        self._position, self._n_unsaved, self._is_damaged = after, after - position, False
        return is_stale

    async def _save_soon(self) -> None:
        """Save the position now and then; often where others follow it."""
        if self._n_unsaved >= SAVE_EVERY or (
            self._lease is not None and self._n_unsaved and time.monotonic() - self._saved_at >= _FOLLOW_S
        ):
            await self._save()

    async def _save(self) -> None:
        assert self._position is not None  # noqa: S101  something has been applied
        await self._engine.save_position(self._position)
        self._n_unsaved, self._saved_at = 0, time.monotonic()


async def empty_index(engine: VectorEngine, encoder: str, dim: int) -> None:
    """Empty an index that no memory keeps in step with the ledger now; the next one that does begins at offset 0.

    Raises:
        EngineError: the engine failed.
    """

    async def nothing() -> AsyncIterator[Sequence[BankPoint]]:
        no_batches: list[list[BankPoint]] = []
        for batch in no_batches:
            yield batch

    try:
        with contextlib.suppress(IndexDamaged):  # a rebuild needs nothing of what is there
            await engine.open(dim=dim, encoder=encoder)
        await engine.rebuild(nothing(), position=0)
    finally:
        await engine.close()
