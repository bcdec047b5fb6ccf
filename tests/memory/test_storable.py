"""Texts that no database takes, wherever they enter a memory: kept as far as possible, or refused by name."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, Provenance, case_id, storable, storable_record
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.interchange import LoggedUse
from memento.memory.recorded_events import Selection
from tests.hashing_encoder import HashingEncoder
from tests.memories import Place, filled, imported_case, place

Call = Callable[[CaseMemory, str, str, str], Awaitable[Any]]
"""Given a memory, an event's id, a case's id, and the odd text."""


def a_case(text: str, **changes: Any) -> Case:
    fields = {"namespace": "default", "state": "s", "action": "a", "reward": 1.0, **changes}
    return Case(id=case_id("default", fields["state"], fields["action"]), **fields)


def written(**fields: str | dict[str, str]) -> Call:
    """A write with the odd text in these fields."""

    async def call(memory: CaseMemory, event_id: str, own: str, odd: str) -> Any:
        given = {key: {odd: odd} if value == {} else odd for key, value in fields.items()}
        return await memory.write(**{"state": f"s {list(fields)}", "action": "a", "reward": 1.0, **given})  # type: ignore[arg-type]

    return call


def kept(**fields: Any) -> Call:
    async def call(memory: CaseMemory, event_id: str, own: str, odd: str) -> Any:
        return await memory.keep([a_case(odd, **{key: make(odd) for key, make in fields.items()})])

    return call


async def selected(memory: CaseMemory, event_id: str, own: str, odd: str) -> Any:
    recall = await memory.recall("q")
    for field in ("event_id", "query", "task"):
        await memory.select(recall._replace(**{"event_id": f"{field} of it", field: f"{odd} {field}"}))
    return await memory.select(recall._replace(follows=odd))


async def imported(memory: CaseMemory, event_id: str, own: str, odd: str) -> Any:
    provenance = {"event_id": odd, "thread_id": odd, "models": {odd: odd}, "evaluator": odd}
    line = {"state": odd, "action": odd, "reward": 1, "answer": odd, "created_at": odd, "provenance": provenance}
    return await memory.keep([await asyncio.to_thread(imported_case, json.dumps(line))])


def everyone(odd: str) -> Provenance:
    return Provenance(event_id=odd, thread_id=odd, models={odd: odd}, evaluator=odd)


KEPT: dict[str, Call] = {
    "write evaluator": written(evaluator=""),
    "write thread_id": written(thread_id=""),
    "write models": written(models={}),
    "write texts": written(state="", action="", answer="", lesson=""),
    "feedback": lambda m, e, c, odd: m.feedback(e, 0.5, evaluator=odd, lesson=odd),
    "read": lambda m, e, c, odd: m.read(odd, task=odd),
    "retire": lambda m, e, c, odd: m.lifecycle.retire(c, reason=odd),
    "keep state": kept(state=str, action=str),
    "keep texts": kept(answer=str, lesson=str, created_at=str),
    "keep provenance": kept(provenance=everyone),
    "import": imported,
    "recorded": lambda m, e, c, odd: m.keep_recorded(
        [Selection(f"log {odd}", LoggedUse(odd, 1.0), (a_case(odd, state=odd),))]
    ),
}
REFUSED: dict[str, Call] = {
    "write event_id": written(event_id=""),
    "write namespace": written(namespace=""),
    "feedback event_id": lambda m, e, c, odd: m.feedback(odd, 1.0),
    "read follows": lambda m, e, c, odd: m.read("q", follows=odd),
    "read namespace": lambda m, e, c, odd: m.read("q", namespace=odd),
    "select": selected,
    **{verb: lambda m, e, c, odd, verb=verb: getattr(m.lifecycle, verb)(odd) for verb in ("restore", "release")},
    "undo": lambda m, e, c, odd: m.lifecycle.undo(odd),
    "rollback": lambda m, e, c, odd: m.lifecycle.rollback(odd),
    "snapshot": lambda m, e, c, odd: m.lifecycle.snapshot(odd),
}


@pytest.fixture(params=[":memory:", "folder", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", url) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory() as memory:
        yield memory


@pytest.mark.parametrize("odd", ["half \ud83d a pair", "a nul \0 within"], ids=["surrogate", "nul"])
async def test_kept_or_refused_by_name_whichever_text_is_odd(memory: CaseMemory, odd: str) -> None:
    reading = await memory.read("a task")
    (own,) = await filled(memory, 1)
    for call in KEPT.values():
        await call(memory, reading.event_id, own, odd)
        await call(memory, reading.event_id, own, odd)  # a repetition is one, too
    for name, call in REFUSED.items():
        try:
            await call(memory, reading.event_id, own, odd)
        except InvalidInput:
            continue
        pytest.fail(f"taken: {name}")
    views = memory.views
    assert await views.event(odd, namespace=odd) is None
    assert await views.cases([odd], namespace="default") == {}
    assert (await views.usage(odd, namespace="default")).exposures == 0
    assert (await views.counts(namespace=odd)).cases == 0
    states = [case.state async for case in views.walk(namespace="default")]
    assert [storable(state) for state in states] == states
    assert (await memory.lifecycle.audit())[0].detail


async def test_feedback_that_is_repeated_is_one_when_its_evaluator_is_odd() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder()) as memory:
        reading = await memory.read("a task")
        await memory.write(state="a task", action="a", reward=1.0, event_id=reading.event_id, evaluator="e \ud83d")
        for _ in range(2):
            await memory.feedback(reading.event_id, 0.0, evaluator="who \ud83d")
        assert len(await memory.views.observations(namespace="default", after=0, limit=9)) == 2
        outcome = await memory.views.outcome(reading.event_id, namespace="default")
        assert outcome is not None
        assert outcome.evaluator == "who ?"


@pytest.mark.parametrize("name", ["half \ud83d", "nul \0"], ids=["surrogate", "nul"])
async def test_a_place_is_refused_by_name_when_no_file_system_takes_it(tmp_path: Path, name: str) -> None:
    places: list[dict[str, Any]] = [
        {"location": f"{tmp_path}/{name}"},
        {"location": tmp_path, "home": f"{tmp_path}/{name}"},
        {"location": tmp_path, "ledger_url": f"sqlite:///{tmp_path}/{name}"},
    ]
    for given in places:
        with pytest.raises(InvalidInput, match="is not a valid"):
            async with CaseMemory.open(given.pop("location"), encoder=HashingEncoder(), **given):
                raise AssertionError("opened")


def test_a_record_is_the_same_object_when_nothing_in_it_is_odd() -> None:
    case = a_case("fine")
    assert storable_record(case) is case
    odd = storable_record(a_case("x", state="\ud83d", provenance=everyone("\ud83d")))
    assert (odd.state, odd.provenance.models) == ("?", {"?": "?"})
    assert odd.id == case_id("default", "\ud83d", "a") == case_id("default", "?", "a")
