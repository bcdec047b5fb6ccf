"""Backup and restore of a ledger: one moment, checked, whole or not at all, on SQLite and Postgres."""

import asyncio
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, LedgerTooNew, LedgerUnavailable
from memento.memory.ledger import migrations
from tests.commands import invoke
from tests.frozen_bank import unpacked
from tests.memories import Place, filled, place, question, served
from tests.memory.test_read_only_home import disk, fill

__all__ = ["disk"]  # a fixture

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.allow_blocking("files are looked at from outside")


@pytest.fixture(params=["folder", "postgres"])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", url) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path / "bank") as made:
        yield made


def another(tmp_path: Path, name: str = "other") -> Place:
    return Place(name, {"location": tmp_path / name})


async def contents(memory: CaseMemory) -> dict[str, Any]:
    """All that can be read of two namespaces."""
    found: dict[str, Any] = {}
    for namespace in ("default", "alice"):
        views = memory.views
        found[namespace] = {
            "cases": [case.model_dump() async for case in views.walk(namespace=namespace)],
            "observations": await views.observations(namespace=namespace, after=0, limit=1000),
            "counts": await views.counts(namespace=namespace),
            "audit": await memory.lifecycle.within(namespace).audit(limit=1000),
            "snapshots": await memory.lifecycle.within(namespace).snapshots(),
        }
    return found


async def full(memory: CaseMemory) -> None:
    """Cases of two namespaces, outcomes of every kind, a snapshot, a batch."""
    await filled(memory, 8)
    await filled(memory, 3, namespace="alice")
    for number in range(4):
        reading = await memory.read(question(number))
        reward = (1.0, 0.0, None, 0.5)[number]
        await memory.write(state=question(number), action=f"x {number}", reward=reward, event_id=reading.event_id)
    await memory.lifecycle.snapshot("then")
    await memory.lifecycle.retire((await filled(memory, 1, start=40))[0], reason="old")


def files(folder: Path) -> dict[str, str]:
    """Content hashes of a folder's files."""
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir() if one.is_file()}


async def test_all_is_there_in_a_bank_restored_from_a_backup(at: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    async with at.memory() as memory:
        await full(memory)
        report = await memory.backup(file)
        expected = await contents(memory)
        await filled(memory, 3, start=20)  # not in the backup
    assert (report.cases, report.outcomes, report.damaged_rows) == (15, 4, 0)
    assert report.n_bytes == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {"backup.sqlite"} == {name for name in files(tmp_path) if "backup" in name}
    elsewhere = another(tmp_path)
    restored = await elsewhere.memory().restore(file)
    assert (restored.kept_aside, restored.former_id) == (None, None)
    async with elsewhere.memory() as memory:
        assert await contents(memory) == expected
        await memory.bank.project_all()
        assert await memory.bank.count() == 15
        assert memory.notices == []
        await filled(memory, 1, start=50)  # and it goes on


async def test_a_bank_is_as_it_was_when_it_goes_back_to_its_backup(at: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    async with at.memory(policy="advantage") as memory:
        await full(memory)
        await memory.settle()
        expected, effects = await contents(memory), await memory.effects()
        seen = await served(memory, "What is the capital?", policy="similarity")
        # what is read is recorded, too: the backup is of the moment after
        expected = await contents(memory)
        await memory.backup(file)
    async with at.memory(policy="advantage") as memory:
        later = await filled(memory, 5, start=20, reward=1.0)
        await memory.settle()
        assert set(later) & await served(memory, "What is the capital?", policy="similarity")
    with pytest.raises(InvalidInput, match="--force"):
        await at.memory().restore(file)
    report = await at.memory().restore(file, is_replacing=True)
    async with at.memory(policy="advantage") as memory:
        assert await contents(memory) == expected
        await memory.settle()
        assert await memory.effects() == effects
        assert await served(memory, "What is the capital?", policy="similarity") == seen
        await filled(memory, 1, start=60)
    assert report.kept_aside is not None
    undone = await at.memory().restore(report.kept_aside, is_replacing=True)  # the old one can be had again
    assert undone.backup.cases == 20
    assert len(list((tmp_path / "bank").glob("index-*"))) == 0


async def test_a_backup_goes_from_sqlite_into_postgres_and_back(
    folder: Place, tmp_path: Path, postgres_url: str
) -> None:
    first, second = tmp_path / "first.sqlite", tmp_path / "second.sqlite"
    async with folder.memory() as memory:
        await full(memory)
        expected = await contents(memory)
        await memory.backup(first)
    with place("postgres", tmp_path / "server", postgres_url) as server:
        await server.memory().restore(first)
        async with server.memory() as memory:
            assert await contents(memory) == expected
            await memory.backup(second)
            await filled(memory, 2, start=30)  # offsets go on after those that were restored
    elsewhere = another(tmp_path)
    await elsewhere.memory().restore(second)
    async with elsewhere.memory() as memory:
        assert await contents(memory) == expected


async def test_a_backup_is_of_one_moment_while_others_write(folder: Place, tmp_path: Path) -> None:
    file, loop = tmp_path / "backup.sqlite", asyncio.get_running_loop()
    steps: list[int] = []
    async with folder.memory() as memory, folder.memory() as other:
        for number in range(120):  # more pages than one step copies
            await memory.write(state=question(number), action="long " * 9000 + str(number), reward=1.0)
        expected = await contents(memory)

        def write_between(done: int, total: int) -> None:
            steps.append(done)
            if len(steps) == 1:
                writing = other.write(state="meanwhile", action="a", reward=1.0)
                asyncio.run_coroutine_threadsafe(writing, loop).result(60)

        await memory.backup(file, on_progress=write_between)
        assert (await memory.views.counts(namespace="default")).cases == 121
    assert len(steps) > 1
    assert steps == sorted(steps)  # it never began again
    elsewhere = another(tmp_path)
    await elsewhere.memory().restore(file)
    async with elsewhere.memory() as memory:
        assert await contents(memory) == expected


async def test_a_backup_is_refused_where_it_would_destroy_something(folder: Place, tmp_path: Path) -> None:
    file = tmp_path / "there.sqlite"
    file.write_text("precious")
    async with folder.memory() as memory:
        await filled(memory, 1)
        own = tmp_path / "bank" / "ledger.sqlite"
        for target, why in [
            (file, "--force"),
            (own, "is the ledger itself"),
            (tmp_path, "is a folder"),
            (tmp_path / "no" / "b", "there is no folder"),
        ]:
            with pytest.raises(InvalidInput, match=why):
                await memory.backup(target, is_replacing=target != file)
        assert file.read_text() == "precious"
        assert (await memory.backup(file, is_replacing=True)).cases == 1
        assert (await memory.views.counts(namespace="default")).cases == 1


async def test_damaged_rows_are_counted_and_no_obstacle(folder: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    async with folder.memory() as memory:
        await filled(memory, 4)
    with closing(sqlite3.connect(tmp_path / "bank" / "ledger.sqlite")) as database:
        database.execute("UPDATE case_revisions SET reward = 0.75 WHERE offset = 2")
        database.commit()
    async with folder.memory() as memory:
        assert (await memory.backup(file)).damaged_rows == 1
    elsewhere = another(tmp_path)
    assert (await elsewhere.memory().restore(file)).backup.damaged_rows == 1
    async with elsewhere.memory() as memory:
        assert len([case async for case in memory.views.walk(namespace="default")]) == 3


def text_file(file: Path) -> None:
    file.write_text("this is no database\n" * 100)


def other_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE things (name TEXT)")


def of_tomorrow(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE facts SET value = '999' WHERE name = 'schema'")
        database.execute("UPDATE facts SET value = '9.5' WHERE name = 'readable_from'")
        database.commit()


def torn(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[3 * 4096 : 6 * 4096] = b"\xff" * (3 * 4096)
    file.write_bytes(raw)


def missing(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "why"),
    [
        (text_file, InvalidInput, "is not a ledger"),
        (other_database, InvalidInput, "is not a ledger"),
        (of_tomorrow, LedgerTooNew, r"schema 999.*memento-langgraph>=9\.5"),
        (torn, (InvalidInput, LedgerUnavailable), "damaged|malformed"),
        (missing, InvalidInput, "there is no file"),
    ],
)
async def test_what_is_not_a_backup_is_refused_and_nothing_changes(
    folder: Place, tmp_path: Path, spoil: Any, error: Any, why: str
) -> None:
    file, bank = tmp_path / "backup.sqlite", tmp_path / "bank"
    async with folder.memory() as memory:
        await filled(memory, 30)
        await memory.backup(file)
    if spoil is other_database:
        file.unlink()
    spoil(file)
    before = files(bank)
    with pytest.raises(error, match=why):
        await folder.memory().restore(file, is_replacing=True)
    assert files(bank) == before
    async with folder.memory() as memory:
        assert (await memory.views.counts(namespace="default")).cases == 30


async def test_nothing_is_replaced_while_another_has_it_open(folder: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    async with folder.memory() as memory:
        await filled(memory, 2)
        await memory.backup(file)
        with pytest.raises(LedgerUnavailable, match=r"has .* open"):
            await folder.memory().restore(file, is_replacing=True)
        with pytest.raises(InvalidInput, match="not open"):
            await memory.restore(file, is_replacing=True)
        await filled(memory, 2, start=10)
    async with folder.memory() as memory:
        assert (await memory.views.counts(namespace="default")).cases == 4
    assert not list((tmp_path / "bank").glob("*before-restore*"))


async def test_a_ledger_that_is_beyond_reading_can_be_replaced(folder: Place, tmp_path: Path) -> None:
    file, ledger = tmp_path / "backup.sqlite", tmp_path / "bank" / "ledger.sqlite"
    async with folder.memory() as memory:
        await filled(memory, 2)
        await memory.backup(file)
    ledger.write_bytes(b"no database at all " * 1000)
    with pytest.raises(InvalidInput, match="--force"):
        await folder.memory().restore(file)
    report = await folder.memory().restore(file, is_replacing=True)
    assert report.kept_aside is not None
    assert report.kept_aside.read_bytes() == b"no database at all " * 1000
    async with folder.memory() as memory:
        assert (await memory.views.counts(namespace="default")).cases == 2


async def test_a_backup_of_an_earlier_release_is_migrated(tmp_path: Path) -> None:
    source = unpacked(tmp_path) / "ledger.sqlite"
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    report = await CaseMemory.open(tmp_path / "new").restore(source)
    assert (report.backup.cases, report.backup.events) == (1288, 317)
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    with closing(sqlite3.connect(tmp_path / "new" / "ledger.sqlite")) as database:
        assert database.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone() == (str(migrations.HEAD),)


async def test_nothing_changes_and_nothing_is_left_where_the_disk_is_full(folder: Place, disk: Path) -> None:
    large, small = disk.parent / "large.sqlite", Place("disk", {"location": disk / "bank"})
    async with folder.memory() as memory:
        for number in range(40):
            await memory.write(state=question(number), action="long " * 9000 + str(number), reward=1.0)
        await memory.backup(large)
        async with small.memory() as other:
            await filled(other, 3)
        fill(disk)
        with pytest.raises(LedgerUnavailable, match=r"disk is full|No space"):
            await memory.backup(disk / "backup.sqlite")
    before = files(disk), files(disk / "bank")["ledger.sqlite"]
    with pytest.raises(LedgerUnavailable, match=r"disk is full|No space"):
        await small.memory().restore(large, is_replacing=True)
    assert (files(disk), files(disk / "bank")["ledger.sqlite"]) == before
    assert not [name for name in files(disk / "bank") if "unfinished" in name or "before" in name]
    assert "backup.sqlite" not in before[0]
    (disk / "filler").unlink()
    async with small.memory() as other:
        assert (await other.views.counts(namespace="default")).cases == 3


async def test_a_bank_that_keeps_nothing_takes_no_backup(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="that is kept"):
        await CaseMemory.open(":memory:").restore(tmp_path / "b")


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"question": f"q {n}", "plan": "p", "reward": 1}) + "\n" for n in range(5)))
    file, home = tmp_path / "b.sqlite", Path(os.environ["MEMENTO_HOME"])
    assert invoke("cases", "import", str(rows)).code == 0
    done = invoke("cases", "backup", str(file))
    assert (done.code, done.out) == (0, "")
    assert done.err.endswith(f"5 cases, 0 events and 0 outcomes backed up to {file}\n")
    again = invoke("cases", "backup", str(file))
    assert again.code == 2
    assert "--force" in again.err
    [line] = invoke("cases", "backup", str(file), "--force", "--json").lines
    assert line.items() >= {"event": "backed_up", "cases": 5, "damaged_rows": 0, "file": str(file)}.items()
    refused = invoke("cases", "restore", str(file))
    assert refused.code == 2
    assert "--force" in refused.err
    [line] = invoke("cases", "restore", str(file), "--force", "--json").lines
    assert line.items() >= {"event": "restored", "cases": 5, "file": str(home / "ledger.sqlite")}.items()
    assert Path(line["kept_aside"]).parent == home
    assert invoke("cases", "stats", "--json").lines[-1]["cases"] == 5


RESTORER = """
import asyncio, sys
from memento.memory.case_memory import CaseMemory
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(CaseMemory.open(sys.argv[1]).restore(sys.argv[2], is_replacing=True))
print("done", flush=True)
"""


def restoring(bank: Path, file: Path, *, killed_after_s: float | None) -> float:
    """Restore in a process of its own; how long that took."""
    process = subprocess.Popen(
        [sys.executable, "-c", RESTORER, str(bank), str(file)], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    began = time.monotonic()
    process.stdin.write(b"\n")
    process.stdin.flush()
    if killed_after_s is None:
        assert process.stdout.readline() == b"done\n"
    else:
        time.sleep(killed_after_s)
        process.kill()
    took = time.monotonic() - began
    process.communicate()
    return took


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_old_or_the_new_ledger_is_whole_when_a_restore_is_killed(folder: Place, tmp_path: Path) -> None:
    file, bank = tmp_path / "backup.sqlite", tmp_path / "bank"
    async with folder.memory() as memory:
        for number in range(300):
            await memory.write(state=question(number), action="long " * 9000 + str(number), reward=1.0)
        await memory.backup(file)
        await filled(memory, 7, start=1000)
    took, seen = 0.0, set()
    for number in range(8):
        killed_after_s = took * number / 8 if number else None  # the first one says how long it takes
        elapsed = await asyncio.to_thread(restoring, bank, file, killed_after_s=killed_after_s)
        took = took or elapsed
        async with folder.memory() as memory:
            n_cases = len([case async for case in memory.views.walk(namespace="default")])
            assert n_cases in (300, 307)
            seen.add(n_cases)
            if n_cases == 300:
                await filled(memory, 7, start=1000)
    assert seen == {300, 307}
