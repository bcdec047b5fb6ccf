"""Reads and writes of many tasks at once, in one process and in several: `python -m benchmarks.concurrency`.

Each worker reads for a fresh task and writes an experience with its outcome, in turns, on one embedded bank whose every
reading and writing is durable. Vectors are given, so that no encoder is measured. Reported: operations per second of
the wall and of the processor, latencies, and whether everything acknowledged is there when the bank is opened again.
Bars: 400 operations per second of 32 workers in one process, 300 of 8 workers in each of 4 processes; nothing lost.

Each repetition has a new bank and new processes.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.busy import busy_cores
from benchmarks.made_bank import GivenVectors, filled
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_least, at_most, measured, quantile, report
from memento.memory.case_memory import CaseMemory
from memento.worker_processes import end_with_parent
from tests.hashing_encoder import HashingEncoder

SHAPES = {(1, 32): 400.0, (4, 8): 300.0}
"""Processes and workers in each; the bar in operations per second."""
N_WARM = 1
_FAR = 1_000_000
"""Numbers of the texts that workers read for and write; the bank's own are below."""


class Done(NamedTuple):
    """What one process has done."""

    reads: list[float]
    """Milliseconds of the wall of each."""
    writes: list[float]
    began: float
    """By the machine's monotonic clock, as processes share it."""
    ended: float
    cpu: float
    """Seconds of the processor, learning included."""
    n_degraded: int
    case_ids: list[str]
    """Acknowledged."""
    event_ids: list[str]


class Repetition(NamedTuple):
    """One bank, all processes."""

    per_s: float
    per_cpu_s: float
    reads: list[float]
    writes: list[float]
    n_degraded: int
    n_lost: int


class Work(NamedTuple):
    """What each process is told; picklable."""

    folder: str
    policy: str
    n_workers: int
    n_rounds: int
    start: int
    """Number of its first text."""


async def encoder() -> GivenVectors:
    """Vectors of 384 dimensions for the bank's texts and the workers', without weights."""
    given = GivenVectors(HashingEncoder(dim=384))
    await given.load([case.state for case in cases()])
    return given


async def work(told: Work, barrier: Any) -> Done:
    """Open the bank, wait until every process has, then read and write."""
    given, reads, writes, degraded = await encoder(), [], [], []
    case_ids: list[str] = []
    event_ids: list[str] = []

    async def one_round(number: int) -> tuple[float, float]:
        text = given.made(number)
        began = time.perf_counter()
        reading = await memory.read(text)
        read = time.perf_counter()
        fields = {"state": text, "action": f"Plan {number}.", "reward": float(number % 3 > 0)}
        case_id = await memory.write(**fields, event_id=reading.event_id)
        written = time.perf_counter()
        assert case_id
        case_ids.append(case_id)
        event_ids.append(reading.event_id)
        degraded.append(reading.is_degraded)
        return 1000 * (read - began), 1000 * (written - read)

    async def worker(first: int, n_rounds: int) -> None:
        for number in range(first, first + n_rounds):
            read, write = await one_round(number)
            reads.append(read)
            writes.append(write)

    async def together(start: int, n_rounds: int) -> None:
        await asyncio.gather(*(worker(start + one * n_rounds, n_rounds) for one in range(told.n_workers)))

    async with CaseMemory.open(told.folder, encoder=given, policy=told.policy, seed=told.start) as memory:
        await memory.bank.project_all()
        await together(told.start, N_WARM)
        await memory.settle()
        reads.clear()
        writes.clear()
        await asyncio.to_thread(barrier.wait)
        began, cpu = time.monotonic(), time.process_time()
        await together(told.start + told.n_workers * N_WARM, told.n_rounds)
        ended = time.monotonic()
        await memory.settle()
        cpu = time.process_time() - cpu
    return Done(reads, writes, began, ended, cpu, sum(degraded), case_ids, event_ids)


async def prepared(folder: Path, n_cases: int) -> None:
    """Fill a bank."""
    given = await encoder()
    async with CaseMemory.open(folder, encoder=given, policy="similarity", seed=0) as memory:
        await filled(memory, given, 0, n_cases)


async def n_lost(folder: Path, done: list[Done]) -> int:
    """How many acknowledged cases and outcomes the bank lacks when it is opened again."""
    case_ids = [one for each in done for one in each.case_ids]
    event_ids = [one for each in done for one in each.event_ids]
    async with CaseMemory.open(folder, encoder=await encoder(), policy="similarity", seed=0) as memory:
        kept = await memory.views.cases(case_ids, namespace="default")
        outcomes = [await memory.views.outcome(one, namespace="default") for one in event_ids]
    return len(set(case_ids) - kept.keys()) + sum(one is None for one in outcomes)


def process(told: Work) -> Done:
    """Of one worker process."""
    return asyncio.run(work(told, _BARRIER[0]))


_BARRIER: list[Any] = []


def initialise(barrier: Any) -> None:
    """Keep the barrier where `process` finds it: one travels to a process only when that starts."""
    end_with_parent()
    _BARRIER.append(barrier)


def repetition(policy: str, n_processes: int, n_workers: int, *, n_rounds: int, n_cases: int) -> Repetition:
    """A new bank and new processes."""
    context = multiprocessing.get_context("spawn")
    n_each = n_workers * (n_rounds + N_WARM)
    with tempfile.TemporaryDirectory(prefix="concurrency-") as folder:
        asyncio.run(prepared(Path(folder), n_cases))
        told = [
            Work(folder, policy, n_workers, n_rounds, start=_FAR + number * n_each) for number in range(n_processes)
        ]
        barrier = context.Barrier(n_processes, timeout=600)
        with ProcessPoolExecutor(n_processes, context, initializer=initialise, initargs=(barrier,)) as pool:
            done = list(pool.map(process, told))
        lost = asyncio.run(n_lost(Path(folder), done))
    reads, writes = [one for each in done for one in each.reads], [one for each in done for one in each.writes]
    seconds = max(one.ended for one in done) - min(one.began for one in done)
    n = len(reads) + len(writes)
    cpu = sum(one.cpu for one in done)
    return Repetition(n / seconds, n / cpu, reads, writes, sum(one.n_degraded for one in done), lost)


def told(policy: str, shape: tuple[int, int], found: list[Repetition], *, is_busy: bool) -> list[Figure]:
    """Figures of one policy and shape."""
    n_processes, n_workers = shape
    place = "one process" if n_processes == 1 else f"{n_processes} processes"
    what = f"`{policy}`, {place} x {n_workers}"
    drawn: dict[str, Any] = {"of": "repetitions", "is_busy": is_busy}
    n = sum(len(one.reads) + len(one.writes) for one in found)
    figures = [
        measured(f"{what}, operations", [one.per_s for one in found], "per s", bar=at_least(SHAPES[shape]), **drawn),
        measured(f"{what}, operations, learning included", [one.per_cpu_s for one in found], "per CPU s", **drawn),
    ]
    for name in ("reads", "writes"):
        latencies = np.array([getattr(one, name) for one in found])
        for share in (0.5, 0.95):
            title = f"{what}, {name}, p{100 * share:.0f}"
            figures.append(measured(title, latencies, "ms", statistic=quantile(share), **drawn))
    for name, counts in {"lost": [one.n_lost for one in found], "degraded": [one.n_degraded for one in found]}.items():
        bar = at_most(0) if name == "lost" else None
        figures.append(Figure(f"{what}, {name}", sum(counts), f"of {n:,}", n=n, bar=bar, is_busy=is_busy))
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--policies", default="similarity,advantage", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=16, help="reads, and writes, of each worker")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--cases", type=int, default=1000, help="in the bank beforehand")
    options = parser.parse_args()
    sizes = {"n_rounds": options.rounds, "n_cases": options.cases}
    figures = []
    with busy_cores(is_wanted=options.busy):
        for policy in options.policies.split(","):
            for shape in SHAPES:
                found = [repetition(policy, *shape, **sizes) for _ in range(options.repetitions)]
                figures += told(policy, shape, found, is_busy=options.busy)
    sys.exit(report("concurrency", figures, options))


if __name__ == "__main__":
    main()
