"""How costs grow with the bank: `python -m benchmarks.growth [--sizes 1000,10000,100000,1000000]`.

One embedded bank grows from size to size; at each, the processor's time of reads, writes, learning, opening, counts,
the newest page, `random` reads and reads without the search engine. Vectors are given, so that no encoder is measured.
The exponent is the slope of a least-squares line through log time over log size; its bar is .5. Bars of single figures
hold at a million cases. 64 outcomes are learned before anything is measured.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.loop_lag import lags
from benchmarks.made_bank import GivenVectors, filled
from benchmarks.recorded import cases
from benchmarks.results import Bar, Figure, argument_parser, at_most, measured, quantile, report
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder

EXPONENT_BAR = at_most(0.5)
HAS_EXPONENT_BAR = ("`similarity` read", "`advantage` read", "write", "learning an outcome", "open")
BAR_SIZE = 1_000_000
BARS: dict[str, tuple[float, str, Bar]] = {
    "`similarity` read": (0.95, "p95", at_most(15)),
    "open": (0.5, "median", at_most(1000)),
    "counts": (0.5, "median", at_most(10)),
    "read without the search engine": (0.5, "median", at_most(200)),
    "lateness of the event loop during reads": (0.99, "p99", at_most(10)),
}
"""Milliseconds at a million cases: a quantile, its name, the bar."""
_FAR = 10_000_000
"""Numbers of the texts that are read for; the bank's own are below."""
NOWHERE = "http://127.0.0.1:1"
"""A search engine that does not answer."""


class Costs(NamedTuple):
    """Measured at one size; milliseconds by name, those of the processor unless the name says otherwise."""

    size: int
    of: dict[str, list[float]]


class Bank:
    """One bank on disk with its encoder, and fresh texts to read for."""

    def __init__(self, folder: Path, encoder: GivenVectors) -> None:
        """Nothing is opened yet."""
        self.folder, self.encoder, self._number = folder, encoder, _FAR

    def fresh(self) -> str:
        """A text that nobody has read for."""
        self._number += 1
        return self.encoder.made(self._number)

    def memory(self) -> CaseMemory:
        """The bank."""
        return CaseMemory.open(self.folder, encoder=self.encoder, policy="advantage", seed=0)

    @asynccontextmanager
    async def without_engine(self) -> AsyncIterator[CaseMemory]:
        """The same ledger, with a search engine that does not answer."""
        ledger = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        with tempfile.TemporaryDirectory() as home:
            memory = CaseMemory.open(
                NOWHERE, home=home, ledger_url=ledger, encoder=self.encoder, policy="similarity", seed=0
            )
            async with memory:
                yield memory


async def cpu_ms(work: Awaitable[Any]) -> float:
    """Milliseconds of the processor."""
    cpu = time.process_time()
    await work
    return 1000 * (time.process_time() - cpu)


async def repeated(call: Callable[[], Awaitable[Any]], n: int) -> list[float]:
    """Milliseconds of the processor of each call, after one that warms up."""
    return [await cpu_ms(call()) for _ in range(n + 1)][1:]


async def at_size(bank: Bank, size: int, n: int) -> Costs:
    """Measure everything at the bank's present size."""
    costs: dict[str, list[float]] = {"open": [], "open, wall": []}
    async with bank.memory() as memory:
        await memory.bank.settle()  # a large bank is searched approximately once its graph is built
    for _ in range(3):
        memory = bank.memory()
        wall, cpu = time.perf_counter(), time.process_time()
        await memory.__aenter__()
        costs["open, wall"].append(1000 * (time.perf_counter() - wall))
        costs["open"].append(1000 * (time.process_time() - cpu))
        await memory.aclose()
    async with bank.memory() as memory:
        for _ in range(4):  # the learner and the caches are warm
            await memory.read(bank.fresh())
        await memory.settle()
        costs["`similarity` read"] = await repeated(lambda: memory.read(bank.fresh(), policy="similarity"), n)
        costs["`advantage` read"] = await repeated(lambda: memory.read(bank.fresh()), n)
        costs["`random` read"] = await repeated(lambda: memory.read(bank.fresh(), policy="random"), max(3, n // 4))
        costs |= await outcomes(memory, bank, n)
        costs["counts"] = await repeated(lambda: memory.views.counts(namespace="default"), 5)
        costs["newest page of 500 cases"] = await repeated(lambda: newest(memory), 5)
        costs["lateness of the event loop during reads"] = (await lags(_reads(memory, bank, n))).tolist()
    async with bank.without_engine() as memory:
        costs["read without the search engine"] = await repeated(lambda: degraded(memory, bank), 3)
    return Costs(size, costs)


async def outcomes(memory: CaseMemory, bank: Bank, n: int) -> dict[str, list[float]]:
    """Costs of a write with the outcome of a reading, and of learning from it."""
    writes, learning = [], []
    for number in range(n):
        text = bank.fresh()
        reading = await memory.read(text)
        fields = {"state": text, "action": f"Plan {number}.", "reward": float(number % 3 > 0)}
        writes.append(await cpu_ms(memory.write(**fields, event_id=reading.event_id)))
        learning.append(await cpu_ms(memory.settle()))
    return {"write": writes, "learning an outcome": learning}


async def newest(memory: CaseMemory) -> None:
    """Read the newest page."""
    n = len([case async for case in memory.views.walk(namespace="default", newest_first=True, limit=500)])
    assert n == 500


async def degraded(memory: CaseMemory, bank: Bank) -> None:
    """Read where no search engine answers."""
    reading = await memory.read(bank.fresh())
    assert reading.is_degraded


async def _reads(memory: CaseMemory, bank: Bank, n: int) -> None:
    for _ in range(n):
        await memory.read(bank.fresh(), policy="similarity")


async def run(sizes: list[int], *, n: int, folder: Path, is_busy: bool) -> list[Costs]:
    """Let one bank grow, and measure at each size."""
    encoder, found, before = GivenVectors(HashingEncoder(dim=384)), [], 0
    await encoder.load([case.state for case in cases()])
    bank = Bank(folder, encoder)
    for size in sorted(sizes):
        async with bank.memory() as memory:
            load = await cpu_ms(filled(memory, encoder, before, size))
            if not before:
                await outcomes(memory, bank, 64)
        each = load / (size - before)
        before = size
        with busy_cores(is_wanted=is_busy):
            costs = await at_size(bank, size, n)
        costs.of["load of a case"] = [each]
        found.append(costs)
    return found


def exponent(sizes: list[int]) -> Callable[[NDArray[np.float64]], float]:
    """Slope of log time over log size, as a statistic of rows (n, sizes)."""
    return lambda rows: float(np.polyfit(np.log(sizes), np.log(np.median(rows, axis=0)), 1)[0])


def grown(name: str, found: list[Costs], *, bar: Bar | None, is_busy: bool) -> Figure:
    """Exponent of one cost."""
    sizes = [costs.size for costs in found]
    rows = np.array([costs.of[name] for costs in found]).T
    title = f"growth exponent of {name}, {sizes[0]:,} to {sizes[-1]:,} cases"
    return measured(title, rows, "", of="repetitions", statistic=exponent(sizes), bar=bar, is_busy=is_busy)


def told(found: list[Costs], *, is_busy: bool) -> list[Figure]:
    """Figures of every size, and exponents over all of them."""
    figures = []
    for costs in found:
        for name, values in costs.of.items():
            share, title, bar = BARS.get(name, (0.5, "median", None))
            statistic = quantile(share)
            figures.append(
                measured(
                    f"{name} at {costs.size:,} cases, {title}",
                    values,
                    "ms",
                    of="ticks" if "lateness" in name else "repetitions",
                    statistic=statistic,
                    bar=bar if costs.size == BAR_SIZE else None,
                    is_busy=is_busy,
                )
            )
    for name in found[0].of if len(found) > 1 else ():
        if "lateness" not in name:
            bar = EXPONENT_BAR if name in HAS_EXPONENT_BAR else None
            figures.append(grown(name, found, bar=bar, is_busy=is_busy))
            if len(found) > 2:
                figures.append(grown(name, found[-2:], bar=None, is_busy=is_busy))
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="cases in the bank, comma-separated")
    parser.add_argument("--repetitions", type=int, default=30, help="of reads and writes at each size")
    parser.add_argument("--folder", type=Path, help="an empty folder for the bank; a temporary one by default")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="growth-"))
    try:
        found = asyncio.run(run(sizes, n=options.repetitions, folder=folder, is_busy=options.busy))
    finally:
        if options.folder is None:
            shutil.rmtree(folder)
    sys.exit(report("growth", told(found, is_busy=options.busy), options))


if __name__ == "__main__":
    main()
