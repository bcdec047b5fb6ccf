"""Owner loop: the one event loop that a memory or a graph works on, to which calls of other loops and threads are sent.

asyncio's locks, tasks and connections belong to the event loop that they were made on; used from another one, they
hang without a word. So an object that keeps some of them has an owner loop: the loop that opened it, or one in a
thread of its own. A call on the owner loop goes straight on; a call from elsewhere is run there and waited for.
"""

import asyncio
import contextvars
import functools
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar, cast

from memento.memory.errors import InvalidInput, OwnerLoopUnavailable
from memento.memory.forwarding import Forwarding
from memento.memory.loop_thread import start_loop_thread

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)

_LOOK_AGAIN_S = 1.0
_BLOCKED_AFTER_S = 30.0
_PATIENCE_S = 20.0
"""How long a cancelled caller waits for what it had sent to the owner loop to end."""

_OPEN_SYNC = "`CaseMemory.open_sync` gives a memory a loop of its own, which threads and several event loops can share"

LoopWork = Callable[[], Coroutine[Any, Any, T]]
"""Makes the coroutine to run, on the loop that it runs on."""


class _Waiting:
    """A thread that waits for a result while an event loop of its own stands still."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop


_waiting: contextvars.ContextVar[_Waiting | None] = contextvars.ContextVar("memento_waiting", default=None)


class OwnerLoop:
    """Owner loop of one object: that of the code which opens it, or one in a background thread."""

    def __init__(
        self,
        what: str,
        *,
        in_thread: bool,
        survives_fork: bool = False,
        on_moved: Callable[[], None] | None = None,
        blocked_after_s: float = _BLOCKED_AFTER_S,
    ) -> None:
        """Prepare; no thread is started before it is needed.

        Args:
            what: names the object in messages and its thread: `memory`.
            in_thread: give it a loop in a thread of its own; else `adopt` gives it the running one.
            survives_fork: a forked process gets a thread of its own; else the object is refused there.
            on_moved: called on a new loop, before anything else, where the borrowed one has ended.
            blocked_after_s: how long a call waits for the owner loop to take it up.
        """
        self._what = what
        self._in_thread = in_thread
        self._survives_fork = survives_fork
        self._on_moved = on_moved
        self._blocked_after_s = blocked_after_s
        self._look_again_s = min(_LOOK_AGAIN_S, blocked_after_s)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: weakref.finalize[Any, Any] | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._changing = threading.Lock()

    @property
    def is_used(self) -> bool:
        """Whether anything has run on it, in this process."""
        return self._loop is not None and self._pid == os.getpid()

    def adopt(self) -> None:
        """Make the running loop the owner, unless it has a thread of its own.

        Raises:
            InvalidInput: another loop owns it: the object is open.
        """
        with self._changing:
            if self._loop is not None and self._pid == os.getpid():
                raise InvalidInput(f"the {self._what} is open already: open it once and share it; {_OPEN_SYNC}")
            self._loop, self._pid = None, os.getpid()
            if not self._in_thread:
                self._loop = asyncio.get_running_loop()

    async def release(self) -> None:
        """Let go of the loop, and end its thread."""
        if (thread := self._stopped()) is not None:
            await asyncio.to_thread(thread.join, _PATIENCE_S)

    def release_blocking(self) -> None:
        """Do the same from a thread without an event loop."""
        if (thread := self._stopped()) is not None:
            thread.join(_PATIENCE_S)

    def _stopped(self) -> threading.Thread | None:
        """Let go of the loop; the thread that ends now."""
        with self._changing:
            self._loop = None
            stop, self._stop = self._stop, None
            thread, self._thread = self._thread, None
        if stop is not None:
            stop()
        return None if thread is threading.current_thread() else thread

    async def run(self, work: LoopWork[T]) -> T:
        """Run a coroutine on the owner loop; straight on, where that is the running one or there is none.

        Raises:
            OwnerLoopUnavailable: the owner loop does not run, has ended meanwhile, or belongs to another process.
        """
        home = self._home()
        if home is None or home is asyncio.get_running_loop():
            return await work()
        self._check_not_waiting(home, _waiting.get())
        answer, tasks = self._send(home, work, contextvars.copy_context())
        waiting = asyncio.wrap_future(answer)
        waited = 0.0
        try:
            while not waiting.done():
                await asyncio.wait([waiting], timeout=self._look_again_s)
                waited += self._look_again_s
                self._check(home, answer, waited)
        except asyncio.CancelledError:
            if _cancelled(home, answer, tasks):
                await asyncio.wait([waiting], timeout=_PATIENCE_S)
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # seen: nobody is left to hear of it
            raise
        return waiting.result()

    def run_blocking(self, work: LoopWork[T]) -> T:
        """Run a coroutine on the owner loop and wait for it, in a thread that may block.

        Raises:
            OwnerLoopUnavailable: as `run`; and where the loop of this very thread would have to answer.
        """
        mark = _Waiting(_loop_here())
        home = self._home()
        if home is None:
            raise InvalidInput(f"the {self._what} is not open; {_OPEN_SYNC}")
        context = contextvars.copy_context()
        context.run(_waiting.set, mark)
        self._check_not_waiting(home, mark)
        self._check_not_waiting(home, _waiting.get())
        answer, tasks = self._send(home, work, context)
        waited = 0.0
        try:
            while not wait([answer], timeout=self._look_again_s).done:
                waited += self._look_again_s
                self._check(home, answer, waited)
            return answer.result()
        except BaseException:  # Ctrl-C, too, ends what was begun
            if _cancelled(home, answer, tasks):
                with suppress(TimeoutError):
                    answer.exception(timeout=_PATIENCE_S)
            raise
        finally:
            mark.loop = None

    def bound(self, part: T) -> T:
        """Return a part of the object for the running loop: itself, or one whose coroutines run on the owner loop."""
        here, home = _loop_here(), self._loop
        if here is None or home is None or here is home:
            return part
        return cast("T", Forwarding(part, self))

    def _home(self) -> asyncio.AbstractEventLoop | None:
        """The owner loop; a thread is started where there shall be one, or where the borrowed loop is closed."""
        loop, pid = self._loop, self._pid
        if loop is not None and pid == os.getpid() and not loop.is_closed():
            return loop
        with self._changing:
            if self._loop is not None and self._pid != os.getpid():
                if not self._survives_fork:
                    raise OwnerLoopUnavailable(
                        f"this {self._what} was opened by another process (a fork): open one in this process"
                    )
                self._loop = None
            if self._loop is None and not self._in_thread:
                return None
            if self._loop is None or self._loop.is_closed():
                has_moved = self._loop is not None
                self._loop, self._thread, self._stop = start_loop_thread(self, self._what)
                self._pid = os.getpid()
                if has_moved and self._on_moved is not None:
                    self._loop.call_soon_threadsafe(self._on_moved)
            return self._loop

    def _send(
        self, home: asyncio.AbstractEventLoop, work: LoopWork[T], context: contextvars.Context
    ) -> "tuple[Future[T], list[asyncio.Task[T]]]":
        answer: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    tasks.append(home.create_task(work(), name=f"memento-{self._what}"))
                except BaseException as error:  # noqa: BLE001  such as missing arguments: told to the caller
                    answer.set_exception(error)
                else:
                    tasks[0].add_done_callback(functools.partial(self._answered, answer))

        try:
            home.call_soon_threadsafe(begin, context=context)
        except RuntimeError:
            raise self._ended() from None
        return answer, tasks

    def _answered(self, answer: "Future[T]", task: "asyncio.Task[T]") -> None:
        if task.cancelled():
            answer.set_exception(self._ended())  # or its caller was cancelled, who does not look at this
        elif (error := task.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    def _check(self, home: asyncio.AbstractEventLoop, answer: "Future[Any]", waited_s: float) -> None:
        """Look after a call that takes long: does its loop still run?"""
        if answer.done():
            return
        if home.is_closed():
            raise self._ended()
        if waited_s >= self._blocked_after_s and answer.cancel():
            raise OwnerLoopUnavailable(
                f"the event loop that opened this {self._what} has not run for {waited_s:.3g} s; {_OPEN_SYNC}"
            )

    def _check_not_waiting(self, home: asyncio.AbstractEventLoop, waiting: _Waiting | None) -> None:
        """Refuse what could never be answered: the owner loop's own thread waits for this very call."""
        if waiting is not None and waiting.loop is home:
            raise OwnerLoopUnavailable(
                f"a blocking call in the thread of the event loop that opened this {self._what} can never be answered: "
                f"await the call there; {_OPEN_SYNC}"
            )

    def _ended(self) -> OwnerLoopUnavailable:
        return OwnerLoopUnavailable(
            f"the event loop that opened this {self._what} ended during the call; whether the call was carried out is "
            f"not known; {_OPEN_SYNC}"
        )


def _cancelled(home: asyncio.AbstractEventLoop, answer: "Future[Any]", tasks: "Sequence[asyncio.Task[Any]]") -> bool:
    """Cancel a call on its loop; whether it had begun there and has not ended yet."""
    if answer.done() or answer.cancel():
        return False
    try:
        home.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
    except RuntimeError:  # the loop is closed
        return False
    return True


def _loop_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
