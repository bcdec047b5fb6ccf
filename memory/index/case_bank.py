"""The case bank: searches cases in the index, and beside it where the index lags; rebuilt from the ledger when lost."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import NamedTuple

from memento.memory.case import PLAN, CaseKind
from memento.memory.errors import (
    EngineError,
    EngineRejected,
    EngineThrottled,
    IndexDamaged,
    IndexRebuilding,
    MementoError,
)
from memento.memory.index.breaker import Breaker
from memento.memory.index.case_points import indexed_namespace
from memento.memory.index.case_vectors import CaseVectors
from memento.memory.index.engines.port import BankPoint, Hit, Vector, VectorEngine
from memento.memory.index.exact_search import ExactSearch, UnindexedChanges, in_order
from memento.memory.index.projection import Projection, ProjectionStep
from memento.memory.index.projector_lease import ProjectorLease
from memento.memory.index.tied_hits import nearest_with_ties
from memento.memory.ledger.reads import LedgerViews
from memento.memory.loop_lock import is_over
from memento.memory.notices import Notices

_LOG = logging.getLogger(__name__)
_MAX_RETRY_PAUSE_S = 30.0
_SEARCH, _LAG = "search", "lag"


class Search(NamedTuple):
    """Result of a search."""

    hits: list[Hit]
    is_degraded: bool
    """Not all cases could be found: the engine did not answer and the newest ones were scanned, or its index is so far
    behind the ledger that a scan of the newest ones does not reach it."""
    bank_version: int
    """Ledger offset up to which cases could be found."""
    notices: list[str]
    """Notices for the caller: why the search is degraded, that the index was rebuilt."""


class CaseBank:
    """Searches one engine, keeps it up to date, and goes on without it while it is away."""

    def __init__(
        self,
        *,
        views: LedgerViews,
        engine: VectorEngine,
        vectors: CaseVectors,
        deadline_s: float,
        breaker: Breaker,
        lease: ProjectorLease | None = None,
    ) -> None:
        """Wire the parts; `open` does the work.

        Args:
            views: the ledger to follow.
            engine: the search engine.
            vectors: of the cases.
            deadline_s: seconds a search or the projection of a write may take before the bank goes on without it.
            breaker: guards the engine's calls.
            lease: elects the process that projects, where several share the engine's index.
        """
        self._engine = engine
        self._exact = ExactSearch(views=views, vectors=vectors)
        self._deadline_s = deadline_s
        self._breaker = breaker
        self._notices = Notices()
        self._projection = Projection(views=views, engine=engine, vectors=vectors, notices=self._notices, lease=lease)
        self._retrying: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def engine_name(self) -> str:
        """Which engine serves: edge, server or memory."""
        return self._engine.name

    @property
    def notices(self) -> list[str]:
        """Current notices for users: the engine is unavailable, the index lags or was rebuilt."""
        return self._notices.now

    async def open(self) -> None:
        """Open the engine and update it; an unavailable engine is retried later, a damaged index rebuilt."""
        try:
            async with asyncio.timeout(self._deadline_s + 5):
                await self._catch_up()
        except (EngineError, TimeoutError) as error:
            self._failed(error)

    async def search(
        self,
        vector: Vector,
        *,
        namespace: str,
        limit: int,
        exclude_question: str | None = None,
        until: int | None = None,
        kind: CaseKind = PLAN,
    ) -> Search:
        """Active cases of the namespace and kind by descending cosine; never raises because of the engine.

        Args:
            vector: unit row, shape (dim,).
            namespace: whose cases.
            limit: how many at most.
            exclude_question: its cases are left out.
            until: the ledger's newest offset, where the caller has just looked it up: an index that has reached it is
                not brought up to date first. The change feed is asked otherwise.
            kind: of the cases.

        What the index lacks is searched exactly beside it. What is equally near comes in the order of its id, and is
        cut in that order, whatever order the engine has stored it in: the same cases make the same reading in every
        process and after every rebuild.
        """
        if self._breaker.allows():
            try:
                found, newer, position = await self._indexed(vector, namespace, limit, exclude_question, until, kind)
            except (EngineError, TimeoutError) as error:
                self._failed(error)
            else:
                self._recovered()
                if newer is None:
                    nearest, notices = in_order(found)[:limit], self._notices.take()
                    return Search(nearest, is_degraded=False, bank_version=position, notices=notices)
                found = [hit for hit in found if hit.case_id not in newer.cases]  # it may have been retired since
                found += await self._exact.hits(
                    list(newer.cases.values()), vector, kind=kind, exclude_question=exclude_question
                )
                reasons = [] if newer.is_all else [self._lagging(newer)]
                return Search(
                    in_order(found)[:limit], bool(reasons), newer.bank_version, [*reasons, *self._notices.take()]
                )
        cases, newest = await self._exact.newest(namespace, kind)
        found = await self._exact.hits(cases, vector, kind=kind, exclude_question=exclude_question)
        reason = self._notices.condition(_SEARCH) or "case search is degraded: the search engine did not answer"
        told = [reason, *self._notices.take()]
        return Search(in_order(found)[:limit], is_degraded=True, bank_version=newest, notices=told)

    async def project(self) -> bool:
        """Apply ledger changes that the engine lacks; never raises.

        Returns:
            Whether the engine answered; if not, it is retried in the background.
        """
        if not self._breaker.allows():
            return False
        try:
            async with asyncio.timeout(self._deadline_s):
                step = await self._catch_up()
                if not step.n_applied and self._notices.condition(_SEARCH) is not None:
                    await self._engine.count()  # an answer, even when there was nothing to apply
        except (EngineError, TimeoutError) as error:
            self._failed(error)
            return False
        except MementoError as error:  # ledger or encoder: what is already acknowledged must not look as if it failed
            _LOG.warning("the index is brought up to date later: %s", error)
            self._retry_later(first_pause_s=1.0)
            return False
        self._recovered()
        return True

    async def project_all(self) -> None:
        """Apply everything, however long it takes (imports, closing).

        Raises:
            EngineError: the engine failed.
        """
        await self._projection.complete()
        self._notices.withdraw(_LAG)

    async def extend(self, points: Sequence[BankPoint], *, after: int, until: int) -> None:
        """Apply points of revisions that were just appended (see `Projection.extend`); never raises.

        Where the engine does not take them, the index follows the ledger later.
        """
        try:
            await self._projection.extend(points, after=after, until=until)
        except MementoError as error:
            if isinstance(error, EngineError):
                self._failed(error)
            _LOG.warning("the index is brought up to date later: %s", error)

    async def rebuild(self) -> None:
        """Rebuild the index from the ledger and replace the old one, which serves until then.

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

    async def settle(self) -> None:
        """Wait until an approximate index that is being built is in use, or has failed: minutes for a million cases."""
        await self._engine.settle()

    async def close(self) -> None:
        """Stop retrying, save the position, close the engine."""
        self._is_closed = True
        if self._retrying is not None and not is_over(self._retrying):
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        try:
            async with asyncio.timeout(self._deadline_s + 5):
                await self._projection.save()
                await self._projection.resign()
        except (EngineError, TimeoutError) as error:
            _LOG.warning("the index position was not saved (%s); the next start repeats some work", error)
        finally:
            await self._engine.close()

    async def _catch_up(self) -> ProjectionStep:
        """Apply the next batch; whatever is left after it goes on in the background, so that a read never waits."""
        step = await self._projection.step()
        if step.is_behind:
            self._retry_later(first_pause_s=0.0)
        else:
            self._notices.withdraw(_LAG)
        return step

    async def _indexed(
        self,
        vector: Vector,
        namespace: str,
        limit: int,
        exclude_question: str | None,
        offset: int | None,
        kind: CaseKind,
    ) -> tuple[list[Hit], UnindexedChanges | None, int]:
        """Hits of the index, changes it lacks (None if up to date), and the ledger offset it has reached."""
        clock, newer = asyncio.get_running_loop().time, None
        until = clock() + self._deadline_s
        step = None if offset is None else self._projection.reached(offset)
        if step is None:
            async with asyncio.timeout_at(until):
                step = await self._catch_up()
        if step.is_behind:
            began = clock()
            newer = await self._exact.newer(namespace, than=step.position)
            until += clock() - began  # the engine is not to blame for the ledger's time
        n_gone = 0 if newer is None else sum(case.status != "active" for case in newer.cases.values())
        async with asyncio.timeout_at(until):
            hits = await nearest_with_ties(
                self._engine,
                vector,
                namespace=indexed_namespace(namespace, kind),
                limit=limit + n_gone,
                exclude_question=exclude_question,
            )
        return hits, newer, step.position

    def _lagging(self, newer: UnindexedChanges) -> str:
        """Notice that the index lags too far for its missing cases to be searched exactly."""
        text = f"case search is degraded: the index is {newer.n_behind} changes behind the ledger and catching up"
        self._notices.say(_LAG, text)
        return text

    def _recovered(self) -> None:
        self._breaker.succeeded()
        self._notices.withdraw(_SEARCH)

    def _failed(self, error: Exception) -> None:
        self._breaker.failed(pause_s=error.retry_after_s if isinstance(error, EngineThrottled) else None)
        reason = str(error) or f"no answer within {self._deadline_s:g} s"
        self._notices.say(_SEARCH, f"case search is degraded: {reason}")
        if isinstance(error, IndexDamaged):
            self._projection.note_damage()
        if not isinstance(error, EngineRejected):
            self._retry_later(first_pause_s=1.0)

    def _retry_later(self, *, first_pause_s: float) -> None:
        if not self._is_closed and is_over(self._retrying):
            self._retrying = asyncio.create_task(self._retry(first_pause_s), name="memento-project")

    async def _retry(self, pause_s: float) -> None:
        while True:
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
            try:
                await self.project_all()
                await self._engine.count()  # an answer, even when there was nothing to apply
                self._recovered()
                return
            except EngineRejected as error:
                self._notices.say(_SEARCH, f"case search is degraded: the search engine refuses the cases: {error}")
                return
            except MementoError as error:  # engine, ledger or encoder away: all of them may come back
                _LOG.info("still degraded: %s", error)
                if isinstance(error, IndexDamaged):
                    self._projection.note_damage()
                # Another process' rebuild takes seconds, and looking for its end costs the engine little.
                is_soon = isinstance(error, IndexRebuilding)
                pause_s = 1.0 if is_soon else min(max(1.0, pause_s * 2), _MAX_RETRY_PAUSE_S)
