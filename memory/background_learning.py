"""Learning off the request's path: one learner per namespace, made on first need, told of news in the background."""

import asyncio
import logging
from typing import TYPE_CHECKING

from memento.memory.errors import MementoError
from memento.memory.storage import Storage

if TYPE_CHECKING:
    from memento.memory.learner import QLearner

_LOG = logging.getLogger(__name__)


class BackgroundLearning:
    """The learners of one memory."""

    def __init__(self, *, storage: Storage, seed: int) -> None:
        """Prepare.

        Args:
            storage: where outcomes are read and weights are kept.
            seed: of all learners.
        """
        self._storage = storage
        self._seed = seed
        self._learners: dict[str, QLearner] = {}
        self._making = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._has_news: set[str] = set()

    async def learner(self, namespace: str) -> "QLearner":
        """The learner of a namespace, always the same one."""
        async with self._making:
            if namespace not in self._learners:
                self._learners[namespace] = await self._storage.learner(namespace, self._seed)
            return self._learners[namespace]

    def catch_up_soon(self, namespace: str) -> None:
        """Learn what is new, in the background; one task per namespace, however fast the news come."""
        self._has_news.add(namespace)
        if namespace not in self._running:
            self._running[namespace] = asyncio.create_task(self._catch_up(namespace), name="memento-learn")

    async def settle(self) -> None:
        """Wait until everything that was known when this was called has been learned from."""
        while self._running:
            await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """Finish, save, and forget the learners: another opening makes its own."""
        await self.settle()
        learners = list(self._learners.values())
        self._learners.clear()
        for learner in learners:
            await learner.close()

    async def _catch_up(self, namespace: str) -> None:
        try:
            while namespace in self._has_news:
                self._has_news.discard(namespace)
                await (await self.learner(namespace)).catch_up()
        except MementoError as error:  # learning never fails a run; the outcomes wait in the ledger
            _LOG.warning("learning is postponed: %s", error)
        finally:
            del self._running[namespace]
