"""Calls asynchronous code from synchronous code, on the event loop that the memory is open on.

LangChain's synchronous methods (`agent.invoke`, `retriever.invoke`) run in threads of their own, or in the main one.
The memory is asynchronous, and its connections belong to one event loop: a call is forwarded to it and waited for.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
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
        SyncCallOnLoop: this thread runs that loop.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if loop is not None and loop.is_running():
        if loop is running:
            raise SyncCallOnLoop(
                "the memory is open on the event loop of this thread, which a synchronous call blocks; await the "
                "asynchronous method (`ainvoke`, `astream`), or call from another thread"
            )
        return asyncio.run_coroutine_threadsafe(ask(), loop).result()
    if running is None:
        return asyncio.run(ask())
    with ThreadPoolExecutor(1, thread_name_prefix="memento-sync") as thread:
        return thread.submit(copy_context().run, asyncio.run, ask()).result()
