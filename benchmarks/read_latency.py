"""What a read costs, in forwards of its encoder: `python -m benchmarks.read_latency`.

Warm embedded banks of several sizes, fresh queries, known outcomes for the policies that learn. Every read has a bare
forward of the encoder on the same query beside it, in turns, so that both see the same machine; the ratio is of the
processor's time of the two. Bars: 1.25 forwards with `similarity`, 1.6 with `advantage`. With `--busy` every core has
other work meanwhile.

    python -m benchmarks.read_latency --sizes 1000,10000,100000 --reads 200
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.busy import busy_cores
from benchmarks.made_bank import GivenVectors, filled, fresh_queries
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_most, measured, quantile, report
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder

BARS = {"similarity": 1.25, "advantage": 1.6}
BAR_SIZES = (1000, 10_000)
N_WARM = 20
T = TypeVar("T")


class Read(NamedTuple):
    """One read with its forward; milliseconds of the processor, but for the last."""

    forward: float
    read: float
    recall: float
    select: float
    wall: float


async def timed(call: Awaitable[T]) -> tuple[float, float, T]:
    """Milliseconds of the wall and of the processor, and the result."""
    began, cpu = time.perf_counter(), time.process_time()
    result = await call
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu), result


async def one_read(
    memory: CaseMemory, encoder: GivenVectors, query: str, policy: str, *, is_forward_first: bool
) -> Read:
    """Read once, with the bare forward before or after: the second of the two finds the processor's caches warm."""
    forward = 0.0
    if is_forward_first:
        _, forward, _ = await timed(encoder.inner.encode([query]))
    recall_wall, recall_cpu, recall = await timed(memory.recall(query, policy=policy))
    select_wall, select_cpu, reading = await timed(memory.select(recall))
    if not is_forward_first:
        _, forward, _ = await timed(encoder.inner.encode([query]))
    assert not reading.is_degraded
    return Read(forward, recall_cpu + select_cpu, recall_cpu, select_cpu, recall_wall + select_wall)


async def learned(memory: CaseMemory, asked: list[str]) -> None:
    """Give an outcome to a read of each query, and wait until it is learned from."""
    chance = random.Random(0)
    for query in asked:
        await memory.feedback((await memory.read(query)).event_id, float(chance.random() < 0.5))
    await memory.settle()


async def run(
    sizes: list[int], policies: list[str], folder: Path, *, n_reads: int, n_outcomes: int, is_busy: bool
) -> list[Figure]:
    """Measure; figures of each size and policy."""
    encoder, figures, n_before = GivenVectors(MiniLmEncoder()), [], 0
    await encoder.load([case.state for case in cases()])
    n_asked = len(policies) * (N_WARM + n_reads)
    asked = iter(fresh_queries(len(sizes) * n_asked + n_outcomes))
    async with CaseMemory.open(folder, encoder=encoder, policy="advantage", seed=0) as memory:
        for size in sorted(sizes):
            await filled(memory, encoder, n_before, size)
            if not n_before:
                await learned(memory, [next(asked) for _ in range(n_outcomes)])
            n_before = size
            reads: dict[str, list[Read]] = {policy: [] for policy in policies}
            with busy_cores(is_wanted=is_busy):
                for number in range(N_WARM + n_reads):
                    for policy in policies:
                        is_first = bool(number % 2)
                        one = await one_read(memory, encoder, next(asked), policy, is_forward_first=is_first)
                        if number >= N_WARM:
                            reads[policy].append(one)
            figures += [figure for policy in policies for figure in told(policy, size, reads[policy], is_busy=is_busy)]
    return figures


def told(policy: str, size: int, reads: list[Read], *, is_busy: bool) -> list[Figure]:
    """Figures of one policy at one size."""
    what = f"`{policy}` read at {size:,} cases"
    bar = at_most(BARS[policy]) if policy in BARS and size in BAR_SIZES else None
    parts = {
        "CPU": [one.read for one in reads],
        "CPU of its forward": [one.forward for one in reads],
        "CPU beyond its forward": [one.read - one.forward for one in reads],
        "CPU of recall": [one.recall for one in reads],
        "CPU of select": [one.select for one in reads],
        "wall": [one.wall for one in reads],
    }
    ratios = [one.read / one.forward for one in reads]
    return [
        measured(f"{what} over one forward", ratios, "times", of="reads", bar=bar, is_busy=is_busy),
        *(
            measured(f"{what}, {name}", values, "ms", of="reads", is_busy=is_busy)
            for name, values in parts.items()
        ),
        measured(
            f"{what}, wall, p95", parts["wall"], "ms", of="reads", statistic=quantile(0.95), is_busy=is_busy
        ),
    ]  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="1000,10000", help="cases in the bank, comma-separated")
    parser.add_argument("--policies", default="similarity,advantage", help="comma-separated")
    parser.add_argument("--reads", type=int, default=200, help="of each policy at each size")
    parser.add_argument("--outcomes", type=int, default=128, help="known outcomes before the first measured read")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(
            run(
                sizes,
                options.policies.split(","),
                Path(folder),
                n_reads=options.reads,
                n_outcomes=options.outcomes,
                is_busy=options.busy,
            )
        )
    sys.exit(report("read_latency", figures, options))


if __name__ == "__main__":
    main()
