"""Runs plan cases, step cases and both in made houses whose rooms recur: a SIMULATION. The same again goes on.

Prints the mean score of each arm, by halves of the streams too, and differences on the same tasks and orders with
intervals over orders and tasks.

    python -m benchmarks.recurring_situations --out DIR
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.encoded_once import EncodedOnce
from benchmarks.recurring_situations.houses import make_estate
from benchmarks.recurring_situations.walker import subject_of
from benchmarks.recurring_subtasks import orders
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.evals.task import fingerprint

NONE: Final = "none"
WIDE: Final = ":k=8"
"""As many cases of whole tasks as there are cases of both kinds."""
BOTH: Final = ":step_k=4"
ALONE: Final = ":k=0,step_k=4"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    estate = make_estate(options.tasks, seed=options.draw, is_strange=options.strange)
    arms = [NONE, *(f"{policy}{more}" for policy in options.policies.split(",") for more in ("", WIDE, BOTH, ALONE))]
    plan = RunPlan(
        dataset=f"recurring-situations-{options.draw}{'-strange' * options.strange}",
        tasks=fingerprint(estate.tasks),
        n_tasks=len(estate.tasks),
        subject="recurring-situations",
        scorer="environment",
        arms=[parse_arm(arm) for arm in arms],
        seeds=list(range(options.seeds)),
        round=4,
        settings={"k": 4},
    )
    encoder, began = EncodedOnce(), time.monotonic()
    for seed in plan.seeds:
        subject = subject_of(estate)
        orders.run_order(plan, seed, tasks=estate.tasks, subject=subject, folder=options.out, encoder=encoder)
        print(f"order {seed} done after {time.monotonic() - began:.0f} s", flush=True)
    print(figures(list(load_results(options.out, plan))))


def figures(results: Sequence[TaskResult]) -> str:
    """Tables of a run's results."""
    return orders.figures(results, _pairs, title="An actor that copies", measure="score")


def _pairs(arms: Iterable[str]) -> list[tuple[str, str]]:
    """What is compared, for each policy: both kinds with plan cases alone and as many of them, and each with none."""
    policies = [arm for arm in arms if ":" not in arm and arm != NONE]
    more = ((BOTH, ""), (BOTH, WIDE))
    return [
        pair
        for policy in policies
        for pair in (
            *((f"{policy}{one}", f"{policy}{other}") for one, other in more),
            *((f"{policy}{one}", NONE) for one in (BOTH, ALONE, "")),
        )
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recurring_situations", description=__doc__)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=6, help="orders of the tasks, each with memories of its own")
    parser.add_argument("--policies", default="advantage", help="comma-separated")
    parser.add_argument("--draw", type=int, default=0, help="seed of the houses and the right doors")
    parser.add_argument("--strange", action="store_true", help="right doors that are drawn for each house anew")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
