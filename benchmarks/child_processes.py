"""Which processes another one has started, and whether they are gone."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path


def children(process: int) -> list[int]:
    """Processes that it has started."""
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def n_running(processes: Sequence[int]) -> int:
    """How many of them have not ended."""
    n = 0
    for one in processes:
        with contextlib.suppress(OSError):
            n += Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return n


async def n_outlive(workers: Sequence[int]) -> int:
    """How many of them are there after ten seconds."""
    for _ in range(100):
        if not n_running(workers):
            return 0
        await asyncio.sleep(0.1)
    return n_running(workers)
