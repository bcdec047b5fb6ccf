"""What learning costs: `python -m benchmarks.learning_cost`.

Made-up events of 384-dimensional states around 40 topics, four of 2,000 cases each; the estimator alone, in its thread.
Bars: an online update takes at most 3 ms (median, at 10,000 events), learning 10,000 events again under 30 s, scoring
64 candidates under 2 ms, and 10,000 under 15 ms. Times are of the processor (what other processes do does not count),
with wall time beside them.
With `--busy` every core has other work meanwhile; the processor's times should stay the same.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.recorded import Median, median
from memento.memory.estimators.port import CaseRows, Estimator, EstimatorName, Example
from memento.memory.estimators.registry import make_estimator
from memento.memory.learning.torch_thread import torch_thread

DIM, N_TOPICS, N_ACTIONS, N_CASES, K = 384, 40, 40, 2000, 4
BARS = {"online update": 3.0, "10,000 events again": 30_000.0, "score 64": 2.0, "score 10,000": 15.0}
"""Milliseconds."""


class Made(NamedTuple):
    """What the events are made of. Axes: N cases, D dimensions, P topics."""

    centre_PD: NDArray[np.float32]
    case_ND: NDArray[np.float32]
    chance: np.random.Generator

    def near(self, topic_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Unit vectors around topics."""
        row_ND = self.centre_PD[topic_N] + self.chance.normal(size=(len(topic_N), DIM)) / DIM**0.5
        unit_ND: NDArray[np.float32] = (row_ND / np.linalg.norm(row_ND, axis=1, keepdims=True)).astype(np.float32)
        return unit_ND

    def rows(self, state_D: NDArray[np.float32], cases: NDArray[np.int64]) -> CaseRows:
        """Cases as an estimator sees them."""
        case_ND = self.case_ND[cases]
        vectors = {"state": case_ND, "action": case_ND, "text": case_ND}
        reward_N = (cases % 3 > 0).astype(np.float32)
        actions = tuple(f"action {one % N_ACTIONS}" for one in cases)
        return CaseRows(tuple(f"case {one}" for one in cases), case_ND @ state_D, reward_N, vectors, actions)

    def example(self, number: int) -> Example:
        """One outcome of a read of near cases."""
        state_D = self.near(self.chance.integers(N_TOPICS, size=1))[0]
        nearest = np.argpartition(-(self.case_ND[:N_CASES] @ state_D), 64)[:64]
        cases = self.rows(state_D, self.chance.choice(nearest, K, replace=False))
        reward = float(self.chance.random() < 0.5)
        certain = np.zeros(K, np.bool_), np.ones(K)
        return Example(number, f"e{number}", None, str(number), state_D, cases, *certain, reward, 1.0)


def made(n_scored: int) -> Made:
    """Topics, and cases enough to score."""
    chance = np.random.default_rng(0)
    centre_PD = chance.normal(size=(N_TOPICS, DIM)).astype(np.float32)
    centre_PD /= np.linalg.norm(centre_PD, axis=1, keepdims=True)
    empty = Made(centre_PD, np.empty((0, DIM), np.float32), chance)
    return empty._replace(case_ND=empty.near(chance.integers(N_TOPICS, size=max(N_CASES, n_scored))))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the processor and of the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


def run(name: EstimatorName, n_events: int) -> dict[str, tuple[Median, Median]]:
    """Measure; figures by name, of the processor and of the wall."""
    world, estimator = made(10_000), make_estimator(name, dim=DIM, seed=0)
    examples = [world.example(number) for number in range(n_events + 300)]
    whole = timed(lambda: taught(estimator, examples[:n_events]))
    online = [timed(lambda one=one: estimator.learn(one)) for one in examples[n_events:]]  # type: ignore[misc]
    figures = {"online update": online, "10,000 events again": [whole]}
    for n in (64, 10_000):
        asked = [world.near(world.chance.integers(N_TOPICS, size=1))[0] for _ in range(40)]
        rows = [world.rows(state_D, world.chance.choice(10_000, n, replace=False)) for state_D in asked]
        pairs = zip(asked, rows, strict=True)
        figures[f"score {n:,}"] = [timed(lambda s=s, r=r: estimator.estimate(s, r)) for s, r in pairs]  # type: ignore[misc]
    return {what: (median([cpu for cpu, _ in of]), median([wall for _, wall in of])) for what, of in figures.items()}


def taught(estimator: Estimator, examples: list[Example]) -> None:
    """Learn all of them, in order."""
    for example in examples:
        estimator.learn(example)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimator", choices=get_args(EstimatorName), default="advantage")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    with busy_cores(is_wanted=options.busy), torch_thread() as thread:  # as in a memory: one core for torch alone
        found = thread.submit(run, options.estimator, options.events).result()
    if options.json:
        print(json.dumps({what: {"cpu_ms": cpu, "wall_ms": wall} for what, (cpu, wall) in found.items()}))
    else:
        for what, (cpu, wall) in found.items():
            print(f"{what:<20} {cpu} ms     wall {wall} ms     bar {BARS[what]:g} ms")
    sys.exit(any(cpu.value > BARS[what] for what, (cpu, _) in found.items()))


if __name__ == "__main__":
    main()
