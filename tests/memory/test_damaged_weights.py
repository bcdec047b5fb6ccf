"""Weights on disk: a flipped bit anywhere means that they are learned again, never that something else is believed."""

import logging
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from memento.memory.case_memory import CaseMemory
from memento.memory.learning.snapshot import Snapshot, read_snapshot, save_snapshot
from tests.hashing_encoder import HashingEncoder
from tests.memories import question

pytestmark = pytest.mark.allow_blocking("damages files by hand")

_SNAPSHOT = Snapshot(
    tensors={
        "mean": np.linspace(0, 1, 300, dtype=np.float32),
        "count": np.arange(9, dtype=np.int64).reshape(3, 3),
        "empty": np.empty((0, 4), np.float64),
    },
    stamp={"seed": 0},
    encoder="e",
    offset=7,
    n_outcomes=5,
    recipe="",
    question_version=2,
)


def _said(snapshot: Snapshot) -> tuple[object, ...]:
    tensors = {name: (str(one.dtype), one.shape, one.tobytes()) for name, one in snapshot.tensors.items()}
    return (tensors, *snapshot[1:])


def test_no_flipped_bit_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_snapshot(path, _SNAPSHOT)
    whole = path.read_bytes()
    found = read_snapshot(path)
    assert found is not None
    assert _said(found) == _said(_SNAPSHOT)
    rng = random.Random(0)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        read = read_snapshot(path)
        assert read is None or _said(read) == _said(_SNAPSHOT), at
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert read_snapshot(path) is None, length


def test_weights_of_a_release_without_checksums_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    told = '{"stamp": {"seed": 0}, "encoder": "e", "offset": 7, "n_outcomes": 5, "recipe": ""}'
    save_file({"mean": np.ones(3, np.float32)}, path, metadata={"snapshot": told})
    found = read_snapshot(path)
    assert found is not None
    assert (found.offset, found.question_version) == (7, 1)


@pytest.mark.parametrize("policy", ["advantage", "kernel", "parametric"])
async def test_the_same_is_served_when_weights_are_damaged(
    policy: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def opened() -> CaseMemory:
        return CaseMemory.open(tmp_path, encoder=HashingEncoder(dim=16), policy=policy, seed=0)

    async def read(memory: CaseMemory) -> list[object]:
        slots = (await memory.read(question(3), k=8, seed=1)).slots
        return [(slot.case_id, round(slot.score, 5), round(slot.propensity, 5)) for slot in slots]

    async with opened() as memory:
        for number in range(12):
            reading = await memory.read(question(number), k=3)
            fields = {"state": question(number), "action": f"plan {number}", "reward": float(number % 2)}
            await memory.write(**fields, event_id=reading.event_id)
            await memory.settle()
    (path,) = tmp_path.glob("weights-*/*.safetensors")  # noqa: ASYNC240  damages it by hand
    whole = path.read_bytes()
    async with opened() as memory:
        expected = await read(memory)
    caplog.set_level(logging.WARNING)
    for at in random.Random(1).sample(range(len(whole)), 5):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        path.write_bytes(damaged)
        async with opened() as memory:
            assert await read(memory) == expected
        assert "are damaged" in caplog.text
        caplog.clear()
