"""How many tasks a second an evaluation gets through when the model takes no time, and whether its memory stays flat.

Real embedded Qdrant, real ledger, checkpoints off, 32 tasks at work at once, shared by the processes.
"""

import argparse
import asyncio
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.scripted_subject import made_plan, made_tasks
from memento.evals.runs.workers import WorkerRunner

_EVERY = 1000


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--arm", action="append", help="none and similarity by default")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    asyncio.run(_measure(options))


async def _measure(options: argparse.Namespace) -> None:
    arms, tasks = options.arm or ["none", "similarity"], made_tasks(options.tasks)
    plan = made_plan(tasks, arms, round_size=options.concurrency // options.processes)
    times: list[float] = []
    sizes: list[tuple[int, float]] = []

    def listen(result: object) -> None:
        times.append(time.perf_counter())
        if len(times) % _EVERY == 0:
            sizes.append((len(times), _resident_mb()))
            print(f"{len(times):7} results, {len(times) / (times[-1] - began):6.1f}/s, {sizes[-1][1]:.0f} MB")

    with tempfile.TemporaryDirectory() as folder:
        runner = WorkerRunner(
            plan,
            tasks=tasks,
            subject="benchmarks.scripted_subject:subject",
            folder=Path(folder, "run"),
            concurrency=options.concurrency,
            processes=options.processes,
        )
        began = time.perf_counter()
        end = await runner.run(listen)
        seconds = time.perf_counter() - began
    assert end.is_complete
    steady = len(times) - len(times) // 10
    print(
        f"{', '.join(arms)}: {len(times)} results in {seconds:.0f} s, start-up included: {len(times) / seconds:.1f}/s"
    )
    print(f"the last nine tenths: {(steady - 1) / (times[-1] - times[-steady]):.1f}/s; load {os.getloadavg()[0]:.1f}")
    _print_slope(sizes)


def _resident_mb() -> float:
    """Of this process and its workers."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if os.getpid() in (parent, int(folder.name)):
                pages += int((folder / "statm").read_text().split()[1])
        except (OSError, ValueError):  # it has ended
            continue
    return pages * resource.getpagesize() / 1e6


def _print_slope(sizes: list[tuple[int, float]]) -> None:
    """Least squares over the second half, with its 95 % interval."""
    late = np.array(sizes[len(sizes) // 2 :])
    if len(late) < 4:
        print("too few readings for a slope of memory")
        return
    x, y = late[:, 0] / 1000, late[:, 1]
    slope, offset = np.polyfit(x, y, 1)
    error = np.sqrt(((y - slope * x - offset) ** 2).sum() / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    print(
        f"memory, second half: {slope:+.2f} MB per 1,000 results [{slope - 2 * error:+.2f}, {slope + 2 * error:+.2f}]"
    )


if __name__ == "__main__":
    main()
