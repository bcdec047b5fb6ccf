"""What becomes of cases: out of use and back, in batches that can be undone; nothing lost, nothing deleted."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memento.memory.case import Case, CaseStatus, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownBatch, UnknownCase, UnknownSnapshot
from memento.memory.estimators.port import CaseEffect
from memento.memory.lifecycle.forgetting import ForgettingPlan, ForgettingRules
from memento.memory.lifecycle.lifecycle import Lifecycle
from memento.memory.success import SuccessLine
from tests.memories import Place, filled, imported_case, place, served

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["folder", "server", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", url) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory(seed=7) as memory:
        yield memory


async def all_served(memory: CaseMemory) -> set[str]:
    """What any policy serves; that every one serves the same is part of it."""
    found = [await served(memory, "capital", policy=policy) for policy in ("random", "similarity", "parametric")]
    assert found[0] == found[1] == found[2]
    return found[0]


async def newest(memory: CaseMemory, case_id: str) -> Case:
    return (await memory.views.cases([case_id], namespace=memory.namespace))[case_id]


async def contents(memory: CaseMemory) -> dict[str, dict[str, Any]]:
    return {case.id: case.content() async for case in memory.views.walk(namespace=memory.namespace)}


def knowing(memory: CaseMemory, *effects: CaseEffect) -> Lifecycle:
    """The lifecycle of a memory whose learner knows these effects."""

    async def known(_namespace: str) -> list[CaseEffect]:
        return list(effects)

    success = SuccessLine(memory._storage)
    return Lifecycle(storage=memory._storage, namespace=memory.namespace, effects=known, success=success)


# Out of use and back


@pytest.mark.parametrize(("out", "back"), [("retire", "restore"), ("quarantine", "release")])
async def test_case_is_served_again_when_brought_back(memory: CaseMemory, out: str, back: str) -> None:
    ids = await filled(memory, 4)
    reading = await memory.read("capital", k=4)
    await memory.write(state="asked", action="a", reward=1.0, event_id=reading.event_id)
    usage = await memory.views.usage(ids[0], namespace="default")
    recall = await memory.recall("capital")
    report = await getattr(memory.lifecycle, out)(ids[0], ids[1], reason="it looks odd")
    assert report.changed == ids[:2]
    assert not {*ids[:2]} & await all_served(memory)
    late = await memory.select(recall, k=64)
    assert not {*ids[:2]} & {scored.case.id for scored in late.cases}
    assert await memory.views.usage(ids[0], namespace="default") == usage, "what is known of it stays"
    again = await getattr(memory.lifecycle, out)(ids[0])
    assert (again.batch_id, again.changed, list(again.left_alone)) == (None, [], [ids[0]])
    await getattr(memory.lifecycle, back)(*ids[:2])
    assert set(ids) <= await all_served(memory)
    trail = await memory.lifecycle.audit()
    told = [(entry.verb, entry.subject, entry.detail) for entry in trail]
    assert told[-2:] == [(out, ids[1], "it looks odd"), (out, ids[0], "it looks odd")]
    assert {entry.batch_id for entry in trail[-2:]} == {report.batch_id}


async def test_restored_case_is_in_quarantine_when_it_was_before(memory: CaseMemory) -> None:
    (one,) = await filled(memory, 1)
    await memory.lifecycle.quarantine(one)
    await memory.lifecycle.retire(one)
    await memory.lifecycle.restore(one)
    assert (await newest(memory, one)).status == "quarantined"


async def test_restored_case_is_in_quarantine_when_its_reward_was_withdrawn_meanwhile(memory: CaseMemory) -> None:
    reading = await memory.read("a task")
    own = await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id) or ""
    report = await memory.lifecycle.retire(own)
    await memory.feedback(reading.event_id, None)
    undone = await memory.lifecycle.undo(report.batch_id or "")
    assert undone.left_alone == {own: "its reward has been withdrawn"}
    await memory.lifecycle.restore(own)
    assert (await newest(memory, own)).status == "quarantined"


@pytest.mark.parametrize(
    ("before", "verb", "hint"),
    [("retire", "quarantine", "restore"), ("retire", "release", "restore"), ("quarantine", "restore", "release")],
)
async def test_refused_and_nothing_changed_when_a_verb_does_not_apply(
    memory: CaseMemory, before: str, verb: str, hint: str
) -> None:
    ids = await filled(memory, 2)
    await getattr(memory.lifecycle, before)(ids[1])
    was = await contents(memory)
    with pytest.raises(InvalidInput, match=hint):
        await getattr(memory.lifecycle, verb)(*ids)
    with pytest.raises(UnknownCase):
        await memory.lifecycle.retire(ids[0], "nobody")
    with pytest.raises(UnknownCase):
        await memory.lifecycle.within("theirs").retire(ids[0])
    assert await contents(memory) == was


# Doubt, and what fresh experience may change


@pytest.mark.parametrize("doubt", [{"error_class": "judge"}, {"confidence": 0.49}])
@pytest.mark.parametrize("reward", [0.0, 1.0])
async def test_case_is_in_quarantine_when_its_judgement_is_doubtful(
    memory: CaseMemory, doubt: dict[str, Any], reward: float
) -> None:
    (known,) = await filled(memory, 1)
    reading = await memory.read("a task")
    fields = {"state": "a task", "action": "a", "lesson": "look twice"}
    own = await memory.write(**fields, reward=reward, event_id=reading.event_id, **doubt) or ""  # type: ignore[arg-type]
    assert (await newest(memory, own)).status == "quarantined"
    assert await all_served(memory) == {known}
    await memory.feedback(reading.event_id, 1.0)
    settled = await newest(memory, own)
    assert (settled.status, settled.reward, settled.error_class, settled.lesson) == ("active", 1.0, None, "look twice")


async def test_floor_of_confidence_is_the_callers_when_given(at: Place) -> None:
    async with at.memory(min_confidence=0.9) as strict:
        reading = await strict.read("a task")
        own = await strict.write(state="a task", action="a", reward=1.0, event_id=reading.event_id) or ""
        await strict.feedback(reading.event_id, 0.0, confidence=0.8)
        assert (await newest(strict, own)).status == "quarantined"
        await strict.feedback(reading.event_id, 0.0, confidence=0.9)
        assert (await newest(strict, own)).status == "active"
    with pytest.raises(InvalidInput):
        at.memory(min_confidence=2.0)


async def test_known_case_stays_as_it_is_when_a_doubtful_judgement_repeats_it(memory: CaseMemory) -> None:
    one = await memory.write(state="s", action="a", reward=1.0) or ""
    assert await memory.write(state="s", action="a", reward=0.0, error_class="judge") == one
    assert (await newest(memory, one)).reward == 1.0
    assert one in await all_served(memory)
    assert [(entry.verb, entry.subject) for entry in await memory.lifecycle.audit()] == [("doubt", one)]


async def test_case_becomes_active_when_a_person_says_what_the_judge_could_not(memory: CaseMemory) -> None:
    reading = await memory.read("a task")
    fields: dict[str, Any] = {"state": "a task", "action": "a", "event_id": reading.event_id, "error_class": "judge"}
    assert await memory.write(**fields, reward=None) is None
    own = await memory.feedback(reading.event_id, 0.0) or ""
    case = await newest(memory, own)
    assert (case.status, case.reward, case.error_class) == ("active", 0.0, None)


async def test_same_experience_is_one_case_when_written_again(memory: CaseMemory) -> None:
    first = await memory.write(state="s", action="a", reward=1.0, lesson="ask first") or ""
    assert await memory.write(state="s", action="a", reward=0.75) == first
    assert (await newest(memory, first)).lesson == "ask first", "a lesson stands while the outcome is of its kind"
    assert await memory.write(state="s", action="a", reward=0.0) == first
    case = await newest(memory, first)
    assert (case.reward, case.lesson, case.version) == (1.75 / 3, "", 3)
    assert await memory.write(state="s", action="b", reward=1.0) != first
    assert await memory.write(state="s", action="a", reward=1.0, namespace="theirs") != first
    assert (await memory.views.counts(namespace="default")).cases == 2


async def test_what_a_person_retired_stays_retired_when_written_again(memory: CaseMemory) -> None:
    one = await memory.write(state="s", action="a", reward=0.0) or ""
    await memory.lifecycle.retire(one, reason="it quotes a secret")
    assert await memory.write(state="s", action="a", reward=1.0, lesson="new") == one
    case = await newest(memory, one)
    assert (case.status, case.reward, case.lesson) == ("retired", 0.5, "new")
    await memory.lifecycle.restore(one)
    assert one in await all_served(memory)


async def test_what_a_rule_retired_is_back_when_written_again(memory: CaseMemory) -> None:
    ids = await filled(memory, 3)
    plan = await memory.lifecycle.plan(ForgettingRules(capacity=2))
    (gone,) = (await memory.lifecycle.apply(plan)).changed
    number = ids.index(gone)
    await filled(memory, 1, start=number)
    assert await all_served(memory) == set(ids)


async def test_untrusted_import_waits_in_quarantine_and_replaces_nothing(memory: CaseMemory) -> None:
    known = await memory.write(state="s", action="a", reward=1.0) or ""
    row = {"state": "s", "action": "a", "reward": 0.0, "version": 99}
    forged = await asyncio.to_thread(imported_case, json.dumps(row))
    fresh = await asyncio.to_thread(imported_case, json.dumps(row | {"state": "t", "lesson": "trust me"}))
    assert await memory.keep([forged, fresh], is_trusted=False) == 1
    assert (await newest(memory, known)).reward == 1.0
    assert await all_served(memory) == {known}
    assert (await memory.lifecycle.audit())[0].detail == "imported from an unknown source"
    await memory.lifecycle.release(fresh.id)
    assert await all_served(memory) == {known, fresh.id}
    assert (await newest(memory, fresh.id)).lesson == "trust me"


async def test_lesson_is_the_same_after_feedback_export_and_import(memory: CaseMemory) -> None:
    reading = await memory.read("a task")
    own = await memory.write(state="a task", action="a", reward=0.0, event_id=reading.event_id, lesson="it guessed")
    await memory.feedback(reading.event_id, 0.25)
    assert (await newest(memory, own or "")).lesson == "it guessed"
    await memory.feedback(reading.event_id, 0.0, lesson="it did not look")
    line = (await newest(memory, own or "")).model_dump_json()
    moved = await asyncio.to_thread(imported_case, line, namespace="theirs")
    await memory.keep([moved])
    found = await memory.views.cases([moved.id], namespace="theirs")
    assert found[moved.id].lesson == "it did not look"


# Batches


async def test_harm_is_forgotten_and_remembered_when_undone(memory: CaseMemory) -> None:
    ids = await filled(memory, 5)
    was = await contents(memory)
    lifecycle = knowing(memory, CaseEffect(ids[2], 8, -1.0, 0.2), CaseEffect(ids[3], 4, -1.0, 0.2))
    plan = await lifecycle.plan()
    assert await contents(memory) == was, "a plan changes nothing"
    report = await lifecycle.apply(plan)
    assert report.changed == [ids[2]]
    assert await all_served(memory) == set(ids) - {ids[2]}
    (entry,) = await lifecycle.audit(limit=1)
    assert (entry.verb, entry.subject, entry.batch_id) == ("forget", ids[2], report.batch_id)
    assert entry.detail.startswith("evidence: serving it harms: effect -1.00 with sd 0.20, 8 uses, evidence 10")
    assert (await lifecycle.apply(plan)).batch_id is None, "the same plan twice is one batch"
    undone = await lifecycle.undo(report.batch_id or "")
    assert await contents(memory) == was
    assert await all_served(memory) == set(ids)
    assert (await lifecycle.undo(report.batch_id or "")).batch_id is None
    await lifecycle.undo(undone.batch_id or "")
    assert (await newest(memory, ids[2])).status == "retired", "an undo can be undone"


async def test_policy_without_effects_leaves_redundancy_and_capacity(memory: CaseMemory) -> None:
    one = await memory.write(state="Which river flows through Lima", action="look it up", reward=1.0) or ""
    other = await memory.write(state="which river flows through lima", action="Look it up", reward=1.0) or ""
    assert await memory.effects() == []
    plan = await memory.lifecycle.plan()
    assert not plan.has_effects
    (retirement,) = plan.retirements
    assert retirement.rule == "redundancy"
    assert {retirement.case_id, retirement.covered_by} == {one, other}


async def test_case_that_changed_since_is_left_alone_and_reported(memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    effects = [CaseEffect(one, 9, -2.0, 0.1) for one in ids]
    plan = await knowing(memory, *effects).plan()
    await filled(memory, 1, start=0, reward=0.9)  # a run writes between plan and apply
    await memory.lifecycle.quarantine(ids[1])
    report = await memory.lifecycle.apply(plan)
    assert set(report.changed) == set(ids[2:])
    assert set(report.left_alone) == set(ids[:2])
    assert await all_served(memory) == {ids[0]}
    await filled(memory, 1, start=2, reward=0.9)
    undone = await memory.lifecycle.undo(report.batch_id or "")
    assert undone.changed == [ids[3]]
    assert undone.left_alone == {ids[2]: "has changed since"}
    assert (await newest(memory, ids[2])).outcomes.n == 2


async def test_redundant_case_stays_when_its_cover_has_gone(memory: CaseMemory) -> None:
    for state in ("Which river flows through Lima", "which river flows through lima"):
        await memory.write(state=state, action="look", reward=1.0)
    plan = await memory.lifecycle.plan()
    (retirement,) = plan.retirements
    await memory.lifecycle.retire(retirement.covered_by or "")
    assert list((await memory.lifecycle.apply(plan)).left_alone) == [retirement.case_id]
    assert await all_served(memory) == {retirement.case_id}


async def test_batches_are_the_namespaces_own(memory: CaseMemory) -> None:
    (own,) = await filled(memory, 1)
    await filled(memory, 1, namespace="theirs")
    report = await memory.lifecycle.retire(own)
    theirs = memory.lifecycle.within("theirs")
    for batch_id in (report.batch_id or "", "nobody"):
        with pytest.raises(UnknownBatch):
            await theirs.undo(batch_id)
    assert await theirs.audit() == []
    await memory.lifecycle.snapshot("mine")
    with pytest.raises(UnknownSnapshot, match="'mine'"):
        await theirs.rollback("mine")
    with pytest.raises(InvalidInput):
        memory.lifecycle.within(" ")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    statuses=st.lists(st.sampled_from(["active", "quarantined", "retired"]), min_size=1, max_size=9),
    harmful=st.sets(st.integers(0, 8)),
    capacity=st.none() | st.integers(1, 6),
)
async def test_every_status_is_as_before_when_a_plan_is_undone(
    statuses: list[CaseStatus], harmful: set[int], capacity: int | None
) -> None:
    with place(":memory:", Path()) as at:
        async with at.memory() as memory:
            cases = [
                Case(id=case_id("default", f"t {n % 4}", f"p {n}"), namespace="default", state=f"t {n % 4}",
                     action=f"p {n}", reward=1.0, status=status)
                for n, status in enumerate(statuses)
            ]  # fmt: skip
            await memory.keep(cases)
            was = await contents(memory)
            effects = [CaseEffect(case.id, 9, -2.0, 0.1) for n, case in enumerate(cases) if n in harmful]
            lifecycle = knowing(memory, *effects)
            plan: ForgettingPlan = await lifecycle.plan(ForgettingRules(capacity=capacity))
            report = await lifecycle.apply(plan)
            assert len(report.changed) == len(plan.retirements)
            left = {case.id for case in cases if case.status == "active"} - set(report.changed)
            assert await served(memory, "capital") == left
            if report.batch_id is not None:
                assert (await lifecycle.undo(report.batch_id)).left_alone == {}
            assert await contents(memory) == was


# Snapshots


async def test_namespace_is_as_it_was_when_rolled_back_and_again_when_that_is_undone(memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    theirs = await filled(memory, 1, namespace="theirs")
    await memory.lifecycle.retire(ids[3])
    before = await contents(memory)
    snapshot = await memory.lifecycle.snapshot("calm")
    assert await memory.lifecycle.snapshots() == [snapshot]

    await filled(memory, 1, start=0, reward=0.9, lesson="later")
    await memory.lifecycle.quarantine(ids[1])
    await memory.lifecycle.restore(ids[3])
    late = await filled(memory, 2, start=10)
    await filled(memory, 1, namespace="theirs", reward=0.9)
    after = await contents(memory)

    report = await memory.lifecycle.rollback("calm")
    assert set(report.changed) == {ids[0], ids[1], ids[3], *late}
    rolled = await contents(memory)
    assert {one: rolled[one] for one in before} == before
    assert {rolled[one]["status"] for one in late} == {"retired"}, "what came later is kept, out of use"
    assert await all_served(memory) == set(ids[:3])
    assert (await memory.views.cases(theirs, namespace="theirs"))[theirs[0]].outcomes.n == 2
    assert (await memory.lifecycle.rollback("calm")).batch_id is None

    await memory.lifecycle.undo(report.batch_id or "")
    assert await contents(memory) == after
    assert await all_served(memory) == {ids[0], ids[2], ids[3], *late}
    assert {entry.verb for entry in await memory.lifecycle.audit()} >= {"snapshot", "rollback", "undo"}


async def test_snapshot_is_refused_when_its_name_is_taken_or_none(memory: CaseMemory) -> None:
    await memory.lifecycle.snapshot("calm")
    for name in ("calm", " ", "n" * 201, "a\nb"):
        with pytest.raises(InvalidInput):
            await memory.lifecycle.snapshot(name)
    with pytest.raises(UnknownSnapshot, match="calm"):
        await memory.lifecycle.rollback("storm")


async def test_status_is_the_same_in_a_fresh_index_when_rebuilt(memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    await memory.lifecycle.retire(ids[0])
    await memory.lifecycle.quarantine(ids[1])
    await memory.reindex()
    assert await all_served(memory) == set(ids[2:])


# Together


async def test_one_batch_stands_when_two_memories_forget_the_same(at: Place) -> None:
    async with at.memory() as one, at.memory() as other:
        ids = await filled(one, 8)
        plans = [await memory.lifecycle.plan(ForgettingRules(capacity=3)) for memory in (one, other)]
        assert plans[0] == plans[1]
        reports = await asyncio.gather(one.lifecycle.apply(plans[0]), other.lifecycle.apply(plans[1]))
        assert sorted(len(report.changed) for report in reports) == [0, 5]
        assert len(await all_served(one)) == len(await all_served(other)) == 3
        batch_id = next(report.batch_id for report in reports if report.batch_id)
        await other.lifecycle.undo(batch_id)
        assert await all_served(one) == set(ids)


async def test_whole_batch_or_nothing_is_kept_when_cancelled_anywhere(memory: CaseMemory) -> None:
    ids = await filled(memory, 30)
    for pause in range(12):
        plan = await memory.lifecycle.plan(ForgettingRules(capacity=10))
        applying = asyncio.create_task(memory.lifecycle.apply(plan))
        await asyncio.sleep(pause / 1000)
        applying.cancel()
        await asyncio.gather(applying, return_exceptions=True)
        found = await memory.views.active_ids(namespace="default", exclude_question=None)
        assert len(found) in (10, 30)
        trail = [entry for entry in await memory.lifecycle.audit(limit=999) if entry.verb == "forget"]
        assert len(trail) % 20 == 0
        if len(found) == 10:
            await memory.lifecycle.undo(trail[0].batch_id or "")
    assert await all_served(memory) == set(ids)


WRITER = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from tests.hashing_encoder import HashingEncoder
from tests.memories import question
from memento.memory.case_memory import CaseMemory

async def main():
    arguments = json.loads(sys.argv[2])
    async with CaseMemory.open(arguments.pop("location"), encoder=HashingEncoder(), **arguments) as memory:
        for turn in range(1, 9):
            for number in range(12):
                written = {"state": question(number), "action": f"plan {number}", "reward": turn / 10}
                print(json.dumps([await memory.write(**written), turn / 10]), flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_no_write_is_lost_when_another_process_writes_while_batches_run(at: Place) -> None:
    arguments = json.dumps({name: str(value) for name, value in at.arguments.items()})
    async with at.memory() as memory:
        ids = await filled(memory, 12)
        command = [sys.executable, "-c", WRITER, str(ROOT), arguments]
        writer = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        reading = asyncio.create_task(writer.communicate())
        while not reading.done():
            plan = await memory.lifecycle.plan(ForgettingRules(capacity=4))
            report = await memory.lifecycle.apply(plan)
            if report.batch_id is not None:
                await memory.lifecycle.undo(report.batch_id)
        out, _ = await reading
        assert writer.returncode == 0
        told = [json.loads(line) for line in out.decode().splitlines()]
        assert len(told) == 96
        found = await memory.views.cases(ids, namespace="default")
        assert {one: found[one].outcomes.n for one in ids} == dict.fromkeys(ids, 9), "every acknowledged outcome counts"
        versions = [change.case.version for change in await memory.views.changes(after=0, limit=9999)]
        assert len(versions) == sum(case.version for case in found.values()), "no version twice, none missing"
