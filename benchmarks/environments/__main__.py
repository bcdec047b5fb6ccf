"""Runs the experiment and prints its tables; the same again goes on where it stopped.

python -m benchmarks.environments --split dev --tasks 150 --seeds 10 --feedback correction --out DIR

Several calls may work on one folder at a time, each with other arms (`--only`) and a file of readings of its own.
With `--kept`, streams that are kept with the code are not played again, and count; `--keep` adds the finished ones.
"""

import argparse
import asyncio
import resource
import time
from pathlib import Path
from typing import Final

from benchmarks.environments.figures import figures, print_figures
from benchmarks.environments.kept_tables import FOLDER
from benchmarks.environments.player import TEMPERATURE, player_subject
from benchmarks.frozen_model.degraded import checked, drop_degraded
from benchmarks.frozen_model.engine import FrozenWeights
from benchmarks.frozen_model.readings import readings_file
from benchmarks.kept_streams import Keeping, KeptRun, streams_of
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import SPLITS
from memento.evals.environments.subject import environment_subject, environment_tasks, specs_of
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.local_model import find_packaged_model
from memento.memory.errors import EngineUnavailable, InvalidInput

ENVIRONMENTS: Final = ("cookingworld", "twc", "coin", "mapreader")
ARMS: Final = (
    "none",
    "random_actions",
    "fixed:4",
    "random_successes:failures=hidden",
    "context:1500,failures=hidden",
    "similarity:failures=hidden,filled=true",
    "similarity_reward:failures=hidden,filled=true",
    "memrl:failures=hidden,filled=true",
    "advantage:failures=hidden",
    "advantage:failures=hidden,filled=true",
    "replay",
    "nearest_valid",
)
_CONCURRENCY: Final = 8
"""Games at a time, of several streams: each holds a process of an environment."""


def main() -> None:
    """Parse, run, print."""
    options = _options()
    asyncio.run(_run(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=__doc__)
    parser.add_argument("--environment", default=",".join(ENVIRONMENTS), help="names, with commas between")
    parser.add_argument("--split", choices=SPLITS, default="dev")
    parser.add_argument("--feedback", choices=("correction", "reward"), default="correction")
    parser.add_argument("--tasks", type=int, default=150, help="of all environments together")
    parser.add_argument("--seeds", type=int, default=10, help="orders of the tasks, each with memories of its own")
    parser.add_argument("--arm", action="append", help="policy[:field=value], repeatable; all of the experiment's")
    parser.add_argument("--k", type=int, default=4, help="cases shown")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help="of the draw of an action")
    parser.add_argument("--held-out-share", type=float, default=0.0, help="tasks asked last, of a frozen memory")
    parser.add_argument("--readers", type=int, default=2, help="processes that read conversations")
    parser.add_argument(
        "--readings", type=Path, help="file of what was read before; in the temporary folder by default"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, help="work only on the first so many of the orders, for now")
    parser.add_argument("--only", action="append", help="work only on this arm of the plan, for now; repeatable")
    Keeping.add_options(parser)
    parser.add_argument("--print", action="store_true", help="only print what is there")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    if options.print:
        try:
            plan = await asyncio.to_thread(RunPlan.load, options.out)
        except InvalidInput as error:
            raise SystemExit(str(error)) from error
        await asyncio.to_thread(_told, options, plan)
        return
    names = options.environment.split(",")
    path = await asyncio.to_thread(find_packaged_model)
    readings = options.readings or await asyncio.to_thread(readings_file, path)
    began, specs = time.monotonic(), await asyncio.to_thread(specs_of, names)
    with await asyncio.to_thread(lambda: FrozenWeights(path, readers=options.readers, readings=readings)) as weights:
        async with EnvironmentPool(specs, size=_CONCURRENCY) as pool:
            tasks = await environment_tasks(pool, specs, split=options.split, n=options.tasks)
            subject = environment_subject(player_subject(weights, temperature=options.temperature), pool, specs)
            plan = _plan(options, names, tasks, subject)
            n_new = await _played(options, plan, tasks, subject, weights)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(
        f"{n_new} games in {time.monotonic() - began:.0f} s; {cpu:.0f} s of processor time, loading and environments "
        f"included: {cpu / max(n_new, 1):.2f} s a game; {weights.n_prompts} steps read, {weights.n_tokens} tokens"
    )
    await asyncio.to_thread(_told, options, plan)


def _told(options: argparse.Namespace, plan: RunPlan) -> None:
    """Print the figures of all games there are, and keep the finished streams if asked to. Blocking."""
    keeping, streams = _keeping(options, plan), streams_of(options.out, plan)
    kept = KeptRun.load(keeping.file, plan)
    print_figures(figures(kept.with_those(streams), plan), plan, options.out)
    keeping.take(kept, streams)


def _keeping(options: argparse.Namespace, plan: RunPlan) -> Keeping:
    return Keeping.of(options, FOLDER / f"{plan.dataset}-{plan.feedback}.json")


def _plan(options: argparse.Namespace, names: list[str], tasks: list[EvalTask], subject: Subject) -> RunPlan:
    plan = RunPlan(
        dataset=f"{'-'.join(names)}-{options.split}",
        environments=names,
        tasks=fingerprint(tasks),
        n_tasks=len(tasks),
        subject=subject.name,
        scorer="environment",
        arms=[parse_arm(arm) for arm in options.arm or ARMS],
        seeds=list(range(options.seeds)),
        feedback=options.feedback,
        held_out_share=options.held_out_share,
        # Without corrections, what is usual is all that can be copied before the first game is won.
        settings={"k": options.k} | ({"positive_from": "usual"} if options.feedback == "reward" else {}),
    )
    if unknown := set(options.only or ()) - {arm.name for arm in plan.arms}:
        raise SystemExit(f"--only names no arm of the plan: {', '.join(sorted(unknown))}")
    return plan


async def _played(
    options: argparse.Namespace, plan: RunPlan, tasks: list[EvalTask], subject: Subject, weights: FrozenWeights
) -> int:
    """Play what is wanted and not played yet; the number of games."""
    file = _keeping(options, plan).file
    kept = {one.name for one in (await asyncio.to_thread(KeptRun.load, file, plan)).streams}
    wanted = [
        key
        for key in plan.streams()
        if (key.arm.name, key.seed) not in kept
        and (options.first is None or key.seed < options.first)
        and (not options.only or key.arm.name in options.only)
    ]
    for name in await asyncio.to_thread(drop_degraded, options.out, plan):
        print(f"{name} had a degraded reading and is run again", flush=True)
    runner = EvalRunner(
        plan,
        tasks=tasks,
        subject=subject,
        folder=options.out,
        concurrency=_CONCURRENCY,
        only=[key.name for key in wanted],
    )
    names, began, n_seen = {(key.arm.name, key.seed) for key in wanted}, time.monotonic(), 0
    earlier = await asyncio.to_thread(lambda: list(load_results(options.out, plan)))
    n_earlier = sum((one.arm, one.seed) in names for one in earlier)

    def listen(result: TaskResult) -> None:
        nonlocal n_seen
        if (result.arm, result.seed) not in names:
            return  # an earlier result of a stream that is not worked on now
        checked(result)
        n_seen += 1
        if n_seen % 50 == 0:
            took = time.monotonic() - began
            print(f"{n_seen:6d}/{runner.n_tasks} games  {took:6.0f} s  {weights.n_prompts} steps read", flush=True)

    try:
        await runner.run(listen)
    except EngineUnavailable as error:
        raise SystemExit(str(error)) from error
    return n_seen - n_earlier


if __name__ == "__main__":
    main()
