"""Further attempts with the cases of one reading: kept apart from the first, never credited, erased with it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import AnotherAttempt, ErasedRecord, UnknownEvent
from memento.memory.experience import Experience
from tests.node_parts import a_memory

FIRST = Experience(state="capital?", action="look it up", answer="Paris", reward=1.0)


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory(policy="advantage") as memory:
        await memory.write(state="capital of Italy?", action="ask", reward=1.0)
        yield memory


async def read(memory: CaseMemory) -> str:
    reading = await memory.read("capital?", k=2)
    assert reading.cases
    return reading.event_id


def tried(event_id: str | None, **changes: Any) -> Experience:
    return Experience(**{**FIRST.as_arguments(), "event_id": event_id, **changes})


async def test_another_attempt_has_an_event_an_outcome_and_a_case_of_its_own(memory: CaseMemory) -> None:
    event_id = await read(memory)
    first = await memory.write_attempt(tried(event_id))
    assert (first.event_id, first.is_fork(tried(event_id))) == (event_id, False)
    other = tried(event_id, action="guess", answer="London", reward=0.0)
    with pytest.raises(AnotherAttempt):
        await memory.write(other)
    second = await memory.write_attempt(other)
    assert second.is_fork(other)
    assert await memory.write_attempt(other) == second, "the same attempt twice is one"
    assert len({first.case_id, second.case_id}) == 2
    original = await memory.views.event(event_id, namespace="default")
    fork = await memory.views.event(str(second.event_id), namespace="default")
    assert original is not None
    assert fork is not None
    assert (fork.fork_of, fork.slots, fork.query) == (event_id, original.slots, original.query)
    rewards = [
        outcome.reward
        for one in (event_id, str(second.event_id))
        if (outcome := await memory.views.outcome(one, namespace="default"))
    ]
    assert rewards == [1.0, 0.0]


async def test_the_cases_served_are_credited_once(memory: CaseMemory) -> None:
    event_id = await read(memory)
    await memory.write_attempt(tried(event_id))
    await memory.settle()
    before, effects = await memory.n_outcomes(), await memory.effects()
    for number in range(3):
        await memory.write_attempt(tried(event_id, answer=f"London {number}", reward=0.0))
    await memory.settle()
    assert await memory.n_outcomes() == before
    assert await memory.effects() == effects
    report = await memory.evaluation().report(["similarity"])
    assert report.n_unknown == 3


async def test_feedback_reaches_the_attempt_that_it_names(memory: CaseMemory) -> None:
    event_id = await read(memory)
    first = await memory.write_attempt(tried(event_id))
    second = await memory.write_attempt(tried(event_id, action="guess", answer="London", reward=None))
    assert second.case_id is None
    written = await memory.feedback(str(second.event_id), 0.5, lesson="no guesses")
    cases = await memory.views.cases([str(first.case_id), str(written)], namespace="default")
    assert (cases[str(first.case_id)].reward, cases[str(written)].reward) == (1.0, 0.5)
    assert cases[str(written)].action == "guess"


async def test_a_fork_of_a_later_reading_gives_the_earlier_one_no_outcome(memory: CaseMemory) -> None:
    before = await read(memory)
    later = await memory.read("capital?\nfound: it is in France", task="capital?", follows=before)
    await memory.write_attempt(tried(later.event_id))
    fork = await memory.write_attempt(tried(later.event_id, answer="London", reward=0.0))
    await memory.feedback(str(fork.event_id), 0.2)
    outcome = await memory.views.outcome(before, namespace="default")
    assert outcome is not None
    assert outcome.reward == 1.0


async def test_a_fork_of_a_fork_is_one_of_the_first(memory: CaseMemory) -> None:
    event_id = await read(memory)
    await memory.write_attempt(tried(event_id))
    second = await memory.write_attempt(tried(event_id, answer="London"))
    third = await memory.write_attempt(tried(second.event_id, answer="Rome"))
    assert third == await memory.write_attempt(tried(event_id, answer="Rome"))
    event = await memory.views.event(str(third.event_id), namespace="default")
    assert event is not None
    assert event.fork_of == event_id


async def test_the_same_attempt_with_another_reward_is_the_same(memory: CaseMemory) -> None:
    event_id = await read(memory)
    first = await memory.write_attempt(tried(event_id))
    again = await memory.write_attempt(tried(event_id, reward=0.0))
    assert (again.case_id, again.event_id) == (first.case_id, event_id)
    assert again.outcome is not None
    assert again.outcome.reward == 1.0


async def test_forks_are_erased_with_what_they_are_forks_of(memory: CaseMemory) -> None:
    event_id = await read(memory)
    await memory.write_attempt(tried(event_id))
    fork = await memory.write_attempt(tried(event_id, action="guess", answer="London"))
    await memory.lifecycle.erase(events=[event_id])
    kept = await memory.views.event(str(fork.event_id), namespace="default")
    assert kept is not None
    assert kept.erased_at
    assert kept.fork_of == event_id
    with pytest.raises(ErasedRecord):
        await memory.write_attempt(tried(event_id, answer="Rome"))


async def test_only_events_of_the_namespace_are_forked(memory: CaseMemory) -> None:
    event_id = await read(memory)
    await memory.write_attempt(tried(event_id))
    with pytest.raises(UnknownEvent):
        await memory.write_attempt(tried(event_id, answer="London", namespace="other"))


async def test_without_an_event_every_attempt_is_a_first_one(memory: CaseMemory) -> None:
    written = await memory.write_attempt(tried(None))
    assert written.case_id
    assert (written.event_id, written.outcome) == (None, None)
