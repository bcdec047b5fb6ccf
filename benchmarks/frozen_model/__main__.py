"""Runs the experiment and prints its tables; the same again goes on where it stopped.

python -m benchmarks.frozen_model routing --feedback correction --tasks 300 --seeds 3 --out DIR

With `--kept`, streams that are kept with the code are not run again, and count; `--keep` adds the finished ones.
"""

import argparse
import asyncio
import hashlib
import time
from pathlib import Path

from benchmarks.frozen_model.chat_model import FrozenChatModel
from benchmarks.frozen_model.degraded import checked, drop_degraded
from benchmarks.frozen_model.engine import FrozenWeights
from benchmarks.frozen_model.families import FAMILIES, Family, house, routing
from benchmarks.frozen_model.figures import figures, print_figures
from benchmarks.frozen_model.kept_tables import FOLDER
from benchmarks.frozen_model.readings import readings_file
from benchmarks.frozen_model.streams import Vectors, streams_with_controls
from benchmarks.kept_streams import Keeping, KeptRun
from benchmarks.recorded import RECORDED
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan, StreamKey
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner
from memento.evals.task import fingerprint
from memento.graph.local_model import find_packaged_model
from memento.memory.errors import EngineUnavailable
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.nodes.sources import MemorySource

ARMS = ("none", "random", "similarity", "similarity_reward", "parametric", "advantage")
ROUND = 4
"""Tasks whose cases are written together: the model is never idle, and nothing depends on which ends first."""
_CONCURRENCY = 32
"""Tasks at work at a time, of several streams: so many that the prompts that wait fill a batch for each reader."""


def main() -> None:
    """Parse, run, print."""
    options = _options()
    family = _family(options)
    plan = _plan(family, options)
    if unknown := set(options.only or ()) - {arm.name for arm in plan.arms}:
        raise SystemExit(f"--only names no arm of the plan: {', '.join(sorted(unknown))}")
    keeping = Keeping.of(options, FOLDER / f"{plan.dataset}-{plan.feedback}.json")
    kept = KeptRun.load(keeping.file, plan)
    if not options.print:
        asyncio.run(_run(family, plan, _wanted(plan, kept, options), options))
    vectors = _vectors(family) if plan.feedback == "correction" else None
    streams = streams_with_controls(options.out, family, plan, vectors)
    print_figures(figures(kept.with_those(streams), plan), plan, options.out)
    keeping.take(kept, streams)


def _vectors(family: Family) -> Vectors:
    rows = asyncio.run(MiniLmEncoder().encode([task.question for task in family.tasks]))
    return {task.id: row for task, row in zip(family.tasks, rows, strict=True)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frozen_model", description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--feedback", choices=("correction", "reward"), default="correction")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3, help="orders of the tasks, each with memories of its own")
    parser.add_argument("--arm", action="append", help="policy[:field=value], repeatable; six policies by default")
    parser.add_argument("--k", type=int, default=4, help="cases shown at most")
    parser.add_argument("--draw", type=int, default=0, help="seed of the tasks that are drawn")
    parser.add_argument(
        "--failures", choices=("hidden", "shown"), default="hidden", help="whether the prompt shows cases that failed"
    )
    parser.add_argument("--readers", type=int, default=2, help="processes that read prompts")
    parser.add_argument(
        "--readings", type=Path, help="file of what was read before; in the temporary folder by default"
    )
    parser.add_argument("--file", type=Path, default=RECORDED / "deepresearcher.jsonl", help="questions, for routing")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, help="work only on the first so many of the orders, for now")
    parser.add_argument("--only", action="append", help="work only on this arm of the plan, for now; repeatable")
    Keeping.add_options(parser)
    parser.add_argument("--print", action="store_true", help="only print what is there")
    return parser.parse_args()


def _family(options: argparse.Namespace) -> Family:
    if options.family == "house":
        return house(options.tasks, seed=options.draw, failures=options.failures)
    return routing(options.tasks, file=options.file, seed=options.draw, failures=options.failures)


def _plan(family: Family, options: argparse.Namespace) -> RunPlan:
    return RunPlan(
        dataset=family.name,
        tasks=fingerprint(family.tasks),
        n_tasks=len(family.tasks),
        subject=f"frozen-{family.name}" + (", failures shown" if options.failures == "shown" else ""),
        scorer="exact",
        arms=[parse_arm(arm) for arm in options.arm or ARMS],
        seeds=list(range(options.seeds)),
        round=ROUND,
        feedback=options.feedback,
        settings={"k": options.k},
    )


def _wanted(plan: RunPlan, kept: KeptRun, options: argparse.Namespace) -> list[StreamKey]:
    """The streams to work on now; the others stay in the plan, for a later call."""
    known = {one.name for one in kept.streams}
    return [
        key
        for key in plan.streams()
        if (key.arm.name, key.seed) not in known
        and (options.first is None or key.seed < options.first)
        and (options.only is None or key.arm.name in options.only)
    ]


async def _run(family: Family, plan: RunPlan, wanted: list[StreamKey], options: argparse.Namespace) -> None:
    path = await asyncio.to_thread(find_packaged_model)
    readings = options.readings or await asyncio.to_thread(readings_file, path)
    with await asyncio.to_thread(lambda: FrozenWeights(path, readers=options.readers, readings=readings)) as weights:
        await _run_with(weights, family, plan, wanted, options.out)


async def _run_with(
    weights: FrozenWeights, family: Family, plan: RunPlan, wanted: list[StreamKey], folder: Path
) -> None:
    def planner(memory: MemorySource) -> FrozenChatModel:
        """Greedy where right answers are told; where only rewards are, answers must vary to be found."""
        seed = None
        if plan.feedback == "reward":
            namespace = getattr(memory, "namespace", "")
            seed = int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:4])
        return FrozenChatModel(weights=weights, sampling_seed=seed)

    for name in await asyncio.to_thread(drop_degraded, folder, plan):
        print(f"{name} had a degraded reading and is run again", flush=True)
    runner = EvalRunner(
        plan,
        tasks=family.tasks,
        subject=family.subject(planner),
        folder=folder,
        concurrency=_CONCURRENCY,
        only=[key.name for key in wanted],
    )
    names = {(key.arm.name, key.seed) for key in wanted}
    began, seen = time.monotonic(), [0, 0]

    def listen(result: TaskResult) -> None:
        if (result.arm, result.seed) not in names:
            return  # an earlier result of a stream that is not worked on now
        checked(result)
        seen[0] += 1
        seen[1] += result.reward is None
        if seen[0] % 200 == 0:
            took = time.monotonic() - began
            print(
                f"{seen[0]:6d}/{runner.n_tasks} tasks  {took:6.0f} s  {weights.n_prompts} prompts read, "
                f"{weights.n_tokens / max(weights.n_prompts, 1):.0f} tokens each  {seen[1]} without reward",
                flush=True,
            )

    try:
        await runner.run(listen)
    except EngineUnavailable as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
