"""Erasing: nothing holds the words afterwards, the rest reads as before; cut short, it is finished at the next open."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from memento.graph.deps import Deps
from memento.graph.erasure import erase
from memento.graph.settings import Settings
from memento.graph.threads import open_checkpointer
from memento.graph.workflow import build_graph
from memento.memory.case import question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import ErasedRecord, InvalidInput, UnknownCase, UnknownEvent
from tests.hashing_encoder import HashingEncoder
from tests.memories import Place, place
from tests.node_parts import always, answer

WORD = "Xanadu"
STEPS = 4


def a_bank(folder: Path) -> CaseMemory:
    return CaseMemory.open(folder, encoder=HashingEncoder(), seed=0)


async def lived_in(memory: CaseMemory) -> dict[str, str]:
    """Two tasks with the word, two without, one of another namespace, and audit lines that quote it; ids by task."""
    ids = {}
    for task in (f"Where is {WORD}?", f"Who built {WORD.upper()}?", "Where is Lima?", "Who built Cusco?"):
        reading = await memory.read(task)
        ids[f"event {task}"] = reading.event_id
        written = await memory.write(
            state=task, action=f"look up: {task}", reward=1.0, event_id=reading.event_id, thread_id=f"thread {task}"
        )
        ids[task] = written or ""
    await memory.write(state=f"Where is {WORD}?", action="ask", reward=1.0, namespace="other")
    await memory.lifecycle.retire(ids["Who built Cusco?"], reason=f"it spoke of {WORD}")
    await memory.lifecycle.snapshot(f"before {WORD}")
    await memory.settle()
    return ids


def holders(folder: Path, word: str = WORD) -> list[str]:
    """Files that hold the word, in UTF-8 or UTF-16, in any letters."""
    needles = [word.lower().encode("utf-8"), word.lower().encode("utf-16-le"), word.lower().encode("utf-16-be")]
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes().rstrip(b"\0").lower() if path.is_file() else b""  # segments are made of zeros
        found += [str(path.relative_to(folder))] if any(needle in content for needle in needles) else []
    return found


async def found_in(folder: Path, word: str = WORD) -> list[str]:
    return await asyncio.to_thread(holders, folder, word)


@pytest.mark.slow
async def test_no_file_of_the_home_holds_the_words_when_they_were_erased(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with a_bank(tmp_path) as memory, open_checkpointer(settings.threads) as saver:
        graph = build_graph(_deps(memory, settings), checkpointer=saver)
        await graph.ainvoke({"task": f"Where is {WORD}?", "reference": "42"}, {"configurable": {"thread_id": "mine"}})
        made = settings.workspace / "runs" / "mine" / "notes.txt"
        await asyncio.to_thread(made.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(made.write_text, f"notes on {WORD}")
    async with a_bank(tmp_path) as memory:
        await lived_in(memory)
    assert {name.split("/")[0] for name in await found_in(tmp_path)} >= {"ledger.sqlite", "threads.sqlite", "workspace"}
    async with a_bank(tmp_path) as memory:
        for namespace in ("default", "other"):
            report = await erase(memory, settings, namespace=namespace, matching=WORD.lower())
            assert report.unfinished == []
        assert await found_in(tmp_path) == [], "while it is open"
    assert await found_in(tmp_path) == []


def _deps(memory: CaseMemory, settings: Settings) -> Deps:
    return Deps(memory=memory, planner=always(answer("42")), executor=always("42"), workspace=settings.workspace)


@pytest.fixture(params=["folder", "server", ":memory:"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path) as found:
        yield found


async def test_the_rest_reads_as_before_when_something_was_erased(bank: Place) -> None:
    async with bank.memory() as memory:
        ids = await lived_in(memory)
        n_points, counts = await memory.bank.count(), await memory.views.counts(namespace="default")
        other = await memory.views.counts(namespace="other")
        report = await memory.lifecycle.erase(matching=WORD)
        assert report.counts[:3] == (2, 2, 2)
        assert report.thread_ids == sorted(f"thread {task}" for task in ids if WORD.lower() in task.lower()[:20])
        assert await memory.bank.count() == n_points - 2
        after = await memory.views.counts(namespace="default")
        assert (after.cases, after.events, after.unknown) == (counts.cases - 2, counts.events, counts.unknown)
        assert await memory.views.counts(namespace="other") == other
        served = (await memory.read("Where is the sea?", k=9, seed=1)).cases
        assert [one.case.id for one in served] == [ids["Where is Lima?"]]
        assert (await memory.read("Where is it?", k=9, namespace="other")).cases[0].case.state.endswith(f"{WORD}?")
        event = await memory.views.event(ids[f"event Where is {WORD}?"], namespace="default")
        outcome = await memory.views.outcome(ids[f"event Where is {WORD}?"], namespace="default")
        assert event is not None
        assert outcome is not None
        assert (event.query, event.erased_at is not None, outcome.reward) == ("[erased]", True, 1.0)
        assert memory.notices == []


async def test_nothing_comes_back_when_it_was_erased(tmp_path: Path) -> None:
    async with a_bank(tmp_path) as memory:
        ids = await lived_in(memory)
        gone, event = ids[f"Where is {WORD}?"], ids[f"event Where is {WORD}?"]
        await memory.lifecycle.snapshot("then")
        batch = (await memory.lifecycle.retire(gone, reason="old")).batch_id or ""
        await memory.lifecycle.erase(cases=[gone])
        assert (await memory.lifecycle.undo(batch)).left_alone == {gone: "was erased"}
        assert (await memory.lifecycle.rollback("then")).left_alone == {gone: "was erased"}
        with pytest.raises(ErasedRecord):
            await memory.lifecycle.restore(gone)
        with pytest.raises(ErasedRecord, match="was erased on"):
            await memory.feedback(event, 0.0)
        await memory.reindex()
        await memory.offline().rebuild()
        assert [case.id async for case in memory.views.walk(namespace="default") if case.id == gone] == []
        assert (await memory.lifecycle.plan_erasure(cases=[gone])).counts.cases == 0
        written = await memory.write(state=f"Where is {WORD}?", action=f"look up: Where is {WORD}?", reward=0.0)
        assert written == gone, "the same experience may be made anew"
        assert (await memory.views.cases([gone], namespace="default"))[gone].version > 2
        assert await memory.bank.count() == 5


async def test_cases_are_not_counted_when_they_were_erased() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), seed=0) as memory:
        await lived_in(memory)
        end = await memory.views.newest_offset()
        assert (await memory.views.n_cases_until(end), await memory.views.n_readable_cases_until(end)) == (5, 5)
        await memory.lifecycle.erase(matching=WORD)
        end = await memory.views.newest_offset()
        assert (await memory.views.n_cases_until(end), await memory.views.n_readable_cases_until(end)) == (3, 3)


@pytest.mark.parametrize("scope", ["case", "event", "text", "namespace"])
async def test_a_skill_goes_with_a_case_that_it_was_written_from(tmp_path: Path, scope: str) -> None:
    async with a_bank(tmp_path) as memory:
        ids = await lived_in(memory)
        task, stays = f"Where is {WORD}?", "Where is Lima?"

        async def skill_from(state: str, *tasks: str) -> str | None:
            written_from = [question_hash(one) for one in tasks]
            return await memory.write(state=state, action="ask", reward=1.0, kind="skill", written_from=written_from)

        both, other = await skill_from("find towns", task, stays), await skill_from("find cities", stays)
        names = {"cases": [ids[task]] * (scope == "case"), "events": [ids[f"event {task}"]] * (scope == "event")}
        given: dict[str, Any] = {**names, "matching": WORD * (scope == "text"), "is_all": scope == "namespace"}
        planned, done = await memory.lifecycle.plan_erasure(**given), await memory.lifecycle.erase(**given)
        left = {case.id async for case in memory.views.walk(namespace="default")}
    assert (planned.counts.cases, planned.counts.events) == (done.counts.cases, done.counts.events)
    assert both not in left
    assert (other in left, ids[stays] in left) == ((False, False) if scope == "namespace" else (True, True))


async def test_a_skill_goes_with_a_case_whose_row_holds_the_hash_of_an_earlier_release(tmp_path: Path) -> None:
    task = f"Where is {WORD}?"
    async with a_bank(tmp_path) as memory:
        ids = await lived_in(memory)
        skill = await memory.write(
            state="find towns", action="ask", reward=1.0, kind="skill", written_from=[question_hash(task)]
        )
    former = "UPDATE case_revisions SET question = 'former' WHERE case_id = ?"
    assert await asyncio.to_thread(change_rows, tmp_path, former, (ids[task],)) == 1
    async with a_bank(tmp_path) as memory:
        await memory.lifecycle.erase(cases=[ids[task]])
        assert skill not in {case.id async for case in memory.views.walk(namespace="default")}


async def test_scope_is_checked_when_it_names_nothing(tmp_path: Path) -> None:
    async with a_bank(tmp_path) as memory:
        ids = await lived_in(memory)
        for refused, error in (({}, InvalidInput), ({"matching": " "}, InvalidInput)):
            with pytest.raises(error):
                await memory.lifecycle.erase(**refused)  # type: ignore[arg-type]
        with pytest.raises(UnknownCase):
            await memory.lifecycle.within("other").erase(cases=[ids["Where is Lima?"]])
        with pytest.raises(UnknownEvent):
            await memory.lifecycle.within("other").erase(events=[ids["event Where is Lima?"]])
        young = await memory.lifecycle.plan_erasure(before=datetime.now(UTC) - timedelta(days=1))
        old = await memory.lifecycle.plan_erasure(before=datetime.now(UTC) + timedelta(days=1))
    assert (young.counts.cases, old.counts.cases) == (0, 4)


_LOST = {
    "case_revisions": "UPDATE case_revisions SET case_id = 'lost' WHERE case_id = ? AND version = 2",
    "outcomes": "UPDATE outcomes SET event_id = 'lost' WHERE event_id = ? AND key LIKE '%:feedback:%'",
}


@pytest.mark.parametrize("scope", ["case", "all"])
@pytest.mark.parametrize("table", _LOST)
async def test_a_row_that_lost_its_id_goes_with_its_case_and_event(tmp_path: Path, table: str, scope: str) -> None:
    async with a_bank(tmp_path) as memory:
        reading = await memory.read(f"Where is {WORD}?")
        case_id = await memory.write(state=f"Where is {WORD}?", action="go", reward=1.0, event_id=reading.event_id)
        await memory.lifecycle.retire(case_id or "", reason="old")
        await memory.feedback(reading.event_id, 0.0, evaluator=f"from {WORD}")
    key = case_id if table == "case_revisions" else reading.event_id
    assert await asyncio.to_thread(change_rows, tmp_path, _LOST[table], (key,)) == 1
    async with a_bank(tmp_path) as memory:
        await memory.lifecycle.erase(cases=[case_id or ""] if scope == "case" else (), is_all=scope == "all")
        await memory.check_ledger()
    async with a_bank(tmp_path) as memory:
        await memory.check_ledger()
        outcome = await memory.views.outcome(reading.event_id, namespace="default")
        assert outcome is None or outcome.evaluator == "erased"
        assert [case.id async for case in memory.views.walk(namespace="default")] == []
    assert await found_in(tmp_path) == []


async def test_a_row_beyond_reading_goes_with_its_namespace(tmp_path: Path) -> None:
    async with a_bank(tmp_path) as memory:
        await lived_in(memory)
    for table in ("case_revisions", "events", "outcomes"):
        damaged = f"UPDATE {table} SET body = '{{ {WORD} no JSON' WHERE namespace = 'default'"  # noqa: S608
        assert await asyncio.to_thread(change_rows, tmp_path, damaged, ()) > 0
    async with a_bank(tmp_path) as memory:
        for namespace in ("default", "other"):
            assert (await memory.lifecycle.within(namespace).erase(is_all=True)).unfinished == []
        await memory.check_ledger()
    assert await found_in(tmp_path) == []


def change_rows(home: Path, statement: str, values: tuple[object, ...]) -> int:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as database, database:
        return database.execute(statement, values).rowcount


async def test_effects_of_another_namespace_are_the_same_afterwards(tmp_path: Path) -> None:
    def bank() -> CaseMemory:
        return CaseMemory.open(tmp_path, encoder=HashingEncoder(), policy="advantage", seed=0)

    async with bank() as memory:
        for namespace in ("default", "other"):
            for number in range(6):
                task = f"Where is {WORD} {number}?"
                reading = await memory.read(task, namespace=namespace)
                await memory.write(
                    state=task, action="go", reward=number % 2, event_id=reading.event_id, namespace=namespace
                )
        await memory.settle()
        effects = await memory.effects("other")
        assert [effect for effect in effects if effect] != []
        await memory.lifecycle.erase(is_all=True)
        assert await memory.effects("other") == effects
        assert await memory.effects() == []
    async with bank() as memory:
        assert await memory.effects("other") == effects


@pytest.mark.slow
async def test_old_copies_go_when_a_backup_was_restored(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "backup.sqlite"
    async with a_bank(home) as memory:
        await memory.write(state="Where is Lima?", action="look", reward=1.0)
        await memory.backup(file)
        await lived_in(memory)
    former = "0123456789ab"
    kept = (await a_bank(home).restore(file, is_replacing=True)).kept_aside
    assert kept is not None
    await asyncio.to_thread(_leave, home, former)
    left = {kept.name, ".backup.sqlite.unfinished", f"index-{former}", f"weights-{former}"}
    async with a_bank(home) as memory:
        planned = await memory.lifecycle.plan_erasure(matching=WORD)
        assert ({Path(one).name for one in planned.copies}, any(planned.counts)) == (left, False)
        assert len(await found_in(home)) == 4
        assert (await memory.lifecycle.erase(matching=WORD)).unfinished == []
        assert await found_in(home) == []
        served = (await memory.read("Where is the sea?", k=9, seed=1)).cases
        assert [one.case.state for one in served] == ["Where is Lima?"]
        assert (await memory.lifecycle.plan_erasure(matching=WORD)).copies == ()


def _leave(home: Path, former: str) -> None:
    """Leave what a kill in the middle of a backup, and a restore, leave."""
    (home / ".backup.sqlite.unfinished").write_text(WORD)
    for name in (f"index-{former}/slot-0", f"weights-{former}"):
        (home / name).mkdir(parents=True)
        (home / name / "left").write_text(WORD)


@pytest.mark.parametrize("at", [pytest.param(at, marks=pytest.mark.slow if at < 2 else ()) for at in range(STEPS)])
async def test_it_is_finished_at_the_next_open_when_it_was_cut_short(tmp_path: Path, at: int) -> None:
    async with a_bank(tmp_path) as memory:
        await lived_in(memory)
        with pytest.raises(KeyboardInterrupt):
            await memory.lifecycle.within("other").erase(is_all=True, on_step=stop_at(at, _interrupt))
    async with a_bank(tmp_path) as memory:
        await memory.lifecycle.erase(matching=WORD)
        assert (await memory.views.counts(namespace="other")).cases == 0
    assert await found_in(tmp_path) == []


def stop_at(number: int, stop: Callable[[], None]) -> Callable[[str], None]:
    steps: list[str] = []

    def on_step(step: str) -> None:
        steps.append(step)
        if len(steps) > number:
            stop()

    return on_step


def _interrupt() -> None:
    raise KeyboardInterrupt


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.memory.test_erase import WORD, a_bank, lived_in, stop_at

async def main():
    async with a_bank(Path(sys.argv[1])) as memory:
        await lived_in(memory)
        await memory.lifecycle.within("other").erase(matching=WORD)
        die = lambda: os.kill(os.getpid(), signal.SIGKILL)
        await memory.lifecycle.erase(matching=WORD, on_step=stop_at(int(sys.argv[2]), die))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("at", range(STEPS))
async def test_it_is_finished_at_the_next_open_when_it_was_killed(tmp_path: Path, at: int) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path), str(at)]
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(subprocess.run, command, cwd=root, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert await found_in(tmp_path) != []
    async with a_bank(tmp_path) as memory:
        assert (await memory.views.counts(namespace="default")).cases == 1
        assert await memory.bank.count() == 2
    assert await found_in(tmp_path) == []


@pytest.mark.slow
@pytest.mark.allow_blocking("the schema is made and dropped around the test")
async def test_no_row_of_postgres_holds_the_words_when_they_were_erased(tmp_path: Path, postgres_url: str) -> None:
    with place("postgres", tmp_path, postgres_url) as bank:
        async with bank.memory() as memory:
            await lived_in(memory)
            for namespace in ("default", "other"):
                assert (await memory.lifecycle.within(namespace).erase(matching=WORD)).unfinished == []
        url = bank.arguments["ledger_url"].replace("+psycopg", "")
        assert await asyncio.to_thread(rows_with, url, WORD) == []
    assert await found_in(tmp_path) == []


def rows_with(url: str, word: str) -> list[str]:
    """Rows of every table of the schema that hold the word."""
    found = []
    with psycopg.connect(url) as connection:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        for (table,) in connection.execute(query).fetchall():
            rows = connection.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()  # noqa: S608
            found += [row for (row,) in rows if word.lower() in row.lower()]
    return found
