"""The embedded engine: a shared directory, damaged files, and processes that die."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memento.memory.engines.edge import EdgeEngine
from memento.memory.errors import EngineUnavailable, IndexDamaged
from tests.bank_points import DIM, ENCODER, case_id, in_batches, point, unit

POINTS = [point(number) for number in range(50)]


async def opened(bank: Path) -> EdgeEngine:
    engine = EdgeEngine(bank)
    await engine.open(dim=DIM, encoder=ENCODER)
    return engine


async def n_found(engine: EdgeEngine) -> int:
    return len(await engine.search(unit(1), namespace="a", limit=1000))


def generations(bank: Path) -> list[str]:
    return sorted(path.name for path in bank.glob("slot-0/gen-*"))


@pytest.fixture
async def bank(tmp_path: Path) -> Path:
    """A closed bank with 50 saved cases."""
    engine = await opened(tmp_path / "bank")
    await engine.upsert(POINTS)
    await engine.save_position(50)
    await engine.close()
    return tmp_path / "bank"


async def test_each_has_its_own_slot_when_two_engines_share_a_directory(bank: Path) -> None:
    first, second = await opened(bank), await opened(bank)
    assert (await first.position(), await second.position()) == (50, 0)
    await second.upsert(POINTS[:3])
    assert (await n_found(first), await n_found(second)) == (50, 3)
    await second.save_position(3)
    await asyncio.gather(first.close(), second.close())
    again = await opened(bank)
    assert (again._slot.path.name, await again.position()) == ("slot-0", 50)
    await again.close()


WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from memento.memory.engines.edge import EdgeEngine
from tests.bank_points import DIM, ENCODER, point

async def main():
    engine = EdgeEngine(Path(sys.argv[1]))
    await engine.open(dim=DIM, encoder=ENCODER)
    print("opened", await engine.position(), await engine.count(), flush=True)
    for start in range(0, int(sys.argv[2]), 5):
        await engine.upsert([point(number) for number in range(start, start + 5)])
        if start % 100 == 50:
            await engine.save_position(start + 5)
        print(start + 5, flush=True)
    sys.stdin.readline()
    await engine.close()

asyncio.run(main())
"""


def writer(bank: Path, n_points: int) -> "subprocess.Popen[str]":
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", WRITER, str(bank), str(n_points), str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_both_work_when_a_second_process_shares_the_directory(bank: Path) -> None:
    engine = await opened(bank)

    def other_process() -> str:
        with writer(bank, 10) as other:
            said, _ = other.communicate("\n", timeout=30)
            assert other.returncode == 0
            return said

    assert await asyncio.to_thread(other_process) == "opened 0 0\n5\n10\n"
    assert await n_found(engine) == 50
    await engine.close()
    assert (bank / "slot-1" / "slot.json").exists()


@pytest.mark.parametrize("n_before", [20, 320])
async def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path, n_before: int) -> None:
    def killed_writer() -> int:
        with writer(tmp_path / "bank", 10_000) as process:
            assert process.stdout is not None
            acknowledged = 0
            for line in process.stdout:
                acknowledged = int(line) if line.strip().isdigit() else 0
                if acknowledged == n_before:
                    process.send_signal(signal.SIGKILL)
            return acknowledged

    acknowledged = await asyncio.to_thread(killed_writer)
    engine = await opened(tmp_path / "bank")
    assert engine._slot.path.name == "slot-0"
    assert await engine.count() >= acknowledged >= n_before
    assert await engine.position() <= acknowledged
    await engine.upsert(POINTS)
    assert await n_found(engine) == await engine.count()
    await engine.close()


def truncate_record(slot: Path) -> None:
    record = slot / "slot.json"
    record.write_text(record.read_text()[:20])


def empty_record(slot: Path) -> None:
    (slot / "slot.json").write_text("{}")


def remove_record(slot: Path) -> None:
    (slot / "slot.json").unlink()


def remove_segments(slot: Path) -> None:
    shutil.rmtree(slot / "gen-1" / "segments")
    shutil.rmtree(slot / "gen-1" / "wal")  # a log that goes back to the first point would heal the loss


def remove_generation(slot: Path) -> None:
    shutil.rmtree(slot / "gen-1")


def remove_points(slot: Path) -> None:
    for file in [*slot.rglob("mutable_id_tracker.mappings"), *slot.rglob("wal/*-*")]:
        file.unlink()


def cut_vectors(slot: Path) -> None:
    for file in (slot / "gen-1" / "segments").rglob("chunk_0.mmap"):
        with file.open("r+b") as opened:
            opened.truncate(100)


def garbage_in_log(slot: Path) -> None:
    for file in (slot / "gen-1" / "wal").iterdir():
        with file.open("r+b") as opened:
            opened.write(b"\xa5" * 64)


def panic(slot: Path) -> None:
    for file in (slot / "gen-1" / "segments").rglob("vectors/status.dat"):
        with file.open("r+b") as opened:
            opened.truncate(4)


def died_while_opening(slot: Path) -> None:
    (slot / "loading").touch()


@pytest.mark.parametrize(
    "damage",
    [
        truncate_record,
        empty_record,
        remove_record,
        remove_segments,
        remove_generation,
        remove_points,
        cut_vectors,
        garbage_in_log,
        panic,
        died_while_opening,
    ],
)
async def test_damaged_then_whole_again_when_files_are_broken(bank: Path, damage: Callable[[Path], None]) -> None:
    await asyncio.to_thread(damage, bank / "slot-0")
    engine = EdgeEngine(bank)
    for _ in range(2):
        with pytest.raises(IndexDamaged):
            await engine.open(dim=DIM, encoder=ENCODER)
    with pytest.raises(IndexDamaged):
        await engine.upsert(POINTS)
    await engine.rebuild(in_batches(POINTS), position=50)
    assert (await n_found(engine), await engine.position()) == (50, 50)
    await engine.close()
    again = await opened(bank)
    assert (await n_found(again), await again.position()) == (50, 50)
    assert len(await asyncio.to_thread(generations, bank)) == 1
    await again.close()


async def test_other_slot_unharmed_when_one_is_damaged(bank: Path) -> None:
    await asyncio.to_thread(remove_segments, bank / "slot-0")
    broken = EdgeEngine(bank)
    with pytest.raises(IndexDamaged):
        await broken.open(dim=DIM, encoder=ENCODER)
    engine = await opened(bank)
    assert (engine._slot.path.name, await engine.count()) == ("slot-1", 0)
    await asyncio.gather(broken.close(), engine.close())


async def test_whole_when_segments_are_lost_but_the_log_is_not(bank: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, bank / "slot-0" / "gen-1" / "segments")
    engine = await opened(bank)
    hits = await engine.search(POINTS[3].vector, namespace="a", limit=1, exclude_question=POINTS[2].question)
    assert (hits[0].case_id, await n_found(engine)) == (case_id(3), 50)
    await engine.close()


async def test_half_built_generation_is_removed_when_opened_after_a_crash(bank: Path) -> None:
    await asyncio.to_thread((bank / "slot-0" / "gen-7").mkdir)
    engine = await opened(bank)
    assert await asyncio.to_thread(generations, bank) == ["gen-1"]
    await engine.close()


async def test_starts_afresh_when_the_layout_is_from_another_version(bank: Path) -> None:
    record = bank / "slot-0" / "slot.json"
    fields = json.loads(await asyncio.to_thread(record.read_text))
    await asyncio.to_thread(record.write_text, json.dumps({**fields, "schema": 99}))
    engine = await opened(bank)
    assert (await engine.position(), await engine.count()) == (0, 0)
    await engine.close()


async def test_unavailable_when_the_directory_is_a_file(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "bank").write_text, "")
    engine = EdgeEngine(tmp_path / "bank")
    with pytest.raises(EngineUnavailable, match="cannot be used"):
        await engine.open(dim=DIM, encoder=ENCODER)
    await engine.close()


async def test_neighbours_are_exact_when_the_codes_are_coarse(tmp_path: Path) -> None:
    engine = await opened(tmp_path / "bank")
    points = [point(number) for number in range(3000)]
    await engine.upsert(points)
    best = max(points, key=lambda each: float(each.vector @ unit(5)))
    assert (await engine.search(unit(5), namespace="a", limit=1))[0].case_id == best.case_id
    assert best.case_id != case_id(5)
    await engine.close()
