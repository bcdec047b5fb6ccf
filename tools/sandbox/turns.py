"""Limits how many executions run at once, for callers of any number of event loops."""

import asyncio
import threading
from collections import deque
from types import TracebackType


class Turns:
    """A semaphore that callers of several event loops share; first come, first served."""

    def __init__(self, n_at_once: int) -> None:
        """Prepare.

        Args:
            n_at_once: how many hold it at the same time; further ones wait.
        """
        self._n_free = n_at_once
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._changing = threading.Lock()

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        with self._changing:
            if self._n_free:
                self._n_free -= 1
                return
            self._waiting.append((loop, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it was ours already
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Give a turn to the next who waits, on its own loop."""
        while True:
            with self._changing:
                if not self._waiting:
                    self._n_free += 1
                    return
                loop, turn = self._waiting.popleft()
            try:
                loop.call_soon_threadsafe(self._take, turn)
            except RuntimeError:  # that loop has ended, and nobody waits there any more
                continue
            return

    def _take(self, turn: "asyncio.Future[None]") -> None:
        if turn.done():  # cancelled meanwhile
            self._pass_on()
        else:
            turn.set_result(None)
