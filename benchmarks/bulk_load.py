"""CPU per case of a bulk load with given vectors, ledger and index together: `python -m benchmarks.bulk_load`.

Made-up questions and plans of the length of real ones with random unit vectors, a new folder, every commit on the disk.
Bar: 60 microseconds a case at a million cases.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from memento.memory.bulk_files import LoadPlan, prepare, raw_blocks
from memento.memory.bulk_load import LoadReport
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder

BAR_US = 60.0
DIM = 384
_PART = 10_000


def make_files(folder: Path, n: int) -> tuple[Path, Path]:
    """Cases as JSON lines, and their vectors."""
    rng, words = np.random.default_rng(0), np.array([f"w{number:04d}" for number in range(3000)])
    cases, vectors = folder / "cases.jsonl", folder / "vectors.npy"
    matrix = np.lib.format.open_memmap(vectors, "w+", np.float32, (n, DIM))
    with cases.open("w", encoding="utf-8") as file:
        for start in range(0, n, _PART):
            size = min(_PART, n - start)
            states, plans = rng.choice(words, (size, 12)), rng.choice(words, (size, 25))
            for place, (state, plan) in enumerate(zip(states, plans, strict=True)):
                row = {
                    "state": f"What is the {' '.join(state)} of county {start + place}?",
                    "action": f"1. search for {' '.join(plan)}\n2. answer",
                    "reward": float(place % 2),
                }
                file.write(json.dumps(row) + "\n")
            rows = rng.standard_normal((size, DIM), np.float32)
            matrix[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
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


async def run(n: int, n_workers: int) -> dict[str, float]:
    """Measure; figures by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases, vectors = make_files(folder, n)
        parts: list[tuple[int, float]] = []

        def note(report: LoadReport) -> None:
            parts.append((report.n_loaded, cpu()))

        async with CaseMemory.open(folder / "bank", encoder=HashingEncoder(dim=DIM), seed=0) as memory:
            began, wall = cpu(), time.perf_counter()
            options = {"vectors": vectors, "is_checked": False, "n_workers": n_workers}
            report = await memory.load(cases, on_progress=note, **options)  # type: ignore[arg-type]
            wall = time.perf_counter() - wall
            in_parent = cpu() - began
            assert (report.n_loaded, await memory.bank.count()) == (n, n)
            again = time.perf_counter()
            repeated = await memory.load(cases, **options)  # type: ignore[arg-type]
            again = time.perf_counter() - again
            assert repeated.n_loaded == 0
        sizes = {one: _size(folder / "bank", one) for one in ("ledger.sqlite*", "index-*")}
        prepared = preparation(cases, vectors, min(n, 50_000))
    half = next(part for part in parts if part[0] >= n // 2)
    return {
        "cases": n,
        "workers": n_workers,
        "cpu_us": in_parent / n * 1e6,
        "cpu_us_of_the_last_half": (parts[-1][1] - half[1]) / max(1, parts[-1][0] - half[0]) * 1e6,
        "prepare_us": prepared,
        "wall_us": wall / n * 1e6,
        "again_wall_us": again / n * 1e6,
        "ledger_bytes": sizes["ledger.sqlite*"] / n,
        "index_bytes": sizes["index-*"] / n,
    }


def _size(folder: Path, pattern: str) -> int:
    files = [file for found in folder.glob(pattern) for file in (found.rglob("*") if found.is_dir() else [found])]
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=max(0, min(4, (os.cpu_count() or 1) - 1)))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = asyncio.run(run(options.cases, options.workers))
    if options.json:
        print(json.dumps(found))
    else:
        for name, figure in found.items():
            print(f"{name.replace('_', ' '):28s}{figure:12,.1f}")
        print(f"bar: {BAR_US:.0f} microseconds of CPU a case")
    sys.exit(found["cpu_us"] > BAR_US)


if __name__ == "__main__":
    main()
