"""When the search engine fails: reads go on, writes are kept, nothing trains, and the index catches up by itself."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import case_id
from memento.memory.case_memory import CaseMemory
from tests.memories import Place, filled, place, question, served
from tests.wire_shim import Faults

FAULTS: dict[str, dict[str, Any]] = {
    "slow": {"delay_s": 1.2},
    "down": {"is_down": True},
    "overloaded": {"status": 503},
    "throttled": {"status": 429, "headers": (("Retry-After", "1"),)},
    "refusing": {"status": 403},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Place]:
    with place("server", tmp_path / "bank") as found:
        yield found


@pytest.fixture
async def memory(server: Place) -> AsyncIterator[CaseMemory]:
    async with server.memory() as memory:
        yield memory


def shim(server: Place) -> Any:
    assert server.shim is not None
    return server.shim


async def until_searchable(memory: CaseMemory, ids: list[str], query: str = "capital") -> list[str]:
    """Wait until the index itself, not the fallback, finds these cases; what was told meanwhile."""
    told: list[str] = []
    async with asyncio.timeout(20):
        while True:
            reading = await memory.read(query, k=64)
            told += reading.notices
            if not reading.is_degraded and {scored.case.id for scored in reading.cases} >= set(ids):
                return told
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", FAULTS)
async def test_reads_and_writes_go_on_when_the_server_fails(server: Place, memory: CaseMemory, fault: str) -> None:
    ids = await filled(memory, 3)
    shim(server).faults = Faults(**FAULTS[fault])
    ids += await filled(memory, 1, start=3)
    reading = await memory.read(question(2) + " today", k=2)
    assert reading.is_degraded
    assert reading.cases[0].case.id == ids[2]
    own = await memory.write(state="during", action="a", reward=1.0, event_id=reading.event_id)
    assert any("degraded" in notice for notice in memory.notices)
    assert reading.notices == memory.notices
    await memory.settle()
    assert await memory.n_outcomes() == 0  # a degraded reading never trains
    if fault == "refusing":
        return  # a wrong key does not repair itself
    shim(server).faults = Faults()
    await until_searchable(memory, [*ids, own or ""])
    assert (memory.notices, (await memory.read("capital")).notices) == ([], [])


async def test_outage_is_told_until_the_server_answers_whatever_is_written(server: Place, memory: CaseMemory) -> None:
    await filled(memory, 2)
    reading = await memory.read("capital")
    shim(server).faults = Faults(is_down=True)
    assert (await memory.read("capital")).is_degraded
    await memory.feedback(reading.event_id, None)  # changes no case: the index has nothing to take
    assert ["degraded" in notice for notice in memory.notices] == [True]
    assert (await memory.read("capital", policy="none")).notices == []  # it searches nothing: not concerned


def searches(server: Place) -> int:
    """Number of searches that have reached the server."""
    return sum("/points/query" in path for _, path, *_ in shim(server).requests)


async def test_dead_server_costs_nothing_when_the_breaker_is_open(server: Place, memory: CaseMemory) -> None:
    await filled(memory, 2)
    shim(server).faults = Faults(delay_s=30)
    for _ in range(3):
        assert (await memory.read("capital")).is_degraded
    n_asked = searches(server)
    assert n_asked
    for _ in range(5):
        assert (await memory.read("capital")).is_degraded
    assert searches(server) == n_asked  # none of them waited for it


async def test_nothing_is_doubled_when_replies_are_lost(server: Place, memory: CaseMemory) -> None:
    shim(server).faults = Faults(n_lost_replies=2)
    ids = await filled(memory, 3)
    await until_searchable(memory, ids)
    await memory.bank.project_all()
    assert await memory.bank.count() == 3


async def test_memory_opens_and_recovers_when_the_server_is_down_at_first(server: Place) -> None:
    async with server.memory() as memory:
        ids = await filled(memory, 2)
    shim(server).faults = Faults(is_down=True)
    async with server.memory() as memory:
        assert (await memory.read("capital")).is_degraded
        ids += await filled(memory, 1, start=2)
        shim(server).faults = Faults()
        await until_searchable(memory, ids)


async def test_index_is_made_again_when_the_collection_vanishes(server: Place, memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    for name in shim(server).names():
        await asyncio.to_thread(shim(server).client.delete_collection, name)
    assert (await memory.read("capital")).is_degraded
    told = [notice for notice in await until_searchable(memory, ids) if "rebuilt from the ledger" in notice]
    assert len(told) == 1
    assert memory.notices == []


async def test_closing_does_not_wait_when_the_server_hangs(server: Place) -> None:
    async with asyncio.timeout(100), server.memory() as memory:
        await filled(memory, 1)
        shim(server).faults = Faults(delay_s=1000)
        await filled(memory, 1, start=1)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("memento")]


# Embedded


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path / "bank") as found:
        yield found


async def damage(folder: Place, how: Callable[[Path], None]) -> None:
    def find_and_damage() -> None:
        (index,) = Path(folder.arguments["location"]).glob("index-*")
        how(index)

    await asyncio.to_thread(find_and_damage)


def cut_short(index: Path) -> None:
    files = [path for path in index.rglob("*") if path.is_file() and path.suffix not in (".lock", ".json")]
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lost(index: Path) -> None:
    shutil.rmtree(index / "slot-0")


async def test_rebuilt_and_said_so_when_the_index_lost_cases(folder: Place) -> None:
    async with folder.memory() as memory:
        ids = await filled(memory, 6)
    await damage(folder, cut_short)
    async with folder.memory() as memory:
        assert any("rebuilt from the ledger" in notice for notice in memory.notices)
        reading = await memory.read("capital", k=64)
        assert {scored.case.id for scored in reading.cases} == set(ids)
        assert any("rebuilt from the ledger" in notice for notice in reading.notices)
        assert (memory.notices, (await memory.read("capital")).notices) == ([], [])


async def test_all_cases_are_found_when_the_index_is_gone(folder: Place) -> None:
    async with folder.memory() as memory:
        ids = await filled(memory, 6)
    await damage(folder, lost)
    async with folder.memory() as memory:
        assert await served(memory, "capital") == set(ids)


async def test_rebuilt_when_the_ledger_is_an_older_copy(folder: Place) -> None:
    bank = Path(folder.arguments["location"])
    async with folder.memory() as memory:
        ids = await filled(memory, 2)
    await asyncio.to_thread(shutil.copy, bank / "ledger.sqlite", bank / "backup")
    async with folder.memory() as memory:
        await filled(memory, 6, start=2)
    await asyncio.to_thread(shutil.move, bank / "backup", bank / "ledger.sqlite")
    async with folder.memory() as memory:
        assert any("ahead of the ledger" in notice for notice in memory.notices)
        ids += await filled(memory, 2, start=20)
        assert await served(memory, "capital") == set(ids)


async def test_newest_cases_are_found_when_many_come_at_once(folder: Place) -> None:
    async with folder.memory() as memory, folder.memory() as other:
        ids = await asyncio.gather(*(filled(memory, 40, start=100 * n, namespace=f"n{n}") for n in range(8)))
        await other.bank.project_all()
        for n, own in enumerate(ids):
            assert await served(other, "capital", namespace=f"n{n}") == set(own)
        assert await other.bank.count() == 320


async def test_writes_arrive_when_projections_are_cancelled_over_and_over(folder: Place) -> None:
    async with folder.memory() as memory:
        ids = await filled(memory, 3)
        for number in range(40):
            task = asyncio.create_task(memory.write(state=f"state {number}", action="a", reward=1.0))
            while not await memory.views.cases([_id(number)], namespace="default"):
                pass
            task.cancel()  # after the acknowledgement's commit, somewhere in the projection
            await asyncio.gather(task, return_exceptions=True)
            ids.append(_id(number))
        assert await served(memory, "capital") == set(ids)
        assert await memory.bank.count() == len(ids)


def _id(number: int) -> str:
    return case_id("default", f"state {number}", "a")
