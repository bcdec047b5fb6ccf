"""Lessons in the memory: one for a write, standing on its run's outcome, unseen by its own task, moved and erased."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.interchange import read_cases
from memento.memory.lessons import Reflection
from tests.memories import place

pytestmark = pytest.mark.allow_blocking("files are written and read")

TASK, OTHER = "What is 7 % of 300?", "What is 9 % of 50?"
WHEN, ADVICE = "A share in percent is asked for.", "Divide by a hundred once, and check the size of the result."
LESSON = Reflection(when=WHEN, advice=ADVICE, after="failure", model="judge-1")


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[CaseMemory]:
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory:
            yield memory


async def a_run(memory: CaseMemory, task: str = TASK, **fields: Any) -> Experience:
    """A failed run that was read for, not yet written."""
    event_id = (await memory.read(task)).event_id
    given = {"state": task, "action": "guess", "reward": 0.0, "evaluator": "exact", "thread_id": "t"}
    return Experience(**given | {"reflection": LESSON} | fields, event_id=event_id)


async def lessons(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace="default", kind="lesson")]


async def found(memory: CaseMemory, task: str) -> list[str]:
    recall = await memory.recall(task, kind="lesson", key=question_hash(task))
    return [one.case.action for one in (await memory.select(recall, k=4)).cases]


async def test_a_lesson_is_a_case_without_an_outcome_that_other_tasks_find(memory: CaseMemory) -> None:
    run = await a_run(memory)
    written = await memory.write_attempt(run)
    (lesson,) = await lessons(memory)
    assert (lesson.state, lesson.action, lesson.status) == (WHEN, ADVICE, "active")
    assert (lesson.id, lesson.key) == (written.lesson_id, question_hash(TASK))
    assert (lesson.reward, lesson.outcomes) == (0.5, (0, None, None)), "it claims no success and no failure"
    origin = lesson.provenance
    assert (origin.event_id, origin.evaluator, origin.models) == (run.event_id, "exact", {"lesson": "judge-1"})
    assert await found(memory, OTHER) == [ADVICE]
    assert await found(memory, TASK) == [], "not by the task that it was written from"
    counts = await memory.views.counts(namespace="default")
    assert (counts.cases, counts.positive, counts.negative) == (2, 0, 1)


async def test_a_repeated_write_is_one_lesson_whatever_it_says_the_second_time(memory: CaseMemory) -> None:
    run = await a_run(memory)
    first = await memory.write_attempt(run)
    other = Reflection(when="Sums of money.", advice="Count twice.", after="failure")
    again = await memory.write_attempt(Experience(**run.as_arguments() | {"reflection": vars(other)}))
    assert (again.case_id, again.lesson_id) == (first.case_id, None)
    assert [case.id for case in await lessons(memory)] == [first.lesson_id]
    offset = await memory.views.newest_offset()
    assert await memory.write_attempt(run) == first
    assert await memory.views.newest_offset() == offset


async def test_the_same_lesson_of_another_run_of_the_task_stays_one_case_without_outcomes(memory: CaseMemory) -> None:
    await memory.write(await a_run(memory))
    second = await a_run(memory, answer="8")
    await memory.write(second)
    (lesson,) = await lessons(memory)
    assert (lesson.version, lesson.outcomes.n, lesson.provenance.event_id) == (2, 0, second.event_id)


async def test_a_lesson_goes_and_comes_back_with_the_outcome_that_it_stands_on(memory: CaseMemory) -> None:
    run = await a_run(memory)
    event_id, (case_id, *_) = str(run.event_id), await memory.write_attempt(run)
    for reward, status in ((1.0, "quarantined"), (0.25, "active"), (None, "quarantined"), (0.0, "active")):
        assert await memory.feedback(event_id, reward) == case_id, "the run's own case is what feedback is about"
        (lesson,) = await lessons(memory)
        assert (lesson.status, lesson.reward, lesson.outcomes.n) == (status, 0.5, 0)
    await memory.lifecycle.retire(lesson.id, reason="wrong")
    await memory.feedback(event_id, 0.1)
    assert [case.status for case in await lessons(memory)] == ["retired"]


async def test_a_lesson_stands_by_the_line_of_success_that_its_run_had(memory: CaseMemory) -> None:
    strict = Reflection(when=WHEN, advice=ADVICE, after="failure", line=0.9)
    run = await a_run(memory, reward=0.7, reflection=strict)
    await memory.write(run)
    await memory.feedback(str(run.event_id), 0.8)
    assert [case.status for case in await lessons(memory)] == ["active"]
    await memory.feedback(str(run.event_id), 0.95)
    assert [case.status for case in await lessons(memory)] == ["quarantined"]


async def test_no_lesson_of_an_unknown_outcome_or_one_that_feedback_has_turned(memory: CaseMemory) -> None:
    unknown = await a_run(memory, reward=None)
    await memory.write(unknown)
    await memory.feedback(str(unknown.event_id), 0.0)
    assert await lessons(memory) == [], "feedback asks no model"
    turned = await a_run(memory, OTHER)
    await memory.feedback(str(turned.event_id), 1.0)
    await memory.write(turned)
    assert await lessons(memory) == []


async def test_a_doubtful_judgement_leaves_its_lesson_in_quarantine_until_a_person_says_the_same(
    memory: CaseMemory,
) -> None:
    run = await a_run(memory, confidence=0.3)
    await memory.write(run)
    assert [case.status for case in await lessons(memory)] == ["quarantined"]
    await memory.feedback(str(run.event_id), 0.0)
    assert [case.status for case in await lessons(memory)] == ["active"]


async def test_a_fork_has_a_lesson_of_its_own_and_erasing_the_run_takes_both(memory: CaseMemory) -> None:
    run = await a_run(memory)
    await memory.write_attempt(run)
    other = Reflection(when="Sums of money.", advice="Count twice.", after="failure")
    forked = Experience(**run.as_arguments() | {"action": "count", "answer": "8", "reflection": other})
    fork = await memory.write_attempt(forked)
    assert fork.event_id != run.event_id
    assert {case.provenance.event_id for case in await lessons(memory)} == {run.event_id, fork.event_id}
    await memory.lifecycle.erase(events=[str(run.event_id)])
    assert await lessons(memory) == []


async def test_an_export_brings_a_lesson_back_as_it_was(memory: CaseMemory, tmp_path: Path) -> None:
    await memory.write(await a_run(memory))
    (lesson,) = await lessons(memory)
    file = tmp_path / "lessons.jsonl"
    file.write_text(json.dumps(lesson.exported()))
    (line,) = read_cases(file, namespace="copy")
    assert line.case is not None
    assert await memory.keep([line.case]) == 1
    (copy,) = [case async for case in memory.views.walk(namespace="copy", kind="lesson")]
    for name in ("state", "action", "reward", "outcomes", "key", "kind", "status", "confidence"):
        assert getattr(copy, name) == getattr(lesson, name)
    assert copy.provenance.ground == lesson.provenance.ground
    assert copy.provenance.event_id is None, "no file speaks for a run of this ledger"


@pytest.mark.parametrize(
    "reflection",
    [
        {"when": " ", "advice": "a", "after": "failure"},
        {"when": "w", "advice": "a", "after": "doubt"},
        {"when": "w", "advice": "a", "after": "failure", "line": 0},
        {"when": "w", "advice": "a"},
        "a text",
    ],
)
def test_a_reflection_that_says_too_little_is_refused(reflection: Any) -> None:
    with pytest.raises(InvalidInput, match="reflection"):
        Experience(state="s", action="a", reward=0.0, reflection=reflection)
