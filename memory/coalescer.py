"""Coalesces concurrent requests into one batch: one query, one commit, one trip to a thread for all of them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)  # each asker is one, whatever is asked
class _Asked(Generic[T, R]):
    what: T
    answer: "asyncio.Future[R]"


class Coalescer(Generic[T, R]):
    """Batches concurrent requests: those that arrive during a call are answered together by the next.

    A batch whose askers have all been cancelled is cancelled too, and what it does must bear that.
    """

    def __init__(self, work: Callable[[Sequence[T]], Coroutine[Any, Any, Sequence[R | Exception]]]) -> None:
        """Prepare.

        Args:
            work: serves a batch and answers in its order. An exception in an answer's place is raised by that asker
                alone, one that it raises itself by all.
        """
        self._work = work
        self._waiting: list[_Asked[T, R]] = []
        self._batch: list[_Asked[T, R]] = []
        self._serving: asyncio.Task[Sequence[R | Exception]] | None = None

    async def __call__(self, what: T) -> R:
        """Answer one request, in a batch with others that wait."""
        asked: _Asked[T, R] = _Asked(what, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._serving is None or self._serving.get_loop().is_closed():
            self._begin()
        try:
            answer: R = await asked.answer
        except asyncio.CancelledError:
            if self._serving is not None and asked in self._batch and all(one.answer.done() for one in self._batch):
                self._serving.cancel()
                await asyncio.wait([self._serving])  # what it opened is closed when the cancellation is told
            raise
        return answer

    def _begin(self) -> None:
        here = asyncio.get_running_loop()  # who asked on a loop that has ended hears nothing more
        self._batch = [one for one in self._waiting if not one.answer.done() and one.answer.get_loop() is here]
        self._waiting = []
        self._serving = None
        if self._batch:
            self._serving = asyncio.create_task(self._work([asked.what for asked in self._batch]))
            self._serving.add_done_callback(partial(self._served, self._batch))

    def _served(self, batch: "list[_Asked[T, R]]", serving: "asyncio.Task[Sequence[R | Exception]]") -> None:
        error = asyncio.CancelledError() if serving.cancelled() else serving.exception()
        answers = serving.result() if error is None else [error] * len(batch)
        for asked, answer in zip(batch, answers, strict=True):
            future = asked.answer
            if future.done():
                continue
            if isinstance(answer, asyncio.CancelledError):
                future.cancel()
            elif isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._begin()
