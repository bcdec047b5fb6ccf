"""The longest texts that cases keep: cut when written, whichever way they come in, and found again all the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.interchange import read_cases
from memento.memory.recorded_events import grouped
from memento.memory.text_limits import (
    MAX_ACTION_CHARS,
    MAX_ANSWER_CHARS,
    MAX_LESSON_CHARS,
    MAX_STATE_CHARS,
    bounded,
)
from tests.memories import imported_case
from tests.node_parts import a_memory

HUGE = "find it, step by step. " * 40_000
LIMITS = {
    "state": MAX_STATE_CHARS,
    "action": MAX_ACTION_CHARS,
    "answer": MAX_ANSWER_CHARS,
    "lesson": MAX_LESSON_CHARS,
}
BIG: dict[str, Any] = dict.fromkeys(LIMITS, HUGE)


def sizes(case: Case) -> dict[str, int]:
    return {name: len(getattr(case, name)) for name in LIMITS}


async def only_case(memory: CaseMemory) -> Case:
    (case,) = [case async for case in memory.views.walk(namespace="default")]
    return case


@pytest.mark.parametrize("n_chars", [0, 1, 999, 1000, 1001, 1100, 50_000, 3_000_000])
def test_text_is_at_most_so_long_and_says_what_is_missing(n_chars: int) -> None:
    text = "ab" * (n_chars // 2) + "c" * (n_chars % 2)
    kept = bounded(text, 1000)
    assert len(kept) <= 1000
    assert bounded(kept, 1000) == kept, "what was bounded once stays as it is"
    if n_chars <= 1000:
        assert kept == text
        return
    head, _, rest = kept.partition("\n[… ")
    n_missing, _, tail = rest.partition(" characters left out …]\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + int(n_missing.replace(",", "")) + len(tail) == n_chars


async def test_every_text_is_bounded_when_an_experience_is_written() -> None:
    async with a_memory() as memory:
        await memory.write(reward=1.0, **BIG)
        case = await only_case(memory)
        reading = await memory.read(HUGE)
    assert sizes(case) == pytest.approx(LIMITS, abs=30)
    assert all("characters left out" in getattr(case, name) for name in LIMITS)
    assert case.id == case_id("default", case.state, case.action)
    assert [scored for scored in reading.cases if scored.case] == [], "a task never finds itself, cut or not"


async def test_texts_are_bounded_when_they_wait_for_feedback_and_lessons_when_they_come_with_it() -> None:
    async with a_memory() as memory:
        reading = await memory.read("a task")
        await memory.write(event_id=reading.event_id, reward=None, **BIG | {"state": "a task"})
        await memory.feedback(reading.event_id, 1.0, lesson=HUGE * 5)
        case = await only_case(memory)
        await memory.feedback(reading.event_id, 0.0, lesson="another, " * 600_000)
        later = await only_case(memory)
    for one in (case, later):
        assert len(one.action) <= MAX_ACTION_CHARS
        assert len(one.lesson) <= MAX_LESSON_CHARS
    assert later.lesson.startswith("another, ")


@pytest.mark.parametrize(
    "row",
    [
        {"state": "s", "action": HUGE, "reward": 1.0, "lesson": "l"},
        {"case": "s", "plan": HUGE, "case_label": "positive"},
        {"question": "s", "plan": HUGE, "reward": 1},
    ],
)
def test_texts_are_bounded_when_they_are_imported(row: dict[str, Any]) -> None:
    case = imported_case(json.dumps(row))
    assert len(case.action) <= MAX_ACTION_CHARS
    assert case.id == case_id("default", case.state, case.action)


def test_queries_are_bounded_when_a_retrieval_log_is_imported(tmp_path: Path) -> None:
    row = {"case": "s", "plan": "p", "case_label": "positive", "query": HUGE, "truth_label": True}
    (tmp_path / "log.jsonl").write_text(json.dumps(row))
    (group,) = grouped(read_cases(tmp_path / "log.jsonl", namespace="default"))
    assert group.selection is not None
    assert len(group.selection.served.query) <= MAX_STATE_CHARS


async def test_finished_cases_are_bounded_when_they_are_taken_over() -> None:
    given = Case(id=case_id("default", HUGE, HUGE), namespace="default", reward=1.0, **BIG)
    async with a_memory() as memory:
        assert await memory.keep([given]) == 1
        case = await only_case(memory)
        assert await memory.keep([given]) == 0, "the same case again"
    assert sizes(case) == pytest.approx(LIMITS, abs=30)
    assert case.id == case_id("default", case.state, case.action)


async def test_older_big_case_is_read_whole_and_can_be_corrected() -> None:
    async with a_memory() as memory:
        old = Case(id=case_id("default", "a task", HUGE), namespace="default", state="a task", action=HUGE, reward=1.0)
        await memory._storage.ledger.transact(lambda writer: writer.append_case(old))
        reading = await memory.read("a similar task")
    assert [scored.case for scored in reading.cases] == [old]
