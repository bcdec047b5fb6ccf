"""Broken files of an embedded bank: found when it is opened, and mended by a rebuild."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from memento.memory.errors import IndexDamaged
from memento.memory.index.engines.edge import EdgeEngine
from tests.bank_points import DIM, ENCODER, case_id, in_batches
from tests.edge_bank import POINTS, generations, make_bank, n_found, opened, writer


@pytest.fixture
async def bank(tmp_path: Path) -> Path:
    return await make_bank(tmp_path / "bank")


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
    assert (engine._index.slot.path.name, await engine.count()) == ("slot-1", 0)
    await asyncio.gather(broken.close(), engine.close())


async def test_whole_when_segments_are_lost_but_the_log_is_not(tmp_path: Path) -> None:
    engine = await opened(tmp_path / "bank")
    await engine.upsert(POINTS[:20])  # a single call: of those that were flushed, the log keeps the last
    await engine.save_position(20)
    await engine.close()
    await asyncio.to_thread(shutil.rmtree, tmp_path / "bank" / "slot-0" / "gen-1" / "segments")
    engine = await opened(tmp_path / "bank")
    hits = await engine.search(POINTS[3].vector, namespace="a", limit=1, exclude_question=POINTS[2].question)
    assert (hits[0].case_id, await n_found(engine)) == (case_id(3), 20)
    await engine.close()


async def test_damaged_when_opening_killed_the_process_before(bank: Path) -> None:
    def broken() -> None:
        file = next(bank.rglob("mutable_id_tracker.mappings"))
        with file.open("r+b") as opened:
            opened.seek(1)
            opened.write(b"\xff" * 64)  # the engine asks for that much memory, and aborts
        with writer(bank, 5) as other:
            said, _ = other.communicate("\n", timeout=30)
            assert (other.returncode != 0, said) == (True, "")

    await asyncio.to_thread(broken)
    engine = EdgeEngine(bank)
    with pytest.raises(IndexDamaged):
        await engine.open(dim=DIM, encoder=ENCODER)
    await engine.rebuild(in_batches(POINTS), position=50)
    assert await n_found(engine) == 50
    await engine.close()
