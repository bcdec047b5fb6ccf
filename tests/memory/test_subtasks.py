"""Credit of a run's subtasks: once, by the run's outcome and by late feedback; forks, erasure, who is shown them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from memento.memory.case import Case, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.subtasks import SubtaskAttempt, credited
from tests.node_parts import a_memory

TASK, OTHER = "refund Ada and close the account", "refund Bob and open an account"


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory() as memory:
        yield memory


async def reading_of(memory: CaseMemory, description: str, *, task: str = TASK, part_of: str | None = None) -> Any:
    recall = await memory.recall(description, kind="subtask", key=question_hash(task))
    return await memory.select(recall._replace(part_of=part_of), k=4)


async def a_run(memory: CaseMemory, *descriptions: str, blame: Any = 0.5, **fields: Any) -> Experience:
    """A run that was read for, with its subtasks, not yet written."""
    event_id = (await memory.read(TASK)).event_id
    subtasks = []
    for text in descriptions:
        mine = await reading_of(memory, text, part_of=event_id)
        subtasks.append(SubtaskAttempt(event_id=mine.event_id, state=text, action=f"how to {text}", blame=blame))
    given = {"state": TASK, "action": "the plan", "reward": 1.0, "evaluator": "exact", "thread_id": "t"} | fields
    return Experience(**given, event_id=event_id, subtasks=subtasks)


async def subtask_cases(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace="default", kind="subtask")]


async def rewards_of(memory: CaseMemory, run: Experience) -> list[float | None]:
    found = [await memory.views.outcome(one.event_id, namespace="default") for one in run.subtasks]
    return [None if one is None else one.reward for one in found]


@pytest.mark.parametrize(
    ("reward", "blame", "expected"),
    [(1.0, 0.25, (1.0, 0.8)), (0.0, 0.25, (0.0, 0.2)), (0.5, 0.5, (0.5, 0.6)), (0.0, 1.0, (0.0, 0.8))],
)
def test_a_failure_is_shared_and_a_success_is_not(reward: float, blame: float, expected: Any) -> None:
    assert credited(reward, 0.8, blame) == pytest.approx(expected)
    assert credited(reward, 0.8, None).reward is None, "what was not completed is unknown"
    assert credited(None, 0.8, blame).reward is None


async def test_a_recurring_subtask_is_found_for_another_task_and_not_for_its_own(memory: CaseMemory) -> None:
    await memory.write(await a_run(memory, "look up the customer", "send the refund"))
    cases = await subtask_cases(memory)
    assert {(case.state, case.action, case.reward, case.status) for case in cases} == {
        ("look up the customer", "how to look up the customer", 1.0, "active"),
        ("send the refund", "how to send the refund", 1.0, "active"),
    }
    assert not (await reading_of(memory, "send the refund")).cases
    found = (await reading_of(memory, "send the refund", task=OTHER)).cases
    assert found[0].case.state == "send the refund", "the same words, of another task"
    assert {one.case.kind for one in found} == {"subtask"}
    assert {one.case.kind for one in (await memory.read(OTHER)).cases} == {"plan"}


async def test_a_failed_run_of_many_subtasks_makes_none_of_them_a_failure(memory: CaseMemory) -> None:
    run = await a_run(memory, "a step", "b step", "c step", reward=0.0, blame=1 / 3)
    await memory.write(run)
    assert await rewards_of(memory, run) == [0.0, 0.0, 0.0], "the cases that were shown learn from it"
    assert {case.status for case in await subtask_cases(memory)} == {"quarantined"}
    assert not (await reading_of(memory, "a step", task=OTHER)).cases


async def test_late_feedback_on_the_run_reaches_its_subtasks_once(memory: CaseMemory) -> None:
    run = await a_run(memory, "send the refund", reward=None, blame=1.0)
    unfinished = await reading_of(memory, "close the account", part_of=run.event_id)
    late = SubtaskAttempt(event_id=unfinished.event_id, state="close the account", action="-", blame=None)
    run = Experience(**run.as_arguments() | {"subtasks": [*run.subtasks, late]})
    assert await memory.write(run) is None
    assert await rewards_of(memory, run) == [None, None]
    assert not await subtask_cases(memory)
    for _ in range(2):
        await memory.feedback(run.event_id or "", 1.0)
        assert await rewards_of(memory, run) == [1.0, None]
        assert [(case.state, case.reward) for case in await subtask_cases(memory)] == [("send the refund", 1.0)]
    offset = await memory.views.newest_outcome_offset()
    await memory.feedback(run.event_id or "", 1.0)
    assert await memory.views.newest_outcome_offset() == offset, "the same feedback twice is one"
    await memory.feedback(run.event_id or "", 0.0)
    (case,) = await subtask_cases(memory)
    assert (case.reward, case.outcomes.n, case.provenance.evaluator) == (0.0, 1, "human"), "replaced, not added"
    await memory.feedback(run.event_id or "", None)
    assert [case.status for case in await subtask_cases(memory)] == ["quarantined"]


async def test_feedback_on_a_subtask_itself_stands_against_that_on_its_run(memory: CaseMemory) -> None:
    run = await a_run(memory, "look up", "send")
    await memory.write(run)
    await memory.feedback(run.subtasks[0].event_id, 0.0)
    await memory.feedback(run.event_id or "", 0.75)
    assert await rewards_of(memory, run) == [0.0, 0.75]
    outcome = await memory.views.outcome(run.event_id or "", namespace="default")
    assert outcome is not None
    assert outcome.reward == 0.75, "a subtask's feedback is not that of its run"


async def test_feedback_that_came_before_the_run_ended_counts_for_its_subtasks(memory: CaseMemory) -> None:
    run = await a_run(memory, "send", blame=1.0)
    await memory.feedback(run.event_id or "", 0.0)
    await memory.write(run)
    assert await rewards_of(memory, run) == [0.0]


async def test_a_run_written_again_writes_no_subtask_twice(memory: CaseMemory) -> None:
    run = await a_run(memory, "send")
    first = await memory.write_attempt(run)
    offset = await memory.views.newest_offset(), await memory.views.newest_outcome_offset()
    assert await memory.write_attempt(Experience(**json.loads(json.dumps(run.as_arguments())))) == first
    assert (await memory.views.newest_offset(), await memory.views.newest_outcome_offset()) == offset


async def test_a_fork_credits_the_subtasks_that_it_carried_out_differently(memory: CaseMemory) -> None:
    run = await a_run(memory, "look up", "send", reward=0.0)
    await memory.write_attempt(run)
    as_before, sent = run.subtasks
    differently = SubtaskAttempt(event_id=sent.event_id, state="send", action="by post", blame=0.5)
    changes = {"reward": 1.0, "answer": "sent", "action": "another plan", "subtasks": [as_before, differently]}
    second = await memory.write_attempt(Experience(**run.as_arguments() | changes))
    assert await rewards_of(memory, run) == [0.0, 0.0], "the first attempt's outcomes stand"
    rewards = {case.action: case.reward for case in await subtask_cases(memory)}
    assert rewards == {"how to look up": 0.0, "how to send": 0.0, "by post": 1.0}
    await memory.feedback(second.event_id or "", 0.25)
    rewards = {case.action: case.reward for case in await subtask_cases(memory)}
    assert rewards == {"how to look up": 0.0, "how to send": 0.0, "by post": 0.25}


async def test_subtasks_are_written_although_their_run_had_no_reading(memory: CaseMemory) -> None:
    mine = await reading_of(memory, "send")
    one = {"event_id": mine.event_id, "state": "send", "action": "by mail"}
    run = Experience(state=TASK, action="p", reward=1.0, thread_id="t", subtasks=[one])  # type: ignore[list-item]
    assert await memory.write(run) == await memory.write(run)
    (case,) = await subtask_cases(memory)
    assert case.outcomes.n == 1
    gone = {**one, "event_id": "of another namespace"}
    await memory.write(Experience(state=OTHER, action="p", reward=1.0, subtasks=[gone]))  # type: ignore[list-item]
    assert len(await subtask_cases(memory)) == 1, "the run is remembered, and what has no reading is not"


async def test_erasing_a_run_erases_what_its_subtasks_say(memory: CaseMemory) -> None:
    run = await a_run(memory, "call Ada Lovelace")
    unwritten = await reading_of(memory, "write to Ada Lovelace", part_of=run.event_id)
    await memory.write(run)
    await memory.lifecycle.erase(events=[run.event_id or ""])
    for event_id in (run.subtasks[0].event_id, unwritten.event_id):
        event = await memory.views.event(event_id, namespace="default")
        assert event is not None
        assert event.erased_at
        assert "Ada" not in event.model_dump_json()
        assert event.part_of == run.event_id
    outcome = await memory.views.outcome(run.subtasks[0].event_id, namespace="default")
    assert "Ada" not in "".join(case.model_dump_json() for case in await subtask_cases(memory))
    assert outcome is not None
    assert outcome.attempt is None


@pytest.mark.parametrize(
    "wrong", [{"event_id": "e"}, {"event_id": "", "state": "s", "action": "a"}, "text", {"blame": 0.0}]
)
def test_what_is_no_subtask_is_refused(wrong: Any) -> None:
    given = {"event_id": "e", "state": "s", "action": "a"} | wrong if wrong == {"blame": 0.0} else wrong
    with pytest.raises(InvalidInput):
        Experience(state="s", action="a", reward=1.0, subtasks=[given])
