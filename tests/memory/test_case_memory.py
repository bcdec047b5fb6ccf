"""One contract, every place a memory can live: this process, a folder, a server, and Postgres with a folder."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, Provenance, case_id, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import (
    EncoderMismatch,
    InvalidInput,
    LedgerUnavailable,
    UnknownEvent,
    UnknownPolicy,
)
from memento.memory.reading import Recall
from tests.hashing_encoder import HashingEncoder
from tests.memories import Place, filled, place, question, served

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[":memory:", "folder", "server", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", url) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory(seed=7) as memory:
        yield memory


@pytest.fixture
def kept(at: Place) -> Place:
    if not at.is_kept:
        pytest.skip("a bank in this process is gone when it is closed")
    return at


# Read


async def test_nearest_case_comes_first_when_read(memory: CaseMemory) -> None:
    ids = await filled(memory, 8)
    reading = await memory.read(question(3) + " please", k=2)
    assert len(reading.cases) == 2
    best = reading.cases[0]
    assert (best.case.id, best.slot, best.propensity) == (ids[3], 0, 1.0)
    assert best.similarity == pytest.approx(best.score)
    assert best.similarity > reading.cases[1].similarity
    assert (reading.policy, reading.is_degraded, memory.notices) == ("similarity", False, [])


async def test_nothing_comes_when_the_bank_is_empty(memory: CaseMemory) -> None:
    for policy in ("none", "random", "similarity", "parametric"):
        assert (await memory.read("anything", policy=policy)).cases == []


async def test_question_never_retrieves_itself_when_asked_again(memory: CaseMemory) -> None:
    await filled(memory, 4)
    own = await memory.write(state="Who  wrote\nDune?", action="search", reward=1.0)
    for policy in ("random", "similarity", "parametric"):
        found = await served(memory, " who wrote DUNE ", policy=policy)
        assert own not in found
        assert len(found) == 4


async def test_each_namespace_sees_only_its_own_when_they_share_a_bank(memory: CaseMemory) -> None:
    own = await filled(memory, 3)
    theirs = await filled(memory, 3, namespace="theirs")
    assert not set(own) & set(theirs)
    for policy in ("random", "similarity", "parametric"):
        assert await served(memory, "capital", policy=policy) == set(own)
        assert await served(memory, "capital", policy=policy, namespace="theirs") == set(theirs)
    reading = await memory.read("capital", namespace="theirs")
    with pytest.raises(UnknownEvent):
        await memory.feedback(reading.event_id, 1.0)
    with pytest.raises(UnknownEvent):
        await memory.write(state="s", action="a", reward=1.0, event_id=reading.event_id)
    assert await memory.views.cases(theirs, namespace="default") == {}
    assert (await memory.views.counts(namespace="theirs")).cases == 3


async def test_event_of_another_namespace_is_refused_when_a_recall_names_it(memory: CaseMemory) -> None:
    await filled(memory, 2, namespace="theirs")
    reading = await memory.read("capital", namespace="theirs")
    recall = await memory.recall("capital")
    with pytest.raises(UnknownEvent):
        await memory.select(recall._replace(event_id=reading.event_id))


async def test_recorded_reading_comes_back_when_selected_twice(memory: CaseMemory) -> None:
    await filled(memory, 6)
    recall = await memory.recall("capital of Kenya", policy="random")
    again = Recall.from_json(json.loads(json.dumps(recall.to_json())))
    assert again == recall
    first, second = await memory.select(recall, k=3), await memory.select(again, k=5)
    assert first == second
    assert first.event_id == recall.event_id
    assert (await memory.views.counts(namespace="default")).events == 1


async def test_propensities_are_exact_when_recorded(memory: CaseMemory) -> None:
    await filled(memory, 7)
    reading = await memory.read("capital", policy="random", k=4)
    assert [scored.propensity for scored in reading.cases] == pytest.approx([1 / 7, 1 / 6, 1 / 5, 1 / 4])
    for policy in ("similarity", "parametric"):
        reading = await memory.read("capital", policy=policy, k=4)
        assert [scored.propensity for scored in reading.cases] == [1.0] * 4
    event = await memory.views.event(reading.event_id, namespace="default")
    assert event is not None
    assert event.case_ids == [scored.case.id for scored in reading.cases]
    assert {candidate.case_id for candidate in event.candidates} >= set(event.case_ids)


async def test_case_is_not_served_when_retired_or_quarantined(memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    recall = await memory.recall("capital")
    await memory.lifecycle.retire(ids[0])
    await memory.lifecycle.quarantine(ids[1])
    for policy in ("random", "similarity", "parametric"):
        assert await served(memory, "capital", policy=policy) == set(ids[2:])
    late = await memory.select(recall, k=64)  # recalled before
    assert {scored.case.id for scored in late.cases} == set(ids[2:])


REFUSED: list[tuple[Callable[[CaseMemory], Awaitable[object]], type[Exception]]] = [
    (lambda m: m.read("  "), InvalidInput),
    (lambda m: m.read("q", k=-1), InvalidInput),
    (lambda m: m.read("q", policy="best"), UnknownPolicy),
    (lambda m: m.read("q", namespace=""), InvalidInput),
    (lambda m: m.read("q", namespace="n" * 201), InvalidInput),
    (lambda m: m.read("q", namespace="n\0"), InvalidInput),
    (lambda m: m.write(state=" ", action="a", reward=1.0), InvalidInput),
    (lambda m: m.write(state="s", action="a", reward=1.5), InvalidInput),
    (lambda m: m.write(state="s", action="a", reward=float("nan")), InvalidInput),
    (lambda m: m.write(state="s", action="a", reward=1.0, confidence=2.0), InvalidInput),
    (lambda m: m.write(state="s", action="a", reward=1.0, error_class="bad luck"), InvalidInput),
    (lambda m: m.write(state="s", action="a", reward=1.0, event_id="nobody"), UnknownEvent),
    (lambda m: m.feedback("nobody", 1.0), UnknownEvent),
    (lambda m: m.keep([Case(id="x", namespace="default", state="s", action="a", reward=1)]), InvalidInput),
]


async def test_refused_and_nothing_kept_when_the_caller_errs(memory: CaseMemory, subtests: pytest.Subtests) -> None:
    for number, (call, error) in enumerate(REFUSED):
        with subtests.test(number=number):
            with pytest.raises(error):
                await call(memory)
            counts = await memory.views.counts(namespace="default")
            assert (counts.cases, counts.events) == (0, 0)


async def test_kept_when_texts_hold_what_no_database_takes(memory: CaseMemory) -> None:
    reading = await memory.read("half a pair \ud83d and a nul \0")
    case_id = await memory.write(
        state="half a pair \ud83d and a nul \0",
        action="\ud800\0",
        reward=1.0,
        answer="\udfff",
        lesson="\0",
        event_id=reading.event_id,
    )
    assert await served(memory, "a pair of nuls") == {case_id}


# Write and feedback


async def test_no_case_and_event_unknown_when_the_reward_is_null(memory: CaseMemory) -> None:
    ids = await filled(memory, 2)
    reading = await memory.read("capital")
    assert await memory.write(state="new", action="a", reward=None, event_id=reading.event_id) is None
    assert await memory.write(state="newer", action="a", reward=None) is None
    outcome = await memory.views.outcome(reading.event_id, namespace="default")
    assert outcome is not None
    assert outcome.reward is None
    counts = await memory.views.counts(namespace="default")
    assert (counts.cases, counts.events, counts.unknown) == (2, 1, 1)
    assert (await memory.views.usage(ids[0], namespace="default")).known_outcomes == 0
    assert await memory.n_outcomes() == 0


async def test_attempt_becomes_a_case_when_feedback_comes_late(memory: CaseMemory) -> None:
    await filled(memory, 2)
    reading = await memory.read("Who wrote Dune?")
    event_id = reading.event_id
    assert (
        await memory.write(
            state="Who wrote Dune?", action="look it up", answer="Herbert", reward=None, event_id=event_id
        )
        is None
    )
    late = await memory.feedback(event_id, 1.0, lesson="trust the index")
    assert late == case_id("default", "Who wrote Dune?", "look it up")
    case = (await memory.views.cases([late], namespace="default"))[late]
    assert (case.reward, case.answer, case.lesson) == (1.0, "Herbert", "trust the index")
    assert (case.provenance.event_id, case.provenance.evaluator) == (event_id, "human")
    assert late in await served(memory, "who wrote it")


async def test_outcome_and_reward_follow_when_feedback_corrects(memory: CaseMemory) -> None:
    (served_id,) = await filled(memory, 1)
    reading = await memory.read("a task", k=1)
    own = await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id, evaluator="judge")
    assert await memory.feedback(reading.event_id, 0.25) == own
    case = (await memory.views.cases([own or ""], namespace="default"))[own or ""]
    assert (case.reward, case.version, case.provenance.evaluator) == (0.25, 2, "human")
    usage = await memory.views.usage(served_id, namespace="default")
    assert (usage.exposures, usage.known_outcomes, usage.mean_reward) == (1, 1, 0.25)


async def test_case_is_served_no_more_when_feedback_withdraws(memory: CaseMemory) -> None:
    await filled(memory, 1)
    reading = await memory.read("a task")
    own = await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id)
    assert await memory.feedback(reading.event_id, None) == own
    assert own not in await served(memory, "other task")
    assert (await memory.views.counts(namespace="default")).unknown >= 1
    await memory.feedback(reading.event_id, 1.0)
    assert own in await served(memory, "other task")


async def test_human_is_believed_when_feedback_comes_before_the_write(memory: CaseMemory) -> None:
    reading = await memory.read("a task")
    assert await memory.feedback(reading.event_id, 0.0) is None
    own = await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id, evaluator="judge")
    case = (await memory.views.cases([own or ""], namespace="default"))[own or ""]
    assert (case.reward, case.provenance.evaluator) == (0.0, "human")


async def test_retired_case_stays_retired_when_feedback_comes(memory: CaseMemory) -> None:
    reading = await memory.read("a task")
    own = await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id)
    case = (await memory.views.cases([own or ""], namespace="default"))[own or ""]
    await memory.keep([case.model_copy(update={"status": "retired", "version": 2})])
    await memory.feedback(reading.event_id, 0.0)
    await memory.feedback(reading.event_id, None)
    assert await served(memory, "other") == set()


@pytest.mark.parametrize("lesson", ["", "read the question"])
async def test_once_is_kept_when_delivered_many_times(memory: CaseMemory, lesson: str) -> None:
    (other,) = await filled(memory, 1)
    reading = await memory.read("a task")
    fields: dict[str, Any] = {"state": "a task", "action": "a", "reward": 1.0, "event_id": reading.event_id}
    first = await asyncio.gather(*(memory.write(**fields) for _ in range(4)))
    assert len(set(first)) == 1
    told = await asyncio.gather(*(memory.feedback(reading.event_id, 0.0, lesson=lesson) for _ in range(4)))
    assert set(told) == set(first)
    assert await memory.write(**fields) == first[0]  # a late repetition does not undo the feedback
    await memory.settle()
    case = (await memory.views.cases([first[0] or ""], namespace="default"))[first[0] or ""]
    assert (case.reward, case.version, case.lesson) == (0.0, 2, lesson)
    assert (await memory.views.usage(other, namespace="default")).mean_reward == 0.0
    assert await memory.n_outcomes() == 2  # the judgement and its correction
    assert len(await memory.views.changes(after=0, limit=99)) == 3


async def test_later_evidence_updates_the_case_when_state_and_action_repeat(memory: CaseMemory) -> None:
    first = await memory.write(state="s", action="a", reward=0.0)
    assert await memory.write(state="s", action="a", reward=1.0) == first
    assert await memory.write(state="s", action="b", reward=1.0) != first
    counts = await memory.views.counts(namespace="default")
    assert (counts.cases, counts.positive) == (2, 2)
    assert await memory.bank.count() == 2


async def test_import_is_idempotent_and_respects_what_was_learned_since(memory: CaseMemory) -> None:
    own = case_id("default", "s", "a")
    third = Case(id=own, namespace="default", state="s", action="a", reward=1.0, version=3)
    third = third.model_copy(update={"provenance": Provenance(evaluator="import")})
    assert [await memory.keep([third, third]), await memory.keep([third])] == [1, 0]
    await memory.write(state="s", action="a", reward=0.0)
    assert await memory.keep([third]) == 0
    case = (await memory.views.cases([own], namespace="default"))[own]
    assert (case.reward, case.version) == (0.5, 2), "a version from a file counts for nothing, its reward once"


# Life


async def test_nothing_happens_when_closed_twice(at: Place) -> None:
    memory = at.memory()
    async with memory:
        await filled(memory, 2)
        await memory.settle()
        await memory.settle()
        await memory.aclose()
        await memory.settle()
    await memory.aclose()
    with pytest.raises(LedgerUnavailable, match="not open"):
        await memory.read("q")


async def test_everything_is_there_when_reopened(kept: Place) -> None:
    memory = kept.memory()
    async with memory:
        ids = await filled(memory, 3)
        reading = await memory.read("a task")
        await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id)
        await memory.feedback(reading.event_id, None)
    async with memory:  # the same object again
        assert await served(memory, "capital") == set(ids)
        ids += await filled(memory, 1, start=3)
    n_encoded = kept.encoder.n_encoded
    async with kept.memory() as again:
        assert await served(again, question(0)) == set(ids[1:])
        await again.feedback(reading.event_id, 1.0)
        counts = await again.views.counts(namespace="default")
        assert (counts.cases, counts.unknown) == (5, 2)
        assert again.notices == []
    assert kept.encoder.n_encoded - n_encoded <= 2  # vectors were kept too


async def test_one_reads_what_the_other_wrote_when_two_memories_share_a_place(kept: Place) -> None:
    async with kept.memory() as one, kept.memory(encoder=HashingEncoder()) as other:
        (first,) = await filled(one, 1)
        assert await served(other, "capital") == {first}
        (second,) = await filled(other, 1, start=1)
        assert await served(one, "capital") == {first, second}
        reading = await one.read("task")
        await other.write(state="task", action="a", reward=1.0, event_id=reading.event_id)
        assert len(await served(one, "capital")) == 3
        await asyncio.gather(filled(one, 10, start=10), filled(other, 10, start=10))
        assert len(await served(one, "capital")) == len(await served(other, "capital")) == 13


OTHER_PROCESS = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from tests.hashing_encoder import HashingEncoder
from tests.memories import filled, served
from memento.memory.case_memory import CaseMemory

async def main():
    arguments = json.loads(sys.argv[2])
    async with CaseMemory.open(arguments.pop("location"), encoder=HashingEncoder(), **arguments) as memory:
        print(json.dumps(sorted(await served(memory, "capital"))), flush=True)
        sys.stdin.readline()
        print(json.dumps(await filled(memory, 5, start=100)), flush=True)
        sys.stdin.readline()
        print(json.dumps(sorted(await served(memory, "capital"))), flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_one_reads_what_the_other_wrote_when_two_processes_share_a_place(kept: Place) -> None:
    arguments = {name: str(value) for name, value in kept.arguments.items()}
    command = [sys.executable, "-c", OTHER_PROCESS, str(ROOT), json.dumps(arguments)]
    async with kept.memory() as memory:
        ids = await filled(memory, 3)
        other = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert other.stdin is not None
        assert other.stdout is not None

        async def said() -> list[str]:
            assert other.stdout is not None
            return list(json.loads(await other.stdout.readline()))

        assert set(await said()) == set(ids)
        other.stdin.write(b"\n")
        ids += await said()
        assert await served(memory, "capital") == set(ids)
        ids += await filled(memory, 2, start=50)
        other.stdin.write(b"\n")
        assert set(await said()) == set(ids)
        assert await other.wait() == 0


async def test_refused_until_reindexed_when_the_encoder_is_another(kept: Place) -> None:
    async with kept.memory() as memory:
        ids = await filled(memory, 5)
    wider = HashingEncoder(dim=128)
    with pytest.raises(EncoderMismatch, match="reindex"):
        async with kept.memory(encoder=wider):
            raise AssertionError("opened")
    async with kept.memory(encoder=wider, is_reindexing=True) as memory:
        steps: list[int] = []
        await memory.reindex(steps.append)
        assert steps == [5]
        assert await served(memory, "capital") == set(ids)
    async with kept.memory(encoder=wider) as memory:
        assert await served(memory, "capital") == set(ids)
        assert memory.notices == []
    with pytest.raises(EncoderMismatch):
        async with kept.memory():
            raise AssertionError("opened")


async def test_reads_go_on_when_reindexed_meanwhile(memory: CaseMemory) -> None:
    ids = await filled(memory, 12)
    reindexing = asyncio.create_task(memory.reindex())
    while not reindexing.done():
        reading = await memory.read("capital", k=64)
        assert not reading.is_degraded
        assert len(reading.cases) == len(ids)
    await reindexing
    ids += await filled(memory, 1, start=20)
    assert await served(memory, "capital") == set(ids)


async def test_memory_works_on_when_calls_are_cancelled_anywhere(memory: CaseMemory) -> None:
    await filled(memory, 12)
    acknowledged = []
    for number in range(45):  # with the others fewer cases than a recall finds
        reading = await memory.read(f"task {number}", policy="parametric")
        fields: dict[str, Any] = {"state": f"task {number}", "action": "a", "reward": float(number % 2)}
        calls = [
            asyncio.create_task(memory.write(**fields, event_id=reading.event_id)),
            asyncio.create_task(memory.read(f"task {number + 1}", policy="parametric")),
            asyncio.create_task(memory.feedback(reading.event_id, 1.0)),
        ]
        await asyncio.sleep(number / 3000)
        for call in calls:
            call.cancel()
        written, *_ = await asyncio.gather(*calls, return_exceptions=True)
        if isinstance(written, str):
            acknowledged.append(written)
    async with asyncio.timeout(60):  # no lock was left behind
        last = await memory.write(state="after", action="a", reward=1.0)
    await memory.settle()
    assert last in await served(memory, "before")
    assert set(acknowledged) <= set(await memory.views.cases(acknowledged, namespace="default"))
    n_outcomes = len(await memory.views.observations(namespace="default", after=0, limit=999))
    assert await memory.n_outcomes() == n_outcomes


@pytest.fixture
def file_in_the_way(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file"


async def test_folder_is_named_when_no_bank_can_be_kept_there(file_in_the_way: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="file"):
        async with CaseMemory.open(file_in_the_way / "bank", encoder=HashingEncoder()):
            raise AssertionError("opened")


def test_question_is_the_same_when_only_its_looks_differ() -> None:
    assert question_hash("Who wrote Dune?") == question_hash("  who WROTE\tdune ?! ")
