"""Lends environments to runs: so many at a time, each to one run alone, kept open for the next."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self

from memento.evals.environments.port import EnvironmentSpec, EpisodeTask, OpenEnvironment
from memento.memory.arguments import checked_count
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import Environment
from memento.nodes.state import Run


class EnvironmentPool:
    """Environments by the first part of a key; for one event loop.

    One that crashed or hung is started again by the `reset` of the next run that gets it.
    """

    def __init__(self, specs: Iterable[EnvironmentSpec], size: int = 1) -> None:
        """Prepare; starts nothing.

        Args:
            specs: the environments that runs may play.
            size: how many runs play at the same time; the others wait. Each program has at most so many processes.
        """
        self._specs = {spec.name: spec for spec in specs}
        self._seats = asyncio.Semaphore(checked_count("size", size, least=1))
        self._idle: defaultdict[str, list[OpenEnvironment]] = defaultdict(list)
        self._lent: set[OpenEnvironment] = set()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Return the pool; it is closed at the end of the context."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close all."""
        await self.close()

    def source(self, run: Run) -> AbstractAsyncContextManager[Environment]:
        """Lend the environment of a run: that of its key, or of its task where it has no key. An `EnvironmentSource`.

        Raises:
            InvalidInput: on entering, if the pool has no such environment, or is closed.
        """
        return self.lend(str(run.get("key") or run["task"]))

    @asynccontextmanager
    async def lend(self, key: str) -> AsyncIterator[OpenEnvironment]:
        """Lend the environment of a key until the context ends.

        Raises:
            InvalidInput: the pool has no such environment, or is closed.
        """
        spec = self._specs.get(key.partition("/")[0])
        if spec is None:
            raise InvalidInput(
                f"there is no environment for the task {key[:80]!r}; keys begin with one of: {', '.join(self._specs)}"
            )
        async with self._seats:
            if self._is_closed:
                raise InvalidInput("the pool of environments is closed; make another one")
            idle = self._idle[spec.program or spec.name]
            environment = idle.pop() if idle else spec.start()
            self._lent.add(environment)
            try:
                yield environment
            finally:
                self._lent.discard(environment)
                if self._is_closed:
                    await environment.close()  # a reset may have started it again
                else:
                    idle.append(environment)

    async def describe(self, key: str) -> EpisodeTask:
        """Describe a task.

        Raises:
            EnvironmentFailed: its environment crashed, hung or cannot be started.
            InvalidInput: there is no such task.
        """
        async with self.lend(key) as environment:
            return await environment.describe(key)

    async def close(self) -> None:
        """Close all environments, those that are lent too; a run that still plays one gets `EnvironmentFailed`."""
        self._is_closed = True
        environments = [*self._lent, *(one for idle in self._idle.values() for one in idle)]
        self._idle.clear()
        await asyncio.gather(*(one.close() for one in environments))
