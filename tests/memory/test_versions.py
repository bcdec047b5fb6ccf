"""Versions of what is learned with: numbers that only grow, one that serves, rollbacks that restore bit for bit."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.estimators.cross_entropy import CrossEntropyQ
from memento.memory.event import OutcomeRange
from memento.memory.learning.making import make_learner
from memento.memory.learning.versions import n_judged, rollback
from memento.memory.ledger.settings_versions import SettingsVersion, SettingsVersions
from tests.memories import Place, filled, place

FAST = {"learning_rate": 0.01}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path / "bank") as found:
        yield found


@pytest.fixture
async def memory(folder: Place) -> AsyncIterator[CaseMemory]:
    async with folder.memory(policy="parametric") as memory:
        await filled(memory, 6)
        yield memory


def decision(**fields: Any) -> SettingsVersion:
    given = {"namespace": "default", "estimator": "cross_entropy", "settings": FAST}
    return SettingsVersion.model_validate({**given, **fields})


async def decided(memory: CaseMemory, **fields: Any) -> SettingsVersion:
    """Write a decision, by default the promotion of other settings over what serves."""
    serving = await memory.versions.serving_number("default", "cross_entropy")
    draft = decision(**{"replaces": serving, **fields})
    return await memory._storage.ledger.transact(lambda writer: memory.versions.append(writer, draft))


async def lived(memory: CaseMemory, n: int, *, start: int = 0) -> None:
    for number in range(start, start + n):
        reading = await memory.read(f"task {number} of the capital", k=2)
        await memory.feedback(reading.event_id, float(number % 2))
    await memory.settle()


async def scores(memory: CaseMemory) -> dict[str, float]:
    """What each case is worth for one task; looking is no event that anything is learned from."""
    reading = await memory.read("the capital of all", k=6)
    return {scored.case.id: scored.score for scored in reading.cases}


async def outcome_offset(memory: CaseMemory) -> int:
    return await memory.views.newest_outcome_offset()


async def test_the_built_in_settings_serve_until_a_version_is_promoted(memory: CaseMemory) -> None:
    serving = await memory.versions.serving("default", "cross_entropy")
    assert (serving.version, serving.settings, serving.skipped) == (0, {}, [])
    promoted = await decided(memory)
    assert promoted.version > 0
    assert (await memory.versions.serving("default", "cross_entropy")).settings == FAST


async def test_a_refusal_never_serves(memory: CaseMemory) -> None:
    refused = await decided(memory, verdict="refused")
    assert await memory.versions.serving_number("default", "cross_entropy") == 0
    assert [one.version for one in await memory.versions.history("default")] == [refused.version]


async def test_a_version_serves_its_own_namespace_and_estimator_only(memory: CaseMemory) -> None:
    await decided(memory)
    assert await memory.versions.serving_number("other", "cross_entropy") == 0
    assert await memory.versions.serving_number("default", "kernel") == 0
    assert await memory.versions.history("other") == []


async def test_numbers_only_grow_whoever_writes(folder: Place, memory: CaseMemory) -> None:
    async with folder.memory() as other:
        written = [await decided(one, verdict="refused") for one in (memory, other, memory, other)]
    numbers = [one.version for one in written]
    assert numbers == sorted(set(numbers))


async def test_the_second_is_refused_when_two_are_judged_against_the_same_version(
    folder: Place, memory: CaseMemory
) -> None:
    async with folder.memory() as other:
        pair = await asyncio.gather(decided(memory, replaces=0), decided(other, replaces=0))
    promoted, refused = sorted(pair, key=lambda one: one.version)
    assert (promoted.verdict, refused.verdict) == ("promoted", "refused")
    assert f"version {promoted.version} began to serve while this one was being judged" in refused.reason
    assert await memory.versions.serving_number("default", "cross_entropy") == promoted.version


async def test_everybody_reads_with_a_promoted_version_without_a_restart(folder: Place, memory: CaseMemory) -> None:
    async with folder.memory(policy="parametric") as other:
        await lived(memory, 14)
        before = await scores(other)
        promoted = await decided(memory)
        after, theirs = await scores(memory), await scores(other)
        assert after == theirs != before
        reading = await other.read("another task", k=2)
        event = await other.views.event(reading.event_id, namespace="default")
        assert event is not None
        assert (event.settings_version, event.n_outcomes) == (promoted.version, 14)


async def test_outcomes_are_learned_on_with_the_promoted_settings(folder: Place, memory: CaseMemory) -> None:
    await lived(memory, 12)
    await decided(memory)
    await lived(memory, 4, start=12)
    async with folder.memory(policy="parametric") as fresh:
        assert await scores(fresh) == await scores(memory)
        learner = await fresh._learning.learner("default", "cross_entropy")
        assert (learner.version, learner.serving.settings) == (16, FAST)


async def test_a_rollback_restores_the_estimates_bit_for_bit_and_can_be_taken_back(memory: CaseMemory) -> None:
    await lived(memory, 14)
    built = await scores(memory)
    promoted = await decided(memory)
    await lived(memory, 5, start=14)
    learned = await scores(memory)
    offline = memory.offline()
    back = await offline.rollback()
    assert (back.verdict, back.restores, back.replaces) == ("rolled_back", 0, promoted.version)
    assert back.skipped == [OutcomeRange(promoted.since, await outcome_offset(memory))]
    assert await scores(memory) == built != learned
    forward = await offline.rollback(promoted.version)
    assert forward.version > back.version
    assert forward.skipped == []
    assert await scores(memory) == learned


async def test_outcomes_that_a_rollback_skips_stay_skipped_and_later_ones_count(
    folder: Place, memory: CaseMemory
) -> None:
    await lived(memory, 12)
    await decided(memory)
    await lived(memory, 5, start=12)
    await memory.offline().rollback()
    await lived(memory, 3, start=17)
    learner = await memory._learning.learner("default", "cross_entropy")
    assert learner.version == 12 + 3
    async with folder.memory(policy="parametric") as fresh:
        assert await scores(fresh) == await scores(memory)


async def test_a_correction_that_was_skipped_leaves_what_was_believed_before(memory: CaseMemory) -> None:
    await lived(memory, 12)
    (first, *_) = await memory.views.newest_observations(namespace="default", until=2**31, limit=99)
    before = await scores(memory)
    await decided(memory)
    await memory.feedback(first.event_id, 1.0 - (first.reward or 0.0))
    await memory.offline().rollback()
    assert await scores(memory) == before
    skipped = (await memory.versions.serving("default", "cross_entropy")).skipped
    believed = await memory.views.newest_observations(namespace="default", until=2**31, limit=99, skipped=skipped)
    assert {one.event_id: one.reward for one in believed}[first.event_id] == first.reward


async def test_what_was_prepared_is_read_not_learned_again(folder: Place, memory: CaseMemory) -> None:
    await lived(memory, 12)
    learner = await make_learner(memory._storage, "default", "cross_entropy", 0)
    assert await learner.prepare(decision()) == 12
    await decided(memory)
    weights = await asyncio.to_thread(lambda: sorted(memory._storage.weights.iterdir()))  # type: ignore[union-attr]
    assert sum(decision().recipe in path.name for path in weights) == 1
    async with folder.memory(policy="parametric") as fresh:
        assert await scores(fresh) == await scores(memory)


@pytest.mark.parametrize("settings", [{"of_tomorrow": 1.0}, {"learning_rate": 1e9}, {"steps_per_outcome": 0.5}])
async def test_serving_goes_on_when_a_version_has_settings_that_cannot_be_used(
    memory: CaseMemory, settings: dict[str, float]
) -> None:
    """They are of another release, or of a damaged row."""
    await lived(memory, 12)
    before = await scores(memory)
    await decided(memory, settings=settings)
    assert await scores(memory) == before


async def test_what_is_built_in_is_what_no_settings_say() -> None:
    one, other = CrossEntropyQ(dim=4), CrossEntropyQ(dim=4, settings={"learning_rate": 1e-3, "steps_per_outcome": 8})
    assert all(np.array_equal(one.tensors()[name], value) for name, value in other.tensors().items())
    assert one._n_steps == other._n_steps


@pytest.mark.parametrize("settings", [{"rate": 1.0}, {"learning_rate": -1.0}, {"learning_rate": float("nan")}])
async def test_refused_when_an_estimator_has_no_such_setting(settings: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(settings))):
        CrossEntropyQ(dim=4, settings=settings)


def chain(*decisions: dict[str, Any]) -> list[SettingsVersion]:
    """A history numbered from 1, each decision replacing the one that served before it."""
    history, serving = [], 0
    for number, fields in enumerate(decisions, 1):
        history.append(decision(version=number, **{"replaces": serving, "since": 10 * number, **fields}))
        serving = serving if history[-1].verdict == "refused" else number
    return history


back = partial(rollback, newest=100)


def test_the_version_before_the_serving_one_is_rolled_back_to_when_none_is_named() -> None:
    draft = back(chain({}, {"verdict": "refused"}, {}), None)
    assert (draft.restores, draft.replaces, draft.skipped) == (1, 3, [(30, 100)])


def test_one_step_further_back_each_time() -> None:
    history = chain({}, {}, {"verdict": "rolled_back", "restores": 1})
    assert back(history, None).restores == 0
    assert back(history, 2).restores == 2


def test_ranges_are_joined_when_rollbacks_follow_each_other() -> None:
    history = chain({}, {"skipped": [(5, 8)]}, {"verdict": "rolled_back", "restores": 1, "skipped": [(20, 30)]})
    assert back(history, 2).skipped == [(5, 8), (30, 100)]
    history.append(decision(version=4, replaces=3, since=40, skipped=[(20, 30)]))
    assert back(history, 3).skipped == [(20, 30), (40, 100)]
    assert rollback(history, 3, newest=40).skipped == [(20, 30)]


@pytest.mark.parametrize(
    ("history", "to", "problem"),
    [
        ([], None, "nothing to roll back"),
        (chain({"verdict": "refused"}), None, "nothing to roll back"),
        (chain({}), 1, "version 1 serves already"),
        (chain({}), 7, "version 7 does not exist; those that served: 0, 1"),
        (chain({}, {"verdict": "refused"}), 2, "version 2 was refused and never served"),
        (chain({}, {"verdict": "rolled_back", "restores": 0}), None, "nothing was before them; later versions: 1"),
    ],
)
def test_a_rollback_says_why_it_cannot_be(history: list[SettingsVersion], to: int | None, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        back(history, to)


def test_every_judgement_against_the_same_settings_counts_whichever_version_had_them() -> None:
    report = {"gain": [0.0, -0.1, 0.1]}
    history = [
        decision(version=3, verdict="refused", replaces=0, report=report),
        decision(version=5, verdict="refused", replaces=0),  # too few outcomes: nothing was judged
        decision(version=7, verdict="promoted", replaces=0, report=report),
        decision(version=8, verdict="refused", replaces=7, report=report),
        decision(version=9, verdict="rolled_back", replaces=7, restores=0, settings={}),
        decision(version=11, verdict="refused", replaces=9, report=report),
    ]
    assert n_judged(history, history[2]) == 1
    assert n_judged(history, history[4]) == 3, "a rollback gives no fresh chances"
    assert n_judged([], decision(version=0, settings={})) == 0


async def test_versions_are_kept_by_the_ledger_whatever_the_memory(tmp_path: Path) -> None:
    with place("folder", tmp_path / "bank") as kept:
        async with kept.memory() as memory:
            written = await decided(memory, report={"gain": [0.1, 0.0, 0.2]}, reason="better", seed=3)
        async with kept.memory() as again:
            assert await SettingsVersions(again._storage.ledger).history("default") == [written]
