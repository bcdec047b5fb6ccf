"""What learning costs: `python -m benchmarks.learning_cost`.

Made-up outcomes of 384-dimensional states around 40 topics, four of 2,000 cases each. Times are of the processor (what
other processes do does not count), medians where something is done often, beside the bar where there is one:

    online update                 one outcome, the estimator alone
    learned again                 all outcomes, the estimator alone
    learned again from the ledger all outcomes as a learner reads them, with its snapshots
    suggest, score 128            what a read asks an estimator for, each and both together
    collect, restore a snapshot   the first of which reads wait for
    nothing new                   a catch-up that finds none
    kB per 1,000 outcomes         memory that the estimator's state grows by after the first half of them

With `--busy` every core has other work meanwhile; the processor's times should stay nearly the same. With `--growth`
the cost of an outcome is measured at 1,000, 10,000 and 100,000 outcomes over as many cases, with its exponent.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import get_args

from benchmarks.busy import busy_cores
from benchmarks.made_outcomes import DIM, GivenVectors, Made, filled, made
from benchmarks.recorded import Median, median
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.port import EstimatorName
from memento.memory.estimators.registry import make_estimator
from memento.memory.learning.learner import Learner
from memento.memory.learning.torch_thread import torch_thread
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersions

N_SCORED, N_READS, N_ONLINE = 128, 100, 300
BARS = {
    "online update": 3.0,
    "learned again": 15_000.0,
    "learned again from the ledger": 15_000.0,
    "suggest + score 128": 1.5,
    "collect a snapshot": 20.0,
    "restore a snapshot": 60.0,
    "growth exponent of an outcome": 0.5,
}
"""Milliseconds; of 10,000 outcomes."""

Figures = dict[str, Median]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def alone(name: EstimatorName, n_outcomes: int) -> Figures:
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
    figures = {"online update": online, "learned again": [taught], "suggest": suggested, "score 128": scored}
    figures |= {"suggest + score 128": both, "collect a snapshot": collected}
    figures |= {"restore a snapshot": restored} if restored else {}
    return {what: median(values) for what, values in figures.items()}


def grown(name: EstimatorName, n_outcomes: int) -> Figures:
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
    return {"kB per 1,000 outcomes": median([kept / half])}


def _teach(learn: Callable[..., None], world: Made, numbers: Iterable[int]) -> None:
    for number in numbers:
        learn(world.example(number))


async def from_ledger(name: EstimatorName, n_outcomes: int, folder: Path, thread: Executor) -> Figures:
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
    return {"learned again from the ledger": median([whole]), "nothing new": median(nothing)}


def growth(name: EstimatorName, sizes: tuple[int, ...] = (1_000, 10_000, 100_000)) -> Figures:
    """Cost of an outcome by how many were learned, over as many cases; call it in the estimator's thread."""
    figures: Figures = {}
    for size in sizes:
        world, estimator = made(size), make_estimator(name, dim=DIM, seed=0)
        _teach(estimator.learn, world, range(size))
        online = [timed(partial(estimator.learn, world.example(size + number))) for number in range(N_ONLINE)]
        figures[f"online update at {size:,}"] = median(online)
    first, last = (figures[f"online update at {size:,}"].value for size in (sizes[0], sizes[-1]))
    exponent = math.log(last / first) / math.log(sizes[-1] / sizes[0])
    return figures | {"growth exponent of an outcome": Median(exponent, exponent, exponent)}


def measured(name: EstimatorName, n_outcomes: int, *, is_busy: bool, is_growth: bool) -> Figures:
    """All figures by name."""
    with tempfile.TemporaryDirectory() as place, torch_thread() as thread:  # as in a memory: one core for torch alone
        if is_growth:
            return thread.submit(growth, name).result()
        filled(Path(place), made(), n_outcomes)
        with busy_cores(is_wanted=is_busy):
            figures = thread.submit(alone, name, n_outcomes).result()
            figures |= asyncio.run(from_ledger(name, n_outcomes, Path(place), thread))
        return figures | thread.submit(grown, name, n_outcomes).result()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimator", choices=get_args(EstimatorName), default="advantage")
    parser.add_argument("--outcomes", type=int, default=10_000)
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    parser.add_argument("--growth", action="store_true", help="measure how the cost of an outcome grows, nothing else")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = measured(options.estimator, options.outcomes, is_busy=options.busy, is_growth=options.growth)
    if options.json:
        print(json.dumps({what: {"cpu_ms": figure, "bar": BARS.get(what)} for what, figure in found.items()}))
    else:
        for what, figure in found.items():
            print(f"{what:<30} {figure}" + (f"     bar {BARS[what]:g}" if what in BARS else ""))
    sys.exit(any(figure.value > BARS[what] for what, figure in found.items() if what in BARS))


if __name__ == "__main__":
    main()
