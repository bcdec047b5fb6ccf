"""Steps that wait share a transaction, and each has its own answer."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import LedgerUnavailable, UnknownEvent
from memento.memory.event import Outcome
from memento.memory.ledger.group_commit import MAX_GROUP
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.writes import LedgerWriter
from tests.ledgers import ledger, url

__all__ = ["ledger", "url"]  # fixtures


def a_case(number: int) -> Case:
    state, action = f"state {number}", "action"
    return Case(id=case_id("n", state, action), namespace="n", state=state, action=action, reward=1.0)


def writing(number: int, *, then: Callable[[LedgerWriter], Any] = lambda _: None) -> Callable[[LedgerWriter], Any]:
    """A step that appends a case, does something else, and returns its transaction's number."""

    def step(writer: LedgerWriter) -> Any:
        writer.append_case(a_case(number))
        then(writer)
        return id(writer.sql.get_transaction())

    return step


async def together(ledger: Ledger, steps: list[Callable[[LedgerWriter], Any]]) -> list[Any]:
    """Run steps that all wait while another one holds the writer's thread."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: LedgerWriter) -> None:
        begun.set()
        assert go_on.wait(30)

    holding = asyncio.ensure_future(ledger.transact(hold))
    assert await asyncio.to_thread(begun.wait, 30)
    running = [asyncio.ensure_future(ledger.transact(step)) for step in steps]
    await asyncio.sleep(0)
    go_on.set()
    await holding
    return await asyncio.gather(*running, return_exceptions=True)


def fail(_: LedgerWriter) -> None:
    raise LookupError("no")


def break_a_key(writer: LedgerWriter) -> None:
    for _ in range(2):
        writer.append_outcome(Outcome(key="same", event_id="e", namespace="n", reward=1.0))


async def states(ledger: Ledger) -> list[str]:
    return [case.state async for case in LedgerViews(ledger).walk(namespace="n")]


async def test_what_waits_is_one_transaction(ledger: Ledger) -> None:
    numbers = await together(ledger, [writing(number) for number in range(MAX_GROUP + 6)])
    assert len(set(numbers[:MAX_GROUP])) == 1
    assert len(await states(ledger)) == MAX_GROUP + 6


async def test_a_step_that_fails_has_its_own_answer(ledger: Ledger) -> None:
    steps = [writing(0), writing(1, then=fail), writing(2), writing(3, then=break_a_key), writing(4)]
    results = await together(ledger, steps)
    assert [type(one) for one in results] == [int, LookupError, int, LedgerUnavailable, int]
    assert await states(ledger) == ["state 0", "state 2", "state 4"]
    assert not await ledger.query(lambda connection: connection.driver.execute("SELECT 1 FROM outcomes").fetchall())


async def test_a_step_that_fails_alone_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        await ledger.transact(writing(0, then=fail))
    with pytest.raises(LedgerUnavailable):
        await ledger.transact(writing(1, then=break_a_key))
    assert await states(ledger) == []


async def test_a_step_cancelled_before_its_turn_is_not_run(ledger: Ledger) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: LedgerWriter) -> None:
        begun.set()
        assert go_on.wait(30)

    holding = asyncio.ensure_future(ledger.transact(hold))
    assert await asyncio.to_thread(begun.wait, 30)
    waiting = [asyncio.ensure_future(ledger.transact(writing(number))) for number in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    go_on.set()
    results = await asyncio.gather(holding, *waiting, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert await states(ledger) == ["state 1"]


async def test_one_bad_write_among_many_is_refused_alone(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, policy="similarity", seed=0) as memory:
        readings = [await memory.read(f"question {number}") for number in range(6)]
        ids = [reading.event_id for reading in readings]
        ids[3] = "unknown"
        results = await asyncio.gather(
            *(
                memory.write(state=f"question {number}", action="a", reward=1.0, event_id=event_id)
                for number, event_id in enumerate(ids)
            ),
            return_exceptions=True,
        )
        assert [type(one) for one in results] == [str] * 3 + [UnknownEvent] + [str] * 2
        counts = await memory.views.counts(namespace="default")
        assert (counts.cases, counts.events, counts.unknown) == (5, 6, 1)
