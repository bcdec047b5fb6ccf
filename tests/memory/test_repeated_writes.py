"""One event has one attempt: delivered again it gives the id of its case, and another one is refused, never dropped."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.experience import Experience
from tests.memories import Place, place

TRIED: dict[str, Any] = {"state": "s", "action": "a", "answer": "x"}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path) as made:
        yield made


async def event_of(memory: CaseMemory) -> str:
    return (await memory.read("s")).event_id


async def n_rows(memory: CaseMemory) -> tuple[int, int]:
    cases = [case async for case in memory.views.walk(namespace="default")]
    return len(cases), await memory.n_outcomes()


async def test_the_same_attempt_gives_its_id_however_often_it_comes(at: Place) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        first = await memory.write(**TRIED, reward=1.0, event_id=event)
        assert await memory.write(**TRIED, reward=1.0, event_id=event) == first
        twice = [Experience(**TRIED, reward=1.0, event_id=event)] * 2
        assert await memory.write_all(twice) == [first, first]
        assert await n_rows(memory) == (1, 1)
    async with at.memory() as memory:  # and from another process
        assert await memory.write(**TRIED, reward=1.0, event_id=event) == first


@pytest.mark.parametrize("changes", [{"action": "b"}, {"answer": "y"}, {"state": "t", "action": "b"}], ids=str)
@pytest.mark.parametrize("first_reward", [1.0, None])
async def test_another_attempt_is_refused(at: Place, changes: dict[str, Any], first_reward: float | None) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        await memory.write(**TRIED, reward=first_reward, event_id=event)
        before = await n_rows(memory)
        with pytest.raises(InvalidInput, match="another attempt"):
            await memory.write(**{**TRIED, **changes}, reward=1.0, event_id=event)
        fine = Experience(state="fine", action="f", reward=1.0)
        with pytest.raises(InvalidInput, match="another attempt"):
            await memory.write_all([fine, Experience(**{**TRIED, **changes}, reward=1.0, event_id=event)])
        assert await n_rows(memory) == before


async def test_feedback_in_between_stands(at: Place) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        first = await memory.write(**TRIED, reward=1.0, event_id=event)
        assert await memory.feedback(event, 0.0, lesson="no") == first
        assert await memory.write(**TRIED, reward=1.0, event_id=event) == first
        case = (await memory.views.cases([str(first)], namespace="default"))[str(first)]
        assert (case.reward, case.lesson, case.version) == (0.0, "no", 2)
        with pytest.raises(InvalidInput, match="another attempt"):
            await memory.write(**{**TRIED, "action": "b"}, reward=1.0, event_id=event)


async def test_an_attempt_whose_reward_came_later_has_the_id_of_its_case(at: Place) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        assert await memory.write(**TRIED, reward=None, event_id=event) is None
        assert await memory.write(**TRIED, reward=None, event_id=event) is None
        case = await memory.feedback(event, 1.0)
        assert case == case_id("default", "s", "a")
        assert await memory.write(**TRIED, reward=None, event_id=event) == case


async def test_feedback_before_the_attempt_counts_for_it(at: Place) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        assert await memory.feedback(event, 0.0) is None
        first = await memory.write(**TRIED, reward=1.0, event_id=event)
        assert (await memory.views.cases([str(first)], namespace="default"))[str(first)].reward == 0.0
        with pytest.raises(InvalidInput, match="another attempt"):
            await memory.write(**{**TRIED, "action": "b"}, reward=1.0, event_id=event)


async def test_the_namespace_is_looked_at_before_the_attempt(at: Place) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        await memory.write(**TRIED, reward=1.0, event_id=event)
        for tried in (TRIED, {**TRIED, "action": "b"}):
            with pytest.raises(UnknownEvent, match="in namespace 'other'"):
                await memory.write(**tried, reward=1.0, event_id=event, namespace="other")
        assert [case async for case in memory.views.walk(namespace="other")] == []


@pytest.mark.allow_blocking("a row is damaged from outside")
@pytest.mark.parametrize("table", ["outcomes", "case_revisions"])
async def test_no_id_of_another_attempt_is_given_where_a_row_is_damaged(at: Place, tmp_path: Path, table: str) -> None:
    async with at.memory() as memory:
        event = await event_of(memory)
        first = await memory.write(**TRIED, reward=1.0, event_id=event)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database:
        database.execute(f"UPDATE {table} SET body = 'no JSON'")  # noqa: S608  one of ours
        database.commit()
    async with at.memory() as memory:
        assert await memory.write(**TRIED, reward=1.0, event_id=event) == first
        with pytest.raises(InvalidInput, match=r"damaged|another attempt"):
            await memory.write(**{**TRIED, "action": "b"}, reward=1.0, event_id=event)
