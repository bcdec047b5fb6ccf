"""CPU per case of a bulk load with given vectors, ledger and index together: `python -m benchmarks.bulk_load`.

Made-up questions and plans of the length of real ones with random unit vectors, a new folder, every commit on the disk.
The file is loaded in parts; between two of them, the same part goes through records, SQLAlchemy and lists of numbers
into a ledger and an index beside it, so that the ratio says the same on a busy machine. Bar: 60 microseconds a case, of
a million. With `--busy` every core has other work meanwhile.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento.memory.bulk_files import LoadPlan, prepare, raw_blocks
from memento.memory.bulk_load import without_collector
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import unit_rows
from memento.memory.index.engines.shard import Shard
from memento.memory.interchange import read_cases
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.writes import LedgerWriter
from tests.hashing_encoder import HashingEncoder

BAR, BAR_SIZE = at_most(60), 1_000_000
"""Microseconds a case; cases."""
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


class Costs(NamedTuple):
    """Microseconds and bytes of a case."""

    n: int
    load: list[float]
    """CPU of each part."""
    straight: list[float]
    """The same through records, SQLAlchemy and lists of numbers."""
    wall: list[float]
    prepared: float
    again: float
    """CPU of a case that is there already."""
    ledger_bytes: float
    index_bytes: float


async def run(n: int, n_workers: int, n_parts: int, *, is_busy: bool) -> Costs:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder, size = Path(name), n // n_parts
        parts = [make_files(folder, size, start=part * size) for part in range(n_parts)]
        loads, straight, walls = list[float](), list[float](), list[float]()
        shard = Shard.create(folder / "shard", dim=DIM)
        async with (
            Ledger(f"sqlite:///{folder / 'straight.sqlite'}") as ledger,
            CaseMemory.open(folder / "bank", encoder=HashingEncoder(dim=DIM), seed=0) as memory,
        ):
            with busy_cores(is_wanted=is_busy):
                for cases, vectors in parts:
                    began, wall_began = cpu(), time.perf_counter()
                    with without_collector():  # as the command does
                        loaded = await memory.load(cases, vectors=vectors, is_checked=False, n_workers=n_workers)
                    loads.append((cpu() - began) / size * 1e6)
                    walls.append((time.perf_counter() - wall_began) / size * 1e6)
                    assert loaded.n_loaded == size
                    straight.append(await one_by_one(ledger, shard, cases, np.load(vectors)) / size * 1e6)
            assert await memory.bank.count() == size * n_parts
            again = cpu()
            assert (await memory.load(parts[0][0], vectors=parts[0][1], is_checked=False)).n_loaded == 0
            again = (cpu() - again) / size * 1e6
        ledger_bytes, index_bytes = (
            _size(folder / "bank", one) / (size * n_parts) for one in ("ledger.sqlite*", "index-*")
        )
        prepared = preparation(*parts[0], size)
    return Costs(size * n_parts, loads, straight, walls, prepared, again, ledger_bytes, index_bytes)


def told(costs: Costs, *, n_workers: int, is_busy: bool) -> list[Figure]:
    """Figures of a load."""
    what = f"bulk load of {costs.n:,} cases" + (f" by {n_workers} workers" if n_workers else "")
    us = "us a case"
    ratios = np.array(costs.load) / costs.straight
    bar = BAR if costs.n == BAR_SIZE else None
    return [
        measured(what, costs.load, f"CPU {us}", of="parts", bar=bar, is_busy=is_busy),
        measured(f"{what}, over the same one by one", ratios, "times", of="parts", is_busy=is_busy, is_shown=True),
        measured(f"{what}, one by one", costs.straight, f"CPU {us}", of="parts", is_busy=is_busy),
        measured(f"{what}, wall", costs.wall, us, of="parts", is_busy=is_busy),
        Figure(f"{what}, preparation alone", costs.prepared, f"CPU {us}", is_busy=is_busy),
        Figure(f"{what}, repeated", costs.again, f"CPU {us}", is_busy=is_busy),
        Figure(f"{what}, ledger", costs.ledger_bytes, "bytes a case", is_busy=is_busy),
        Figure(f"{what}, index", costs.index_bytes, "bytes a case", is_busy=is_busy),
    ]


def _size(folder: Path, pattern: str) -> int:
    files = [file for found in folder.glob(pattern) for file in (found.rglob("*") if found.is_dir() else [found])]
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--cases", type=int, default=BAR_SIZE)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare rows; their start counts")
    options = parser.parse_args()
    costs = asyncio.run(run(options.cases, options.workers, options.parts, is_busy=options.busy))
    sys.exit(report("bulk_load", told(costs, n_workers=options.workers, is_busy=options.busy), options))


if __name__ == "__main__":
    main()
