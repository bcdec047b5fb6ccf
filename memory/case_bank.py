"""The case bank: the ledger's searchable projection. It may lag, break or vanish; the ledger makes it whole again."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.memory.breaker import Breaker
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import Hit, Vector, VectorEngine
from memento.memory.errors import EngineError, EngineRejected, EngineThrottled, IndexDamaged, MementoError
from memento.memory.ledger_views import LedgerViews
from memento.memory.products import cosines
from memento.memory.projection import Projection

_LOG = logging.getLogger(__name__)
_FALLBACK_CASES = 2_000
_MAX_RETRY_PAUSE_S = 30.0
_MAX_NOTICES = 20
_COSINE_DIGITS = 6
"""Beyond them a cosine differs with the order of its additions, which engines choose."""


class Search(NamedTuple):
    """What a search found."""

    hits: list[Hit]
    is_degraded: bool
    """The engine did not answer; the hits come from an exact scan of the newest cases."""
    bank_version: int
    """Ledger offset up to which cases could be found."""


class CaseBank:
    """Searches one engine, keeps it up to date, and goes on without it while it is away."""

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
        self._projection = Projection(views=views, engine=engine, texts=texts, tell=self._tell)
        self._retrying: asyncio.Task[None] | None = None
        self._is_closed = False
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
                await self._catch_up()
        except (EngineError, TimeoutError) as error:
            self._failed(error)

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> Search:
        """Active cases of the namespace by descending cosine; never raises because of the engine.

        What is equally near comes in the order of its id, whatever order the engine has stored it in, so that the same
        cases make the same reading in every process and after every rebuild.
        """
        if self._breaker.allows():
            try:
                async with asyncio.timeout(self._deadline_s):
                    position = await self._catch_up()
                    hits = await self._engine.search(
                        vector, namespace=namespace, limit=limit, exclude_question=exclude_question
                    )
                self._breaker.succeeded()
                return Search(_in_order(hits), is_degraded=False, bank_version=position)
            except (EngineError, TimeoutError) as error:
                self._failed(error)
        return await self._scan(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)

    async def project(self) -> bool:
        """Apply what the ledger has and the engine lacks; never raises.

        Returns:
            Whether the engine answered; if not, it is retried in the background.
        """
        if not self._breaker.allows():
            return False
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._catch_up()
        except (EngineError, TimeoutError) as error:
            self._failed(error)
            return False
        except MementoError as error:  # ledger or encoder: what is already acknowledged must not look as if it failed
            _LOG.warning("the index is brought up to date later: %s", error)
            self._retry_later(first_pause_s=1.0)
            return False
        self._breaker.succeeded()
        return True

    async def project_all(self) -> None:
        """Apply everything, however long it takes (imports, closing).

        Raises:
            EngineError: the engine failed.
        """
        await self._projection.complete()

    async def rebuild(self) -> None:
        """Make a fresh index from the ledger and put it in the old one's place, which serves until then.

        Raises:
            EngineError: the engine failed.
        """
        await self._projection.rebuild()

    async def count(self) -> int:
        """Number of points in the index.

        Raises:
            EngineError: the engine failed.
        """
        return await self._engine.count()

    async def close(self) -> None:
        """Stop retrying, save the position, close the engine."""
        self._is_closed = True
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        try:
            async with asyncio.timeout(self._deadline_s + 5):
                await self._projection.save()
        except (EngineError, TimeoutError) as error:
            _LOG.warning("the index position was not saved (%s); the next start repeats some work", error)
        finally:
            await self._engine.close()

    async def _catch_up(self) -> int:
        """Apply the next batch; whatever is left after it goes on in the background, so that a read never waits."""
        position, has_more = await self._projection.step()
        if has_more:
            self._retry_later(first_pause_s=0.0)
        return position

    async def _scan(self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None) -> Search:
        """Exact search over the newest cases straight from the ledger."""
        newest = await self._views.newest_offset()
        recent = self._views.walk(namespace=namespace, status="active", newest_first=True, limit=_FALLBACK_CASES)
        cases = [case async for case in recent if case.question != exclude_question]
        if not cases:
            return Search([], is_degraded=True, bank_version=newest)
        similarity_C = cosines(await self._texts.rows([case.state for case in cases]), vector)
        hits = _in_order(
            [Hit(case.id, float(similarity)) for case, similarity in zip(cases, similarity_C, strict=True)]
        )
        return Search(hits[:limit], is_degraded=True, bank_version=newest)

    def _failed(self, error: Exception) -> None:
        self._breaker.failed(pause_s=error.retry_after_s if isinstance(error, EngineThrottled) else None)
        reason = str(error) or f"no answer within {self._deadline_s:g} s"
        self._tell(f"case search is degraded: {reason}")
        if isinstance(error, IndexDamaged):
            self._projection.note_damage()
        if not isinstance(error, EngineRejected):
            self._retry_later(first_pause_s=1.0)

    def _tell(self, notice: str) -> None:
        _LOG.warning("%s", notice)
        if notice not in self.notices:
            self.notices.append(notice)
            del self.notices[:-_MAX_NOTICES]

    def _retry_later(self, *, first_pause_s: float) -> None:
        if not self._is_closed and (self._retrying is None or self._retrying.done()):
            self._retrying = asyncio.create_task(self._retry(first_pause_s), name="memento-project")

    async def _retry(self, pause_s: float) -> None:
        while True:
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
            try:
                await self.project_all()
                await self._engine.count()  # an answer, even when there was nothing to apply
                self._breaker.succeeded()
                return
            except EngineRejected as error:
                self._tell(f"the search engine refuses the cases: {error}")
                return
            except MementoError as error:  # engine, ledger or encoder away: all of them may come back
                _LOG.info("still degraded: %s", error)
                if isinstance(error, IndexDamaged):
                    self._projection.note_damage()
                pause_s = min(max(1.0, pause_s * 2), _MAX_RETRY_PAUSE_S)


def _in_order(hits: Sequence[Hit]) -> list[Hit]:
    rounded = [Hit(hit.case_id, float(np.float32(round(hit.similarity, _COSINE_DIGITS)))) for hit in hits]
    return sorted(rounded, key=lambda hit: (-hit.similarity, hit.case_id))
