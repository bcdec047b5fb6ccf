"""Locks and tasks of an object whose event loop may end before it does (`asyncio.run` called twice, say)."""

import asyncio
from types import TracebackType
from typing import Any


class LoopLock:
    """An `asyncio.Lock` that is made anew where the event loop it was used on has been replaced by another.

    An asyncio lock that somebody once waited for belongs to that loop for good. Whoever held it there has ended with
    the loop. It is no lock between loops: `OwnerLoop` keeps what uses it on one at a time.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._lock, self._loop = asyncio.Lock(), loop
        await self._lock.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


def is_over(task: "asyncio.Task[Any] | None") -> bool:
    """Whether a background task has ended, or will never go on because its event loop is closed."""
    return task is None or task.done() or task.get_loop().is_closed()
