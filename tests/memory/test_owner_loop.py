"""One memory in several event loops, threads and processes: it answers, or says at once why it cannot."""

import asyncio
import gc
import inspect
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, OwnerLoopUnavailable
from memento.memory.open_options import OpenOptions
from memento.memory.owner_loop import OwnerLoop
from memento.memory.sync_case_memory import SyncCaseMemory
from tests.hashing_encoder import HashingEncoder

N_THREADS = 4


def unopened(location: str | Path = ":memory:", **options: Any) -> CaseMemory:
    return CaseMemory.open(location, encoder=HashingEncoder(), policy="similarity", seed=0, **options)


def in_sync(location: str | Path = ":memory:", **options: Any) -> SyncCaseMemory:
    return CaseMemory.open_sync(location, encoder=HashingEncoder(), policy="similarity", seed=0, **options)


async def a_turn(memory: CaseMemory, number: int) -> str:
    """Read, write and feed back, several at once, so that locks are waited for."""

    async def one(part: int) -> str:
        reading = await memory.read(f"question {number} of part {part}")
        await memory.write(state=reading.event_id, action="a", reward=None, event_id=reading.event_id)
        await memory.feedback(reading.event_id, 1.0)
        return reading.event_id

    events = await asyncio.gather(*map(one, range(3)))
    await memory.settle()
    return events[0]


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)


def in_threads(turn: Callable[[int], Any]) -> list[Any]:
    """Run it in four threads at once."""
    with ThreadPoolExecutor(N_THREADS) as threads:
        return list(threads.map(turn, range(N_THREADS), timeout=90))


def check(memory: CaseMemory | SyncCaseMemory, events: list[str]) -> None:
    inner = memory if isinstance(memory, CaseMemory) else memory.memory
    counted = asyncio.run(inner.n_outcomes())
    assert len(set(events)) == N_THREADS
    assert counted == 3 * N_THREADS, "each outcome is credited once"


def test_threads_with_loops_of_their_own_share_a_memory_of_a_running_loop() -> None:
    with running_loop() as loop:
        memory = unopened()
        on(loop, memory.__aenter__())
        events = in_threads(lambda number: asyncio.run(a_turn(memory, number)))
        check(memory, events)
        on(loop, memory.aclose())


def test_threads_share_a_memory_whose_loop_has_ended() -> None:
    memory = unopened()

    async def opened() -> None:
        await memory.__aenter__()
        await a_turn(memory, 100)

    asyncio.run(opened())
    events = in_threads(lambda number: asyncio.run(a_turn(memory, number)))
    assert len(set(events)) == N_THREADS
    assert asyncio.run(memory.n_outcomes()) == 3 * N_THREADS + 3
    asyncio.run(memory.aclose())
    assert not [thread for thread in threading.enumerate() if thread.name == "memento-memory-loop"]


def test_threads_share_a_memory_opened_for_sync_code() -> None:
    with in_sync() as memory:
        events = in_threads(lambda number: asyncio.run(a_turn(memory.memory, number)))
        check(memory, events)


def test_one_run_after_the_other_uses_one_memory(tmp_path: Path) -> None:
    memory = unopened(tmp_path)
    asyncio.run(memory.__aenter__())
    events = [asyncio.run(a_turn(memory, number)) for number in range(N_THREADS)]
    check(memory, events)
    asyncio.run(memory.aclose())

    async def again() -> int:
        async with memory:  # what is closed can be opened again, on another loop
            return await memory.n_outcomes()

    assert asyncio.run(again()) == 3 * N_THREADS


def test_threads_without_loops_use_the_sync_memory(tmp_path: Path) -> None:
    def turn(number: int) -> str:
        reading = memory.read(f"question {number}", k=2)
        case_id = memory.write(state=f"question {number}", action="a", reward=None, event_id=reading.event_id)
        assert case_id is None, "an unknown outcome makes no case"
        memory.feedback(reading.event_id, 1.0, lesson="a lesson")
        return reading.event_id

    with in_sync(tmp_path) as memory:
        events = in_threads(turn)
        memory.settle()
        assert len(set(events)) == N_THREADS
        assert memory.n_outcomes() == N_THREADS
        assert memory.run(lambda inner: inner.views.n_known_outcomes(namespace="default")) == N_THREADS
        with pytest.raises(InvalidInput, match="open already"):
            memory.__enter__()
    memory.close()
    with in_sync(tmp_path) as reopened:
        assert len(reopened.read("question of all").cases) == N_THREADS


async def test_the_sync_memory_is_used_from_a_notebooks_loop() -> None:
    memory = in_sync()
    await asyncio.to_thread(memory.__enter__)
    assert await a_turn(memory.memory, 0), "async code shares it"
    assert await asyncio.to_thread(memory.n_outcomes) == 3
    await asyncio.to_thread(memory.close)


@pytest.mark.allow_blocking(reason="that is what is tested")
async def test_a_blocking_call_that_can_never_be_answered_is_refused_at_once() -> None:
    async with unopened() as memory:
        with pytest.raises(OwnerLoopUnavailable, match="can never be answered: await the call there"):
            SyncCaseMemory(memory).read("question")
        other = OwnerLoop("graph", in_thread=True)
        with pytest.raises(OwnerLoopUnavailable, match="can never be answered"):
            other.run_blocking(lambda: memory.read("question"))  # from the other thread, back to this loop
        await other.release()


async def test_a_memory_is_opened_once() -> None:
    async with unopened() as memory:
        with pytest.raises(InvalidInput, match=r"open already.*open_sync"):
            await memory.__aenter__()
        assert await memory.read("it is still open")

        def elsewhere() -> None:
            with pytest.raises(InvalidInput, match="open already"):
                asyncio.run(memory.__aenter__())

        await asyncio.to_thread(elsewhere)


async def test_parts_of_a_memory_work_from_other_loops() -> None:
    async with unopened() as memory:
        case_id = await memory.write(state="s", action="a", reward=1.0)
        assert case_id

        async def elsewhere() -> tuple[int, str]:
            await memory.lifecycle.retire(case_id, reason="outdated")
            return await memory.bank.count(), memory.bank.engine_name

        count, name = await asyncio.to_thread(asyncio.run, elsewhere())
        found = await memory.views.cases([case_id], namespace="default")
        assert (count, name, found[case_id].status) == (1, "memory", "retired")


async def test_a_cancelled_caller_hears_of_it_when_its_call_has_ended() -> None:
    ended, begun = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.2)
            ended.set()

    owner = OwnerLoop("memory", in_thread=True)
    calling = asyncio.create_task(owner.run(work))
    await asyncio.to_thread(begun.wait, 10)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert ended.is_set()
    await owner.release()


def test_a_loop_that_ends_during_a_call_is_named() -> None:
    owner = OwnerLoop("memory", in_thread=False)
    adopted, begun = threading.Event(), threading.Event()

    async def short() -> None:
        owner.adopt()
        adopted.set()
        await asyncio.to_thread(begun.wait, 10)

    async def work() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def caller() -> None:
        await owner.run(work)

    opener = threading.Thread(target=asyncio.run, args=(short(),))
    opener.start()
    assert adopted.wait(10)
    with pytest.raises(OwnerLoopUnavailable, match="ended during the call"):
        asyncio.run(caller())
    opener.join()


@pytest.mark.allow_blocking(reason="that is what is tested")
async def test_a_loop_that_does_not_run_is_named() -> None:
    owner = OwnerLoop("memory", in_thread=False, blocked_after_s=0.2)
    owner.adopt()
    told: list[str] = []

    async def work() -> None:
        told.append("it was carried out")

    def elsewhere() -> None:
        with pytest.raises(OwnerLoopUnavailable, match=r"has not run for 0\.2 s"):
            asyncio.run(owner.run(work))
        told.append("refused")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()  # blocks this loop, which is the mistake
    await asyncio.sleep(0.05)
    assert told == ["refused"], "what was given up is not carried out later"


FORKED = """
import asyncio, os, sys
from memento import CaseMemory
from memento.memory.errors import OwnerLoopUnavailable

with CaseMemory.open_sync(sys.argv[1]) as memory:
    memory.write(state="s", action="a", reward=1.0)
    child = os.fork()
    if child == 0:
        try:
            memory.read("question")
        except OwnerLoopUnavailable as error:
            print(error, flush=True)
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    print(len(memory.read("question").cases), "case")
"""


@pytest.mark.slow
def test_a_forked_process_is_told_to_open_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED, tmp_path / "bank"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "opened by another process (a fork): open one in this process" in done.stdout
    assert done.stdout.endswith("1 case\n")


def test_a_thread_ends_with_what_it_belongs_to() -> None:
    owner = OwnerLoop("of-a-test", in_thread=True)
    asyncio.run(owner.run(lambda: asyncio.sleep(0)))
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "memento-of-a-test-loop"]
    del owner
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_every_public_coroutine_of_a_memory_runs_on_its_owner_loop() -> None:
    public = [name for name, _ in inspect.getmembers(CaseMemory, inspect.iscoroutinefunction) if name[0] != "_"]
    assert {"read", "write", "feedback", "backup", "reindex"} <= set(public)
    direct = [name for name in public if not hasattr(getattr(CaseMemory, name), "__wrapped__")]
    assert direct == ["aclose"]


def test_options_are_those_of_open() -> None:
    names = set(inspect.signature(CaseMemory.open).parameters) - {"location", "in_thread"}
    assert set(OpenOptions.__annotations__) == names


def test_wrong_arguments_are_told_and_not_waited_for() -> None:
    with in_sync() as memory:
        with pytest.raises(TypeError, match="query"):
            memory.read()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected"):
            asyncio.run(memory.memory.read("question", kk=4))  # type: ignore[call-arg]
        with pytest.raises(InvalidInput, match="k must be"):
            memory.read("question", k=-1)
        assert memory.read("question").cases == []


def test_a_long_call_returns_what_it_returns_and_raises_what_it_raises() -> None:
    owner = OwnerLoop("memory", in_thread=True, blocked_after_s=0.01)  # looked after ten times and more

    async def long(error: Exception | None) -> str:
        await asyncio.sleep(0.1)
        if error is not None:
            raise error
        return "done"

    assert owner.run_blocking(lambda: long(None)) == "done"
    with pytest.raises(TimeoutError, match="its own"):
        owner.run_blocking(lambda: long(TimeoutError("its own")))
    owner.release_blocking()
