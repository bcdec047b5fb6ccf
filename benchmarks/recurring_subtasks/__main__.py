"""Runs plan cases, subtask cases and both on tasks whose subtasks recur: a SIMULATION. The same again goes on.

Prints success of each arm, by halves of the streams too, and differences on the same tasks and orders with intervals
over orders and tasks. Dials were fixed before the first run.

    python -m benchmarks.recurring_subtasks --out DIR
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.encoded_once import EncodedOnce
from benchmarks.recurring_subtasks import orders
from benchmarks.recurring_subtasks.reader import subject_of
from benchmarks.recurring_subtasks.tasks import make_family
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.evals.task import fingerprint

NONE: Final = "none"
WIDE: Final = ":k=8"
"""As many cases of whole tasks as there are cases of both kinds."""
BOTH: Final = ":subtask_k=4"
MIXED: Final = f"{BOTH},subtask_policy=similarity_reward"
ALONE: Final = ":k=0,subtask_k=4"
ARMS: Final = (NONE, "advantage", f"advantage{WIDE}", f"advantage{BOTH}", f"advantage{ALONE}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    family = make_family(options.tasks, seed=options.draw)
    plan = RunPlan(
        dataset=f"recurring-subtasks-{options.draw}",
        tasks=fingerprint(family.tasks),
        n_tasks=len(family.tasks),
        subject="recurring-subtasks",
        scorer="exact",
        arms=[parse_arm(arm) for arm in options.arm or ARMS],
        seeds=list(range(options.seeds)),
        round=4,
        settings={"k": 4},
    )
    encoder, began = EncodedOnce(), time.monotonic()
    for seed in plan.seeds:
        given: Any = {"subject": subject_of(family), "folder": options.out, "encoder": encoder}
        orders.run_order(plan, seed, tasks=family.tasks, **given)
        print(f"order {seed} done after {time.monotonic() - began:.0f} s", flush=True)
    print(figures(list(load_results(options.out, plan))))


def figures(results: Sequence[TaskResult]) -> str:
    """Tables of a run's results."""
    return orders.figures(results, _pairs, title="A reader that copies", measure="success")


def _pairs(arms: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is compared, for each policy: both kinds against plan cases alone, as many of them, and none."""
    policies = [arm for arm in arms if ":" not in arm and arm != NONE]
    return [
        pair
        for policy in policies
        for pair in (
            (f"{policy}{BOTH}", policy),
            (f"{policy}{BOTH}", f"{policy}{WIDE}"),
            (f"{policy}{BOTH}", NONE),
            (policy, NONE),
            (f"{policy}{ALONE}", policy),
            (f"{policy}{MIXED}", f"{policy}{BOTH}"),
            (f"{policy}{MIXED}", f"{policy}{WIDE}"),
        )
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recurring_subtasks", description=__doc__)
    parser.add_argument("--tasks", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=8, help="orders of the tasks, each with memories of its own")
    parser.add_argument("--arm", action="append", help="policy[:field=value], repeatable; all of the experiment's")
    parser.add_argument("--draw", type=int, default=0, help="seed of the right procedures and of the tasks")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
