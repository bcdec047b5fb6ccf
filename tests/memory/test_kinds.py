"""Keys tell tasks of one text apart, and a read sees cases of one kind, in every engine and through every way in."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest

from memento.memory.case import CASE_KINDS, Case, CaseKind, case_id, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EngineUnavailable, InvalidInput
from memento.memory.event import ObservedOutcome, RetrievalEvent
from memento.memory.experience import Experience
from memento.memory.interchange import read_cases
from memento.memory.learning.examples import of_judged_kind
from memento.memory.ledger.case_heads import heads_differ
from memento.memory.lifecycle.forgetting import ForgettingRules, plan_forgetting
from memento.memory.reading import Recall
from tests.memories import Place, place, served

pytestmark = pytest.mark.allow_blocking("files are written and read")

GAME = "Cook the meal of the cookbook."
POLICIES = ("similarity", "advantage", "random")


@pytest.fixture(params=[":memory:", "folder", "server", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    address = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", address) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory(seed=7) as memory:
        yield memory


async def test_tasks_of_one_text_are_told_apart_by_their_keys(memory: CaseMemory) -> None:
    ids = {key: await memory.write(state=GAME, action="open fridge", reward=1.0, key=key) for key in ("a", "b", "")}
    assert len(set(ids.values())) == 3
    other = await memory.write(state="Say it in other words.", action="look", reward=1.0, key="a")
    for policy in POLICIES:
        assert await served(memory, GAME, policy=policy, key="a") == {ids["b"], ids[""]}
        assert await served(memory, GAME, policy=policy, key="b") == {ids["a"], ids[""], other}
        assert await served(memory, GAME, policy=policy) == {ids["a"], ids["b"], other}
        assert await served(memory, GAME, policy=policy, key="A") == {*ids.values(), other}, "a key is exact"


async def test_a_read_sees_cases_of_its_kind_alone(memory: CaseMemory) -> None:
    ids = {kind: await memory.write(state=GAME, action="open", reward=1.0, kind=kind) for kind in CASE_KINDS}
    assert len(set(ids.values())) == len(CASE_KINDS)
    for policy in POLICIES:
        for kind in CASE_KINDS:
            assert await served(memory, "Cook a soup.", policy=policy, kind=kind) == {ids[kind]}
        assert await served(memory, "Cook a soup.", policy=policy) == {ids["plan"]}
        assert not await served(memory, GAME, policy=policy, kind="step"), "its own cases, in every kind"
    assert [case.id async for case in memory.views.walk(namespace="default", kind="skill")] == [ids["skill"]]
    assert await memory.views.n_of_kinds(namespace="default") == dict.fromkeys(CASE_KINDS, 1)
    assert (await memory.views.counts(namespace="default"))[:2] == (5, 5)
    assert not await memory._storage.ledger.query(heads_differ)
    await memory.lifecycle.retire(ids["step"] or "")
    assert not await served(memory, "Cook a soup.", kind="step")


async def test_kinds_are_kept_apart_while_the_engine_is_away_or_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(":memory:", tmp_path) as at:
        async with at.memory() as memory:
            ids = [await memory.write(state=f"{GAME} {kind}", action="a", reward=1.0, kind=kind) for kind in CASE_KINDS]

            async def away(*_: object, **__: object) -> None:
                raise EngineUnavailable("gone")

            monkeypatch.setattr(memory.bank._engine, "search", away)
            reading = await memory.read("Cook a soup.", kind="subtask")
            assert reading.is_degraded
            assert [one.case.id for one in reading.cases] == [ids[1]]


async def test_what_was_learned_suggests_no_case_of_another_kind(tmp_path: Path) -> None:
    with place(":memory:", tmp_path) as at:
        async with at.memory(policy="advantage") as memory:
            steps = {await memory.write(state=f"A step {n}", action="go", reward=1.0, kind="step") for n in range(3)}
            good = await memory.write(state="Any game", action="look", reward=1.0)
            await memory.write(state="Some game", action="wait", reward=0.0)
            for number in range(24):
                reading = await memory.read(f"What is the capital of land {number}?", policy="random", k=1)
                await memory.feedback(reading.event_id, float(reading.cases[0].case.id == good))
            await memory.settle()
            learner = await memory._retrieval._learner("default", "advantage")
            suggested = await learner.suggest(await memory._storage.texts.one("What is the capital of Peru?"))
            assert suggested.ids, "of plans"
            assert {
                one.case_id for one in (await memory.recall("What is the capital of Peru?", kind="step")).candidates
            } == steps


async def test_a_case_whose_kind_is_damaged_is_set_aside(tmp_path: Path) -> None:
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory:
            await memory.write(state=GAME, action="open", reward=1.0)
        with closing(sqlite3.connect(tmp_path / "bank" / "ledger.sqlite")) as database:
            database.execute("UPDATE case_revisions SET kind = 'step'")
            database.commit()
        async with at.memory() as memory:
            reading = await memory.read("Cook a soup.")
            assert (reading.cases, reading.notices) == ([], [ANY])
            assert not await served(memory, "Cook a soup.", kind="step")


async def test_key_and_kind_go_from_the_read_to_the_event_and_the_case(memory: CaseMemory) -> None:
    recall = Recall.from_json((await memory.recall(GAME, key="world/test/1", kind="subtask")).to_json())
    reading = await memory.select(recall)
    event = await memory.views.event(reading.event_id, namespace="default")
    assert event is not None
    assert (event.key, event.kind, event.question) == ("world/test/1", "subtask", question_hash("", "world/test/1"))
    # the run does not repeat the key, and its reward comes later
    assert await memory.write(state=GAME, action="go", reward=None, event_id=event.id, kind="subtask") is None
    own = await memory.feedback(event.id, 1.0)
    assert own == case_id("default", GAME, "go", key="world/test/1", kind="subtask")
    assert not await served(memory, GAME, key="world/test/1", kind="subtask")
    assert await served(memory, GAME, key="world/test/2", kind="subtask") == {own}


async def test_old_ids_records_and_hashes_are_what_they_were() -> None:
    assert (
        case_id("n", "s", "a") == case_id("n", "s", "a", key="", kind="plan") == "d9cf67d4-8863-5fef-8802-6c94502ddcc7"
    )
    plain = Case(id=case_id("n", "s", "a"), namespace="n", state="s", action="a", reward=1.0)
    assert not {"key", "kind"} & plain.model_dump().keys()
    assert not {"key", "kind"} & Experience(state="s", action="a", reward=1.0).as_arguments().keys()
    event = RetrievalEvent(id="e", namespace="n", query="q", policy="none", n_outcomes=0, bank_version=0)
    assert not {"key", "kind"} & event.model_dump().keys()
    assert question_hash("17") != question_hash("anything", "17"), "a key is no text"


@pytest.mark.parametrize("wrong", [{"key": "k" * 501}, {"key": "a\nb"}, {"key": 7}, {"kind": "dream"}])
async def test_what_is_no_key_or_kind_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Experience(state="s", action="a", reward=1.0, **wrong)  # type: ignore[arg-type]


async def test_export_and_import_keep_key_and_kind(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    with place(":memory:", tmp_path) as at:
        async with at.memory() as memory:
            for key, kind in (("a", "plan"), ("b", "step"), ("", "skill")):
                await memory.write(state=GAME, action="do", reward=1.0, key=key, kind=kind)
            cases = [case async for case in memory.views.walk(namespace="default")]
        file.write_text("".join(f"{case.model_dump_json()}\n" for case in cases))
        parsed = [line.case for line in read_cases(file, namespace="default")]
        async with at.memory() as memory:
            assert await memory.keep([case for case in parsed if case]) == 3
            kept = {case.id: (case.key, case.kind) async for case in memory.views.walk(namespace="default")}
    assert kept == {case.id: (case.key, case.kind) for case in cases}


async def test_a_loaded_file_keeps_key_and_kind(tmp_path: Path) -> None:
    file, vector = tmp_path / "rows.jsonl", '"vector": [1, ' + ", ".join(["0"] * 63) + "]"
    rows = [
        f'{{"state": "{GAME}", "action": "do", "reward": 1, {extra}{vector}}}'
        for extra in ("", '"kind": "step", "key": "k", ')
    ]
    file.write_text("\n".join(rows))
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory:
            assert (await memory.load(file, is_checked=False, n_workers=0)).n_loaded == 2
            found = await served(memory, "Cook a soup.", kind="step")
            assert found == {case_id("default", GAME, "do", key="k", kind="step")}
            assert not await memory._storage.ledger.query(heads_differ)


def test_a_case_is_redundant_beside_its_own_kind_only() -> None:
    def made(kind: str, number: int) -> Case:
        action = f"do {number}"
        own = case_id("n", "s", action, kind=kind)  # type: ignore[arg-type]
        return Case(id=own, namespace="n", state="s", action=action, reward=1.0, kind=kind)  # type: ignore[arg-type]

    cases = [made("plan", 1), made("plan", 2), made("step", 3)]
    rows = np.ones((3, 1), np.float32)
    found = plan_forgetting(cases, state_CD=rows, action_CD=rows)
    (gone,) = found.retirements
    assert {gone.case_id, gone.covered_by} == {cases[0].id, cases[1].id}
    kept = plan_forgetting(
        cases, state_CD=rows, action_CD=np.eye(3, dtype=np.float32), rules=ForgettingRules(capacity=2)
    )
    assert {one.case_id for one in kept.retirements} < {cases[0].id, cases[1].id}, "a case of each kind stays"
    least = plan_forgetting(cases, state_CD=rows, action_CD=rows, rules=ForgettingRules(capacity=1))
    assert len(least.retirements) == 2


async def test_each_kind_has_weights_of_its_own(tmp_path: Path) -> None:
    with place("folder", tmp_path / "bank") as at:
        async with at.memory(policy="advantage") as memory:
            for kind, reward in (("plan", 1.0), ("step", 0.0)):
                await memory.write(state=f"A {kind}", action="go", reward=1.0, kind=kind)
                for number in range(2 if kind == "plan" else 3):
                    reading = await memory.read(f"What is the capital of land {number}?", kind=kind)
                    await memory.feedback(reading.event_id, reward)
            await memory.settle()
            plan, step = [await memory.read("What is the capital of Peru?", kind=kind) for kind in ("plan", "step")]
            assert (plan.n_outcomes, step.n_outcomes) == (2, 3)
            assert plan.slots[0].score > step.slots[0].score
            effects = await memory.effects()
            assert [effect.exposures for effect in effects] == [2, 3]
        async with at.memory(policy="advantage") as memory:
            assert await memory.effects() == effects, "from a snapshot of each"
            rebuilt = await memory.offline().rebuild()
            assert (rebuilt.n_outcomes, rebuilt.max_difference) == (5, 0.0)


def test_settings_and_policies_are_judged_by_plans_where_there_are_any() -> None:
    def seen(kind: CaseKind) -> ObservedOutcome:
        event = RetrievalEvent(
            id="e", namespace="n", query="q", policy="random", n_outcomes=0, bank_version=0, slots=[], kind=kind
        )
        return ObservedOutcome(0, 1.0, 1.0, event)

    step, skill, plan = map(seen, ("step", "skill", "plan"))
    assert of_judged_kind([step, plan, step]) == [plan]
    assert of_judged_kind([step, skill, step]) == [step, step]
    assert of_judged_kind([]) == []
