"""The threads of one home: what is said of them, and what goes with them."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from memento.graph.deps import Deps
from memento.graph.threads import Threads, open_checkpointer
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.errors import InvalidInput, MementoError
from tests.node_parts import a_memory, always, answer

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)


class Home(NamedTuple):
    graph: MementoGraph
    saver: AsyncSqliteSaver
    threads: Threads
    runs: Path

    async def run(self, name: str, task: str, **context: Any) -> None:
        await self.graph.ainvoke({"task": task}, {"configurable": {"thread_id": name}}, context=context)  # type: ignore[arg-type]

    async def write(self, folder: str, text: str, *, at: datetime | None = None) -> None:
        def write() -> None:
            file = self.runs / folder / "notes" / "made.txt"
            file.parent.mkdir(parents=True)
            file.write_text(text)
            if at is not None:
                os.utime(file, (at.timestamp(), at.timestamp()))

        await asyncio.to_thread(write)

    async def folders(self) -> list[str]:
        return await asyncio.to_thread(names_in, self.runs)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@asynccontextmanager
async def a_home(folder: Path) -> AsyncIterator[Home]:
    workspace = folder / "workspace"
    async with a_memory() as memory, open_checkpointer(folder / "home" / "threads.sqlite") as saver:
        parts = Deps(memory=memory, planner=always(answer("42")), executor=always("42"), workspace=workspace)
        graph = build_graph(parts, checkpointer=saver)
        yield Home(graph, saver, Threads(graph, saver, workspace), workspace / "runs")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    return folder


async def test_a_thread_is_told_by_its_last_run(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        begun = datetime.now(UTC)
        await home.run("one", "what is six times seven")
        await home.run("two", "asks first", evaluator="human")
        await home.run("one", "and eight times nine")
        await home.write("one", "forty-two", at=LONG_AGO)
        assert await home.threads.names() == ["one", "two"]
        one, two = [await home.threads.read(name) for name in ("one", "two")]
    assert (one.task, one.waits_for, one.n_bytes) == ("and eight times nine", (), 9)
    assert begun < two.changed_at < one.changed_at < datetime.now(UTC)
    assert (two.task, two.waits_for, two.n_bytes) == ("asks first", ("reward",), 0)


async def test_a_file_that_is_younger_than_the_last_step_counts(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    async with a_home(tmp_path) as home:
        await home.run("one", "what is six times seven")
        await home.write("one", "", at=soon)
        assert abs((await home.threads.read("one")).changed_at - soon) < timedelta(seconds=1)


async def test_only_its_own_goes_when_a_thread_is_removed(tmp_path: Path, mine: Path) -> None:
    async with a_home(tmp_path) as home:
        for name in ("one", "two"):
            await home.run(name, name)
            await home.write(name, name)
        await asyncio.to_thread((home.runs / "one" / "link").symlink_to, mine)
        assert await home.threads.remove(await home.threads.read("one"))
        await home.threads.tidy()
        assert await home.threads.names() == ["two"]
        assert await home.folders() == ["two"]
        await home.run("one", "begins anew")
        assert (await home.threads.read("one")).task == "begins anew"
    assert await asyncio.to_thread(names_in, mine) == ["kept.txt"]


async def test_a_thread_stays_when_it_went_on_since_it_was_read(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        await home.run("one", "first")
        before = await home.threads.read("one")
        await home.run("one", "second")
        await home.write("one", "made")
        assert not await home.threads.remove(before)
        assert await home.folders() == ["one"]
        assert (await home.threads.read("one")).task == "second"


async def test_folders_of_threads_kept_elsewhere_are_known_by_age_alone(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        await home.run("one", "here")
        await home.write("one", "x")
        await home.write("of-a-server", "made there", at=LONG_AGO)
        await asyncio.to_thread((home.runs / "empty").mkdir)
        await asyncio.to_thread((home.runs / "a-file").write_text, "no folder")
        empty, other = await home.threads.folders()
        assert (empty.name, empty.n_bytes) == ("empty", 0)
        assert (other.name, other.n_bytes, other.changed_at) == ("of-a-server", 10, LONG_AGO)
        assert await home.threads.remove(other)
        assert [one.name for one in await home.threads.folders()] == ["empty"]


async def test_a_removal_that_was_cut_short_is_ended_later(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        await home.run("one", "here")
        await home.write("one", "x")
        await home.saver.adelete_thread("one")  # killed here: the folder stays
        assert [one.name for one in await home.threads.folders()] == ["one"]
        await asyncio.to_thread((home.runs / "one").rename, home.runs / ".leaving-one")  # or here
        assert await home.threads.folders() == []
        await home.threads.tidy()
        assert await home.folders() == []


async def test_a_thread_with_an_odd_name_finds_its_folder(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        await home.run("../odd name", "here")
        folder = (await home.graph.aget_state({"configurable": {"thread_id": "../odd name"}})).values["run"]["folder"]
        await home.write(folder, "four")
        thread = await home.threads.read("../odd name")
        assert thread.n_bytes == 4
        assert await home.threads.folders() == []
        assert await home.threads.remove(thread)
        assert await home.folders() == []


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    async def opened() -> None:
        async with open_checkpointer(tmp_path / "home" / "threads.sqlite"):
            pass

    (tmp_path / "home").write_text("a file")
    with pytest.raises(InvalidInput, match="set MEMENTO_HOME"):
        asyncio.run(opened())


def test_no_worker_outlives_the_loop_when_opening_is_cancelled(tmp_path: Path) -> None:
    """A locked file keeps SQLite's thread waiting; what it then answered to a closed loop would be an error there."""
    path, before = tmp_path / "threads.sqlite", set(threading.enumerate())

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), open_checkpointer(path):
                pass

    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute("CREATE TABLE held (x)")
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.6, other.rollback)
        release.start()
        asyncio.run(cancelled())
        release.join()
    assert set(threading.enumerate()) <= before


DAMAGES = {
    "bytes": "UPDATE checkpoints SET checkpoint = X'c1c1c1' WHERE thread_id = 'one'",
    "cut": "UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 40) WHERE thread_id = 'one'",
    "empty": "UPDATE checkpoints SET checkpoint = X'' WHERE thread_id = 'one'",
    "no state": "UPDATE checkpoints SET checkpoint = X'93010203' WHERE thread_id = 'one'",
    "type": "UPDATE checkpoints SET type = 'nonsense' WHERE thread_id = 'one'",
    "metadata": "UPDATE checkpoints SET metadata = '{' WHERE thread_id = 'one'",
    "text": "UPDATE checkpoints SET checkpoint = 'no bytes' WHERE thread_id = 'one'",
    "name": "UPDATE checkpoints SET thread_id = CAST(X'ff6f6e65' AS TEXT) WHERE thread_id = 'one'",
    "none": "UPDATE checkpoints SET checkpoint = NULL WHERE thread_id = 'one'",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_thread_is_told_from_whole_ones_and_can_be_removed(tmp_path: Path, damage: str) -> None:
    async with a_home(tmp_path) as home:
        await home.run("one", "what is six times seven")
        await home.run("two", "what is six times eight")
        before = await home.threads.read("one")
        await home.write("one", "made", at=LONG_AGO)
        await home.saver.conn.execute(DAMAGES[damage])
        await home.saver.conn.commit()
        named, other = {name != "two": name for name in await home.threads.names()}, await home.threads.read("two")
        damaged = await home.threads.read(named[True])
        assert (other.problem, other.task) == ("", "what is six times eight")
        assert damaged.problem.startswith("its last checkpoint is damaged (")
        assert "\n" not in damaged.problem
        assert abs(damaged.changed_at - before.changed_at) < timedelta(seconds=1)
        with pytest.raises(MementoError, match=r"cannot be read.*--damaged"):
            await home.saver.check(named[True])
        await home.saver.check("two")
        await home.saver.check("new")
        assert await home.threads.remove(damaged)
        await home.threads.tidy()
        assert await home.threads.names() == ["two"]


async def test_a_damaged_page_is_named_with_its_file(tmp_path: Path) -> None:
    async with a_home(tmp_path) as home:
        await home.run("one", "what is six times seven")
    file = tmp_path / "home" / "threads.sqlite"

    def damage() -> None:
        content = bytearray(file.read_bytes())
        content[8192:] = bytes(len(content) - 8192)  # all but the schema
        file.write_bytes(content)

    await asyncio.to_thread(damage)
    async with a_home(tmp_path) as home:
        with pytest.raises(MementoError, match=r"threads\.sqlite cannot be read.*move the file away"):
            await home.threads.names()
