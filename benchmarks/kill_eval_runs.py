"""Evaluation runs under kill -9: what comes of them, against a run that nobody disturbed.

100 made tasks for each of four arms, with corrections. The run is killed at random moments and started again, until it
is through; then every result is compared, and the model's calls are counted that were made for a task whose result had
been acknowledged.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scripted_subject import CALLS, made_plan, made_tasks, subject
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results

ARMS = ["none", "random", "similarity", "advantage"]


def main() -> int:
    """Kill, go on, compare; 0 when nothing differs and nothing was asked twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--run", type=Path, help="only run, in this folder")
    options = parser.parse_args()
    if options.run:
        asyncio.run(_run(options.run, options.tasks))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        began = time.perf_counter()
        _start(whole, options.tasks).wait()
        seconds = time.perf_counter() - began
        again, n_kills = _until_done(killed, options, seconds)
        plan = made_plan(made_tasks(options.tasks), ARMS, round_size=4)
        differing = _differing(list(load_results(whole, plan)), list(load_results(killed, plan)))
    n = options.tasks * len(ARMS)
    print(f"{n} results, {n_kills} kills: {differing} differ, {again} asked again after their result was acknowledged")
    return int(bool(differing or again))


async def _run(folder: Path, n: int) -> None:
    tasks = made_tasks(n)
    runner = EvalRunner(
        made_plan(tasks, ARMS, round_size=4), tasks=tasks, subject=subject(), folder=folder, concurrency=8
    )
    await runner.run()


def _start(folder: Path, n: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.kill_eval_runs", "--run", str(folder), "--tasks", str(n)]
    return subprocess.Popen(command, env=os.environ | {CALLS: f"{folder}.calls"})


def _until_done(folder: Path, options: argparse.Namespace, seconds: float) -> tuple[int, int]:
    """Kill and go on; calls made for acknowledged tasks, and how often it was really killed."""
    chance = random.Random(options.seed)
    calls, again, n_kills = Path(f"{folder}.calls"), 0, 0
    plan = made_plan(made_tasks(options.tasks), ARMS, round_size=4)
    questions = {task.id: task.question for task in made_tasks(options.tasks)}
    while True:
        acknowledged = [questions[result.task_id] for result in load_results(folder, plan)] if folder.exists() else []
        before = calls.read_text("utf-8").splitlines() if calls.exists() else []
        process = _start(folder, options.tasks)
        try:
            # Most of a session is start-up and grows shorter as less is left, so that later kills fall inside it too.
            process.wait(chance.uniform(0.2, 0.8) * seconds if n_kills < options.kills else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            n_kills += 1
        asked = calls.read_text("utf-8").splitlines()[len(before) :] if calls.exists() else []
        done = {question: acknowledged.count(question) for question in acknowledged}
        again += sum(1 for question, n in done.items() if n == len(ARMS) and question in asked)
        if process.returncode == 0:
            return again, n_kills


def _differing(whole: Sequence[TaskResult], killed: Sequence[TaskResult]) -> int:
    """How many results are not the same; scores and similarities may differ in their seventh digit."""
    pairs = zip(whole, killed, strict=True)
    return sum(_essence(one) != _essence(other) for one, other in pairs)


def _essence(result: TaskResult) -> object:
    served = [
        (case.id, case.slot, case.reward, round(case.propensity, 6), round(case.score, 5), round(case.similarity, 5))
        for case in result.cases
    ]
    return result.arm, result.position, result.task_id, result.answer, result.reward, result.policy, served


if __name__ == "__main__":
    sys.exit(main())
