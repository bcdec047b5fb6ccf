"""What learning costs: `python -m benchmarks.learning_cost`.

Made-up outcomes of 384-dimensional states around 40 topics, four of 2,000 cases each. Times are of the processor (what
other processes do does not count). Bars hold for 10,000 outcomes:

    online update                       one outcome, the estimator alone
    learned again, estimator alone      all outcomes
    learned again from the ledger       all outcomes as a learner reads them, with its snapshots
    suggest, score 128 candidates       what a read asks an estimator for, each and both together
    collect, restore a snapshot         the first of which reads wait for
    catch-up that finds nothing new
    memory per 1,000 outcomes           that the estimator's state grows by after the first half of them

With `--busy` every core has other work meanwhile; the processor's times should stay nearly the same. With `--growth`
the cost of an outcome is measured after 1,000, 10,000 and 100,000 outcomes over as many cases, with its exponent.
"""

import asyncio
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.busy import busy_cores
from benchmarks.made_outcomes import DIM, GivenVectors, Made, filled, made
from benchmarks.results import Bar, Figure, argument_parser, at_most, measured, report
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.port import EstimatorName
from memento.memory.estimators.registry import make_estimator
from memento.memory.learning.learner import Learner
from memento.memory.learning.torch_thread import torch_thread
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersions

N_SCORED, N_READS, N_ONLINE = 128, 100, 300
BAR_OUTCOMES = 10_000
BARS: dict[str, Bar] = {
    "online update": at_most(3),
    "learned again, estimator alone": at_most(15_000),
    "learned again from the ledger": at_most(15_000),
    "suggest and score 128 candidates": at_most(1.5),
    "collect a snapshot": at_most(20),
    "restore a snapshot": at_most(60),
}
"""Milliseconds."""
EXPONENT_BAR = at_most(0.5)
MEMORY = "memory per 1,000 outcomes"

Costs = dict[str, list[float]]
"""By name; milliseconds of the processor, kilobytes of memory."""


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def alone(name: EstimatorName, n_outcomes: int) -> Costs:
    """The estimator alone; call it in its thread."""
    world, estimator = made(), make_estimator(name, dim=DIM, seed=0)
    taught = sum(timed(lambda: estimator.learn(one)) for one in map(world.example, range(n_outcomes)))  # noqa: B023
    online = [timed(partial(estimator.learn, world.example(n_outcomes + number))) for number in range(N_ONLINE)]
    suggested, scored = [], []
    for _ in range(N_READS):
        _, state_D = world.task()
        rows = world.rows(state_D, world.chance.choice(len(world.case_ND), N_SCORED, replace=False))
        suggested.append(timed(partial(estimator.suggest, state_D)))
        scored.append(timed(partial(estimator.estimate, state_D, rows)))
    both = [one + other for one, other in zip(suggested, scored, strict=True)]
    collected = [timed(lambda: (estimator.tensors(), estimator.stamp())) for _ in range(9)]
    tensors, stamp = estimator.tensors(), estimator.stamp()
    again = [make_estimator(name, dim=DIM, seed=0) for _ in range(5)]
    restored = [timed(partial(one.restore, tensors, stamp, [])) for one in again if not one.replays]
    costs = {"online update": online, "learned again, estimator alone": [taught]}
    costs |= {"suggest": suggested, "score 128 candidates": scored, "suggest and score 128 candidates": both}
    costs |= {"collect a snapshot": collected}
    return costs | ({"restore a snapshot": restored} if restored else {})


def grown(name: EstimatorName, n_outcomes: int) -> Costs:
    """Memory that the second half of the outcomes added; call it in the estimator's thread."""
    world, estimator = made(), make_estimator(name, dim=DIM, seed=0)
    half = n_outcomes // 2
    _teach(estimator.learn, world, range(half))
    tracemalloc.start()
    try:
        _teach(estimator.learn, world, range(half, n_outcomes))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return {MEMORY: [kept / half]}


def _teach(learn: Callable[..., None], world: Made, numbers: Iterable[int]) -> None:
    for number in numbers:
        learn(world.example(number))


async def from_ledger(name: EstimatorName, n_outcomes: int, folder: Path, thread: Executor) -> Costs:
    """A learner that reads everything from a ledger, and then finds nothing new."""

    def make(ledger: Ledger) -> Learner:
        return Learner(
            namespace="default",
            make=partial(make_estimator, name, dim=DIM, seed=0),
            views=LedgerViews(ledger),
            versions=SettingsVersions(ledger),
            texts=EncodedTexts(GivenVectors(), ledger),
            thread=thread,
            folder=folder / "weights",
        )

    async with Ledger(f"sqlite:///{folder / 'ledger.db'}", is_durable=False) as ledger:
        learner = await asyncio.get_running_loop().run_in_executor(thread, make, ledger)
        began = time.process_time()
        learned = await learner.catch_up()
        await learner.close()
        whole = 1000 * (time.process_time() - began)
        if learned != n_outcomes:
            raise SystemExit(f"{learned} outcomes were learned instead of {n_outcomes}")
        nothing = []
        for _ in range(N_READS):
            began = time.process_time()
            await learner.catch_up()
            nothing.append(1000 * (time.process_time() - began))
    return {"learned again from the ledger": [whole], "catch-up that finds nothing new": nothing}


def growth(name: EstimatorName, sizes: list[int]) -> list[list[float]]:
    """Costs of outcomes by how many were learned, over as many cases; call it in the estimator's thread."""
    found = []
    for size in sizes:
        world, estimator = made(size), make_estimator(name, dim=DIM, seed=0)
        _teach(estimator.learn, world, range(size))
        found.append([timed(partial(estimator.learn, world.example(size + number))) for number in range(N_ONLINE)])
    return found


def costs_of(name: EstimatorName, n_outcomes: int, *, is_busy: bool) -> Costs:
    """All costs but those of growth."""
    with tempfile.TemporaryDirectory() as place, torch_thread() as thread:  # as in a memory: one core for torch alone
        filled(Path(place), made(), n_outcomes)
        with busy_cores(is_wanted=is_busy):
            costs = thread.submit(alone, name, n_outcomes).result()
            costs |= asyncio.run(from_ledger(name, n_outcomes, Path(place), thread))
        return costs | thread.submit(grown, name, n_outcomes).result()


def told(name: EstimatorName, costs: Costs, n_outcomes: int, *, is_busy: bool) -> list[Figure]:
    """Figures of all costs but those of growth."""
    figures = []
    for what, values in costs.items():
        title, unit = f"`{name}`, {n_outcomes:,} outcomes: {what}", "kB" if what == MEMORY else "ms"
        bar = BARS.get(what) if n_outcomes == BAR_OUTCOMES else None
        figures.append(
            measured(title, values, unit, of="repetitions", bar=bar, is_busy=is_busy, is_shown=what == MEMORY)
        )
    return figures


def told_growth(name: EstimatorName, sizes: list[int], found: list[list[float]], *, is_busy: bool) -> list[Figure]:
    """Figures of growth: every size, and the exponent."""
    figures = [
        measured(f"`{name}`, online update after {size:,} outcomes", each, "ms", of="outcomes", is_busy=is_busy)
        for size, each in zip(sizes, found, strict=True)
    ]
    title = f"`{name}`, growth exponent of an online update, {sizes[0]:,} to {sizes[-1]:,} outcomes and cases"
    one = measured(
        title,
        np.array(found).T,
        "",
        of="outcomes",
        statistic=lambda rows: float(np.polyfit(np.log(sizes), np.log(np.median(rows, axis=0)), 1)[0]),
        bar=EXPONENT_BAR,
        is_busy=is_busy,
    )
    return [*figures, one]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--estimator", choices=get_args(EstimatorName), default="advantage")
    parser.add_argument("--outcomes", type=int, default=10_000)
    parser.add_argument("--growth", action="store_true", help="measure how the cost of an outcome grows, nothing else")
    parser.add_argument("--sizes", default="1000,10000,100000", help="outcomes and cases with --growth")
    options = parser.parse_args()
    name = options.estimator
    if options.growth:
        sizes = sorted(int(size) for size in options.sizes.split(","))
        with torch_thread() as thread, busy_cores(is_wanted=options.busy):
            figures = told_growth(name, sizes, thread.submit(growth, name, sizes).result(), is_busy=options.busy)
    else:
        costs = costs_of(name, options.outcomes, is_busy=options.busy)
        figures = told(name, costs, options.outcomes, is_busy=options.busy)
    sys.exit(report("learning_cost", figures, options))


if __name__ == "__main__":
    main()
