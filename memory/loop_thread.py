"""A background thread with an event loop, which ends when it is asked to, or when its owner is collected."""

import asyncio
import threading
import weakref
from contextlib import suppress
from typing import Any


def start_loop_thread(
    owner: object, what: str
) -> "tuple[asyncio.AbstractEventLoop, threading.Thread, weakref.finalize[Any, Any]]":
    """Start a thread with an event loop, without waiting for it; the finalizer ends both, at the latest at exit."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_serve, args=(loop, stop), name=f"memento-{what}-loop", daemon=True)
    thread.start()
    return loop, thread, weakref.finalize(owner, _end, loop, stop)


def _serve(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(stop.wait())


def _end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Ask a loop to end, without waiting: the collector may call this in any thread, at any moment."""
    with suppress(RuntimeError):  # it has ended
        loop.call_soon_threadsafe(stop.set)
