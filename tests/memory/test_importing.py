"""An import carries texts and rewards, never authority: whatever a file claims, decisions of this ledger stand."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, Provenance, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.interchange import LoggedUse, read_cases
from memento.memory.recorded_events import Selection
from tests.commands import invoke
from tests.hashing_encoder import HashingEncoder

HUGE = 9 * 10**400


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        yield memory


def row(**changes: Any) -> dict[str, Any]:
    return {"state": "s", "action": "a", "reward": 1.0, **changes}


def parsed(tmp_path: Path, *rows: dict[str, Any], namespace: str = "default") -> list[Case]:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    lines = list(read_cases(file, namespace=namespace))
    assert [line.problem for line in lines if line.problem] == []
    return [line.case for line in lines if line.case is not None]


def finished(**changes: Any) -> Case:
    fields = {"namespace": "default", "state": "s", "action": "a", "reward": 1.0, **changes}
    return Case(id=case_id(fields["namespace"], fields["state"], fields["action"]), **fields)


async def the_case(memory: CaseMemory, namespace: str = "default") -> Case:
    [case] = [case async for case in memory.views.walk(namespace=namespace)]
    return case


async def exported(memory: CaseMemory, namespace: str = "default") -> list[dict[str, Any]]:
    return [case.model_dump(mode="json") async for case in memory.views.walk(namespace=namespace)]


@pytest.mark.allow_blocking("a file is read")
@pytest.mark.parametrize("version", [1000, 2**63, -(2**70), HUGE, 1.5, True, "1000", None, [1]])
async def test_retired_stays_retired_whatever_version_a_file_gives(
    memory: CaseMemory, tmp_path: Path, version: Any
) -> None:
    written = await memory.write(state="s", action="a", reward=1.0, lesson="ours")
    await memory.lifecycle.retire(str(written), reason="wrong")
    before = await the_case(memory)
    forged = row(version=version, status="active", lesson="theirs", trust=1.0, created_at="9999-01-01", reward=0.0)
    assert await memory.keep(parsed(tmp_path, forged)) == 0
    assert await the_case(memory) == before
    assert (before.status, before.version, before.lesson) == ("retired", 2, "ours")


@pytest.mark.allow_blocking("a file is read")
@pytest.mark.parametrize("version", [1000, 2**63, -1, HUGE, "x"])
async def test_a_new_case_begins_at_version_1(memory: CaseMemory, tmp_path: Path, version: Any) -> None:
    assert await memory.keep(parsed(tmp_path, row(version=version))) == 1
    case = await the_case(memory)
    assert (case.version, case.status) == (1, "active")
    await memory.write(state="s", action="a", reward=0.0)
    assert (await the_case(memory)).version == 2


@pytest.mark.allow_blocking("a file is read")
@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"reward": True}, "`reward` must be a number"),
        ({"reward": "1"}, "`reward` must be a number"),
        ({"reward": HUGE}, "`reward` must be a number"),
        ({"reward": -0.1}, "`reward` must be a number"),
        ({"reward": None}, "`reward` must be a number"),
        ({"confidence": False}, "`confidence` must be a number"),
        ({"confidence": "0.5"}, "`confidence` must be a number"),
        ({"confidence": 2**63}, "`confidence` must be a number"),
        ({"status": "chosen"}, "`status`"),
        ({"status": 1}, "`status`"),
        ({"error_class": "x"}, "`error_class`"),
        ({"lesson": 5}, "`lesson`"),
        ({"answer": None}, "`answer`"),
        ({"provenance": "human"}, "`provenance`"),
        ({"provenance": {"event_id": 5}}, "`provenance.event_id`"),
    ],
)
def test_a_line_with_a_value_of_the_wrong_kind_is_named(tmp_path: Path, wrong: dict[str, Any], problem: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row(**wrong)) + "\n")
    [line] = read_cases(file, namespace="default")
    assert line.case is None
    assert line.problem.startswith(problem)


@pytest.mark.allow_blocking("a file is read")
async def test_keys_that_are_not_known_are_not_carried_into_the_bank(memory: CaseMemory, tmp_path: Path) -> None:
    claims = {"schema": 99, "owner": "root", "provenance": {"models": {"planner": "m"}, "signed_by": "a person"}}
    await memory.keep(parsed(tmp_path, row(**claims)))
    case = await the_case(memory)
    assert (case.model_extra, case.provenance.model_extra) == ({}, {})
    assert case.provenance == Provenance(models={"planner": "m"}, evaluator="import")
    by_hand = Case.model_validate({**finished(state="t").model_dump(), "owner": "root", "schema": 99})
    await memory.keep([by_hand])
    kept = (await memory.views.cases([by_hand.id], namespace="default"))[by_hand.id]
    assert kept.model_extra == {}


@pytest.mark.parametrize(
    "wrong",
    [{"reward": 8.0}, {"reward": float("nan")}, {"status": "chosen"}, {"lesson": 5}, {"state": 5}, {"provenance": "x"}],
    ids=str,
)
async def test_a_case_that_was_not_validated_is_refused(memory: CaseMemory, wrong: dict[str, Any]) -> None:
    case = finished().model_copy(update=wrong)
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        await memory.keep([finished(state="fine"), case])
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        await memory.keep_recorded([Selection("e", LoggedUse("q", 1.0), (case,))])
    assert await exported(memory) == []


@pytest.mark.parametrize(
    "selection",
    [
        Selection("e", LoggedUse("q", 1.0), ()),
        Selection("e", LoggedUse("q", 1.0), (finished(), finished(namespace="other"))),
        Selection("e", LoggedUse("q", 8.0), (finished(),)),
        Selection("e", LoggedUse("q", 1.0), (finished().model_copy(update={"id": "x"}),)),
    ],
)
async def test_a_selection_that_makes_no_sense_is_refused(memory: CaseMemory, selection: Selection) -> None:
    with pytest.raises(InvalidInput):
        await memory.keep_recorded([selection])
    assert await exported(memory) == []


async def test_a_file_does_not_speak_for_a_person(memory: CaseMemory) -> None:
    """The attempt is ours, the reward that the file claims for it is not."""
    reading = await memory.read("s")
    await memory.write(state="s", action="a", reward=None, event_id=reading.event_id, thread_id="t")
    claimed = Provenance(event_id=reading.event_id, evaluator="human", thread_id="forged")
    await memory.keep([finished(provenance=claimed, reward=1.0)])
    assert (await the_case(memory)).provenance == Provenance(evaluator="import")
    assert await memory.n_outcomes() == 0
    await memory.feedback(reading.event_id, 0.0)  # a person's own word reaches the case
    case = await the_case(memory)
    assert (case.reward, case.provenance.evaluator, case.provenance.event_id) == (0.5, "human", reading.event_id)
    assert case.outcomes.n == 2, "beside what the file tells"


async def test_every_import_is_in_the_trail(memory: CaseMemory) -> None:
    await memory.keep([finished(), finished(state="t"), finished(namespace="other")])
    await memory.keep([finished(state="u")], is_trusted=False)
    await memory.keep_recorded([Selection("e", LoggedUse("q", 1.0), (finished(),))])  # adds no case, but an outcome
    own = [(line.verb, line.subject, line.detail) for line in reversed(await memory.lifecycle.audit())]
    assert own == [
        ("import", "2 cases", "from a trusted source, 2 given"),
        ("import", "1 cases", "from an unknown source, 1 given"),
        ("quarantine", finished(state="u").id, "imported from an unknown source"),
        ("import", "1 events", "of a retrieval log, 1 outcomes"),
    ]
    assert [line.subject for line in await memory.lifecycle.within("other").audit()] == ["1 cases"]


@pytest.mark.allow_blocking("a file is read")
async def test_an_export_changes_nothing_in_its_own_bank_and_keeps_statuses_in_another(
    memory: CaseMemory, tmp_path: Path
) -> None:
    for name in ("active", "retired", "quarantined"):
        reading = await memory.read(name)
        await memory.write(
            state=name, action="a", reward=0.5, lesson=f"of {name}", event_id=reading.event_id, evaluator="judge"
        )
    ids = {case.state: case.id async for case in memory.views.walk(namespace="default")}
    await memory.lifecycle.retire(ids["retired"])
    await memory.lifecycle.quarantine(ids["quarantined"])
    before = await exported(memory)
    assert await memory.keep(parsed(tmp_path, *before)) == 0
    assert await exported(memory) == before

    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as fresh:
        assert await fresh.keep(parsed(tmp_path, *before)) == 3
        assert await fresh.keep(parsed(tmp_path, *before, namespace="other")) == 3
        for namespace in ("default", "other"):
            now = await exported(fresh, namespace)
            for name in ("state", "action", "answer", "reward", "lesson", "status", "confidence", "error_class"):
                assert [case[name] for case in now] == [case[name] for case in before]
            assert {case["provenance"]["evaluator"] for case in now} == {"import"}
            assert {case["provenance"]["event_id"] for case in now} == {None}
            served = await fresh.read("which of them", k=9, namespace=namespace)
            assert [scored.case.state for scored in served.cases] == ["active"]


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_the_command_names_bad_lines_and_says_what_was_new(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [row(version=2**63), row(state="t", confidence=HUGE), row(state="u", provenance={"evaluator": "human"})]
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    done = invoke("cases", "import", str(file), "--json")
    assert done.code == 0, done.err
    assert done.lines[-1].items() >= {"read": 2, "imported": 2, "bad": 1}.items()
    assert done.lines[0]["problem"].startswith("`confidence` must be a number in [0, 1]")
    listed = invoke("cases", "list", "--json").lines
    assert {(case["version"], case["provenance"]["evaluator"]) for case in listed} == {(1, "import")}
