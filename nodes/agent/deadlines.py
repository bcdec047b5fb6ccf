"""Deadlines for awaitables that may never return."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

_CLEANUP_S: Final = 1.0


class DeadlinePassed(Exception):
    """The deadline has passed; raised only here, so it cannot be mistaken for an error of the awaitable."""


class Abandoned(Exception):
    """The awaitable cancelled itself, without anybody asking for it."""


async def within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T:
    """Await with a time limit.

    What is late is cancelled and given a second to tidy up. It is left behind if it does not heed that.

    Raises:
        DeadlinePassed: the time is up.
        Abandoned: it was cancelled from inside.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=max(0.0, seconds))
        is_late = not task.done()
        if is_late:
            task.cancel()
            await asyncio.wait({task}, timeout=_CLEANUP_S)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forgotten)
    if is_late:
        if task.done():
            _forgotten(task)
        raise DeadlinePassed
    if task.cancelled():
        raise Abandoned
    return task.result()


def _forgotten(task: asyncio.Future[Any]) -> None:
    """Retrieve the exception of an abandoned awaitable, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
