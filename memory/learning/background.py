"""Background learning: one learner per namespace and estimator, created on first use."""

import asyncio
import logging

from memento.memory.errors import MementoError
from memento.memory.estimators.port import CaseEffect, EstimatorName
from memento.memory.learning.learner import Learner
from memento.memory.learning.making import make_learner
from memento.memory.storage import Storage

_LOG = logging.getLogger(__name__)


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
        self._learners: dict[tuple[str, EstimatorName], Learner] = {}
        self._making = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._has_news: set[str] = set()

    async def learner(self, namespace: str, estimator: EstimatorName) -> Learner:
        """The learner of a namespace and estimator, always the same one."""
        async with self._making:
            if (namespace, estimator) not in self._learners:
                self._learners[namespace, estimator] = await make_learner(
                    self._storage, namespace, estimator, self.seed
                )
            return self._learners[namespace, estimator]

    async def effects(self, namespace: str) -> list[CaseEffect]:
        """Estimated effect of serving each case; empty without an estimator."""
        if self._estimator is None:
            return []
        learner = await self.learner(namespace, self._estimator)
        return await learner.effects()

    def catch_up_soon(self, namespace: str) -> None:
        """Learn new outcomes in the background, in at most one task per namespace."""
        self._has_news.add(namespace)
        if namespace not in self._running:
            self._running[namespace] = asyncio.create_task(self._catch_up(namespace), name="memento-learn")

    async def settle(self) -> None:
        """Wait until the learners have learned all outcomes known at the time of the call."""
        while self._running:
            await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """Finish, save and drop the learners; reopening makes new ones."""
        await self.settle()
        learners = list(self._learners.values())
        self._learners.clear()
        for learner in learners:
            await learner.close()

    async def _catch_up(self, namespace: str) -> None:
        try:
            while namespace in self._has_news:
                self._has_news.discard(namespace)
                if self._estimator is not None:
                    await self.learner(namespace, self._estimator)
                for (of, _), learner in list(self._learners.items()):
                    if of == namespace:
                        await learner.catch_up()
        except MementoError as error:  # learning never fails a run; the outcomes wait in the ledger
            _LOG.warning("learning is postponed: %s", error)
        finally:
            del self._running[namespace]
