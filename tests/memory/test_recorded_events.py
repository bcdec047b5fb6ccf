"""A retrieval log becomes events with outcomes: once, whatever is read twice, broken off, or wrong in the file."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.event import IMPORTED
from memento.memory.interchange import read_cases
from memento.memory.policies.registry import POLICY_NAMES
from memento.memory.recorded_events import Group, Selection, grouped
from tests.commands import ended, environment, invoke, memento, started
from tests.hashing_encoder import HashingEncoder

N_SERVED = 4


def row(number: int, slot: int, **changes: Any) -> str:
    """One line of the log: question `number` is answered when it is odd."""
    case = (number + slot) % 9
    fields = {
        "query": f"Where does river {number} rise?",
        "case": f"Which lake is number {case}?",
        "case_label": "positive" if case % 2 else "negative",
        "plan": json.dumps({"plan": [{"id": 1, "description": f"Look for lake {case}."}]}),
        "truth_label": bool(number % 2),
    }
    return json.dumps(fields | changes)


def log(folder: Path, n: int, *, start: int = 0) -> Path:
    file = folder / f"log-{start}-{n}.jsonl"
    file.write_text("".join(row(number, slot) + "\n" for number in range(start, n) for slot in range(N_SERVED)))
    return file


def groups(file: Path) -> list[Group]:
    return list(grouped(read_cases(file, namespace="default")))


async def import_all(memory: CaseMemory, file: Path) -> tuple[int, int, int]:
    return await memory.keep_recorded(selections(await asyncio.to_thread(groups, file)))


def selections(found: list[Group]) -> list[Selection]:
    return [group.selection for group in found if group.selection]


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder()) as memory:
        yield memory


async def test_a_question_s_lines_become_one_event_with_its_outcome(memory: CaseMemory, tmp_path: Path) -> None:
    assert await import_all(memory, await asyncio.to_thread(log, tmp_path, 6)) == (9, 6, 6)
    found = await memory.views.observations(namespace="default", after=0, limit=100)
    assert [experience.reward for experience in found] == [0, 1, 0, 1, 0, 1]
    assert [experience.event.query for experience in found] == [f"Where does river {n} rise?" for n in range(6)]
    event = found[2].event
    cases = await memory.views.cases(event.case_ids, namespace="default")
    assert [cases[case_id].state for case_id in event.case_ids] == [f"Which lake is number {n}?" for n in (2, 3, 4, 5)]
    assert [slot.own_reward for slot in event.slots] == [0, 1, 0, 1]
    assert [cases[case_id].reward for case_id in event.case_ids] == [0, 1, 0, 1]
    query, *states = await HashingEncoder().encode([event.query, *(cases[case_id].state for case_id in event.case_ids)])
    assert [slot.similarity for slot in event.slots] == pytest.approx([float(state @ query) for state in states])


async def test_no_imported_event_passes_for_a_choice_of_ours(memory: CaseMemory, tmp_path: Path) -> None:
    await import_all(memory, await asyncio.to_thread(log, tmp_path, 2))
    for experience in await memory.views.observations(namespace="default", after=0, limit=10):
        assert experience.event.policy == IMPORTED
        assert not any(slot.is_randomised for slot in experience.event.slots)
    assert IMPORTED not in POLICY_NAMES


async def test_nothing_is_added_when_a_log_is_imported_again(memory: CaseMemory, tmp_path: Path) -> None:
    file = await asyncio.to_thread(log, tmp_path, 6)
    await import_all(memory, file)
    before = await memory.views.counts(namespace="default")
    assert await import_all(memory, file) == (0, 0, 0)
    assert await memory.views.counts(namespace="default") == before
    assert await memory.n_outcomes() == 6


async def test_the_rest_is_added_when_an_import_was_broken_off(memory: CaseMemory, tmp_path: Path) -> None:
    file = await asyncio.to_thread(log, tmp_path, 6)
    found = selections(await asyncio.to_thread(groups, file))
    assert (await memory.keep_recorded(found[:2]))[1:] == (2, 2)
    assert (await import_all(memory, file))[1:] == (4, 4)
    assert await memory.n_outcomes() == 6


async def test_feedback_on_an_imported_event_survives_another_import(memory: CaseMemory, tmp_path: Path) -> None:
    file = await asyncio.to_thread(log, tmp_path, 2)
    await import_all(memory, file)
    event_id = selections(await asyncio.to_thread(groups, file))[0].event_id
    await memory.feedback(event_id, 1.0)
    assert await import_all(memory, file) == (0, 0, 0)
    outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    assert (outcome.reward, outcome.evaluator) == (1.0, "human")


async def test_an_unknown_outcome_is_none_until_the_log_knows_it(memory: CaseMemory, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    await asyncio.to_thread(file.write_text, "\n".join(row(0, slot, truth_label=None) for slot in range(3)))
    assert await import_all(memory, file) == (3, 1, 0)
    assert (await memory.views.counts(namespace="default")).unknown == 1
    await asyncio.to_thread(file.write_text, "\n".join(row(0, slot) for slot in range(3)))
    assert await import_all(memory, file) == (0, 0, 1)


def test_a_case_counts_once_when_its_line_is_there_twice(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join([row(0, 1), row(0, 1), row(0, 0), row(0, 1)]))
    (group,) = groups(file)
    assert group.selection
    assert [case.state[-2:] for case in group.selection.cases] == ["1?", "0?"]
    assert len(group.lines) == 4


def test_the_same_selection_later_in_the_log_is_another_event(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join([row(0, 0), row(1, 0), row(0, 0), row(0, 0, truth_label=True)]))
    found = selections(groups(file))
    assert len({selection.event_id for selection in found}) == 4
    assert [selection.served.reward for selection in found] == [0, 1, 0, 1]
    assert [selection.event_id for selection in selections(groups(file))] == [selection.event_id for selection in found]


def test_bad_lines_keep_their_numbers_and_split_no_selection(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    lines = ["{", row(0, 0), row(0, 1, truth_label="yes"), "", row(0, 2, plan=""), row(0, 3), row(1, 0)]
    file.write_text("\n".join([*lines, json.dumps({"question": "q", "plan": "p", "reward": 1})]))
    found = groups(file)
    bad = [(line.number, line.problem) for group in found for line in group.lines if line.case is None]
    assert [number for number, _ in bad] == [1, 3, 5]
    assert bad[1][1] == "`truth_label` must be true, false or null, not 'yes'"
    assert [len(group.selection.cases) if group.selection else 0 for group in found] == [0, 2, 1, 0]
    assert found[-1].lines[0].case


@pytest.mark.parametrize("changes", [{"query": " "}, {"query": 3}, {"truth_label": 1}, {"case_label": None}])
def test_a_line_is_bad_when_a_part_of_it_is(changes: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(row(0, 0, **changes))
    ((line,), selection) = groups(file)[0]
    assert (line.case, selection) == (None, None)
    assert f"`{next(iter(changes))}`" in line.problem


async def test_an_imported_log_is_learned_from(tmp_path: Path) -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="parametric") as memory:
        await import_all(memory, await asyncio.to_thread(log, tmp_path, 16))
        await memory.settle()
        reading = await memory.read("Where does river 99 rise?", k=3)
        assert reading.n_outcomes == 16
        assert [scored.score for scored in reading.cases] != [scored.similarity for scored in reading.cases]
        assert question_hash("Where does river 99 rise?") not in {s.case.question for s in reading.cases}


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_the_command_sees_by_itself_that_a_file_is_a_log(tmp_path: Path) -> None:
    file = log(tmp_path, 5)
    file.write_text(file.read_text() + "{bad\n")
    done = invoke("cases", "import", str(file))
    assert done.code == 0
    assert f"{file}:{5 * N_SERVED + 1}: not JSON" in done.err
    assert done.err.endswith("8 new cases, 12 already there, 5 new events, 5 new outcomes, 1 bad lines skipped\n")
    again = invoke("cases", "import", str(file), "--json").lines[-1]
    assert again.items() >= {"read": 20, "imported": 0, "events": 0, "outcomes": 0, "bad": 1}.items()
    stats = invoke("cases", "stats", "--json").lines[-1]
    assert stats.items() >= {"cases": 8, "events": 5, "unknown": 0, "policy_version": 5}.items()


@pytest.mark.slow
@pytest.mark.allow_blocking("looks into the ledger of another process")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_log_is_whole_when_its_import_was_ended_and_begun_again(how: signal.Signals, tmp_path: Path) -> None:
    env, file = environment(tmp_path / "home"), await asyncio.to_thread(log, tmp_path, 150)
    ledger = tmp_path / "home" / "ledger.sqlite"
    process = await started("cases", "import", str(file), env=env)
    while count(ledger, "outcomes") < 20:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.send_signal(how)
    await ended(process)
    kept = count(ledger, "events")
    assert 20 <= kept < 150
    assert (count(ledger, "outcomes"), count(ledger, "slots")) == (kept, kept * N_SERVED)
    rest = (await memento("cases", "import", str(file), "--json", env=env)).lines[-1]
    assert rest.items() >= {"read": 150 * N_SERVED, "events": 150 - kept, "outcomes": 150 - kept}.items()
    assert (count(ledger, "outcomes"), count(ledger, "slots")) == (150, 150 * N_SERVED)


def count(ledger: Path, table: str) -> int:
    if not ledger.exists():
        return 0
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  names of ours
        except sqlite3.OperationalError:
            return 0
