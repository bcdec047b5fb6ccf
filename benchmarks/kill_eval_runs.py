"""Does kill -9 change what an evaluation finds? `python -m benchmarks.kill_eval_runs --kills 20`.

A run of 100 tasks for each of four arms, with corrections, is killed at random moments, while it starts or while it
works, and begun again until it is complete. Its model is scripted and answers by every character that it is shown:
one other case, or the same cases in another order, change its answers. Then all results are compared with those of a
run that nobody killed: answers, rewards, cases served; scores, similarities and propensities within 1e-6. The model
writes its calls down: a task whose result was in the journal when a session began must not be asked again.

With `--processes 2` the run has worker processes. Only the run is killed then, and its workers must be gone soon.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.child_processes import children, n_outlive
from benchmarks.scripted_subject import CALLS, made_plan, made_tasks, subject
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.runs.workers import WorkerRunner

ARMS = ("none", "random", "similarity", "advantage")
CLOSE = 1e-6
CONCURRENCY = 8
ROUND = 4
START_S = 12.0
"""Every fifth kill comes in so many seconds, whatever has been done by then: mostly while models and banks open."""


@dataclass
class Figures:
    """What came of it."""

    n_results: int
    n_kills: int = 0
    n_early: int = 0
    """Of the kills, those before the session had a result of its own."""
    n_different: int = 0
    """Results that are not those of the run that nobody killed."""
    n_missing: int = 0
    n_asked_twice: int = 0
    """Calls for tasks whose result had been acknowledged, or that had been asked in the same session."""
    n_again: int = 0
    """Calls for tasks that were at work when the run was killed: nobody had seen a result."""
    n_orphans: int = 0
    """Workers that outlived the killed run by more than ten seconds."""
    largest_gap: float = 0.0
    """Between a score, similarity or propensity and that of the other run."""
    differences: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Whether nothing happened that must not."""
        return not (self.n_different or self.n_missing or self.n_asked_twice or self.n_orphans)


class Made(NamedTuple):
    """What is run."""

    arms: Sequence[str]
    n_tasks: int
    n_processes: int

    def plan(self) -> RunPlan:
        """Of every session."""
        return made_plan(made_tasks(self.n_tasks), self.arms, round_size=ROUND)

    def command(self, folder: Path) -> list[str]:
        """Runs one session."""
        options = ["--session", str(folder), "--tasks", str(self.n_tasks), "--processes", str(self.n_processes)]
        return [sys.executable, "-m", "benchmarks.kill_eval_runs", *options, *(f"--arm={arm}" for arm in self.arms)]

    async def session(self, folder: Path) -> None:
        """Begin, or go on; every new result is said aloud once it is durable."""
        plan, tasks = self.plan(), made_tasks(self.n_tasks)
        n_left_out = sum(1 for _ in load_results(folder, plan))

        def listen(result: TaskResult) -> None:
            nonlocal n_left_out
            n_left_out -= 1
            if n_left_out < 0:
                print(result.arm, result.position, flush=True)

        if self.n_processes == 1:
            own = EvalRunner(plan, tasks=tasks, subject=subject(), folder=folder, concurrency=CONCURRENCY)
            await own.run(listen)
            return
        workers = WorkerRunner(
            plan,
            tasks=tasks,
            subject="benchmarks.scripted_subject:subject",
            folder=folder,
            concurrency=CONCURRENCY,
            processes=self.n_processes,
        )
        await workers.run(listen)


class Moment(NamedTuple):
    """When to kill: so many seconds after so many results of the session."""

    n_results: int
    then_s: float


class Ended(NamedTuple):
    """A session that was killed, or came to its end."""

    is_killed: bool
    n_results: int
    workers: list[int]
    """That it had when it was killed."""


async def session(command: list[str], calls: Path, moment: Moment | None) -> Ended:
    """Run a session, to its end or to a moment."""
    root = str(Path(__file__).parent.parent)
    run = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=root, env=os.environ | {CALLS: str(calls)}
    )
    assert run.stdout is not None
    n_said = 0
    while moment is not None and n_said < moment.n_results and await run.stdout.readline():
        n_said += 1
    listening = asyncio.create_task(run.stdout.read())
    if moment is not None:
        await asyncio.wait([listening], timeout=moment.then_s)
    workers = children(run.pid)
    if moment is not None and not listening.done():
        run.kill()
    n_said += len((await listening).splitlines())
    status = await run.wait()
    assert status in (0, -9), status
    return Ended(status != 0, n_said, workers)


async def kill_and_compare(made: Made, place: Path, *, n_kills: int, seed: int) -> Figures:
    """Kill a run again and again, let it end, and compare it with one that nobody killed."""
    plan, tasks, chance = made.plan(), made_tasks(made.n_tasks), random.Random(seed)
    asked_as = {
        (key.arm.name, visit.position): (key.name, visit.task.question)
        for key in plan.streams()
        for visit in plan.visits(tasks, key.seed)
    }
    figures = Figures(len(asked_as))
    whole, killed = place / "whole", place / "killed"
    await session(made.command(whole), place / "whole.calls", None)
    asked: Counter[tuple[str, ...]] = Counter()
    for number in range(10 * n_kills + 10):
        known = {asked_as[one.arm, one.position] for one in load_results(killed, plan)}
        moment = None
        if figures.n_kills < n_kills and len(known) < len(asked_as):
            share = 2 * (len(asked_as) - len(known)) // (n_kills - figures.n_kills + 1)  # the last kills come late
            moment = Moment(chance.randint(1, max(1, share)), chance.uniform(0, 0.3))
            if figures.n_kills % 5 == 4:
                moment = Moment(0, chance.uniform(0, START_S))
        ended = await session(made.command(killed), calls := place / f"{number}.calls", moment)
        here = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        calls_here = Counter(tuple(line.split("\t")) for line in here)
        figures.n_asked_twice += sum(n if one in known else n - 1 for one, n in calls_here.items())
        asked += calls_here
        if not ended.is_killed:
            break
        figures.n_kills += 1
        figures.n_early += ended.n_results == 0
        figures.n_orphans += await n_outlive(ended.workers)
    figures.n_again = sum(n - 1 for n in asked.values()) - figures.n_asked_twice
    compare(figures, list(load_results(whole, plan)), list(load_results(killed, plan)))
    return figures


def compare(figures: Figures, whole: Sequence[TaskResult], killed: Sequence[TaskResult]) -> None:
    """Add to the figures what is not the same."""
    theirs = {(one.arm, one.position): one for one in killed}
    figures.n_missing = 2 * figures.n_results - len(whole) - len(theirs)
    for one in whole:
        other = theirs.get((one.arm, one.position))
        if other is None:
            continue
        gaps = [
            abs(getattr(mine, name) - getattr(their, name))
            for mine, their in zip(one.cases, other.cases, strict=False)
            for name in ("score", "similarity", "propensity")
        ]
        figures.largest_gap = max([figures.largest_gap, *gaps])
        if _said(one) != _said(other) or any(gap > CLOSE for gap in gaps):
            figures.n_different += 1
            figures.differences.append(f"{one.arm} {one.position}: {_said(one)}, when killed {_said(other)}")


def _said(result: TaskResult) -> tuple[object, ...]:
    """What must be the same to the letter."""
    cases = [(case.id, case.slot, case.reward) for case in result.cases]
    return result.task_id, result.answer, result.reward, result.error, result.policy, result.is_degraded, cases


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=100, help="of each arm")
    parser.add_argument("--arm", action="append", help=f"several times; {', '.join(ARMS)} by default")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--session", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    made = Made(tuple(options.arm or ARMS), options.tasks, options.processes)
    if options.session:
        asyncio.run(made.session(options.session))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(kill_and_compare(made, Path(folder), n_kills=options.kills, seed=options.seed))
    if options.json:
        print(json.dumps(asdict(figures)))
    else:
        print(f"results                          {figures.n_results:>6,}   {', '.join(made.arms)}")
        print(f"kills                            {figures.n_kills:>6,}   {figures.n_early} before a first result")
        print(f"results that differ              {figures.n_different:>6,}   bar 0")
        print(f"results that are missing         {figures.n_missing:>6,}   bar 0")
        print(f"asked after acknowledgement      {figures.n_asked_twice:>6,}   bar 0")
        print(f"asked again, not acknowledged    {figures.n_again:>6,}")
        print(f"workers that outlived the run    {figures.n_orphans:>6,}   bar 0")
        print(f"largest gap between figures      {figures.largest_gap:>6.0e}   bar {CLOSE:.0e}")
        for line in figures.differences[:10]:
            print(f"  {line}")
    sys.exit(not figures.is_fine)


if __name__ == "__main__":
    main()
