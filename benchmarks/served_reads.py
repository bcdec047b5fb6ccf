"""What a read of `advantage` costs when every case of a large bank was served: `python -m benchmarks.served_reads`.

A bank of recorded and made-up cases, each of which was served once, by reads with known outcomes that are written into
the ledger and learned from it. Then fresh queries, each with a bare forward of the encoder beside it, in turns. Times
are of the processor, medians over reads; the bar is what a read takes beyond its forward. With `--busy` every core has
other work meanwhile. What it costs to suggest cases, to compute all effects and to collect a snapshot is told, too.

    python -m benchmarks.served_reads --sizes 10000,100000 --reads 200
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.busy import busy_cores
from benchmarks.made_bank import GivenVectors, bank, filled, fresh_queries
from benchmarks.read_latency import N_WARM, Read, one_read
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.registry import make_estimator
from memento.memory.event import Candidate, Outcome, RetrievalEvent, Slot
from memento.memory.learning.learner import Learner
from memento.memory.learning.torch_thread import torch_thread
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersions
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.products import cosines

K = 8
"""Cases of each read in the log."""
BAR_SIZE, BAR = 100_000, at_most(10)
"""Milliseconds of the processor beyond the forward."""
_PART = 500


async def served(folder: Path, encoder: GivenVectors, n_cases: int) -> None:
    """Write reads with outcomes into the ledger of a bank, until each case was served once."""
    chance = random.Random(0)
    queries = iter(f"served task {number}" for number in range(n_cases))
    async with Ledger(f"sqlite:///{folder / 'ledger.sqlite'}", is_durable=False) as ledger:
        for part in _parts(bank(encoder, 0, n_cases), _PART * K):
            vector_ND = await encoder.encode([case.state for case in part])

            def write(writer: LedgerWriter, part: list[Case] = part, vector_ND: np.ndarray = vector_ND) -> None:  # type: ignore[type-arg]
                vectors, events = {}, []
                for start in range(0, len(part), K):
                    query, those = next(queries), part[start : start + K]
                    vectors[query] = vector_ND[start]
                    cosine_C = cosines(vector_ND[start : start + K], vector_ND[start]).tolist()
                    events.append(_event(query, [case.id for case in those], cosine_C))
                writer.append_events(events)
                for event in events:
                    outcome = {"key": event.id, "event_id": event.id, "namespace": "default"}
                    writer.append_outcome(Outcome(**outcome, reward=float(chance.random() < 0.5)))
                writer.save_vectors(encoder.name, vectors)

            await ledger.transact(write)


def _parts(of: Iterator[Case], size: int) -> Iterator[list[Case]]:
    while part := list(islice(of, size)):
        yield part


def _event(query: str, ids: list[str], cosine_C: list[float]) -> RetrievalEvent:
    slots = [
        Slot(slot=slot, case_id=case_id, similarity=cosine, score=cosine, propensity=1.0)
        for slot, (case_id, cosine) in enumerate(zip(ids, cosine_C, strict=True))
    ]
    candidates = [Candidate(case_id, cosine) for case_id, cosine in zip(ids, cosine_C, strict=True)]
    fields = {"namespace": "default", "policy": "advantage", "n_outcomes": 0, "bank_version": 0}
    return RetrievalEvent(id=query, query=query, candidates=candidates, slots=slots, **fields)


async def reads(folder: Path, encoder: GivenVectors, asked: list[str], n_cases: int) -> list[Read]:
    """Read fresh queries from a bank whose outcomes are learned."""
    found = []
    async with CaseMemory.open(folder, encoder=encoder, policy="advantage", seed=0) as memory:
        await memory.warm()
        effects = await memory.effects()
        if len(effects) < n_cases:
            raise SystemExit(f"{len(effects)} cases were served instead of {n_cases}")
        for number, query in enumerate(asked):
            one = await one_read(memory, encoder, query, "advantage", is_forward_first=bool(number % 2))
            if number >= N_WARM:
                found.append(one)
    return found


async def parts(
    folder: Path, encoder: GivenVectors, thread: ThreadPoolExecutor, asked: list[str]
) -> dict[str, list[float]]:
    """Milliseconds of the processor that the estimator's parts take, once it has learned; keeps a snapshot."""
    loop = asyncio.get_running_loop()
    vector_ND = await encoder.encode(asked)
    async with Ledger(f"sqlite:///{folder / 'ledger.sqlite'}", is_durable=False) as ledger:
        make = partial(
            Learner,
            namespace="default",
            make=partial(make_estimator, "advantage", dim=encoder.dim, seed=0),
            views=LedgerViews(ledger),
            versions=SettingsVersions(ledger),
            texts=EncodedTexts(encoder, ledger),
            thread=thread,
            folder=folder / "weights",
        )
        learner = await loop.run_in_executor(thread, make)
        await learner.catch_up()
        await learner.close()
        estimator = learner.estimator

        def measure() -> dict[str, list[float]]:
            return {
                "suggest": [_cpu(partial(estimator.suggest, vector_D)) for vector_D in vector_ND],
                "effects of all cases": [_cpu(estimator.effects) for _ in range(3)],
                "collect a snapshot": [_cpu(lambda: (estimator.tensors(), estimator.stamp())) for _ in range(5)],
            }

        return await loop.run_in_executor(thread, measure)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


async def run(sizes: list[int], folder: Path, *, n_reads: int, is_busy: bool) -> list[Figure]:
    """Measure; figures of each size."""
    encoder, figures = GivenVectors(MiniLmEncoder()), []
    await encoder.load([case.state for case in cases()])
    asked = iter(fresh_queries(len(sizes) * (N_WARM + n_reads)))
    for size in sizes:
        place = folder / str(size)
        async with CaseMemory.open(place, encoder=encoder, policy="similarity", seed=0) as memory:
            await filled(memory, encoder, 0, size)
        await served(place, encoder, size)
        queries = list(islice(asked, N_WARM + n_reads))
        with torch_thread() as thread:
            await parts(place, encoder, thread, queries[:1])  # learns from all, and keeps a snapshot
            with busy_cores(is_wanted=is_busy):
                found = await reads(place, encoder, queries, size)
                alone = await parts(place, encoder, thread, queries[:40])
        what = f"`advantage` with {size:,} served cases"
        beyond = [one.read - one.forward for one in found]
        bar = BAR if size == BAR_SIZE else None
        figures.append(
            measured(f"{what}, CPU of a read beyond its forward", beyond, "ms", of="reads", bar=bar, is_busy=is_busy)
        )
        told = {name: [getattr(one, name) for one in found] for name in ("forward", "recall", "select", "wall")} | alone
        figures += [
            measured(f"{what}, {name}", values, "ms", of="repetitions", is_busy=is_busy)
            for name, values in told.items()
        ]
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="cases in the bank, comma-separated; all are served")
    parser.add_argument("--reads", type=int, default=200, help="at each size")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(sizes, Path(folder), n_reads=options.reads, is_busy=options.busy))
    sys.exit(report("served_reads", figures, options))


if __name__ == "__main__":
    main()
