"""What step cases cost: reading them before each action, and writing them with the run.

    python -m benchmarks.recurring_situations.cost [--runs 60] [--busy]

Episodes of made houses are played with and without step cases in turn, in one process, by an actor that takes as many
steps whatever it is shown, over a bank that has the steps of `--known` episodes; then runs with 32 steps are written
and runs with none. Times are the processor's, of everything in the process, with what is learned in the background in
figures of its own.
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, NamedTuple

from benchmarks.busy import busy_cores
from benchmarks.graph_overhead import Hashing
from benchmarks.recurring_situations.houses import Estate, lent_from, make_estate
from benchmarks.recurring_situations.walker import CopyingWalker, doors_opened
from benchmarks.results import Figure, argument_parser, measured, report
from memento import CaseMemory, Deps, build_graph
from memento.memory.case import question_hash
from memento.memory.encoder import Encoder
from memento.memory.experience import Experience
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.steps import STEP, StepAttempt
from memento.nodes.state import PromptCase

STEP_K, N_WRITTEN = 4, 32
ENCODERS = {"MiniLM": MiniLmEncoder, "no encoder": Hashing}


class _Blind(CopyingWalker):
    """Is shown cases and looks at none, so that an episode takes as many steps with them as without."""

    async def act(self, *, cases: Sequence[PromptCase], step_cases: Sequence[PromptCase] = (), **given: Any) -> str:
        return await super().act(cases=(), **given)


class Costs(NamedTuple):
    """Milliseconds of the processor, one number a step."""

    reading: list[float]
    writing: list[float]
    learning: list[float]
    """Of what was left to be learned, over runs without step cases."""


async def timed(work: Awaitable[Any]) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    await work
    return 1000 * (time.process_time() - began)


async def costs(encoder: Encoder, policy: str, *, n_runs: int, n_known: int) -> Costs:
    """Measure one encoder and policy."""
    estate, found = make_estate(120, seed=0), Costs([], [], [])
    with tempfile.TemporaryDirectory(prefix="step-cost-") as folder:
        async with CaseMemory.open(folder, encoder=encoder, policy=policy, seed=0) as memory:
            graph = build_graph(
                Deps(memory=memory, environment=lent_from(estate), actor=_Blind(0), case_action=doors_opened)
            )

            async def played(number: int, step_k: int) -> tuple[float, float, int]:
                given: Any = {"task": estate.tasks[number % 120].question}
                done: list[Any] = []

                async def run() -> None:
                    done.append(await graph.ainvoke(given, context={"step_k": step_k, "repeat_actions": True}))

                cpu = await timed(run())
                return cpu, await timed(memory.settle()), _n_steps(done[0])

            for number in range(n_known):
                await played(number, STEP_K)
            for number in range(n_known, n_known + n_runs):
                gc.collect(0)
                order = (STEP_K, 0) if number % 2 else (0, STEP_K)
                cost = {step_k: await played(number, step_k) for step_k in order}
                (cpu, learning, n_steps), (bare, learning_bare, _) = cost[STEP_K], cost[0]
                found.reading.append((cpu - bare) / n_steps)
                found.learning.append((learning - learning_bare) / n_steps)
            await _write(memory, estate, n_runs, found)
    return found


def _n_steps(result: Any) -> int:
    """How many steps the episode took, by the line that says how it ended."""
    return int(result["answer"].rpartition(" after ")[2].split()[0])


async def _write(memory: CaseMemory, estate: Estate, n_runs: int, found: Costs) -> None:
    """Write runs with steps, and runs without, in turn; the readings are not timed."""
    for number in range(n_runs):
        task = f"{estate.tasks[number % 120].question} Once more, {number}."
        steps = []
        for place in range(N_WRITTEN):
            situation = f"Task: {task}\nLast action: wait\nSeen: You stand in room {place}."
            recall = await memory.recall(situation, kind=STEP, key=question_hash(task))
            event_id = (await memory.select(recall, k=STEP_K)).event_id
            steps.append(
                StepAttempt(event_id=event_id, state=situation, action=f"open door {place}", gain=0.5, score=1.0)
            )
        cost = []
        for given, name in ((steps, "with"), ((), "without")):
            event_id = (await memory.read(f"{task} {name}")).event_id
            run = Experience(state=f"{task} {name}", action="walk", reward=1.0, event_id=event_id, steps=given)
            cost.append(await timed(memory.write(run)))
            await memory.settle()
        found.writing.append((cost[0] - cost[1]) / N_WRITTEN)


def told(policy: str, encoder: str, found: Costs, *, is_busy: bool) -> list[Figure]:
    """Figures of one encoder and policy."""
    shown = partial(measured, unit="ms", of="runs", is_busy=is_busy, is_shown=True)
    what = f"`{policy}`, {encoder}"
    return [
        shown(f"{what}: a step with step cases, over one without", found.reading),
        shown(f"{what}: learning in the background, a step", found.learning),
        shown(f"{what}: writing a step of {N_WRITTEN}", found.writing),
    ]


async def run(policies: list[str], *, n_runs: int, n_known: int, is_busy: bool) -> list[Figure]:
    """Measure each policy with each encoder."""
    figures = []
    with busy_cores(is_wanted=is_busy):
        for policy in policies:
            for name, encoder in ENCODERS.items():
                found = await costs(encoder(), policy, n_runs=n_runs, n_known=n_known)
                figures += told(policy, name, found, is_busy=is_busy)
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--runs", type=int, default=60, help="of each policy and encoder")
    parser.add_argument("--known", type=int, default=60, help="episodes that the bank has before")
    parser.add_argument("--policies", default="similarity,advantage", help="comma-separated")
    options = parser.parse_args()
    work = run(options.policies.split(","), n_runs=options.runs, n_known=options.known, is_busy=options.busy)
    sys.exit(report("step_cost", asyncio.run(work), options))


if __name__ == "__main__":
    main()
