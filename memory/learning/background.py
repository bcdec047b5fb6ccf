"""Background learning: one learner per namespace, estimator and kind of case, created on first use.

A learner is created by the first read, or other question, that needs one, or a moment after the first outcome. A
process that ends before that moment, such as a command's, creates none: that would cost it the import of torch, and the
outcome is in the ledger, from which the next learner takes it. So that no reader has many to learn at once, closing
learns them when more than a hundred wait.
"""

import asyncio
import contextlib
import logging

from memento.memory.case import PLAN, CaseKind
from memento.memory.errors import MementoError
from memento.memory.estimators.port import CaseEffect, EstimatorName
from memento.memory.learning.learner import Learner
from memento.memory.learning.making import learned_kinds, make_learner
from memento.memory.learning.snapshot import newest_saved_offset
from memento.memory.loop_lock import LoopLock, is_over
from memento.memory.storage import Storage

_LOG = logging.getLogger(__name__)

_PAUSE_S = 2.0
"""Between an outcome and the creation of a learner that nothing has needed yet."""

_MAX_UNLEARNED = 128
"""As many outcomes, and all that wait with them, are learned at closing; fewer are left to the next process, which
learns them before its first reading in a quarter of a second."""


class BackgroundLearning:
    """Learners of one memory, which follow new outcomes in background tasks."""

    def __init__(self, *, storage: Storage, estimator: EstimatorName | None, seed: int) -> None:
        """Prepare.

        Args:
            storage: where outcomes are read and weights are kept.
            estimator: kept in step in every namespace; others from their first use on.
            seed: of all learners.
        """
        self._estimator = estimator
        self._storage = storage
        self.seed = seed
        """Random seed of all learners."""
        self._learners: dict[tuple[str, EstimatorName, CaseKind], Learner] = {}
        self._making = LoopLock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._has_news: set[str] = set()
        self._hurry = asyncio.Event()
        self._is_closing = False
        self.is_postponed = False
        """Whether the last attempt to learn failed: the outcomes wait in the ledger for the next one."""

    async def learner(self, namespace: str, estimator: EstimatorName, kind: CaseKind = PLAN) -> Learner:
        """The learner of a namespace, estimator and kind of case, always the same one."""
        async with self._making:
            if (namespace, estimator, kind) not in self._learners:
                self._learners[namespace, estimator, kind] = await make_learner(
                    self._storage, namespace, estimator, self.seed, kind
                )
            return self._learners[namespace, estimator, kind]

    async def warm(self, namespace: str) -> None:
        """Load the memory's own learner of a namespace, and learn what waits for it."""
        if self._estimator is not None:
            await (await self.learner(namespace, self._estimator)).catch_up()

    async def effects(self, namespace: str) -> list[CaseEffect]:
        """Estimated effect of serving each case; empty without an estimator."""
        if self._estimator is None:
            return []
        kinds = await learned_kinds(self._storage, namespace)
        learners = [await self.learner(namespace, self._estimator, kind) for kind in kinds]
        return [effect for learner in learners for effect in await learner.effects()]

    def catch_up_soon(self, namespace: str) -> None:
        """Learn new outcomes in the background, in at most one task per namespace.

        Where no learner has been needed yet, one is created after a pause, if the memory is still open then.
        """
        self._has_news.add(namespace)
        if all(map(is_over, self._running.values())):
            self._hurry = asyncio.Event()  # an event belongs to a loop, and this may be another one
        if is_over(self._running.get(namespace)):
            self._running[namespace] = asyncio.create_task(self._catch_up(namespace), name="memento-learn")

    async def settle(self) -> None:
        """Wait until the learners have learned all outcomes known at the time of the call."""
        self._hurry.set()
        try:
            while running := [task for task in self._running.values() if not is_over(task)]:
                await asyncio.gather(*running)
        finally:
            self._hurry.clear()

    async def close(self) -> None:
        """Finish what has begun, save and drop the learners; reopening makes new ones.

        For outcomes that no learner has been created for, one is created only if many of them wait.
        """
        self._is_closing = True
        try:
            await self.settle()
        finally:
            self._is_closing = False
        learners = list(self._learners.values())
        self._learners.clear()
        for learner in learners:
            await learner.close()

    async def _catch_up(self, namespace: str) -> None:
        try:
            estimator = self._estimator
            if estimator is not None and await self._is_wanted(namespace, estimator):
                await self.learner(namespace, estimator)
            while namespace in self._has_news:
                self._has_news.discard(namespace)
                for (of, *_), learner in list(self._learners.items()):
                    if of == namespace:
                        await learner.catch_up()
            self.is_postponed = False
        except MementoError as error:  # learning never fails a run; the outcomes wait in the ledger
            self.is_postponed = True
            _LOG.warning("learning is postponed: %s", error)
        finally:
            del self._running[namespace]

    async def _is_wanted(self, namespace: str, estimator: EstimatorName) -> bool:
        """Whether a learner is there, or should be created for outcomes alone; waits out the pause."""
        if (namespace, estimator, PLAN) in self._learners:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), _PAUSE_S)
        return not self._is_closing or await self._is_far_behind(namespace, estimator)

    async def _is_far_behind(self, namespace: str, estimator: EstimatorName) -> bool:
        if (folder := self._storage.weights) is None:  # what would be learned now could not be kept
            return False
        saved = await asyncio.to_thread(newest_saved_offset, folder, namespace, estimator)
        views = self._storage.views  # some of the limit's may be unreadable
        waiting = await views.observations(namespace=namespace, after=saved, limit=2 * _MAX_UNLEARNED)
        return len(waiting) >= _MAX_UNLEARNED
