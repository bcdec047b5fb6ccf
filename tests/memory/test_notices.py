"""Notices: what lasts is told while it lasts, what has happened once; a run is told what concerns it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.notices import Notices
from memento.nodes.context import Context
from memento.nodes.retrieve_case import make_retrieve_case
from tests.memories import Place, filled, place
from tests.node_parts import given, runtime_of
from tests.wire_shim import Faults


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Place]:
    with place("server", tmp_path / "bank") as found:
        yield found


async def told(memory: CaseMemory, policy: str = "similarity") -> tuple[bool, list[str]]:
    """Whether a run is degraded, and its notices."""
    node = make_retrieve_case(given(memory))
    update: Any = await node({"task": "the capital of Fiji"}, runtime=runtime_of(Context(policy=policy)))
    return update["retrieval_degraded"], update["notices"]


async def test_runs_are_told_of_an_outage_while_it_lasts_and_no_longer(server: Place) -> None:
    assert server.shim is not None
    async with server.memory() as memory:
        await filled(memory, 3)
        assert await told(memory) == (False, [])
        server.shim.faults = Faults(is_down=True)
        is_degraded, notices = await told(memory)
        assert is_degraded
        assert ["case search is degraded" in notice for notice in notices] == [True]
        assert await told(memory, "none") == (False, [])
        server.shim.faults = Faults()
        for _ in range(400):
            if not (await told(memory))[0]:
                break
            await asyncio.sleep(0.05)
        for _ in range(3):
            assert await told(memory) == (False, [])
        assert memory.notices == []


def test_a_condition_is_told_until_it_is_withdrawn() -> None:
    notices = Notices()
    notices.say("search", "away")
    notices.say("search", "away, for another reason")
    notices.say("lag", "behind")
    assert notices.now == ["away, for another reason", "behind"]
    assert notices.condition("search") == "away, for another reason"
    notices.withdraw("search")
    notices.withdraw("search")
    assert (notices.now, notices.condition("search")) == (["behind"], None)
    assert notices.take() == []


def test_an_event_is_told_once() -> None:
    notices = Notices()
    for number in range(30):
        notices.note(f"event {number}")
        notices.note(f"event {number}")
    assert len(notices.now) == 20
    assert notices.take()[-1] == "event 29"
    assert (notices.now, notices.take()) == ([], [])
