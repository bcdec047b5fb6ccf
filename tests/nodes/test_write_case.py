"""The last node: the case and the event's outcome, written once."""

from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EncoderUnavailable, LedgerUnavailable
from memento.nodes.state import MementoState
from memento.nodes.write_case import make_write_case
from tests.node_parts import a_memory, a_run, begun, failing, given, names, runtime_of

PLANS = [
    [{"id": "1", "description": "find a", "depends_on": []}, {"id": "2", "description": "use a", "depends_on": ["1"]}],
    [{"id": "1", "description": "check", "depends_on": []}],
]


async def finished(memory: CaseMemory, **changes: Any) -> MementoState:
    reading = await memory.read("What is six times seven?")
    state = {"event_id": reading.event_id, "plans": PLANS, "answer": "42", "reward": 1.0, "evaluator": "exact"}
    return begun(**(state | changes))


async def test_case_holds_what_was_tried_when_reward_is_known() -> None:
    events: list[Any] = []
    async with a_memory() as memory:
        state = await finished(memory, lesson="easy", confidence=0.75)
        update = await make_write_case(given(memory))(state, runtime=runtime_of(events=events))
        case = (await memory.views.cases([update["case_id"]], namespace="default"))[update["case_id"]]
        outcome = await memory.views.outcome(state["event_id"] or "", namespace="default")
    assert case.state == "What is six times seven?"
    assert case.action == "1. find a\n2. use a (after 1)\n--- replanned ---\n1. check"
    assert (case.answer, case.reward, case.lesson, case.confidence) == ("42", 1.0, "easy", 0.75)
    assert case.provenance.event_id == state["event_id"]
    assert outcome is not None
    assert outcome.reward == 1.0
    assert names(events) == ["written"]


async def test_action_says_so_when_there_was_no_plan() -> None:
    async with a_memory() as memory:
        update = await make_write_case(given(memory))(await finished(memory, plans=[]), runtime=runtime_of())
        case = (await memory.views.cases([update["case_id"]], namespace="default"))[update["case_id"]]
    assert case.action == "(answered directly)"


async def test_nothing_is_written_twice_when_the_node_runs_again() -> None:
    async with a_memory() as memory:
        state, node = await finished(memory), make_write_case(given(memory))
        first = await node(state, runtime=runtime_of())
        before = await memory.views.counts(namespace="default"), await memory.views.newest_offset()
        second = await node(state, runtime=runtime_of())
        after = await memory.views.counts(namespace="default"), await memory.views.newest_offset()
    assert first == second
    assert before == after


async def test_event_is_closed_as_unknown_when_reward_is_not_known() -> None:
    async with a_memory() as memory:
        state = await finished(memory, reward=None, error_class="judge")
        update = await make_write_case(given(memory))(state, runtime=runtime_of())
        outcome = await memory.views.outcome(state["event_id"] or "", namespace="default")
        counts = await memory.views.counts(namespace="default")
        later = await memory.feedback(state["event_id"] or "", reward=1.0)
    assert update["case_id"] is None
    assert outcome is not None
    assert outcome.reward is None
    assert (counts.cases, counts.negative, counts.unknown) == (0, 0, 1)
    assert later is not None, "the attempt was kept, and becomes a case with its reward"


async def test_memory_is_not_asked_when_there_is_neither_event_nor_reward() -> None:
    node = make_write_case(failing(AssertionError("not to be opened")))
    assert await node(begun(answer="42"), runtime=runtime_of()) == {}


async def test_case_is_written_when_retrieval_was_down_but_the_reward_is_known() -> None:
    async with a_memory(namespace="house") as memory:
        state = begun(a_run(namespace=""), answer="42", reward=1.0)
        update = await make_write_case(given(memory))(state, runtime=runtime_of())
        assert update["case_id"] in await memory.views.cases([update["case_id"]], namespace="house")


@pytest.mark.parametrize("error", [LedgerUnavailable("disk full"), EncoderUnavailable("down")])
async def test_answer_stands_when_the_memory_is_gone(error: Exception) -> None:
    state = begun(answer="42", reward=1.0, event_id="e1", notices=["before"])
    update = await make_write_case(failing(error))(state, runtime=runtime_of())
    assert update == {"notices": ["before", f"not remembered: {error}"]}


async def test_answer_stands_when_the_event_is_not_in_this_memory() -> None:
    async with a_memory() as memory:
        state = begun(answer="42", reward=1.0, event_id="of-another-bank")
        update = await make_write_case(given(memory))(state, runtime=runtime_of())
    assert "not remembered" in update["notices"][0]
