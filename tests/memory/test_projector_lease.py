"""One elected projector: several processes on one server and one ledger, of which one applies the changes."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EngineUnavailable
from memento.memory.index.breaker import Breaker
from memento.memory.index.case_bank import CaseBank
from memento.memory.index.engines.server import ServerEngine
from memento.memory.index.projector_lease import LEASE_S, ProjectorLease
from memento.memory.ledger.ledger import Ledger
from tests.memories import Place, place, question
from tests.wire_shim import WireShim

ROOT = Path(__file__).parents[2]
SHORT_S = 0.4


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place("server", tmp_path) as made:
        yield made


@pytest.fixture
async def memories(at: Place) -> AsyncIterator[list[CaseMemory]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(at.memory()) for _ in range(3)]


def n_upserts(shim: WireShim | None) -> int:
    assert shim is not None
    return sum(method == "PUT" and path.endswith("/points") for method, path, _ in shim.requests)


async def leases(folder: Path, n: int, stack: AsyncExitStack) -> list[ProjectorLease]:
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    ledgers = [await stack.enter_async_context(Ledger(url)) for _ in range(n)]
    return [ProjectorLease(ledger=ledger, index="i", lease_s=SHORT_S) for ledger in ledgers]


async def until_ours(lease: ProjectorLease) -> None:
    async with asyncio.timeout(20):
        while not await lease.is_ours():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.02)


async def until_whole(memories: list[CaseMemory]) -> None:
    async with asyncio.timeout(30):
        while any([(await memory.read("capital")).is_degraded for memory in memories]):  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.05)


async def test_one_of_many_is_elected_and_stays_so_while_it_renews(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        some = await leases(tmp_path, 4, stack)
        won = await asyncio.gather(*(lease.is_ours() for lease in some))
        assert sum(won) == 1
        holder = some[won.index(True)]
        for _ in range(30):
            await holder.renew()
            assert sum(await asyncio.gather(*(lease.is_ours() for lease in some))) == 1
            await asyncio.sleep(SHORT_S / 10)
        assert holder.term == 1


async def test_taken_over_when_it_is_released_or_not_renewed(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, second, third = await leases(tmp_path, 3, stack)
        assert await first.is_ours()
        await first.release()
        await until_ours(second)
        await until_ours(third)  # the second is never asked again: it looks dead
        assert not await second.is_ours()  # and finds out when it renews
        assert (second.is_held, third.is_held) == (False, True)


async def test_ends_when_it_is_not_renewed_and_is_seized_for_a_rebuild(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, second = await leases(tmp_path, 2, stack)
        assert await first.is_ours()
        await until_ours(second)
        assert not await first.is_ours()
        await first.seize()
        assert first.is_held
        await asyncio.sleep(SHORT_S / 2)
        assert not await second.is_ours()


async def test_each_change_is_applied_once_and_every_process_finds_its_own(
    at: Place, memories: list[CaseMemory]
) -> None:
    for number in range(12):
        memory = memories[number % 3]
        own = await memory.write(state=question(number), action="a", reward=1.0)
        reading = await memory.read(f"{question(number)} please", k=1)
        assert [scored.case.id for scored in reading.cases] == [own]
    for memory in memories:
        await memory.bank.project_all()
        assert await memory.bank.count() == 12
    assert n_upserts(at.shim) < 24  # three times each without a lease; a few again where a reply came too late


async def test_others_changes_are_applied_while_the_holder_is_idle(at: Place, memories: list[CaseMemory]) -> None:
    await memories[0].write(state="first", action="a", reward=1.0)  # elected
    await memories[1].write(state="second", action="a", reward=1.0)
    async with asyncio.timeout(20):
        while await memories[2].bank.count() < 2:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.05)
    assert n_upserts(at.shim) < 4


async def test_a_rebuild_by_another_process_loses_nothing(at: Place, memories: list[CaseMemory]) -> None:
    holder, other, third = memories
    await holder.write(state=question(0), action="a", reward=1.0)
    writing = [asyncio.create_task(holder.write(state=question(n), action="a", reward=1.0)) for n in range(1, 8)]
    await other.bank.rebuild()
    await asyncio.gather(*writing)
    await third.write(state=question(8), action="a", reward=1.0)
    for memory in memories:
        await memory.bank.project_all()
        assert await memory.bank.count() == 9


async def test_rebuilt_once_when_the_collection_vanishes(at: Place, memories: list[CaseMemory]) -> None:
    for number in range(3):
        await memories[0].write(state=question(number), action="a", reward=1.0)
    assert at.shim is not None
    for name in at.shim.names():
        at.shim.answer("DELETE", f"/collections/{name}", b"")
    await until_whole(memories)
    assert [await memory.bank.count() for memory in memories] == [3, 3, 3]


async def test_all_find_again_what_was_rebuilt_while_its_holder_goes_on_writing(
    at: Place, memories: list[CaseMemory]
) -> None:
    """The others have met the damage first, and the holder keeps its lease: by themselves they rebuild nothing."""
    holder, *others = memories
    await holder.write(state=question(0), action="a", reward=1.0)
    assert at.shim is not None
    for name in at.shim.names():
        at.shim.answer("DELETE", f"/collections/{name}", b"")
    assert all([(await memory.read("capital")).is_degraded for memory in others])
    is_over = asyncio.Event()

    async def write_on() -> None:
        for number in itertools.count(1):
            await holder.write(state=question(number), action="a", reward=1.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_S / 10):
                    await is_over.wait()
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(write_on())
        await until_whole(memories)
        is_over.set()


async def test_projects_again_when_the_server_is_back(at: Place, memories: list[CaseMemory]) -> None:
    await memories[0].write(state="before", action="a", reward=1.0)
    assert at.shim is not None
    at.shim.faults.is_down = True
    await memories[0].write(state="during", action="a", reward=1.0)
    await memories[1].write(state="during, too", action="a", reward=1.0)
    at.shim.faults.is_down = False
    await asyncio.gather(*(memory.bank.project_all() for memory in memories))
    assert await memories[0].bank.count() == 3


HOLDER = """
import asyncio, sys
from pathlib import Path
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder

async def main() -> None:
    async with CaseMemory.open(sys.argv[1], home=Path(sys.argv[2]), encoder=HashingEncoder(), seed=0) as memory:
        await memory.write(state="of the holder", action="a", reward=1.0)
        print(memory.bank._projection._lease.is_held, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.allow_blocking("another process is started and killed")
async def test_another_takes_over_when_the_holder_is_killed(at: Place) -> None:
    assert at.shim is not None
    command = [sys.executable, "-c", HOLDER, str(at.arguments["location"]), str(at.arguments["home"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        said = await asyncio.to_thread(process.stdout.readline)
        assert said.strip() == "True"
        async with at.memory() as memory:
            process.kill()
            own = await memory.write(state=question(1), action="a", reward=1.0)
            reading = await memory.read(f"{question(1)} please", k=1)
            assert [scored.case.id for scored in reading.cases] == [own]  # at once, beside the index
            n_points = 1
            async with asyncio.timeout(4 * LEASE_S + 40):
                while n_points < 2:
                    with suppress(EngineUnavailable):  # on a busy machine
                        await memory.bank.project_all()
                        n_points = await memory.bank.count()
            fact = await memory.views.fact(memory.bank._projection._lease._name)  # type: ignore[union-attr]
            assert json.loads(str(fact))["beat"] >= 1


async def test_no_lease_where_each_process_has_its_own_index(tmp_path: Path) -> None:
    with place("folder", tmp_path) as folder:
        async with folder.memory() as memory:
            await memory.write(state="s", action="a", reward=1.0)
            assert memory.bank._projection._lease is None


async def test_closed_holder_leaves_the_lease_at_once(at: Place) -> None:
    async with at.memory() as first, at.memory() as second:
        await first.write(state="one", action="a", reward=1.0)
        await first.aclose()
        await second.write(state="two", action="a", reward=1.0)
        async with asyncio.timeout(LEASE_S):
            await second.bank.project_all()
        assert await second.bank.count() == 2
        lease = second.bank._projection._lease
        assert lease is not None
        assert lease.is_held


async def test_a_bank_without_a_poll_follows_too(at: Place, memories: list[CaseMemory]) -> None:
    """A `CaseBank` by itself, with a lease of a short time, beside a holder that never comes back."""
    memory = memories[0]
    await memory.write(state="one", action="a", reward=1.0)
    assert at.shim is not None
    lease = ProjectorLease(ledger=memory._storage.ledger, index="another", lease_s=SHORT_S)
    bank = CaseBank(
        views=memory.views,
        engine=ServerEngine(at.shim.url, collection="another"),
        vectors=memory._storage.texts,
        deadline_s=2.0,
        breaker=Breaker(),
        lease=lease,
    )
    await bank.open()
    await bank.project_all()
    assert (await bank.count(), lease.is_held) == (1, True)
    await bank.close()
    assert not lease.is_held
