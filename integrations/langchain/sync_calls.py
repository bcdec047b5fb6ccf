"""Calls asynchronous code from synchronous code, on the event loop that the memory is open on.

LangChain's synchronous methods (`agent.invoke`, `retriever.invoke`) run in threads of their own, or in the main one.
The memory is asynchronous, and its connections belong to one event loop: a call is forwarded to it and waited for.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from memento.memory.errors import MementoError

T = TypeVar("T")


class SyncCallOnLoop(MementoError, RuntimeError):
    """A synchronous call in the thread of the event loop that would have to answer it; it would wait for ever."""


def call_sync(ask: Callable[[], Coroutine[Any, Any, T]], *, loop: asyncio.AbstractEventLoop | None) -> T:
    """Run a coroutine to its end from synchronous code, with the caller's context variables.

    Args:
        ask: makes the coroutine.
        loop: that the memory is open on; where it does not run, or is not known, a loop is made for this call.

    Raises:
        SyncCallOnLoop: this thread runs that loop, or one that may be it.
    """
    running = _running_loop()
    if loop is not None and loop.is_running() and loop is not running:
        return asyncio.run_coroutine_threadsafe(ask(), loop).result()
    if running is not None:
        raise SyncCallOnLoop(
            "a synchronous call blocks the event loop of this thread, which the memory needs to answer; await the "
            "asynchronous method (`ainvoke`, `astream`), or call from another thread"
        )
    return asyncio.run(ask())


async def call_on(ask: Callable[[], Coroutine[Any, Any, T]], *, loop: asyncio.AbstractEventLoop | None) -> T:
    """Await a coroutine on the loop that the memory is open on, where that is another one than the caller's."""
    if loop is None or loop is asyncio.get_running_loop() or not loop.is_running():
        return await ask()
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), loop))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
