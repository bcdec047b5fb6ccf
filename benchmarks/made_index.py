"""Embedded indexes of any size for benchmarks, without a ledger, and what is truly nearest in them."""

import asyncio
import json
import sys
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.recorded import cases
from memento.memory.encoder import MiniLmEncoder
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.graph_build import write_segment
from memento.memory.index.engines.port import BankPoint
from memento.memory.index.engines.segment import mapped, question_hash
from memento.memory.index.engines.slot_files import SlotRecord, graph_folder

DIM, LIMIT, NOISE = 384, 64, 0.7
Rows = NDArray[np.float32]


def noisy(rng: np.random.Generator, rows: Rows) -> Rows:
    """Unit rows near the given ones."""
    made = rows + (NOISE / DIM**0.5) * rng.standard_normal(rows.shape, dtype=np.float32)
    found: Rows = made / np.linalg.norm(made, axis=1, keepdims=True)
    return found


def as_point(number: int, vector: Rows) -> BankPoint:
    """Case `number`; two cases share a question."""
    return BankPoint(
        case_id=str(uuid.UUID(int=number + 1)),
        version=1,
        namespace="default",
        question=f"question-{number // 2}",
        status="active",
        reward=1.0,
        state="the opening of a task's text " * 16,
        vector=vector,
    )


async def encoded(file: Path) -> Rows:
    """Encodings of the recorded cases, kept in a file."""
    if not await asyncio.to_thread(file.exists):
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, await MiniLmEncoder().encode([case.state for case in cases(1000)]))
    rows: Rows = np.load(file)
    return rows


async def make_bank(bank: Path, n: int, base: Rows, rng: np.random.Generator, *, graph_from: int) -> None:
    """A closed bank of `n` points."""
    engine = EdgeEngine(bank, graph_from=10**9)
    await engine.open(dim=DIM, encoder="synthetic")
    if n < graph_from:
        with _vectors_file(bank).open("wb") as file:
            for start in range(0, n, 1024):
                size = min(1024, n - start)
                rows = noisy(rng, base[rng.integers(len(base), size=size)])
                file.write(rows.tobytes())
                await engine.upsert([as_point(start + at, row) for at, row in enumerate(rows)])
        await engine.save_position(n)
        await engine.close()
        return
    await engine.close()
    folder = graph_folder(bank, 1)
    if not folder.exists():
        folder.mkdir()
        with (folder / "added.bin").open("wb") as file:
            for start in range(0, n, 1 << 15):
                rows = noisy(rng, base[rng.integers(len(base), size=min(1 << 15, n - start))])
                file.write(rows.tobytes())
        added = {
            "ids": np.array([(number + 1).to_bytes(16, "big") for number in range(n)], "S16"),
            "versions": np.ones(n, np.uint32),
            "questions": np.array([question_hash(f"question-{number // 2}") for number in range(n)], np.uint64),
            "namespaces": np.zeros(n, np.int32),
        }
        began = time.process_time()
        write_segment(None, added, folder, dim=DIM, names=["default"], n_threads=2)
        spent = 1e6 * (time.process_time() - began) / n
        print(f"{n:,} cases: a graph was built in {spent:.0f} us of CPU a vector", file=sys.stderr, flush=True)
    record = SlotRecord(encoder="synthetic", dim=DIM, generation=1, position=n, count=0, graph=1)
    (bank / "slot-0" / "slot.json").write_text(json.dumps(asdict(record)))


def vectors_of(bank: Path) -> Rows:
    """All vectors of a bank, by number."""
    in_graph, beside = graph_folder(bank, 1) / "vectors.bin", _vectors_file(bank)
    rows = mapped(in_graph if in_graph.exists() else beside, np.dtype("<f4")).reshape(-1, DIM)
    return cast("Rows", rows)


def _vectors_file(bank: Path) -> Path:
    """Where the vectors of a bank without a graph are."""
    return bank.with_suffix(".vectors")


def nearest(rows: Rows, asked: Rows) -> list[set[int]]:
    """The true nearest, without the first question's cases."""
    best = [np.empty(0)] * len(asked)
    numbers = [np.empty(0, np.int64)] * len(asked)
    for start in range(0, len(rows), 1 << 16):
        cosine_QN = asked @ rows[start : start + (1 << 16)].T
        if not start:
            cosine_QN[:, :2] = -1
        for at, cosine_N in enumerate(cosine_QN):
            top = np.argpartition(-cosine_N, min(LIMIT, len(cosine_N) - 1))[:LIMIT]
            values = np.concatenate([best[at], cosine_N[top]])
            where = np.concatenate([numbers[at], start + top])
            kept = np.argsort(-values)[:LIMIT]
            best[at], numbers[at] = values[kept], where[kept]
    return [set(each.tolist()) for each in numbers]
