"""What a read costs, in encoder forwards: `python -m benchmarks.read_latency`.

1,031 cases in an embedded bank, warm; fresh queries. Each read has a bare forward of the encoder on the same query
beside it, so that both see the same machine. Bar: a read costs at most two forwards.

Beside these, the processor's time of each read, and of the same read again, whose query need not be encoded. With
`--busy` every core has other work meanwhile: the processor's times should stay the same. Policies that learn need
outcomes to learn from first (`--outcomes`).
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from benchmarks.busy import busy_cores
from benchmarks.recorded import Median, cases, median, queries
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder

BAR = 2.0
N_WARM = 20
T = TypeVar("T")


PARTS = ("read / forward", "read", "forward", "recall", "select", "read, cpu", "read again, cpu")


async def timed(call: Awaitable[T]) -> tuple[float, float, T]:
    """Milliseconds of the wall and of the processor, and what came back."""
    began, cpu = time.perf_counter(), time.process_time()
    result = await call
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu), result


async def run(
    n_reads: int, policy: str, folder: Path, *, n_outcomes: int = 0, is_busy: bool = False
) -> dict[str, Median]:
    """Measure; figures by name."""
    encoder, chance = MiniLmEncoder(), random.Random(0)
    asked = queries(n_outcomes + N_WARM + n_reads)
    parts: dict[str, list[float]] = {name: [] for name in PARTS}
    async with CaseMemory.open(folder, encoder=encoder, policy=policy, seed=0) as memory:
        await memory.keep(cases())
        await memory.bank.project_all()
        for query in asked[:n_outcomes]:
            await memory.feedback((await memory.read(query)).event_id, float(chance.random() < 0.5))
        await memory.settle()
        with busy_cores(is_wanted=is_busy):
            for number, query in enumerate(asked[n_outcomes:]):
                if number % 2:  # whoever comes second finds the processor's caches warm
                    forward, _, _ = await timed(encoder.encode([query]))
                recall_ms, recall_cpu, recall = await timed(memory.recall(query))
                select_ms, select_cpu, reading = await timed(memory.select(recall))
                if not number % 2:
                    forward, _, _ = await timed(encoder.encode([query]))
                _, again_cpu, _ = await timed(memory.read(query))
                assert not reading.is_degraded
                if number >= N_WARM:
                    read, cpu = recall_ms + select_ms, recall_cpu + select_cpu
                    values = (read / forward, read, forward, recall_ms, select_ms, cpu, again_cpu)
                    for name, value in zip(PARTS, values, strict=True):
                        parts[name].append(value)
    return {name: median(values) for name, values in parts.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=200)
    parser.add_argument("--policy", default="similarity")
    parser.add_argument(
        "--outcomes", type=int, default=0, help="reads with a known outcome before the first measured one"
    )
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = run(options.reads, options.policy, Path(folder), n_outcomes=options.outcomes, is_busy=options.busy)
        found = asyncio.run(work)
    if options.json:
        print(json.dumps({name: figure._asdict() for name, figure in found.items()}))
    else:
        for name, figure in found.items():
            unit = f"     bar {BAR:g}" if name == "read / forward" else " ms"
            print(f"{name:<16}{figure}{unit}")
    sys.exit(not options.busy and found["read / forward"].value > BAR)


if __name__ == "__main__":
    main()
