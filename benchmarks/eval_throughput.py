"""How many tasks a second an evaluation gets through, and is its memory flat? `python -m benchmarks.eval_throughput`.

The chat model answers at once, so that what is measured is ours: graph, durable ledger, encoder, embedded Qdrant,
journal; checkpoints are off. Every task is another one and is remembered, so that a bank grows to as many cases.
Printed per arm: tasks a second between the first result and the last, CPU time of all processes per task, and by how
much memory grows after a warm-up, in MB per 1,000 tasks: the processes' own, and apart from it the mapped files, which
are the case bank itself (a vector of 384 floats and its text per task) and which the system takes back when it needs
the room.

With one process an arm comes after the other. With several they are worked on side by side, each by a process of its
own; then an arm's figures are taken while the others run, and CPU time and memory are those of all. The machine's load
is printed: where it has other work the seconds are as long as that lets them be.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.child_processes import children
from benchmarks.scripted_subject import made_plan, made_tasks, subject
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner
from memento.evals.runs.workers import WorkerRunner
from memento.evals.task import EvalTask
from memento.memory.stats import Interval, statistic_interval

BAR = 60.0
WARM = 0.3
"""Share of an arm's tasks before its memory counts: by then pools, caches and the encoder are full."""
N_LOOKS = 20
"""How often, in an arm, clock and memory are looked at."""


class Megabytes(NamedTuple):
    """Resident memory."""

    own: float
    mapped: float
    """Files, shared libraries among them."""


class ArmFigures:
    """What was seen of one arm."""

    def __init__(self, arm: str, n_planned: int) -> None:
        """Begin with the first result: models and index are open then."""
        self.arm = arm
        self.n_tasks = 0
        self.seconds = 0.0
        self.cpu_s = 0.0
        self.mb: list[tuple[int, Megabytes]] = []
        """Tasks done, and the memory of all processes then."""
        self._every = max(1, (n_planned - 1) // N_LOOKS)
        self._began, self._cpu_before = time.perf_counter(), cpu_s()

    def add(self) -> bool:
        """Count a result; whether it was one to look at."""
        self.n_tasks += 1
        self.seconds = time.perf_counter() - self._began
        if self.n_tasks % self._every:
            return False
        self.cpu_s = (cpu_s() - self._cpu_before) / self.n_tasks
        self.mb.append((self.n_tasks, resident_mb()))
        return True

    @property
    def per_second(self) -> float:
        """Tasks."""
        return self.n_tasks / self.seconds

    def growth(self) -> tuple[Interval, Interval]:
        """Own memory and mapped files, MB per 1,000 tasks after the warm-up; the intervals resample the looks."""
        late = np.array([(n / 1000, *mb) for n, mb in self.mb if n > WARM * self.n_tasks])
        looks = np.arange(len(late))
        return statistic_interval(_slope, looks, late[:, 0], late[:, 1]), statistic_interval(
            _slope, looks, late[:, 0], late[:, 2]
        )

    def __str__(self) -> str:
        return (
            f"{self.arm:<12} {self.n_tasks:>7,} tasks {self.per_second:>6.1f}/s, "
            f"{1000 * self.cpu_s:.1f} ms CPU per task, {self.mb[-1][1].own:.0f} + {self.mb[-1][1].mapped:.0f} MB"
        )


def _slope(tasks_N: NDArray[Any], mb_N: NDArray[Any]) -> float:
    return float(np.polyfit(tasks_N, mb_N, 1)[0]) if len(np.unique(tasks_N)) > 2 else float("nan")


def processes() -> list[int]:
    """This one and those that it has started."""
    return [os.getpid(), *children(os.getpid())]


def resident_mb() -> Megabytes:
    """Of all processes."""
    pages = [list(map(int, Path(f"/proc/{one}/statm").read_text().split())) for one in processes()]
    mb = os.sysconf("SC_PAGE_SIZE") / 2**20
    return Megabytes(sum(one[1] - one[2] for one in pages) * mb, sum(one[2] for one in pages) * mb)


def cpu_s() -> float:
    """Of all processes, in user and kernel."""
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes()]
    return sum(int(one[11]) + int(one[12]) for one in stats) / os.sysconf("SC_CLK_TCK")


async def measure(
    arms: Sequence[str],
    tasks: list[EvalTask],
    *,
    concurrency: int,
    n_processes: int,
    folder: Path,
    tell: Callable[[str], None],
) -> list[ArmFigures]:
    """All tasks with all arms.

    Args:
        arms: side by side where there are several processes.
        tasks: of each arm.
        concurrency: how many are at work, in all arms that run at a time.
        n_processes: 1 stands for this one.
        folder: of the runs.
        tell: is told of every look.
    """
    found: dict[str, ArmFigures] = {}

    def listen(result: TaskResult) -> None:
        assert result.error is None, result.error
        assert not result.is_degraded, "the engine did not answer"
        if result.arm not in found:
            found[result.arm] = ArmFigures(result.arm, len(tasks))
        elif found[result.arm].add():
            tell(f"{found[result.arm]}, load {os.getloadavg()[0]:.1f}")

    for part in [list(arms)] if n_processes > 1 else [[arm] for arm in arms]:
        plan = made_plan(tasks, part, round_size=concurrency // len(part), feedback="reward")
        options: dict[str, Any] = {"tasks": tasks, "folder": folder / "-".join(part), "concurrency": concurrency}
        if n_processes > 1:
            workers = WorkerRunner(
                plan, subject="benchmarks.scripted_subject:subject", processes=n_processes, **options
            )
            end = await workers.run(listen)
        else:
            end = await EvalRunner(plan, subject=subject(), **options).run(listen)
        assert end.is_complete
    return list(found.values())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--arm", action="append", help="several times; none and similarity by default")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    arms = options.arm or ["none", "similarity"]
    load, began = os.getloadavg()[0], time.perf_counter()

    def tell(line: str) -> None:
        if not options.json:
            print(f"  {line}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(
            measure(
                arms,
                made_tasks(options.tasks),
                concurrency=options.concurrency,
                n_processes=options.processes,
                folder=Path(folder),
                tell=tell,
            )
        )
    seconds, loads = time.perf_counter() - began, (load, os.getloadavg()[0])
    n = options.tasks * len(arms)
    if options.json:
        rows = {one.arm: {"tasks": one.n_tasks, "per_second": one.per_second, "growth": one.growth()} for one in found}
        print(json.dumps({"arms": rows, "tasks": n, "per_second": n / seconds, "load": loads}))
        return
    for one in found:
        own, mapped = one.growth()
        missed = "" if one.per_second >= BAR else f" (bar {BAR:.0f}/s)"
        print(f"{one}; per 1,000 tasks {own} MB of its own, {mapped} MB of mapped files{missed}")
    print(
        f"all: {n:,} tasks in {seconds:.0f} s with opening and closing, {n / seconds:.1f}/s; processes "
        f"{options.processes}, cores {os.cpu_count()}, load {loads[0]:.1f} before, {loads[1]:.1f} after"
    )
    sys.exit(any(one.per_second < BAR for one in found))


if __name__ == "__main__":
    main()
