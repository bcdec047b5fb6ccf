"""Waiting for something that may never come back."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

_CLEANUP_S: Final = 1.0


class DeadlinePassed(Exception):
    """It did not come back in time; raised here alone, so that it is never taken for what was waited for."""


class Abandoned(Exception):
    """What was waited for has cancelled itself, without anybody asking for it."""


async def within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T:
    """Wait for at most so long.

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
    """Take note of an exception that nobody waits for any more, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
