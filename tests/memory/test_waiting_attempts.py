"""Imported attempts of unknown outcome: nothing is learned or served of them until somebody says how they went."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import ErasedRecord, InvalidInput, UnknownEvent
from memento.memory.experience import Experience
from memento.memory.importing import attempt_event_id
from tests.hashing_encoder import HashingEncoder
from tests.memories import served


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="advantage", seed=0) as memory:
        yield memory


def attempt(state: str = "Fix the build", action: str = "Pin the compiler", **more: Any) -> Experience:
    return Experience(**{"state": state, "action": action, "reward": None, "evaluator": "import:codex", **more})


async def test_an_attempt_waits_once_and_is_nowhere_served(memory: CaseMemory) -> None:
    assert await memory.keep_attempts([attempt(), attempt(), attempt(action="Use another runner")]) == 2
    assert await memory.keep_attempts([attempt()]) == 0
    counts = await memory.views.counts(namespace="default")
    assert (counts.cases, counts.events, counts.unknown) == (0, 2, 2)
    assert await served(memory, "Fix the build") == set()


async def test_feedback_makes_a_case_of_it_and_trains_nothing(memory: CaseMemory) -> None:
    await memory.keep_attempts([attempt(answer="done", lesson="pins are good", thread_id="import:codex:s:0")])
    event_id = attempt_event_id("default", "Fix the build", "Pin the compiler")
    case_id = await memory.feedback(event_id, 1.0)
    assert case_id is not None
    case = (await memory.views.cases([case_id], namespace="default"))[case_id]
    assert (case.reward, case.status, case.answer, case.lesson) == (1.0, "active", "done", "pins are good")
    assert (case.provenance.evaluator, case.provenance.thread_id) == ("human", "import:codex:s:0")
    await memory.settle()
    assert await memory.n_outcomes() == 0, "which cases were served for it is not known"
    assert await served(memory, "Fix the build again") == {case_id}
    assert await memory.keep_attempts([attempt()]) == 0


async def test_what_is_a_case_already_does_not_wait(memory: CaseMemory) -> None:
    await memory.write(state="Fix the build", action="Pin the compiler", reward=1.0)
    assert await memory.keep_attempts([attempt()]) == 0


async def test_what_was_erased_does_not_come_back(memory: CaseMemory) -> None:
    await memory.keep_attempts([attempt()])
    await memory.lifecycle.erase(matching="compiler")
    assert await memory.keep_attempts([attempt()]) == 0
    with pytest.raises(ErasedRecord):
        await memory.feedback(attempt_event_id("default", "Fix the build", "Pin the compiler"), 1.0)


async def test_another_namespace_has_its_own(memory: CaseMemory) -> None:
    await memory.keep_attempts([attempt()])
    with pytest.raises(InvalidInput, match="'other'"):
        await memory.keep_attempts([attempt(namespace="other")])
    with pytest.raises(UnknownEvent):
        await memory.feedback(attempt_event_id("default", "Fix the build", "Pin the compiler"), 1.0, namespace="other")


@pytest.mark.parametrize("more", [{"reward": 0.0}, {"event_id": "e"}])
async def test_an_attempt_with_an_outcome_is_refused(more: dict[str, Any], memory: CaseMemory) -> None:
    with pytest.raises(InvalidInput, match="unknown outcome"):
        await memory.keep_attempts([attempt(), attempt(state="other", **more)])
    assert (await memory.views.counts(namespace="default")).events == 0


async def test_an_evaluator_of_this_memory_is_not_taken_from_elsewhere(memory: CaseMemory) -> None:
    await memory.keep_attempts([attempt(evaluator="human")])
    event_id = attempt_event_id("default", "Fix the build", "Pin the compiler")
    outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    assert (outcome.evaluator, outcome.reward) == ("import", None)
