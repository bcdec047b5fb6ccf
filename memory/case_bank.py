"""The case bank: the ledger's searchable projection. It may lag, break or vanish; the ledger makes it whole again."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import numpy as np

from memento.memory.breaker import Breaker
from memento.memory.case import Case
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import BankPoint, Hit, Vector, VectorEngine
from memento.memory.errors import EngineError, EngineRejected, EngineThrottled, IndexDamaged, MementoError
from memento.memory.ledger_views import LedgerViews

_LOG = logging.getLogger(__name__)
_BATCH = 256
_FALLBACK_CASES = 2_000
_MAX_RETRY_PAUSE_S = 30.0


class Search(NamedTuple):
    """What a search found."""

    hits: list[Hit]
    is_degraded: bool
    """The engine did not answer; the hits come from an exact scan of the newest cases."""
    bank_version: int
    """Ledger offset up to which cases could be found."""


class CaseBank:
    """Applies the ledger's change feed to one engine, and searches it."""

    def __init__(
        self, *, views: LedgerViews, engine: VectorEngine, texts: EncodedTexts, deadline_s: float, breaker: Breaker
    ) -> None:
        """Wire the parts; `open` does the work.

        Args:
            views: the ledger to follow.
            engine: the search engine.
            texts: vectors of case states.
            deadline_s: seconds a search or the projection of a write may take before the bank goes on without it.
            breaker: guards the engine's calls.
        """
        self._views = views
        self._engine = engine
        self._texts = texts
        self._deadline_s = deadline_s
        self._breaker = breaker
        self._position: int | None = None
        self._n_unsaved = 0
        self._syncing = asyncio.Lock()
        self._retrying: asyncio.Task[None] | None = None
        self.notices: list[str] = []
        """What users should be told: the index was rebuilt, the engine is away."""

    @property
    def engine_name(self) -> str:
        """Which engine serves: edge, server or memory."""
        return self._engine.name

    async def open(self) -> None:
        """Open the engine and bring it up to date; an engine that is away is retried later, a damaged one rebuilt."""
        try:
            async with asyncio.timeout(self._deadline_s + 5):
                await self._connect()
        except (EngineError, TimeoutError) as error:
            self._failed(error)

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> Search:
        """Active cases of the namespace by descending cosine; never raises because of the engine."""
        if self._breaker.allows():
            try:
                async with asyncio.timeout(self._deadline_s):
                    position = await self._catch_up()
                    hits = await self._engine.search(
                        vector, namespace=namespace, limit=limit, exclude_question=exclude_question
                    )
                self._breaker.succeeded()
                return Search(hits, is_degraded=False, bank_version=position)
            except (EngineError, TimeoutError) as error:
                self._failed(error)
        return await self._scan(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)

    async def project(self) -> bool:
        """Apply what the ledger has and the engine lacks.

        Returns:
            Whether the engine is up to date now; if not, it is retried in the background.
        """
        if not self._breaker.allows():
            return False
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._catch_up()
        except (EngineError, TimeoutError) as error:
            self._failed(error)
            return False
        self._breaker.succeeded()
        return True

    async def project_all(self) -> None:
        """Apply everything, however long it takes (imports, closing).

        Raises:
            EngineError: the engine failed.
        """
        if self._position is None:
            await self._connect()
        while await self._apply_next_batch():
            pass

    async def rebuild(self) -> None:
        """Make a fresh index from the ledger and put it in the old one's place.

        Raises:
            EngineError: the engine failed.
        """
        async with self._syncing:
            await self._rebuild()

    async def count(self) -> int:
        """Number of points in the index.

        Raises:
            EngineError: the engine failed.
        """
        return await self._engine.count()

    async def close(self) -> None:
        """Stop retrying, save the position, close the engine."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        try:
            if self._position is not None and self._n_unsaved:
                async with asyncio.timeout(self._deadline_s + 5):
                    await self._engine.save_position(self._position)
        except (EngineError, TimeoutError) as error:
            _LOG.warning("the index position was not saved (%s); the next start repeats some work", error)
        finally:
            await self._engine.close()

    async def _connect(self) -> None:
        async with self._syncing:
            if self._position is not None:
                return
            try:
                await self._engine.open(dim=self._texts.encoder.dim, encoder=self._texts.encoder.name)
                position = await self._engine.position()
                n_points, n_cases = await self._engine.count(), await self._views.n_cases_until(position)
                if n_points < n_cases:
                    raise IndexDamaged(f"the index holds {n_points} of {n_cases} cases")
                self._position = position
            except IndexDamaged as error:
                self._tell(f"{error}; rebuilding it from the ledger")
                await self._rebuild()

    async def _catch_up(self) -> int:
        """Apply the next batch; whatever is left after it goes on in the background, so that a read never waits."""
        if self._position is None:
            await self._connect()
        if await self._apply_next_batch():
            self._retry_later(first_pause_s=0.0)
        return self._position or 0

    async def _apply_next_batch(self) -> bool:
        async with self._syncing:
            assert self._position is not None  # noqa: S101  _connect has run
            changes = await self._views.changes(after=self._position, limit=_BATCH)
            if not changes:
                return False
            await self._engine.upsert(await self._points([change.case for change in changes]))
            self._position = changes[-1].offset
            self._n_unsaved += len(changes)
            if self._n_unsaved >= _BATCH:
                await self._engine.save_position(self._position)
                self._n_unsaved = 0
            return len(changes) == _BATCH

    async def _rebuild(self) -> None:
        position = await self._views.newest_offset()

        async def batches() -> AsyncIterator[Sequence[BankPoint]]:
            after = 0
            while changes := await self._views.changes(after=after, limit=_BATCH):
                after = changes[-1].offset
                yield await self._points([change.case for change in changes if change.offset <= position])

        await self._engine.rebuild(batches(), position=position)
        self._position, self._n_unsaved = position, 0

    async def _points(self, cases: Sequence[Case]) -> list[BankPoint]:
        newest = {case.id: case for case in cases}  # within a batch only the last revision matters
        rows = await self._texts.rows([case.state for case in newest.values()])
        return [
            BankPoint(
                case_id=case.id,
                version=case.version,
                namespace=case.namespace,
                question=case.question,
                status=case.status,
                reward=case.reward,
                state=case.state[:500],
                vector=row,
            )
            for case, row in zip(newest.values(), rows, strict=True)
        ]

    async def _scan(self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None) -> Search:
        """Exact search over the newest cases straight from the ledger."""
        recent = self._views.walk(namespace=namespace, status="active", newest_first=True, limit=_FALLBACK_CASES)
        cases = [case async for case in recent if case.question != exclude_question]
        if not cases:
            return Search([], is_degraded=True, bank_version=await self._views.newest_offset())
        similarity_C = await self._texts.rows([case.state for case in cases]) @ vector
        best = np.argsort(-similarity_C, kind="stable")[:limit]
        hits = [Hit(cases[index].id, float(similarity_C[index])) for index in best]
        return Search(hits, is_degraded=True, bank_version=await self._views.newest_offset())

    def _failed(self, error: Exception) -> None:
        self._breaker.failed(pause_s=error.retry_after_s if isinstance(error, EngineThrottled) else None)
        reason = str(error) or f"no answer within {self._deadline_s:g} s"
        self._tell(f"case search is degraded: {reason}")
        if isinstance(error, IndexDamaged):
            self._position = None  # connect again, which rebuilds
        if not isinstance(error, EngineRejected):
            self._retry_later(first_pause_s=1.0)

    def _tell(self, notice: str) -> None:
        _LOG.warning("%s", notice)
        if notice not in self.notices:
            self.notices.append(notice)

    def _retry_later(self, *, first_pause_s: float) -> None:
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.create_task(self._retry(first_pause_s), name="memento-project")

    async def _retry(self, pause_s: float) -> None:
        while True:
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
            try:
                await self.project_all()
                return
            except EngineRejected as error:
                self._tell(f"the search engine refuses the cases: {error}")
                return
            except MementoError as error:  # engine, ledger or encoder away: all of them may come back
                _LOG.info("still degraded: %s", error)
                pause_s = min(max(1.0, pause_s * 2), _MAX_RETRY_PAUSE_S)
