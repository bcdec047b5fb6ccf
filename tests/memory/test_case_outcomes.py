"""A case keeps count, mean and spread of its outcomes; each attempt counts once, and feedback replaces its outcome."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.evals.subject import DIRECT
from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.interchange import parse_line
from tests.memories import Place, place

TRIED: dict[str, Any] = {"state": "roll a die", "action": "bet on six"}
OWN = case_id("default", "roll a die", "bet on six")


@pytest.fixture(params=["folder", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path, url) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory() as opened:
        yield opened


async def the_case(memory: CaseMemory) -> Case:
    return (await memory.views.cases([OWN], namespace="default"))[OWN]


async def attempt(memory: CaseMemory, reward: float | None, **given: Any) -> str:
    """Write an attempt with an event of its own, as a run does."""
    event = (await memory.read("roll a die")).event_id
    await memory.write(**TRIED | given, reward=reward, event_id=event)
    return event


async def test_outcomes_are_counted_once_and_feedback_replaces_one(memory: CaseMemory) -> None:
    first = await attempt(memory, 1.0, lesson="lucky")
    second = await attempt(memory, 0.0)
    third = await attempt(memory, 0.0, lesson="the odds are against it")
    await attempt(memory, None)
    case = await the_case(memory)
    assert (case.reward, case.outcomes) == (1 / 3, (3, 1 / 3, 0.57735))
    assert case.outcomes.text == "0.33 of 3 outcomes, spread 0.58"
    assert case.lesson == "the odds are against it", "of the newest attempt"
    await memory.write(**TRIED, reward=0.0, event_id=third)  # delivered again
    await asyncio.gather(memory.feedback(second, 1.0), memory.feedback(first, 0.5))
    assert (await the_case(memory)).outcomes[:2] == (3, 0.5)
    await memory.feedback(first, 0.5)
    await memory.feedback(third, None)  # withdrawn: the others stand
    case = await the_case(memory)
    assert (case.status, case.outcomes[:2]) == ("active", (2, 0.75))
    await memory.feedback(third, 0.0, confidence=0.1)  # doubted, and still that attempt's only outcome
    await memory.feedback(third, 0.0, confidence=1.0)
    assert (await the_case(memory)).outcomes[:2] == (3, 0.5)


async def test_a_rollback_takes_outcomes_back_and_later_feedback_counts_them_once(memory: CaseMemory) -> None:
    events = [await attempt(memory, reward) for reward in (1.0, 1.0)]
    await memory.lifecycle.snapshot("calm")
    late = await attempt(memory, 0.0)
    await memory.lifecycle.rollback("calm")
    assert (await the_case(memory)).outcomes[:2] == (2, 1.0)
    await memory.feedback(late, 0.5)  # was taken back: an outcome more
    await memory.feedback(events[0], 0.0)  # still counts: replaced
    await memory.feedback(late, 1.0)
    assert (await the_case(memory)).outcomes[:2] == (3, 2 / 3)


async def test_writes_without_an_event_count_unless_their_thread_repeats_them(tmp_path: Path) -> None:
    with place(":memory:", tmp_path) as at:
        async with at.memory() as memory:
            for reward in (1.0, 0.0, 0.0):
                await memory.write(**TRIED, reward=reward)
            assert (await the_case(memory)).outcomes.n == 3, "without a name each is an attempt of its own"
            for _ in range(2):
                await memory.write(**TRIED, reward=0.0, thread_id="t")  # a run that is repeated after a crash
            assert (await the_case(memory)).outcomes.n == 4


async def test_what_is_not_believed_or_another_direct_answer_is_not_counted_together(tmp_path: Path) -> None:
    with place(":memory:", tmp_path) as at:
        async with at.memory() as memory:
            await memory.keep([Case(id=OWN, namespace="default", **TRIED, reward=1.0)], is_trusted=False)
            await memory.write(**TRIED, reward=0.0)
            assert (await the_case(memory)).outcomes == (1, 0.0, None), "an unknown source's claim"
            await memory.write(**TRIED, reward=1.0, confidence=0.1)
            assert (await the_case(memory)).outcomes == (1, 0.0, None), "a doubtful judgement"
            direct = {"state": "2 + 2", "action": DIRECT}
            one = str(await memory.write(**direct, answer="5", reward=0.0))
            await memory.write(**direct, answer="4", reward=1.0, evaluator="correction")
            found = (await memory.views.cases([one], namespace="default"))[one]
            assert (found.answer, found.outcomes) == ("4", (1, 1.0, None))


async def test_export_and_import_keep_outcomes_and_count_none_twice(tmp_path: Path) -> None:
    with place(":memory:", tmp_path) as at:
        async with at.memory() as memory:
            for reward in (1.0, 0.0, 0.0):
                await attempt(memory, reward)
            case = await the_case(memory)
        row = json.dumps(case.exported()).encode()
        assert json.loads(row)["outcomes"] == {"n": 3, "mean": 1 / 3, "spread": 0.57735}
        parsed = parse_line(1, row, "default").case
        assert parsed is not None
        assert parsed.outcomes == pytest.approx(case.outcomes, abs=1e-6)
        async with at.memory() as other:
            assert [await other.keep([parsed]), await other.keep([parsed])] == [1, 0]
            await attempt(other, 1.0)
            assert (await the_case(other)).outcomes[:2] == pytest.approx((4, 0.5))
    wrong = json.dumps(case.exported() | {"reward": 1.0}).encode()
    assert "outcomes.mean" in parse_line(1, wrong, "default").problem


def test_a_reward_that_an_older_release_changed_counts_alone() -> None:
    body = {"id": OWN, "namespace": "default", **TRIED, "tally": {"n": 3, "total": 1.0, "squares": 1.0}}
    assert Case.model_validate(body | {"reward": 1 / 3}).outcomes.n == 3
    assert Case.model_validate(body | {"reward": 0.9}).outcomes == (1, 0.9, None)
