"""A home that cannot be written is read all the same: a read-only file system, a full disk, an old copy."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import LedgerUnavailable
from memento.memory.ledger.read_only_file import cannot_write, copied, read_only_file
from memento.memory.ledger.sqlite_files import open_shared
from tests.commands import Finished, assistant, invoke, serving


def mounted(*words: object) -> bool:
    """Whether a `mount` was done; that needs the rights of root, which containers often withhold."""
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *map(str, words)], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=90m", "tmpfs", folder):
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    assert mounted("-o", "remount,ro", disk)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


ENDS = {"read-only": make_read_only, "full": fill}


def database(path: Path, *, n: int = 100) -> None:
    with closing(open_shared(str(path), timeout_s=1.0)) as connection:
        connection.execute("CREATE TABLE t (n)")
        connection.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(n)])
        connection.commit()


def total(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_a_copy_has_what_stands_in_the_log_only(tmp_path: Path) -> None:
    database(tmp_path / "a.sqlite")
    with closing(open_shared(str(tmp_path / "a.sqlite"), timeout_s=1.0)) as writer:
        writer.execute("INSERT INTO t VALUES (100)")
        writer.commit()
        copy = copied(tmp_path / "a.sqlite")
        assert os.stat(copy.name).st_mode & 0o077 == 0
        with closing(sqlite3.connect(Path(copy.name, "a.sqlite"))) as connection:
            assert total(connection) == 101
        copy.cleanup()


def test_a_writer_is_followed_where_one_is_at_work(tmp_path: Path) -> None:
    database(tmp_path / "a.sqlite")
    with closing(open_shared(str(tmp_path / "a.sqlite"), timeout_s=1.0)) as writer:
        assert total(writer) == 100
        file = read_only_file(tmp_path / "a.sqlite")
        assert file.copy is None
        with closing(file.connect(timeout_s=1.0)) as connection:
            writer.execute("INSERT INTO t VALUES (100)")
            writer.commit()
            assert total(connection) == 101
            with pytest.raises(sqlite3.OperationalError) as caught:
                connection.execute("INSERT INTO t VALUES (101)")
            assert cannot_write(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.sqlite"):
        read_only_file(tmp_path / "a.sqlite")


@pytest.mark.allow_blocking("a disk is remounted while nothing else runs")
@pytest.mark.parametrize("end", ENDS)
async def test_cases_are_read_and_none_is_acknowledged(disk: Path, end: str) -> None:
    async with CaseMemory.open(disk / "home") as memory:
        for n in range(30):
            case_id = await memory.write(state=f"what is {n} times 7", action="multiply", reward=n % 2)
    ENDS[end](disk)
    async with CaseMemory.open(disk / "home") as memory:
        assert "read-only" in memory.notices[0]
        assert {"read-only": "its file system is read-only", "full": "its disk is full"}[end] in memory.notices[0]
        reading = await memory.read("what is 8 times 7", policy="similarity")
        assert len(reading.cases) == 4
        assert len([case async for case in memory.views.walk(namespace="default")]) == 30
        assert (await memory.views.counts(namespace="default")).cases == 30
        with pytest.raises(LedgerUnavailable, match="nothing was written"):
            await memory.write(state="new", action="new", reward=1.0)
        with pytest.raises(LedgerUnavailable, match="nothing was written"):
            await memory.feedback(reading.event_id, 1.0)
        assert case_id is not None
        assert (await memory.views.cases([case_id], namespace="default"))[case_id].state == "what is 29 times 7"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.allow_blocking("a command has its event loop to itself")
@pytest.mark.parametrize("end", ENDS)
def test_commands_that_read_go_on_and_a_run_answers(monkeypatch: pytest.MonkeyPatch, disk: Path, end: str) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(disk / "home"))
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        asked = memento("ask", "what is six times seven", "-r", "42", "--thread", "one", "--json")
        event_id = asked.lines[-1]["event_id"]
        exported = memento("cases", "export")
        ENDS[end](disk)
        assert memento("cases", "export") == exported
        assert exported.lines[0]["answer"] == "forty-two"
        assert memento("cases", "list", "--json").lines[0]["state"] == "what is six times seven"
        assert memento("cases", "stats", "--json").lines[-1]["cases"] == 1
        assert memento("cases", "why", event_id, "--json").lines[0]["event"] == "why"
        assert memento("threads", "list", "--json").lines[0]["thread"] == "one"
        answered = memento("ask", "what is six times eight", "-r", "48", "--thread", "two", "--json")
        assert (answered.code, answered.lines[-1]["answer"]) == (0, "forty-two")
        said = " ".join(answered.lines[-1]["notices"])
        assert "not remembered" in said
        assert "this conversation is not kept" in said
        attached = memento("ask", "what is in it", "-a", __file__)
        assert (attached.code, attached.out) == (0, "forty-two\n")
        assert "memento feedback" not in attached.err
        assert [line["thread"] for line in memento("threads", "list", "--json").lines] == ["one"]
        assert memento("feedback", event_id, "1").code == 1
        findings = {line["what"]: line for line in memento("doctor", "--json").lines}
        assert findings["ledger"]["status"] == "bad"
        assert "1 cases" in findings["ledger"]["found"]
        assert "cannot be written" in findings["ledger"]["found"]
        pruned = memento("threads", "prune", "--older-than", "0", "--yes")
        assert pruned.code == 1
        assert "one stays" in pruned.err


def memento(*words: str) -> Finished:
    done = invoke(*words)
    assert "unexpected error" not in done.err
    return done


@pytest.mark.allow_blocking("a disk is remounted while nothing else runs")
async def test_folders_are_searched_without_a_place_for_the_index(disk: Path, tmp_path: Path) -> None:
    from memento.tools.files.index import FileIndex

    (disk / "home").mkdir()
    make_read_only(disk)
    index = FileIndex(disk / "home" / "files.sqlite")
    assert await asyncio.to_thread(index.counts, []) == (0, 0)
