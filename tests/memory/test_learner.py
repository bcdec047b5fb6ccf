"""The learner: in the ledger's order, each outcome once, the same weights for everybody, nothing from the unknown."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memento.memory.case_memory import CaseMemory
from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.cross_entropy import MIN_OUTCOMES, CrossEntropyQ
from memento.memory.estimators.port import CaseEffect, Estimator
from memento.memory.learning.examples import ExampleReader
from memento.memory.learning.learner import Learner
from tests.memories import Place, filled, place
from tests.wire_shim import Faults


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path / "bank") as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Place]:
    with place("server", tmp_path / "server") as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path / "empty") as found:
        yield found


@pytest.fixture
async def memory(folder: Place) -> AsyncIterator[CaseMemory]:
    async with folder.memory(policy="parametric") as memory:
        yield memory


async def learner_of(
    memory: CaseMemory, *, folder: Path | None = None, seed: int = 0, make: Callable[..., Estimator] = CrossEntropyQ
) -> Learner:
    """A learner of its own, which shares nothing with the memory's but the ledger; made where tensors are made."""
    storage = memory._storage
    parts: dict[str, Any] = {
        "views": memory.views,
        "versions": storage.versions,
        "texts": storage.texts,
        "thread": storage.torch,
        "folder": folder,
    }
    estimator = partial(make, dim=storage.texts.encoder.dim, seed=seed)
    learner = partial(Learner, namespace="default", make=estimator, **parts)
    return await asyncio.get_running_loop().run_in_executor(storage.torch, learner)


def weights(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in replayed(learner).q.state_dict().items()}


def replayed(learner: Learner) -> CrossEntropyQ:
    assert isinstance(learner.estimator, CrossEntropyQ)
    return learner.estimator


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


async def lived(memory: CaseMemory, n: int, *, start: int = 0, **fields: Any) -> list[str]:
    """Answer n tasks, every second one well; the ids of their events."""
    events = []
    for number in range(start, start + n):
        reading = await memory.read(f"task {number} of the capital", k=2)
        given = {"state": f"task {number} of the capital", "action": f"act {number}", "reward": float(number % 2)}
        await memory.write(**{**given, **fields}, event_id=reading.event_id)
        events.append(reading.event_id)
    await memory.settle()
    return events


async def test_values_change_when_outcomes_come(memory: CaseMemory) -> None:
    await filled(memory, 4)
    before = weights(await caught_up(learner_of(memory)))
    await lived(memory, 3)
    learner = await caught_up(learner_of(memory))
    assert learner.version == await memory.n_outcomes() == 3
    assert not same(weights(learner), before)


async def caught_up(making: Awaitable[Learner]) -> Learner:
    learner = await making
    await learner.catch_up()
    await learner.close()
    return learner


async def test_similarity_serves_until_both_kinds_of_outcome_are_known(memory: CaseMemory) -> None:
    await filled(memory, 6)
    await lived(memory, MIN_OUTCOMES + 2, reward=1.0)
    reading = await memory.read("the capital", k=4)
    assert [scored.score for scored in reading.cases] == [scored.similarity for scored in reading.cases]
    await lived(memory, 1, start=50, reward=0.0)
    reading = await memory.read("the capital", k=4)
    assert [scored.score for scored in reading.cases] != [scored.similarity for scored in reading.cases]
    assert all(0 < scored.score < 1 for scored in reading.cases)
    assert reading.n_outcomes == MIN_OUTCOMES + 3


async def test_similarity_serves_on_when_the_outcomes_are_of_reads_that_served_nothing(memory: CaseMemory) -> None:
    for number in range(MIN_OUTCOMES + 2):
        reading = await memory.read(f"task {number}", policy="none")
        await memory.write(state=f"task {number}", action="a", reward=float(number % 2), event_id=reading.event_id)
    reading = await memory.read("the task", k=4)
    assert [scored.score for scored in reading.cases] == [scored.similarity for scored in reading.cases]


async def test_trained_once_when_an_outcome_is_delivered_again(memory: CaseMemory) -> None:
    await filled(memory, 4)
    events = await lived(memory, 6)
    learner = await caught_up(learner_of(memory))
    trained = weights(learner)
    for number, event_id in enumerate(events):
        await memory.write(
            state=f"task {number} of the capital", action=f"act {number}", reward=float(number % 2), event_id=event_id
        )
    assert await learner.catch_up() == 0
    assert same(weights(learner), trained)


async def test_no_credit_twice_when_somebody_confirms_the_outcome(memory: CaseMemory) -> None:
    await filled(memory, 4)
    events = await lived(memory, 4)
    learner = await caught_up(learner_of(memory))
    trained = weights(learner)
    await memory.feedback(events[1], 1.0)
    assert await learner.catch_up() == 1
    assert same(weights(learner), trained)


async def test_corrected_outcome_replaces_the_old_one_in_the_replay(memory: CaseMemory) -> None:
    await filled(memory, 4)
    events = await lived(memory, 4)
    learner = await caught_up(learner_of(memory))
    await memory.feedback(events[1], 0.0)
    await learner.catch_up()
    assert set(replayed(learner).replay) == set(events)
    assert replayed(learner).replay[events[1]].reward_N.tolist() == [0.0, 0.0]


async def test_withdrawn_outcome_leaves_the_replay(memory: CaseMemory) -> None:
    await filled(memory, 4)
    events = await lived(memory, 4)
    learner = await caught_up(learner_of(memory))
    await memory.feedback(events[1], None)
    assert await learner.catch_up() == 0
    assert list(replayed(learner).replay) == [events[0], *events[2:]]
    assert list(replayed(await caught_up(learner_of(memory))).replay) == list(replayed(learner).replay)


async def test_nothing_is_learned_when_the_outcome_is_unknown(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await lived(memory, 5, reward=None)
    learner = await learner_of(memory)
    untrained = weights(learner)
    assert await learner.catch_up() == 0
    assert same(weights(learner), untrained)


async def test_nothing_is_learned_when_the_reading_was_degraded(server: Place) -> None:
    assert server.shim is not None
    async with server.memory() as memory:
        await filled(memory, 4)
        server.shim.faults = Faults(is_down=True)
        events = await lived(memory, 3)
        await memory.feedback(events[0], 1.0)
        assert await memory.n_outcomes() == 0
        assert (await memory.views.counts(namespace="default")).unknown == 0  # yet the outcomes are kept


async def test_everybody_has_the_same_weights_when_they_share_a_bank(folder: Place, memory: CaseMemory) -> None:
    async with folder.memory(policy="parametric") as other:
        await filled(memory, 4)
        for start in range(0, 12, 4):
            await lived(memory, 2, start=start)
            await lived(other, 2, start=start + 2)
        own, theirs = [await one._learning.learner("default", "cross_entropy") for one in (memory, other)]
        assert await memory.n_outcomes() == await other.n_outcomes() == 12
        assert (await own.catch_up(), await theirs.catch_up()) != (0, 0)
        assert same(weights(own), weights(theirs))
        assert same(weights(own), weights(await caught_up(learner_of(memory))))


async def test_weights_go_on_bit_for_bit_when_reloaded_from_a_snapshot(memory: CaseMemory, tmp_path: Path) -> None:
    await filled(memory, 4)
    events = await lived(memory, 7)
    await memory.feedback(events[2], None)
    reloaded = tmp_path / "snapshots"
    await caught_up(learner_of(memory, folder=reloaded))
    events = await lived(memory, 5, start=7)
    await memory.feedback(events[1], 1.0)
    second = await caught_up(learner_of(memory, folder=reloaded))
    assert second.version == await memory.n_outcomes() == 13
    assert same(weights(second), weights(await caught_up(learner_of(memory))))


async def test_learned_again_when_the_snapshot_is_damaged_or_of_another_future(
    memory: CaseMemory, empty: Place, tmp_path: Path
) -> None:
    await filled(memory, 4)
    await lived(memory, 5)
    expected = weights(await caught_up(learner_of(memory, folder=tmp_path / "w")))
    (path,) = await asyncio.to_thread(lambda: list((tmp_path / "w").iterdir()))
    await asyncio.to_thread(lambda: path.write_bytes(path.read_bytes()[:-400]))
    again = await caught_up(learner_of(memory, folder=tmp_path / "w"))
    assert (again.version, same(weights(again), expected)) == (5, True)
    async with empty.memory() as restored:
        assert (await caught_up(learner_of(restored, folder=tmp_path / "w"))).version == 0


async def test_other_weights_when_the_seed_is_another(memory: CaseMemory, tmp_path: Path) -> None:
    await filled(memory, 4)
    await lived(memory, 3)
    first = await caught_up(learner_of(memory, folder=tmp_path, seed=1))
    other = await caught_up(learner_of(memory, folder=tmp_path, seed=2))
    assert other.version == 3
    assert not same(weights(first), weights(other))


async def test_learning_goes_on_when_the_weights_cannot_be_saved(memory: CaseMemory, tmp_path: Path) -> None:
    await filled(memory, 2)
    await lived(memory, 2)
    await asyncio.to_thread((tmp_path / "file").touch)
    assert (await caught_up(learner_of(memory, folder=tmp_path / "file" / "weights"))).version == 2


async def test_each_outcome_once_when_learning_is_cancelled_and_concurrent(memory: CaseMemory, tmp_path: Path) -> None:
    await filled(memory, 4)
    await lived(memory, 12)
    expected = weights(await caught_up(learner_of(memory)))
    learner = await learner_of(memory, folder=tmp_path / "w")
    for pause in range(25):
        tasks = [asyncio.create_task(learner.catch_up()) for _ in range(3)]
        await asyncio.sleep(pause / 2000)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(learner.catch_up() for _ in range(3)))
    assert learner.version == 12
    assert same(weights(learner), expected)


async def test_host_random_numbers_are_the_same_when_a_learner_is_made(memory: CaseMemory) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    await learner_of(memory)
    assert torch.equal(torch.rand(2), expected)


async def test_more_slots_than_a_batch_are_learned_from(memory: CaseMemory) -> None:
    await filled(memory, 70)
    reading = await memory.read("the capital", k=70)
    await memory.write(state="t", action="a", reward=1.0, event_id=reading.event_id)
    assert len(reading.cases) == 64
    assert await memory.n_outcomes() == 1


@pytest.mark.slow
async def test_planted_signal_is_learned(memory: CaseMemory) -> None:
    """Cases of one colour help, those of the other do not; what is held out is other tasks and other cases."""
    chance = np.random.default_rng(0)
    colours = ("amber", "violet")
    for number in range(40):
        await memory.write(state=f"case {number}", action=f"{colours[number % 2]} way {number}", reward=1.0)
    for number in range(150):
        reading = await memory.read(f"task {number}", policy="random", k=1)
        case = reading.cases[0].case
        if int(case.state.split()[1]) >= 30:  # held out
            continue
        reward = float(chance.random() < (0.9 if "amber" in case.action else 0.1))
        await memory.feedback(reading.event_id, reward)
    learner = await caught_up(learner_of(memory))
    cases = [case async for case in memory.views.walk(namespace="default") if int(case.state.split()[1]) >= 30]
    query = await memory._storage.texts.one("a task never seen")
    estimates, version, _ = await learner.estimates(query, cases, np.zeros(len(cases), np.float32))
    assert version > 80
    assert estimates is not None
    value_C = estimates.value_C
    good = np.array(["amber" in case.action for case in cases])
    auc = (value_C[good][:, None] > value_C[~good][None, :]).mean()
    assert auc > 0.9


async def test_what_recalled_cases_said_is_learned_from_as_it_was_said_then(empty: Place) -> None:
    async with empty.memory(policy="advantage") as memory:
        for number in range(4):
            await memory.write(state=f"task {number} of the capital", action=f"act {number % 2}", reward=1.0)
        reading = await memory.read("another task of the capital", k=2)
        event = await memory.views.event(reading.event_id, namespace="default")
        assert event is not None
        told = [slot.support for slot in event.slots if slot.case_id is not None]
        assert len(told) == 2
        assert all(one is not None and one > 0 for one in told)
        for number in range(4, 8):  # they would say something else by now
            await memory.write(state=f"task {number} of the capital", action="act 9", reward=1.0)
        await memory.write(state="another task of the capital", action="act 0", reward=1.0, event_id=reading.event_id)
        reader = ExampleReader(namespace="default", views=memory.views, texts=memory._storage.texts, wanted=("state",))
        (experience,) = await memory.views.observations(namespace="default", after=0, limit=9)
        (example,) = await reader.examples([experience])
        assert example is not None
        assert example.cases.support_N is not None
        assert example.cases.support_N.tolist() == pytest.approx(told)


async def test_reads_and_learning_go_on_while_effects_are_computed(folder: Place) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    class SlowEffects(Advantage):
        def effects(self) -> list[CaseEffect]:
            is_asked.set()
            assert may_answer.wait(30)
            return super().effects()

    async with folder.memory(policy="advantage") as memory:
        await filled(memory, 6)
        await lived(memory, 8)
        expected = await memory.effects()
        learner = await learner_of(memory, make=SlowEffects)
        asked = asyncio.create_task(learner.effects())
        await asyncio.to_thread(is_asked.wait, 30)
        vector = await memory._storage.texts.one("the capital")
        before = await learner.suggest(vector)
        await lived(memory, 4, start=20)
        assert await learner.catch_up() == 4  # the lock is free
        after = await learner.suggest(vector)
        assert not asked.done()
        may_answer.set()
        assert await asked == expected != await learner.effects()
        assert before.direction_MD.shape[1] == after.direction_MD.shape[1]
