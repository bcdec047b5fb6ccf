"""Learning off the request's path: one task per namespace, nothing forgotten, nothing learned by the wrong one."""

from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder


async def lived(memory: CaseMemory, n: int, *, namespace: str) -> None:
    for number in range(n):
        task = f"task {number} of {namespace}"
        reading = await memory.read(task, namespace=namespace)
        await memory.write(
            state=task, action="a", reward=float(number % 2), event_id=reading.event_id, namespace=namespace
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
