"""How fast and how exact the embedded bank answers: `python -m benchmarks.bank_search --n 100000`.

Synthetic clustered unit vectors of 384 dimensions, all active and in one namespace, the worst case for a filter: it
matches everything. Times are those of `EdgeEngine.search` as a caller sees it, its thread hand-over included.
"""

import argparse
import asyncio
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.port import BankPoint

DIM = 384
LIMIT = 64
N_QUERIES = 100
SPREAD = 0.7
"""Noise added to a cluster's centre, per coordinate, where the centre's own coordinates have deviation 1."""

Rows = NDArray[np.float32]


def clustered(rng: np.random.Generator, centres: Rows, n: int) -> Rows:
    """Unit rows round random centres, shape (n, DIM)."""
    rows = centres[rng.integers(len(centres), size=n)] + SPREAD * rng.standard_normal((n, DIM), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


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


async def load(engine: EdgeEngine, rows: Rows, batch: int = 256) -> float:
    """Write everything; seconds it took, the final flush included."""
    began = time.perf_counter()
    for start in range(0, len(rows), batch):
        await engine.upsert([as_point(number, rows[number]) for number in range(start, min(start + batch, len(rows)))])
    await engine.save_position(len(rows))
    return time.perf_counter() - began


async def search(engine: EdgeEngine, queries: Rows) -> tuple[Rows, float, list[list[int]]]:
    """Wall milliseconds of each search, CPU milliseconds per search, and the case numbers found."""
    elapsed, found, cpu = [], [], time.process_time()
    for query in queries:
        began = time.perf_counter()
        hits = await engine.search(query, namespace="default", limit=LIMIT, exclude_question="question-0")
        elapsed.append(1000 * (time.perf_counter() - began))
        found.append([uuid.UUID(hit.case_id).int - 1 for hit in hits])
    return np.array(elapsed, np.float32), 1000 * (time.process_time() - cpu) / len(queries), found


def recall(found: list[list[int]], exact: list[list[int]], k: int) -> float:
    """Share of the true top k among the first k found, over all queries."""
    return float(np.mean([len(set(a[:k]) & set(b[:k])) / k for a, b in zip(found, exact, strict=True)]))


async def run(n: int, seed: int, directory: Path) -> None:
    """Load, search, reopen, search again; print what it took."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, n // 50), DIM), dtype=np.float32)
    rows, queries = clustered(rng, centres, n), clustered(rng, centres, N_QUERIES)
    engine = EdgeEngine(directory)
    await engine.open(dim=DIM, encoder="synthetic")
    seconds = await load(engine, rows)
    print(f"load      {n:,} points in {seconds:.1f} s: {n / seconds:,.0f} points/s")
    # found beforehand: threads of the linear algebra library would go on spinning beside a timed search
    exact = [(2 + np.argsort(-(rows[2:] @ query))[:LIMIT]).tolist() for query in queries]  # without question-0
    for moment in ("loaded", "reopened"):
        elapsed, cpu, found = await search(engine, queries)
        p50, p95 = np.percentile(elapsed, [50, 95])
        print(
            f"search    {moment:<8}  p50 {p50:.2f} ms  p95 {p95:.2f} ms  CPU {cpu:.2f} ms  "
            f"recall@10 {recall(found, exact, 10):.4f}  recall@{LIMIT} {recall(found, exact, LIMIT):.4f}"
        )
        await engine.close()
        began = time.perf_counter()
        await engine.open(dim=DIM, encoder="synthetic")
        print(f"open      {time.perf_counter() - began:.2f} s")
    await engine.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000, help="points in the bank")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(options.n, options.seed, Path(directory)))


if __name__ == "__main__":
    main()
