"""A single-core executor thread for small torch work.

A head of a hundred thousand weights gains nothing from a second core, and on a busy machine the cores that wait for
each other burn ten times the work. Torch's setting is made for this thread only; the host's stays what it was.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from memento.memory.shielded import shielded

T = TypeVar("T")


def torch_thread() -> ThreadPoolExecutor:
    """Make an executor with one torch thread, which imports torch on first use."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="memento-torch", initializer=_take_one_core)


class Stopped(Exception):
    """Raised in work whose caller no longer waits, to end it."""


class OwnThread:
    """A torch thread for long work, beside which the shared one stays free for reads. Use as `async with`."""

    async def __aenter__(self) -> Self:
        self._executor = torch_thread()
        return self

    async def __aexit__(self, *_: object) -> None:
        await shielded(asyncio.to_thread(self._executor.shutdown))

    async def run(self, work: Callable[[Callable[[], None]], T]) -> T:
        """Do work there.

        Args:
            work: is given a function to call often, which ends it when the caller has been cancelled.
        """
        is_stopped = threading.Event()

        def check() -> None:
            if is_stopped.is_set():
                raise Stopped

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work, check)
        except asyncio.CancelledError:
            is_stopped.set()
            raise


def _take_one_core() -> None:
    import torch

    hosts = torch.get_num_threads()
    torch.set_num_threads(1)
    # The call counts for the thread that makes it, and for threads that have not used torch yet: those get the host's
    # number back, from a thread that ends at once.
    restoring = threading.Thread(target=torch.set_num_threads, args=(hosts,))
    restoring.start()
    restoring.join()
