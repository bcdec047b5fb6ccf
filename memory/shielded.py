"""Runs an operation to completion even if its caller is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE_S = 20.0
"""How long a cancelled caller waits for its step, before the step is cancelled after all (a network that hangs)."""


async def shielded(step: Coroutine[Any, Any, T]) -> T:
    """Await a step; a cancellation is raised only when the step has ended."""
    running = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running], timeout=_PATIENCE_S)
        if not running.done():
            running.cancel()
        elif not running.cancelled():
            running.exception()  # seen: nobody is left to hear of it
        raise
