"""Learning in pages and turns, and snapshots beside it: cancelled, killed or reopened, the same is learned."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.estimators.advantage import Advantage
from memento.memory.learning import saving
from memento.memory.learning.learner import Learner
from memento.memory.ledger.learning_reads import learning_news
from tests.hashing_encoder import HashingEncoder

N_OUTCOMES = 90


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        for number in range(4):
            await memory.write(state=f"task {number} of the capital", action=f"act {number % 2}", reward=1.0)
        await lived(memory, range(N_OUTCOMES))
        yield memory


async def lived(memory: CaseMemory, numbers: range, *, namespace: str = "default") -> None:
    for number in numbers:
        reading = await memory.read(f"asked {number} of the capital", k=2, namespace=namespace)
        await memory.feedback(reading.event_id, float(number % 3 > 0), namespace=namespace)


async def learner_of(memory: CaseMemory, folder: Path | None = None) -> Learner:
    storage = memory._storage
    make = partial(
        Learner,
        namespace="default",
        make=partial(Advantage, dim=storage.texts.encoder.dim),
        views=memory.views,
        versions=storage.versions,
        texts=storage.texts,
        thread=storage.torch,
        folder=folder,
    )
    return await storage.compute(make)


async def learned(learner: Learner, memory: CaseMemory) -> tuple[int, list[float]]:
    """How many outcomes it knows, and what it says."""
    cases = [case async for case in memory.views.walk(namespace="default")]
    query = await memory._storage.texts.one("a task of the capital")
    answer = await learner.estimates(query, cases, np.full(len(cases), 0.5, np.float32))
    assert answer.estimates is not None
    return answer.version, answer.estimates.value_C.tolist()


async def test_each_outcome_is_learned_once_when_catching_up_is_cancelled_within_a_page(memory: CaseMemory) -> None:
    expected = await learned(await learner_of(memory), memory)
    learner = await learner_of(memory)
    for pause_ms in (1, 5, 20, 40, 80):
        task = asyncio.create_task(learner.catch_up())
        await asyncio.sleep(pause_ms / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert expected[0] == N_OUTCOMES
    assert await learned(learner, memory) == expected


async def test_the_same_is_learned_when_killed_between_snapshots(memory: CaseMemory, tmp_path: Path) -> None:
    first = await learner_of(memory, tmp_path)
    await first.catch_up()
    await first.close()
    await lived(memory, range(N_OUTCOMES, N_OUTCOMES + 9))
    killed = await learner_of(memory, tmp_path)
    await killed.catch_up()  # too few for a snapshot, and it is never closed
    reopened = await learner_of(memory, tmp_path)
    expected = await learned(await learner_of(memory), memory)
    assert expected[0] == N_OUTCOMES + 9
    assert await learned(reopened, memory) == await learned(killed, memory) == expected
    assert reopened._n_saved == N_OUTCOMES


async def test_nothing_is_asked_of_the_ledger_when_the_read_has_caught_up(memory: CaseMemory) -> None:
    learner = await learner_of(memory)
    query = await memory._storage.texts.one("a task of the capital")
    cases = [case async for case in memory.views.walk(namespace="default")]
    await learner.suggest(query)
    await lived(memory, range(N_OUTCOMES, N_OUTCOMES + 1))
    similarity_C = np.full(len(cases), 0.5, np.float32)
    assert (await learner.estimates(query, cases, similarity_C, is_caught_up=True)).version == N_OUTCOMES
    assert (await learner.estimates(query, cases, similarity_C)).version == N_OUTCOMES + 1


async def test_the_next_look_begins_behind_the_outcomes_of_others(memory: CaseMemory) -> None:
    await memory.write(state="a task of bob's", action="act", reward=1.0, namespace="bob")
    await lived(memory, range(3), namespace="bob")
    look = partial(learning_news, namespace="default", estimator="advantage")
    news = await memory.views.ledger.query(partial(look, after=0, limit=40))
    seen = len(news.observations)
    while not news.is_all:
        news = await memory.views.ledger.query(partial(look, after=news.seen_until, limit=40))
        seen += len(news.observations)
    assert seen == N_OUTCOMES
    assert news.seen_until == await memory.views.newest_outcome_offset()
    again = await memory.views.ledger.query(partial(look, after=news.seen_until, limit=40))
    assert (again.observations, again.seen_until, again.is_all) == ([], news.seen_until, True)


def test_snapshots_are_rarer_the_more_is_known_and_a_kill_costs_a_bounded_part() -> None:
    n_saved, times = 0, list[int]()
    for n_outcomes in range(1, 100_001):
        if saving.is_due(n_outcomes, n_saved):
            times.append(n_outcomes)
            n_saved = n_outcomes
    gaps = np.diff([0, *times])
    assert gaps[0] == 64
    assert gaps.max() == 4096
    assert len(times) < 70
    assert saving.is_worth_it(5, 0)
    assert not saving.is_worth_it(10_000, 9_960)
