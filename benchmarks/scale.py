"""What the embedded index costs from a thousand cases to a million: `python -m benchmarks.scale`.

Vectors are made round the recorded cases' encodings (0.7 of a unit of noise each) and loaded straight into the engine;
above its threshold, straight into a segment with its graph, which takes minutes for a million: `--banks` keeps them.
Per size:

    search        milliseconds of wall and processor; recall of the true 64 nearest
    lateness      of the event loop during these searches, and while 10,000 further points are applied (catch-up)
    open          in a process of its own: seconds until the first hits, memory added (its own; mapped files, which
                  processes share), and the same for a second process beside the first: whether its hits are the same
    disk          of one process, and what a second one adds

and the growth exponents from the smallest size to the largest. `--real` measures recall among encodings of the recorded
questions alone, too. Bars: a search takes at most 10 ms at 100,000 and 1,000,000 cases (p95), the loop is at most 5 ms
late meanwhile at 1,000,000 (median; p99 10); a second process at 100,000 finds the same within 1 s. With `--busy` every
core has other work meanwhile.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.index_probe import opened
from benchmarks.loop_lag import lags
from benchmarks.made_index import DIM, LIMIT, as_point, encoded, make_bank, nearest, noisy, vectors_of
from benchmarks.recorded import cases, queries
from benchmarks.results import Bar, Figure, argument_parser, at_least, at_most, measured, quantile, report
from memento.memory.encoder import MiniLmEncoder
from memento.memory.index.engines.edge import GRAPH_FROM, EdgeEngine

N_QUERIES, N_MORE = 100, 10_000
BARS: dict[tuple[str, int], Bar] = {
    ("search, wall, p95", 100_000): at_most(10),
    ("search, wall, p95", 1_000_000): at_most(10),
    ("lateness of the event loop during searches, p50", 1_000_000): at_most(5),
    ("lateness of the event loop during searches, p99", 1_000_000): at_most(10),
    ("second process, open and first search, wall", 100_000): at_most(1),
    ("second process, same hits as the first", 100_000): at_least(1),
}
"""By figure and cases."""
GROWING = ("search", "open and first search, wall", "memory of its own", "disk")


class Costs(NamedTuple):
    """At one size: by name, the values with their unit."""

    size: int
    searched: dict[str, tuple[Sequence[float] | NDArray[np.float64], str]]
    opened: dict[str, tuple[float, str]]


async def searched(bank: Path, n: int, rng: np.random.Generator, *, is_busy: bool) -> dict[str, Any]:
    """Search and catch up in this process; values by name, with their unit."""
    engine = EdgeEngine(bank, graph_from=10**9)
    await engine.open(dim=DIM, encoder="synthetic")
    rows = vectors_of(bank)
    asked = noisy(rng, rows[rng.integers(n, size=N_QUERIES)])
    right = nearest(rows, asked)
    wall, cpu, share = list[float](), list[float](), list[float]()

    async def search() -> None:
        for query, wanted in zip(asked, right, strict=True):
            began, cpu_began = time.perf_counter(), time.process_time()
            hits = await engine.search(query, namespace="default", limit=LIMIT, exclude_question="question-0")
            cpu.append(1000 * (time.process_time() - cpu_began))
            wall.append(1000 * (time.perf_counter() - began))
            share.append(len(wanted & {uuid.UUID(hit.case_id).int - 1 for hit in hits}) / len(wanted))

    await search()  # warm
    for values in (wall, cpu, share):
        values.clear()
    with busy_cores(is_wanted=is_busy):
        late = await lags(search())
        more = noisy(rng, rows[rng.integers(n, size=N_MORE)])

        async def follow() -> None:
            for start in range(0, N_MORE, 256):
                await engine.upsert([as_point(n + start + at, row) for at, row in enumerate(more[start : start + 256])])
                if start % 1024 == 768:
                    await engine.save_position(n + start)

        follow_cpu = time.process_time()
        follow_late = await lags(follow())
        follow_cpu = time.process_time() - follow_cpu
    await engine.close()
    return {
        "search": (cpu, "ms"),
        "search, wall": (wall, "ms"),
        f"search, recall@{LIMIT}": (share, ""),
        "lateness of the event loop during searches": (late, "ms"),
        "catch-up": ([1e6 * follow_cpu / N_MORE], "us a case"),
        "lateness of the event loop during catch-up": (follow_late, "ms"),
    }


async def real(folder: Path) -> Figure:
    """Recall among encodings of recorded questions, by the graph alone."""
    states = list(dict.fromkeys(case.state for case in cases()))
    asked = queries(2000)
    texts = [*states, *asked[N_QUERIES:]]
    found = await MiniLmEncoder().encode([*texts, *asked[:N_QUERIES]])
    rows, vectors = found[: len(texts)], found[len(texts) :]

    async def batches() -> Any:
        for start in range(0, len(rows), 256):
            yield [as_point(start + at, row) for at, row in enumerate(rows[start : start + 256])]

    engine = EdgeEngine(folder, graph_from=1000)
    await engine.open(dim=DIM, encoder="synthetic")
    await engine.rebuild(batches(), position=len(rows))
    await engine.settle()
    assert engine._index.need().graph
    right, share = nearest(rows, vectors), []
    for query, wanted in zip(vectors, right, strict=True):
        hits = await engine.search(query, namespace="default", limit=LIMIT, exclude_question="question-0")
        share.append(len(wanted & {uuid.UUID(hit.case_id).int - 1 for hit in hits}) / len(wanted))
    await engine.close()
    title = f"index of {len(rows):,} recorded questions, with a graph: search, recall@{LIMIT}"
    return measured(title, share, "", of="searches", statistic=np.mean, is_shown=True)


def told(costs: Costs, *, is_busy: bool) -> list[Figure]:
    """Figures of one size."""
    figures, what = [], f"index of {costs.size:,} cases"
    for name, (values, unit) in costs.searched.items():
        statistics = {"": None}
        if name == "search, wall":
            statistics = {", p50": quantile(0.5), ", p95": quantile(0.95)}
        elif "lateness" in name:
            statistics = {", p50": quantile(0.5), ", p99": quantile(0.99)}
        elif "recall" in name:
            statistics = {"": np.mean}
        for title, statistic in statistics.items():
            bar, is_recall = BARS.get((name + title, costs.size)), "recall" in name
            of = "pauses" if "lateness" in name else "searches"
            drawn = {"of": of, "statistic": statistic, "bar": bar, "is_busy": is_busy, "is_shown": is_recall}
            figures.append(measured(f"{what}: {name}{title}", values, unit, **drawn))
    for name, (value, unit) in costs.opened.items():
        bar = BARS.get((name, costs.size))
        figures.append(Figure(f"{what}: {name}", value, unit, bar=bar, is_busy=is_busy))
    return figures


def grown(found: list[Costs], *, is_busy: bool) -> list[Figure]:
    """Growth exponents: slopes of least-squares lines through log cost over log size."""
    sizes, figures = [costs.size for costs in found], []
    for name in GROWING:
        each = [costs.searched[name][0] if name in costs.searched else [costs.opened[name][0]] for costs in found]
        rows = np.maximum(np.array(each, np.float64).T, 1e-3)  # memory may even shrink
        title = f"growth exponent of the index' {name}, {sizes[0]:,} to {sizes[-1]:,} cases"
        figures.append(
            measured(
                title,
                rows,
                "",
                of="searches",
                statistic=lambda rows: float(np.polyfit(np.log(sizes), np.log(np.median(rows, axis=0)), 1)[0]),
                is_busy=is_busy,
            )
        )
    return figures


async def run(options: argparse.Namespace, folder: Path) -> list[Figure]:
    """Measure every size."""
    base = await encoded(folder / "base.npy")
    found: list[Costs] = []
    for n in sorted(int(size) for size in options.sizes.split(",")):
        rng, bank = np.random.default_rng(n), folder / f"bank-{n}"
        if not (bank / "slot-0" / "slot.json").exists():
            await make_bank(bank, n, base, rng, graph_from=options.graph_from)
        with busy_cores(is_wanted=options.busy):
            by_open = await asyncio.to_thread(opened, bank)
        found.append(Costs(n, await searched(bank, n, rng, is_busy=options.busy), by_open))
    figures = [figure for costs in found for figure in told(costs, is_busy=options.busy)]
    return figures + (grown(found, is_busy=options.busy) if len(found) > 1 else [])


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", help="cases in the index, comma-separated")
    parser.add_argument("--graph-from", type=int, default=GRAPH_FROM, help="cases from which on a graph is searched")
    parser.add_argument("--banks", type=Path, help="where banks are kept and found again")
    parser.add_argument("--real", action="store_true", help="also measure recall among recorded questions alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        figures = asyncio.run(run(options, options.banks or Path(folder)))
        if options.real:
            figures.append(asyncio.run(real(Path(folder) / "real")))
    sys.exit(report("scale", figures, options))


if __name__ == "__main__":
    main()
