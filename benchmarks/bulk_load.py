"""CPU per case of a bulk load with given vectors, ledger and index together: `python -m benchmarks.bulk_load`.

Made-up questions and plans of the length of real ones with random unit vectors, a new folder, every commit on the disk.
The file is loaded in parts; between two of them, the same part goes through records, SQLAlchemy and lists of numbers
into a ledger and an index beside it, so that the ratio says the same on a busy machine. Bar: 60 microseconds a case.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from benchmarks.recorded import median
from memento.memory.bulk_files import LoadPlan, prepare, raw_blocks
from memento.memory.bulk_load import without_collector
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import unit_rows
from memento.memory.index.engines.shard import Shard
from memento.memory.interchange import read_cases
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.writes import LedgerWriter
from tests.hashing_encoder import HashingEncoder

BAR_US = 60.0
DIM = 384
_PART = 10_000


def make_files(folder: Path, n: int, *, start: int) -> tuple[Path, Path]:
    """Cases as JSON lines, and their vectors."""
    rng, words = np.random.default_rng(start), np.array([f"w{number:04d}" for number in range(3000)])
    cases, vectors = folder / f"cases-{start}.jsonl", folder / f"vectors-{start}.npy"
    matrix = np.lib.format.open_memmap(vectors, "w+", np.float32, (n, DIM))
    with cases.open("w", encoding="utf-8") as file:
        for first in range(0, n, _PART):
            size = min(_PART, n - first)
            states, plans = rng.choice(words, (size, 12)), rng.choice(words, (size, 25))
            for place, (state, plan) in enumerate(zip(states, plans, strict=True)):
                row = {
                    "state": f"What is the {' '.join(state)} of county {start + first + place}?",
                    "action": f"1. search for {' '.join(plan)}\n2. answer",
                    "reward": float(place % 2),
                }
                file.write(json.dumps(row) + "\n")
            rows = rng.standard_normal((size, DIM), np.float32)
            matrix[first : first + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    matrix.flush()
    return cases, vectors


def cpu() -> float:
    """CPU seconds of this process and of those that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def preparation(cases: Path, vectors: Path, n: int) -> float:
    """Microseconds of CPU to prepare a case's rows, alone."""
    plan = LoadPlan("default", "hashing", DIM, "active", "2026-11-29T00:00:00.000+00:00", str(vectors))
    began = time.process_time()
    for block in raw_blocks(cases):
        prepare(plan, block)
        if block.numbers[-1] >= n:
            break
    return (time.process_time() - began) / block.numbers[-1] * 1e6


async def one_by_one(ledger: Ledger, shard: Shard, cases: Path, matrix: NDArray[np.float32]) -> float:
    """CPU seconds of the same rows through records, SQLAlchemy and lists of numbers: what a straight script does."""
    began = cpu()
    parsed = [line.case for line in read_cases(cases, namespace="default")]
    found = [case for case in parsed if case is not None]
    units = unit_rows(matrix)

    def append(writer: LedgerWriter) -> None:
        writer.append_revisions(found)
        writer.save_vectors("hashing", dict(zip((case.state for case in found), units, strict=True)))

    await ledger.transact(append)
    points = [
        edge.Point(
            case.id,
            unit.tolist(),
            {"version": 1, "namespace": case.namespace, "question": case.question, "status": case.status}
            | {"reward": case.reward, "state": case.state[:500], "active_in": case.namespace},
        )
        for case, unit in zip(found, units, strict=True)
    ]
    for start in range(0, len(points), 256):
        batch = edge.UpdateOperation.upsert_points(points[start : start + 256], update_mode=edge.UpdateMode.InsertOnly)
        shard._shard.update(batch)
    shard.flush()
    return cpu() - began


async def run(n: int, n_workers: int, n_parts: int) -> dict[str, float]:
    """Measure; figures by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = n // n_parts
        parts = [make_files(folder, size, start=part * size) for part in range(n_parts)]
        loads, straight, wall = list[float](), list[float](), 0.0
        shard = Shard.create(folder / "shard", dim=DIM)
        async with (
            Ledger(f"sqlite:///{folder / 'straight.sqlite'}") as ledger,
            CaseMemory.open(folder / "bank", encoder=HashingEncoder(dim=DIM), seed=0) as memory,
        ):
            for cases, vectors in parts:
                began, wall_began = cpu(), time.perf_counter()
                with without_collector():  # as the command does
                    report = await memory.load(cases, vectors=vectors, is_checked=False, n_workers=n_workers)
                loads.append(cpu() - began)
                wall += time.perf_counter() - wall_began
                assert report.n_loaded == size
                straight.append(await one_by_one(ledger, shard, cases, np.load(vectors)))
            assert await memory.bank.count() == size * n_parts
            again = cpu()
            assert (await memory.load(*parts[0][:1], vectors=parts[0][1], is_checked=False)).n_loaded == 0
            again = cpu() - again
        sizes = {one: _size(folder / "bank", one) for one in ("ledger.sqlite*", "index-*")}
        prepared = preparation(*parts[0], size)
    ratios = median([load / other for load, other in zip(loads, straight, strict=True)])
    load = median([one / size * 1e6 for one in loads])
    return {
        "cases": size * n_parts,
        "workers": n_workers,
        "cpu_us": load.value,
        "low": load.low,
        "high": load.high,
        "prepare_us": prepared,
        "one_by_one_us": median([one / size * 1e6 for one in straight]).value,
        "ratio": ratios.value,
        "ratio_low": ratios.low,
        "ratio_high": ratios.high,
        "wall_us": wall / (size * n_parts) * 1e6,
        "again_us": again / size * 1e6,
        "ledger_bytes": sizes["ledger.sqlite*"] / (size * n_parts),
        "index_bytes": sizes["index-*"] / (size * n_parts),
    }


def _size(folder: Path, pattern: str) -> int:
    files = [file for found in folder.glob(pattern) for file in (found.rglob("*") if found.is_dir() else [found])]
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare rows; their start counts")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = asyncio.run(run(options.cases, options.workers, options.parts))
    if options.json:
        print(json.dumps(found))
    else:
        for name, figure in found.items():
            print(f"{name.replace('_', ' '):28s}{figure:12,.2f}")
        print(f"bar: {BAR_US:.0f} microseconds of CPU a case")
    sys.exit(found["cpu_us"] > BAR_US)


if __name__ == "__main__":
    main()
