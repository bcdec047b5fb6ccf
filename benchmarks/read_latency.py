"""What a read costs, in encoder forwards: `python -m benchmarks.read_latency`.

1,031 cases in an embedded bank, warm; fresh queries. Each read has a bare forward of the encoder on the same query
beside it, so that both see the same machine. Bar: a read costs at most two forwards.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from benchmarks.recorded import Median, cases, median, queries
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import MiniLmEncoder

BAR = 2.0
N_WARM = 20
T = TypeVar("T")


async def timed(call: Awaitable[T]) -> tuple[float, T]:
    """Milliseconds, and what came back."""
    began = time.perf_counter()
    result = await call
    return 1000 * (time.perf_counter() - began), result


async def run(n_reads: int, policy: str, folder: Path) -> dict[str, Median]:
    """Measure; figures by name."""
    encoder = MiniLmEncoder()
    parts: dict[str, list[float]] = {"read / forward": [], "read": [], "forward": [], "recall": [], "select": []}
    async with CaseMemory.open(folder, encoder=encoder, policy=policy) as memory:
        await memory.keep(cases())
        await memory.bank.project_all()
        for number, query in enumerate(queries(N_WARM + n_reads)):
            if number % 2:  # whoever comes second finds the processor's caches warm
                forward, _ = await timed(encoder.encode([query]))
                recall_ms, recall = await timed(memory.recall(query))
                select_ms, reading = await timed(memory.select(recall))
            else:
                recall_ms, recall = await timed(memory.recall(query))
                select_ms, reading = await timed(memory.select(recall))
                forward, _ = await timed(encoder.encode([query]))
            assert not reading.is_degraded
            if number >= N_WARM:
                read = recall_ms + select_ms
                for name, value in zip(parts, (read / forward, read, forward, recall_ms, select_ms), strict=True):
                    parts[name].append(value)
    return {name: median(values) for name, values in parts.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=200)
    parser.add_argument("--policy", default="similarity")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(options.reads, options.policy, Path(folder)))
    if options.json:
        print(json.dumps({name: figure._asdict() for name, figure in found.items()}))
    else:
        for name, figure in found.items():
            unit = f"     bar {BAR:g}" if name == "read / forward" else " ms"
            print(f"{name:<16}{figure}{unit}")
    sys.exit(found["read / forward"].value > BAR)


if __name__ == "__main__":
    main()
