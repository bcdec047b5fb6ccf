"""How late the event loop is while something is done on it."""

import asyncio
import time
from collections.abc import Awaitable

import numpy as np
from numpy.typing import NDArray


async def lags(work: Awaitable[None]) -> NDArray[np.float64]:
    """Milliseconds by which a pause of one is late, again and again, while some work is done."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(1000 * (time.perf_counter() - began) - 1)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    late.clear()
    await work
    ticking.cancel()
    return np.array(late)
