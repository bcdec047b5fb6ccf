"""A further engine of a bank starts with a copy of a neighbour's index: a whole one, and never an erased one."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.purging import purge_slots
from memento.memory.index.engines.seeding import MIN_AHEAD
from memento.memory.index.engines.slot_files import mark_erased, writes_lock
from tests.bank_points import DIM, case_id, in_batches, point
from tests.edge_bank import opened, writer

N = MIN_AHEAD + 200
POINTS = [point(number) for number in range(N)]


@pytest.fixture
async def first(tmp_path: Path) -> EdgeEngine:
    """An engine with N saved points, which holds slot-0."""
    engine = await opened(tmp_path / "bank")
    await engine.upsert(POINTS)
    await engine.save_position(N)
    return engine


async def state(engine: EdgeEngine) -> tuple[int, int]:
    return await engine.position(), await engine.count()


def files(slot: Path) -> list[str]:
    return sorted(path.name for path in slot.iterdir()) if slot.is_dir() else []


async def test_second_engine_has_all_of_the_first_at_once(first: EdgeEngine, tmp_path: Path) -> None:
    await first.upsert([point(N)])  # applied, and not saved
    second = await opened(tmp_path / "bank")
    assert second._index.slot.path.name == "slot-1"
    position, count = await state(second)
    assert (position, count) in ((N, N), (N, N + 1))
    for number in (0, 700, N - 1):
        wanted = POINTS[number].vector
        both = [await engine.search(wanted, namespace="a", limit=5) for engine in (first, second)]
        assert both[0] == both[1]
        assert both[0][0].case_id == case_id(number)
    await second.upsert([point(5, 2, status="retired")])
    assert (await second.search(POINTS[5].vector, namespace="a", limit=1))[0].case_id != case_id(5)
    assert (await first.search(POINTS[5].vector, namespace="a", limit=1))[0].case_id == case_id(5)
    await asyncio.gather(first.close(), second.close())


async def test_copy_that_was_never_saved_goes_when_it_is_closed(first: EdgeEngine, tmp_path: Path) -> None:
    second = await opened(tmp_path / "bank")
    await second.close()
    assert await asyncio.to_thread(files, tmp_path / "bank" / "slot-1") == []
    second = await opened(tmp_path / "bank")
    await second.upsert([point(N)])
    await second.save_position(N + 1)
    await second.close()
    assert await asyncio.to_thread(files, tmp_path / "bank" / "slot-1") == ["gen-1", "slot.json"]
    second = await opened(tmp_path / "bank")
    assert await state(second) == (N + 1, N + 1)
    await asyncio.gather(first.close(), second.close())


async def test_slot_that_lags_far_behind_is_replaced_and_one_that_nearly_follows_is_not(tmp_path: Path) -> None:
    first, second = await opened(tmp_path / "bank"), await opened(tmp_path / "bank")
    await second.upsert(POINTS[:3])
    await second.save_position(3)
    await second.close()
    await first.upsert(POINTS)
    await first.save_position(3 + MIN_AHEAD - 1)
    second = await opened(tmp_path / "bank")
    assert await state(second) == (3, 3)
    await second.close()
    await first.save_position(3 + MIN_AHEAD)
    second = await opened(tmp_path / "bank")
    assert await state(second) == (3 + MIN_AHEAD, N)
    await asyncio.gather(first.close(), second.close())


async def test_slot_that_nobody_holds_is_a_seed(first: EdgeEngine, tmp_path: Path) -> None:
    second = await opened(tmp_path / "bank")
    await second.save_position(N)
    await asyncio.gather(first.close(), second.close())
    await asyncio.to_thread((tmp_path / "bank" / "slot-0" / "slot.json").unlink)
    await asyncio.to_thread((tmp_path / "bank" / "slot-0" / "unsaved").touch)  # as a killed copier leaves it
    third = await opened(tmp_path / "bank")
    assert third._index.slot.path.name == "slot-0"
    assert await state(third) == (N, N)
    await third.close()


async def test_slot_of_another_encoder_is_no_seed(first: EdgeEngine, tmp_path: Path) -> None:
    other = EdgeEngine(tmp_path / "bank")
    await other.open(dim=DIM, encoder="toy/encoder@2")
    assert await state(other) == (0, 0)
    await asyncio.gather(first.close(), other.close())


async def test_slot_that_is_marked_erased_is_no_seed(first: EdgeEngine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    await asyncio.to_thread(mark_erased, bank / "slot-0")
    second = await opened(bank)
    assert await state(second) == (0, 0)
    await second.close()
    await first.rebuild(in_batches(POINTS), position=N)
    second = await opened(bank)
    assert await state(second) == (N, N)
    await asyncio.gather(first.close(), second.close())


async def test_copies_are_marked_too_when_something_is_erased(first: EdgeEngine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    second = await opened(bank)
    assert await asyncio.to_thread(purge_slots, bank) == 2
    third = await opened(bank)
    assert await state(third) == (0, 0)
    await asyncio.gather(first.close(), second.close(), third.close())
    assert all([(bank / f"slot-{number}" / "erased").exists() for number in range(2)])  # noqa: C419


async def test_mark_that_comes_while_a_copy_is_made_discards_it(first: EdgeEngine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    lock = writes_lock(bank / "slot-0")
    await asyncio.to_thread(lock.acquire)
    opening = asyncio.create_task(opened(bank))
    await asyncio.to_thread(_until_there, bank / "slot-1" / "unsaved")
    await asyncio.to_thread(mark_erased, bank / "slot-0")
    await asyncio.to_thread(lock.release)
    second = await opening
    assert await state(second) == (0, 0)
    await asyncio.gather(first.close(), second.close())


@pytest.mark.parametrize("n_before", [MIN_AHEAD + 300, pytest.param(3_000, marks=pytest.mark.slow)])
async def test_copy_is_whole_when_the_owner_writes_meanwhile(tmp_path: Path, n_before: int) -> None:
    """Whatever the record of the copy promises is there."""
    bank = tmp_path / "bank"

    def started() -> "subprocess.Popen[str]":
        process = writer(bank, 200_000)
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == str(n_before):
                break
        return process

    process = await asyncio.to_thread(started)
    try:
        for _ in range(3):
            second = await opened(bank)
            position, count = await state(second)
            assert MIN_AHEAD <= position <= count
            for number in range(0, position, 97):
                own = point(number)
                assert (await second.search(own.vector, namespace="a", limit=1))[0].case_id == own.case_id
            await second.close()
        assert process.poll() is None
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)


def _until_there(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


OPENER = """
import asyncio, sys
from pathlib import Path
sys.path.append(sys.argv[2])
from tests.edge_bank import opened

asyncio.run(opened(Path(sys.argv[1])))
"""


def _filler(path: Path, n_mb: int) -> None:
    with path.open("wb") as file:
        for _ in range(n_mb):
            file.write(b"\x01" * (1 << 20))


def _killed_copier(bank: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", OPENER, str(bank), str(root)]) as process:
        copy = bank / "slot-1" / "gen-1" / "aaa"
        while not copy.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)


@pytest.fixture
def big_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "bank" / "slot-0" / "gen-1" / "aaa"
    yield path
    path.unlink(missing_ok=True)


async def test_nothing_is_left_of_a_copy_when_the_copier_was_killed(
    first: EdgeEngine, tmp_path: Path, big_file: Path
) -> None:
    bank = tmp_path / "bank"
    await asyncio.to_thread(_filler, big_file, 400)
    await asyncio.to_thread(_killed_copier, bank)
    assert "slot.json" not in await asyncio.to_thread(files, bank / "slot-1")
    await asyncio.to_thread(big_file.unlink)
    await first.upsert([point(N)])  # its lock is free
    await first.save_position(N + 1)
    second = await opened(bank)
    assert second._index.slot.path.name == "slot-1"
    assert await state(second) == (N + 1, N + 1)
    await asyncio.gather(first.close(), second.close())


async def test_starts_empty_when_the_copy_does_not_load(first: EdgeEngine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    record = bank / "slot-0" / "slot.json"
    fields = json.loads(await asyncio.to_thread(record.read_text))
    await asyncio.to_thread(record.write_text, json.dumps({**fields, "count": 2 * N}))  # as if files were missing
    second = await opened(bank)
    assert await state(second) == (0, 0)
    await asyncio.gather(first.close(), second.close())
