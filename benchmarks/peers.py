"""A read beside other memories: `pip install -r benchmarks/requirements-peers.txt`, `python -m benchmarks.peers`.

Ours, mem0 with faiss, LangGraph's InMemoryStore and SqliteStore (sqlite-vec) in one process, with one encoder object,
the same cases, the same fresh queries and the same k, warm, in turns whose order rotates. All return texts and scores;
ours alone commits every reading to the disk. Times are the processor's, the encoder included. Bar: with `similarity`,
ours takes no longer than any of them at any size. Slow ones sit out turns once they have used up `--budget` seconds.

    python -m benchmarks.peers --sizes 1000,10000,100000
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.busy import busy_cores
from benchmarks.made_bank import GivenVectors, bank, fresh_queries
from benchmarks.peer_stores import (
    Absent,
    Loop,
    Mem0,
    Ours,
    OursLearning,
    SharedEmbeddings,
    Store,
    in_memory_store,
    sqlite_store,
)
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento.memory.case import Case, case_id
from memento.memory.encoder import MiniLmEncoder

K = 4
N_WARM = 3
N_LEAST = 10
"""Turns that even a slow store takes part in."""

Turns = dict[str, dict[int, float]]
"""Milliseconds of the processor by store and turn."""


def opened(loop: Loop, encoder: GivenVectors, folder: Path, asked: list[str]) -> list[Store]:
    """Every store that can be measured here; the others are named on stderr."""
    embeddings = SharedEmbeddings(loop, encoder)
    ours = Ours(loop, encoder, folder)
    stores: list[Store] = [ours, OursLearning(ours, asked)]
    peers: list[Callable[[], Store]] = [
        lambda: Mem0(embeddings, encoder.dim, folder),
        lambda: in_memory_store(embeddings, encoder.dim),
        lambda: sqlite_store(embeddings, encoder.dim, folder),
    ]
    for peer in peers:
        try:
            stores.append(peer())
        except Absent as error:
            print(f"a peer is not measured: {error}", file=sys.stderr)
    return stores


def in_turns(calls: dict[str, Callable[[int], object]], n: int, budget_s: float) -> Turns:
    """Milliseconds of each call, in turns that begin with another store each time."""
    turns: Turns = {name: {} for name in calls}
    names = list(calls)
    for number in range(n + N_WARM):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if len(turns[name]) >= N_LEAST and sum(turns[name].values()) > 1000 * budget_s:
                continue
            cpu = time.process_time()
            calls[name](number)
            if number >= N_WARM:
                turns[name][number] = 1000 * (time.process_time() - cpu)
    return turns


def fresh_cases(numbers: Iterator[int]) -> Iterator[Case]:
    """Cases whose text has to be encoded."""
    for number in numbers:
        fields = {"namespace": "default", "state": f"How is step {number} of the plan done?", "action": "As before."}
        yield Case(id=case_id(**fields), reward=1.0, **fields)


def run(
    sizes: list[int], *, n_reads: int, n_writes: int, n_outcomes: int, budget_s: float, is_busy: bool
) -> list[Figure]:
    """Measure at each size."""
    figures, before, loop = [], 0, Loop()
    encoder = GivenVectors(MiniLmEncoder())
    loop.run(encoder.load([case.state for case in cases()]))
    n_asked = n_reads + N_WARM
    asked = iter(fresh_queries(n_outcomes + 2 * len(sizes) * n_asked))
    new = fresh_cases(count())
    with tempfile.TemporaryDirectory(prefix="peers-") as folder, contextlib.ExitStack() as stack:
        stores = opened(loop, encoder, Path(folder), [next(asked) for _ in range(n_outcomes)])
        for store in stores:
            stack.callback(store.close)
        for size in sorted(sizes):
            more = list(bank(encoder, before, size))
            for store in stores:
                store.load(more)
            before = size
            queries, others = [next(asked) for _ in range(n_asked)], [next(asked) for _ in range(n_asked)]
            written = [next(new) for _ in range(n_writes + N_WARM)]
            # the vector of a text that was read for is kept: the second reader of our bank has texts of its own
            reads = {one.name: _read(one, others if isinstance(one, OursLearning) else queries) for one in stores}
            reads["encoder forward"] = lambda number, queries=queries: loop.run(encoder.encode([queries[number]]))  # type: ignore[misc]
            writes = {one.name: _write(one, written) for one in stores if not isinstance(one, OursLearning)}
            with busy_cores(is_wanted=is_busy):
                figures += told("read", size, in_turns(reads, n_reads, budget_s), is_busy=is_busy)
                figures += told("write", size, in_turns(writes, n_writes, budget_s), is_busy=is_busy)
    loop.close()
    return figures


def told(what: str, size: int, turns: Turns, *, is_busy: bool) -> list[Figure]:
    """Each store's own figure, and ours over each peer's in the turns that both took part in."""
    at = f"{what} at {size:,} cases"
    figures = [
        measured(f"{at}, {name}", list(found.values()), "ms", of="turns", is_busy=is_busy)
        for name, found in turns.items()
    ]
    ours = [name for name in turns if name.startswith("ours")]
    for name, found in turns.items():
        for own in ours if name not in (*ours, "encoder forward") else ():
            ratios = np.array([turns[own][turn] / found[turn] for turn in found if turn in turns[own]])
            bar = at_most(1.0) if what == "read" and own == "ours" else None
            figures.append(measured(f"{at}, {own} over {name}", ratios, "times", of="turns", bar=bar, is_busy=is_busy))
    return figures


def _read(store: Store, queries: list[str]) -> Callable[[int], object]:
    def read(number: int) -> None:
        found = store.search(queries[number], K)
        assert len(found) == K or "advantage" in store.name, (store.name, len(found))

    return read


def _write(store: Store, written: list[Case]) -> Callable[[int], object]:
    return lambda number: store.write(written[number])


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="1000,10000", help="cases in each store, comma-separated")
    parser.add_argument("--reads", type=int, default=100, help="at each size")
    parser.add_argument("--writes", type=int, default=30, help="at each size")
    parser.add_argument("--outcomes", type=int, default=128, help="known outcomes that `advantage` has learned from")
    parser.add_argument("--budget", type=float, default=60.0, help="CPU seconds of one store's reads at one size")
    options = parser.parse_args()
    figures = run(
        [int(size) for size in options.sizes.split(",")],
        n_reads=options.reads,
        n_writes=options.writes,
        n_outcomes=options.outcomes,
        budget_s=options.budget,
        is_busy=options.busy,
    )
    sys.exit(report("peers", figures, options))


if __name__ == "__main__":
    main()
