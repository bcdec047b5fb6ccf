"""The embedded engine: a shared directory, a full disk, and processes that die."""

import asyncio
import json
import shutil
import signal
import threading
from pathlib import Path

import pytest

from memento.memory.errors import EngineUnavailable
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.slot_files import sync_tree
from tests.bank_points import DIM, ENCODER, case_id, point, unit
from tests.edge_bank import POINTS, generations, make_bank, n_found, opened, writer


@pytest.fixture
async def bank(tmp_path: Path) -> Path:
    return await make_bank(tmp_path / "bank")


async def test_each_has_its_own_slot_when_two_engines_share_a_directory(bank: Path) -> None:
    first, second = await opened(bank), await opened(bank)
    assert (await first.position(), await second.position()) == (50, 0)
    await second.upsert(POINTS[:3])
    assert (await n_found(first), await n_found(second)) == (50, 3)
    await second.save_position(3)
    await asyncio.gather(first.close(), second.close())
    again = await opened(bank)
    assert (again._index.slot.path.name, await again.position()) == ("slot-0", 50)
    await again.close()


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


def test_a_log_is_synced_though_the_engine_renames_its_files_meanwhile(tmp_path: Path) -> None:
    is_over = threading.Event()

    def rename() -> None:
        number = 0
        while not is_over.is_set():
            number = (number + 1) % 8
            (tmp_path / f"tmp-open-{number}").touch()
            is_over.wait(0.001)
            (tmp_path / f"tmp-open-{number}").rename(tmp_path / f"open-{number}")
            is_over.wait(0.01)  # a log gets a new file far more seldom

    for number in range(8):
        (tmp_path / f"open-{number}").touch()
    renaming = threading.Thread(target=rename)
    renaming.start()
    try:
        for _ in range(300):
            sync_tree(tmp_path)
    finally:
        is_over.set()
        renaming.join()


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
    assert engine._index.slot.path.name == "slot-0"
    assert await engine.count() >= acknowledged >= n_before
    assert await engine.position() <= acknowledged
    await engine.upsert(POINTS)
    assert await n_found(engine) == await engine.count()
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


async def test_unavailable_when_the_disk_is_nearly_full(bank: Path) -> None:
    free = (await asyncio.to_thread(shutil.disk_usage, bank)).free
    engine = EdgeEngine(bank, min_free_bytes=2 * free)
    with pytest.raises(EngineUnavailable, match="nearly full"):
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
