"""What the embedded index costs from a thousand cases to a million: `python -m benchmarks.scale`.

Vectors are made round the recorded cases' encodings (0.7 of a unit of noise each) and loaded straight into the engine;
above its threshold, straight into a segment with its graph, which takes minutes for a million: `--banks` keeps them.
Per size:

    search        milliseconds of wall and processor, p50 and p95; recall of the true 64 nearest
    lag           of the event loop during these searches, and while 10,000 further points are applied (catch-up)
    open          in a process of its own: seconds until the first hits, memory added (its own; mapped files, which
                  processes share), and the same for a second process beside the first: whether its hits are the same
    disk          of one process, and what a second one adds

and the growth exponents between sizes. `--real` measures recall among encodings of the recorded questions alone.
"""

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.recorded import cases, queries
from memento.memory.encoder import MiniLmEncoder
from memento.memory.index.engines.edge import GRAPH_FROM, EdgeEngine
from memento.memory.index.engines.graph_build import write_segment
from memento.memory.index.engines.port import BankPoint
from memento.memory.index.engines.segment import mapped, question_hash
from memento.memory.index.engines.slot_files import SlotRecord, graph_folder

DIM, LIMIT, NOISE = 384, 64, 0.7
N_QUERIES, N_MORE = 100, 10_000
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
        for start in range(0, n, 1024):
            size = min(1024, n - start)
            rows = noisy(rng, base[rng.integers(len(base), size=size)])
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
        print(f"{n:>9,}  graph built: {1e6 * (time.process_time() - began) / n:.0f} us of CPU a vector", flush=True)
    record = SlotRecord(encoder="synthetic", dim=DIM, generation=1, position=n, count=0, graph=1)
    (bank / "slot-0" / "slot.json").write_text(json.dumps(asdict(record)))


def vectors_of(bank: Path, n: int, live: Any) -> Rows:
    """All vectors of a bank, by number."""
    if live.segment is not None:
        return mapped(live.segment.path / "vectors.bin", np.dtype("<f4")).reshape(-1, DIM)[:n]
    rows = np.zeros((n, DIM), np.float32)
    for page in live.shard.stored():
        for point in page:
            if (number := uuid.UUID(point.case_id).int - 1) < n:
                rows[number] = point.vector
    return rows


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


async def lags(work: Awaitable[None]) -> NDArray[np.float64]:
    """Milliseconds by which a pause of one is late, again and again, while some work is done."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(1000 * (time.perf_counter() - began) - 1)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    late.clear()
    await work
    ticking.cancel()
    return np.array(late)


async def measured(bank: Path, n: int, rng: np.random.Generator, *, is_busy: bool) -> dict[str, float]:
    """Figures of one size in this process."""
    engine = EdgeEngine(bank, graph_from=10**9)
    await engine.open(dim=DIM, encoder="synthetic")
    live = engine._index.need()
    rows = vectors_of(bank, n, live)
    asked = noisy(rng, rows[rng.integers(n, size=N_QUERIES)])
    right = nearest(rows, asked)
    wall, share = [], []

    async def search() -> None:
        for query, wanted in zip(asked, right, strict=True):
            began = time.perf_counter()
            hits = await engine.search(query, namespace="default", limit=LIMIT, exclude_question="question-0")
            wall.append(1000 * (time.perf_counter() - began))
            share.append(len(wanted & {uuid.UUID(hit.case_id).int - 1 for hit in hits}) / len(wanted))

    await search()  # warm
    wall.clear(), share.clear()
    with busy_cores(is_wanted=is_busy):
        cpu = time.process_time()
        late = await lags(search())
        cpu = (time.process_time() - cpu) / N_QUERIES
        more = noisy(rng, rows[rng.integers(n, size=N_MORE)])

        async def follow() -> None:
            for start in range(0, N_MORE, 256):
                await engine.upsert([as_point(n + start + at, row) for at, row in enumerate(more[start : start + 256])])
                if start % 1024 == 768:
                    await engine.save_position(n + start)

        follow_cpu = time.process_time()
        follow_late = await lags(follow())
        follow_cpu = time.process_time() - follow_cpu
    await engine.close()
    return {
        "search p50, ms": float(np.median(wall)),
        "search p95, ms": float(np.percentile(wall, 95)),
        "search CPU, ms": 1000 * cpu,
        "recall@64": float(np.mean(share)),
        "lag p50, ms": float(np.median(late)),
        "lag p99, ms": float(np.percentile(late, 99)),
        "catch-up CPU, us a case": 1e6 * follow_cpu / N_MORE,
        "catch-up lag p50, ms": float(np.median(follow_late)),
        "catch-up lag p99, ms": float(np.percentile(follow_late, 99)),
        "catch-up lag max, ms": float(follow_late.max()),
    }


def memory_mb() -> tuple[float, float]:
    """Memory of this process's own, and of files that it has mapped."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    own, files = (int(said[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
    return own, files


async def probe(bank: Path) -> None:
    """Open in this process, search once, print what it took, and wait for the end of the input."""
    before, began, cpu = memory_mb(), time.perf_counter(), time.process_time()
    engine = EdgeEngine(bank, graph_from=10**9)
    await engine.open(dim=DIM, encoder="synthetic")
    opened = time.perf_counter() - began
    query = np.random.default_rng(5).standard_normal(DIM).astype(np.float32)
    hits = await engine.search(query / np.linalg.norm(query), namespace="default", limit=LIMIT)
    first, cpu, after = time.perf_counter() - began, time.process_time() - cpu, memory_mb()
    said = {"open": opened, "first": first, "cpu": cpu, "own": after[0] - before[0], "files": after[1] - before[1]}
    print(json.dumps({**said, "hits": hits}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await engine.close()


def disk_mb(folder: Path) -> float:
    """Megabytes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def opened(bank: Path) -> dict[str, float]:
    """Figures of a first process and of a second one beside it."""
    command = [sys.executable, "-m", "benchmarks.scale", "--probe", str(bank)]
    started: list[subprocess.Popen[str]] = []
    said, disk = [], []
    for _ in range(2):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        said.append(json.loads(process.stdout.readline()))
        disk.append(disk_mb(bank))
    for process in reversed(started):
        process.communicate("\n")
    first, second = said
    return {
        "open, s": first["open"],
        "open and first search, s": first["first"],
        "open and first search, CPU s": first["cpu"],
        "memory of its own, MB": first["own"],
        "mapped files, MB": first["files"],
        "disk, MB": disk[0],
        "second: open and first search, s": second["first"],
        "second: CPU s": second["cpu"],
        "second: same hits": float(second["hits"] == first["hits"]),
        "second: memory of its own, MB": second["own"],
        "second: disk, MB": disk[1] - disk[0],
    }


async def real(folder: Path) -> dict[str, float]:
    """Recall among encodings of recorded questions, by the graph alone."""
    states = list(dict.fromkeys(case.state for case in cases()))
    asked = queries(2000)
    texts = [*states, *asked[N_QUERIES:]]
    encoded = await MiniLmEncoder().encode([*texts, *asked[:N_QUERIES]])
    rows, vectors = encoded[: len(texts)], encoded[len(texts) :]

    async def batches() -> Any:
        for start in range(0, len(rows), 256):
            yield [as_point(start + at, row) for at, row in enumerate(rows[start : start + 256])]

    engine = EdgeEngine(folder, graph_from=1000)
    await engine.open(dim=DIM, encoder="synthetic")
    await engine.rebuild(batches(), position=len(rows))
    await engine.settle()
    assert engine._index.need().graph
    right, share = nearest(rows, vectors), []
    for query, wanted in zip(vectors, right, strict=True):
        hits = await engine.search(query, namespace="default", limit=LIMIT, exclude_question="question-0")
        share.append(len(wanted & {uuid.UUID(hit.case_id).int - 1 for hit in hits}) / len(wanted))
    await engine.close()
    return {"texts": len(rows), "recall@64": float(np.mean(share))}


def exponent(small: tuple[int, float], large: tuple[int, float]) -> float:
    """Of the growth of a figure between two sizes."""
    if min(small[1], large[1]) <= 0:
        return 0.0
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure every size; figures by size."""
    base = await encoded(folder / "base.npy")
    found: dict[str, Any] = {}
    for n in options.sizes:
        rng, bank = np.random.default_rng(n), folder / f"bank-{n}"
        if not (bank / "slot-0" / "slot.json").exists():
            await make_bank(bank, n, base, rng, graph_from=options.graph_from)
        figures = {**await asyncio.to_thread(opened, bank), **await measured(bank, n, rng, is_busy=options.busy)}
        found[str(n)] = figures
        for name, value in figures.items():
            print(f"{n:>9,}  {name:<36} {value:>12.3f}", flush=True)
    grown: dict[str, list[float]] = {}
    for name in ("open and first search, s", "search CPU, ms", "memory of its own, MB", "disk, MB"):
        pairs = list(zip(options.sizes, options.sizes[1:], strict=False))
        grown[name] = [exponent((a, found[str(a)][name]), (b, found[str(b)][name])) for a, b in pairs]
        print(f"exponents  {name:<35} {'  '.join(f'{one:.2f}' for one in grown[name])}")
    return {"sizes": found, "exponents": grown}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--graph-from", type=int, default=GRAPH_FROM, help="cases from which on a graph is searched")
    parser.add_argument("--banks", type=Path, help="where banks are kept and found again")
    parser.add_argument("--busy", action="store_true", help="keep every core at other work meanwhile")
    parser.add_argument("--real", action="store_true", help="also measure recall among recorded questions alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--probe", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        asyncio.run(probe(options.probe))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(options, options.banks or Path(folder)))
        if options.real:
            found["real"] = asyncio.run(real(Path(folder) / "real"))
            n_texts, share = found["real"]["texts"], found["real"]["recall@64"]
            print(f"recall@{LIMIT} among {n_texts:,.0f} recorded questions: {share:.4f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
