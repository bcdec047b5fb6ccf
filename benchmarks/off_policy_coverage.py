"""Do off-policy intervals cover the truth? A SIMULATION with known values: `python -m benchmarks.off_policy_coverage`.

Each seed is another world: a bank of cases with hidden effects, topics of different difficulty, some in which the
nearest cases mislead. A logging policy serves tasks (every third one is asked again), rewards are Bernoulli of the set
that was served, and the product's own replay, cross-fitting and estimators judge policies that never served. The truth
is the mean over fresh tasks of the reward's known probability. Loggers:

    explore   greedy by similarity, but the last slot explores in 10 % of the reads: floor 0.02, the null case an arm
    soft      softmax of the similarity without replacement
    random    by lot from the whole bank
    greedy    similarity without chance: what it does not serve itself nobody can judge

Bar: the DR interval covers the truth in at least 90 of 100 seeds; without overlap every estimate but DM abstains. The
reward model is a ridge regression, because 100 seeds of a torch model take hours; DR must not depend on it.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.off_policy_world import Exploring, RewardLast, Ridge, World
from memento.memory.offpolicy.off_policy import Estimate, evaluate
from memento.memory.offpolicy.replay import Replay
from memento.memory.policies.controls import RandomPolicy
from memento.memory.policies.learned import SoftPolicy
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.policies.similarity import SimilarityPolicy, SimilarityRewardPolicy
from memento.worker_processes import end_with_parent

BAR = 0.9
ESTIMATORS = ("ips", "snips", "dm", "dr")


class Scenario(NamedTuple):
    """A logging policy, and policies that are judged from its log."""

    logger: RetrievalPolicy
    targets: Mapping[str, RetrievalPolicy]
    n_cases: int
    k: int
    n_events: int
    has_overlap: bool = True


SCENARIOS = {
    "explore": Scenario(Exploring(), {"no exploration": SimilarityPolicy(), "reward last": RewardLast()}, 20, 4, 3000),
    "soft": Scenario(
        SoftPolicy(alpha=0.3), {"sharper soft": SoftPolicy(alpha=0.15), "similarity": SimilarityPolicy()}, 8, 4, 1000
    ),
    "random": Scenario(
        RandomPolicy(), {"similarity": SimilarityPolicy(), "similarity_reward": SimilarityRewardPolicy()}, 8, 2, 3000
    ),
    "greedy": Scenario(
        SimilarityPolicy(), {"similarity_reward": SimilarityRewardPolicy()}, 20, 4, 600, has_overlap=False
    ),
}


class Judged(NamedTuple):
    """One estimate beside the truth."""

    scenario: str
    target: str
    estimator: str
    estimate: Estimate
    truth: float


def judged(name: str, seed: int, *, n_truth: int) -> list[Judged]:
    """One world of a scenario."""
    scenario = SCENARIOS[name]
    world = World(seed, n_cases=scenario.n_cases)
    experiences, examples = world.log(scenario.logger, k=scenario.k, n=scenario.n_events)
    replay = Replay(
        experiences,
        examples,
        bank=world.bank(),
        make={"cross_entropy": Ridge},
        model="cross_entropy",
        k=scenario.k,
        seed=seed,
    )
    work = replay.samples(scenario.targets)
    while True:
        try:
            next(work)
        except StopIteration as end:
            samples = end.value
            break
    found = []
    for target, policy in scenario.targets.items():
        truth = world.truth(policy, k=scenario.k, n_tasks=n_truth)
        evaluation = evaluate(samples[target])
        found += [Judged(name, target, one, getattr(evaluation, one), truth) for one in ESTIMATORS]
    return found


class Row(NamedTuple):
    """One estimator of one target over all seeds."""

    scenario: str
    target: str
    estimator: str
    truth: float
    bias: float
    width: float
    coverage: float
    low: float
    high: float
    abstained: int
    effective: float
    is_met: bool | None
    """None: no bar is set for it."""


def row(found: Sequence[Judged]) -> Row:
    """What the seeds say; an interval that was not to be used counts as one that does not cover."""
    first, n = found[0], len(found)
    covers = [one.estimate.low <= one.truth <= one.estimate.high and not one.estimate.abstains for one in found]
    abstained = sum(one.estimate.abstains is not None for one in found)
    coverage = float(np.mean(covers))
    low, high = wilson(sum(covers), n)
    is_met: bool | None = None
    if not SCENARIOS[first.scenario].has_overlap:
        is_met = None if first.estimator == "dm" else abstained == n
    elif first.estimator == "dr":
        is_met = coverage >= BAR
    return Row(
        scenario=first.scenario,
        target=first.target,
        estimator=first.estimator,
        truth=float(np.mean([one.truth for one in found])),
        bias=float(np.mean([one.estimate.value - one.truth for one in found])),
        width=float(np.mean([one.estimate.high - one.estimate.low for one in found])),
        coverage=coverage,
        low=low,
        high=high,
        abstained=abstained,
        effective=float(np.mean([one.estimate.effective for one in found])),
        is_met=is_met,
    )


def wilson(n_hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z, share = 1.96, n_hits / n
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def run(n_seeds: int, *, n_truth: int, n_jobs: int) -> list[Row]:
    """All scenarios; seeds side by side."""
    cells = [(name, seed) for name in SCENARIOS for seed in range(n_seeds)]
    grouped: dict[tuple[str, str, str], list[Judged]] = {}
    with ProcessPoolExecutor(n_jobs, initializer=end_with_parent) as pool:
        for found in pool.map(partial(judged, n_truth=n_truth), *zip(*cells, strict=True)):
            for one in found:
                grouped.setdefault((one.scenario, one.target, one.estimator), []).append(one)
    return [row(found) for found in grouped.values()]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--truth", type=int, default=10_000, help="fresh tasks per true value")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object per row instead of a table")
    options = parser.parse_args()
    rows = run(options.seeds, n_truth=options.truth, n_jobs=options.jobs)
    if options.json:
        for one in rows:
            print(json.dumps(one._asdict()))
    else:
        show(rows, options.seeds)
    sys.exit(any(one.is_met is False for one in rows))


def show(rows: Sequence[Row], n_seeds: int) -> None:
    """The table, the bar beside the figures it is for."""
    print(f"simulation, {n_seeds} seeds; an estimate that abstained counts as not covering\n")
    print("log      target             est.   truth    bias   width  covers [95 %]         abstained  effective  bar")
    for one in rows:
        bar = {None: "", True: "met", False: "MISSED"}[one.is_met]
        wanted = f"{BAR:.2f}: {bar}" if SCENARIOS[one.scenario].has_overlap else f"abstains: {bar}"
        print(
            f"{one.scenario:8} {one.target:18} {one.estimator:6} {one.truth:.3f}  {one.bias:+.3f}  {one.width:6.3f}  "
            f"{one.coverage:.2f} [{one.low:.2f}, {one.high:.2f}]   {one.abstained:6d}/{n_seeds:<4d} "
            f"{one.effective:8.0f}  {wanted if bar else ''}"
        )


if __name__ == "__main__":
    main()
