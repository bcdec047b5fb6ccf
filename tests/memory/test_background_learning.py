"""Learning off the request's path: one task per namespace, nothing forgotten, nothing learned by the wrong one."""

import asyncio
from pathlib import Path

from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.memory.learning.snapshot import newest_saved_offset
from tests.hashing_encoder import HashingEncoder


def memory_in(folder: Path) -> CaseMemory:
    return CaseMemory.open(folder, encoder=HashingEncoder(), policy="parametric", seed=0)


async def snapshots_in(folder: Path) -> list[Path]:
    return await asyncio.to_thread(lambda: list(folder.glob("weights-*/*")))


async def saved_offset(folder: Path) -> int:
    (snapshot,) = await snapshots_in(folder)
    return await asyncio.to_thread(newest_saved_offset, snapshot.parent, "default", "cross_entropy")


async def lived(memory: CaseMemory, n: int, *, namespace: str, policy: str | None = None) -> None:
    for number in range(n):
        task = f"task {number} of {namespace}"
        reading = await memory.read(task, namespace=namespace, policy=policy)
        await memory.write(
            state=task, action="a", reward=float(number % 2), event_id=reading.event_id, namespace=namespace
        )


async def lived_at_once(memory: CaseMemory, n: int) -> None:
    readings = [await memory.read(f"task {number}", policy="similarity") for number in range(n)]
    await memory.write_all(
        [
            Experience(state=f"task {number}", action="a", reward=1.0, event_id=reading.event_id)
            for number, reading in enumerate(readings)
        ]
    )


async def test_every_outcome_is_learned_from_when_they_come_faster_than_it_learns() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric") as memory:
        await lived(memory, 12, namespace="a")
        assert len(memory._learning._running) <= 1
        await memory.settle()
        learner = await memory._learning.learner("a", "cross_entropy")
        assert learner.version == 12


async def test_namespaces_have_learners_of_their_own_when_both_learn() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric") as memory:
        await lived(memory, 3, namespace="a")
        await lived(memory, 2, namespace="b")
        assert (await memory.n_outcomes("a"), await memory.n_outcomes("b")) == (3, 2)
        assert await memory._learning.learner("a", "cross_entropy") is await memory._learning.learner(
            "a", "cross_entropy"
        )


async def test_news_are_not_lost_when_they_come_as_the_last_task_ends() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric") as memory:
        for number in range(5):
            await lived(memory, 1, namespace=f"n{number}")
            await memory.settle()
            assert memory._learning._running == {}
            assert (await memory._learning.learner(f"n{number}", "cross_entropy")).version == 1


async def test_a_process_that_ends_soon_leaves_its_outcomes_to_the_next_one(tmp_path: Path) -> None:
    async with memory_in(tmp_path) as memory:
        await lived(memory, 3, namespace="default", policy="similarity")
    assert not await snapshots_in(tmp_path)
    async with memory_in(tmp_path) as memory:
        assert (await memory._learning.learner("default", "cross_entropy")).version == 0
        await memory.read("task 0 of default")
        assert (await memory._learning.learner("default", "cross_entropy")).version == 3
    assert await snapshots_in(tmp_path)  # that process has learned, and keeps what it knows


async def test_all_is_learned_before_closing_when_it_was_settled(tmp_path: Path) -> None:
    async with memory_in(tmp_path) as memory:
        await lived(memory, 3, namespace="default", policy="similarity")
        await memory.settle()
        assert (await memory._learning.learner("default", "cross_entropy")).version == 3
    assert await saved_offset(tmp_path) == 3


async def test_closing_learns_when_many_outcomes_wait_and_only_those_since_the_last_snapshot(tmp_path: Path) -> None:
    async with memory_in(tmp_path) as memory:
        await lived_at_once(memory, 127)
    assert not await snapshots_in(tmp_path)
    async with memory_in(tmp_path) as memory:
        await lived_at_once(memory, 1)
    assert await saved_offset(tmp_path) == 128
    async with memory_in(tmp_path) as memory:
        await lived_at_once(memory, 1)
    assert await saved_offset(tmp_path) == 128


async def test_nothing_is_learned_at_close_when_it_could_not_be_kept() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric", seed=0) as memory:
        await lived_at_once(memory, 130)
        learning = memory._learning
    assert learning._learners == {}


async def test_a_learner_is_made_for_outcomes_alone_when_the_memory_stays_open() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric", seed=0) as memory:
        await lived(memory, 1, namespace="default", policy="similarity")
        await asyncio.gather(*memory._learning._running.values())
        assert [learner.version for learner in memory._learning._learners.values()] == [1]
