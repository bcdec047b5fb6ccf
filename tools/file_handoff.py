"""Opens a file in a thread and hands it to the caller, or closes it if the caller was cancelled."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")


async def open_in_thread(
    open_it: Callable[..., T],
    *args: Any,
    file_of: Callable[[T], BinaryIO] = lambda opened: opened,  # type: ignore[assignment, return-value]
) -> T:
    """Call `open_it` in a thread and return its result; on cancellation the file is closed, even if opened later.

    Args:
        open_it: opens a file; blocking.
        args: its arguments.
        file_of: the file in what it gives.
    """
    handed = deque[T]()
    is_given_up = False

    def work() -> T:
        opened = open_it(*args)
        handed.append(opened)
        if is_given_up:
            close()
        return opened

    def close() -> None:
        with contextlib.suppress(IndexError):  # the other one has closed it
            file_of(handed.pop()).close()

    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        is_given_up = True  # before looking, as `work` hands over before it looks: one of the two sees the other
        close()
        raise
