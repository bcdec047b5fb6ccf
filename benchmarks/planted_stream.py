"""Which policy learns what cases are worth, on a SIMULATED stream: `python -m benchmarks.planted_stream`.

Tasks come from latent topics, in some of which similar cases mislead; every case has a true effect that is known, and a
reward is drawn from the sum of the effects of the cases served. The product's own policies and estimators are played
on it, beside an oracle that knows the effects. Cells (a scenario, a policy, a seed) are kept under --out as they are
done: a run that was cut off goes on where it was, and finished cells are not played again until what decides them
changes. Prints tables and the bars of one policy (--judge), and draws pictures; the exit status is 1 when a bar is
missed. What it shows is how learning behaves when the truth is known, not how much an agent gains.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.planted.bars import bars
from benchmarks.planted.cells import Task, load
from benchmarks.planted.figures import Results
from benchmarks.planted.jobs import run_all
from benchmarks.planted.options import seeds_of, setting_of
from benchmarks.planted.plots import save_plots
from benchmarks.planted.report import json_lines, markdown
from benchmarks.planted.scenarios import ACTION_SCENARIOS, SCENARIOS, World
from benchmarks.planted.stream import ORACLE, POLICIES
from memento.memory.policies.registry import policy_named

_ALL = {**SCENARIOS, **ACTION_SCENARIOS}
OUT = Path(__file__).parent.parent / "out" / "planted"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    tasks = [
        Task(scenario, world, policy, seed, options.steps, options.k, **options.by)
        for seed in options.seeds
        for scenario, world in options.worlds.items()
        for policy in _policies(options.policies, options.judge, world)
    ]
    run_all(tasks, options.out, jobs=options.jobs)
    results = Results([cell for task in tasks if (cell := load(task, options.out)) is not None])
    found = bars(results, options.judge)
    report = markdown(results, found)
    (options.out / "report.md").write_text(report, "utf-8")
    print(json_lines(results, found) if options.json else report)
    for path in save_plots(results, options.out, judged=options.judge):
        print(path, file=sys.stderr)
    sys.exit(any(not bar.is_met for bar in found))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=POLICIES, metavar="NAME")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(_ALL), metavar="NAME")
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("0-9"), metavar="0-9", help="also 3 or 0,4,7")
    parser.add_argument("--steps", type=int, default=3000, metavar="T")
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any field of World")
    parser.add_argument("--generator", metavar="MODULE:FUNCTION", help="(World, seed, steps, k) -> Stream")
    parser.add_argument("--judge", default="advantage", metavar="NAME", help="the policy that the bars are for")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of tables")
    options = parser.parse_args(arguments)
    try:
        changes = dict(setting_of(pair, World) for pair in options.set)
        options.worlds = {name: replace(_ALL[name], **changes) for name in options.scenarios}
    except ValueError as error:
        parser.error(str(error))
    options.by = {} if options.generator is None else {"generator": options.generator}
    return options


def _policies(names: list[str], judged: str, world: World) -> list[str]:
    """What is played in a scenario: with inert cases injected, the judged estimator also watches similarity's reads."""
    is_probed = judged in names and judged != ORACLE and world.poison_kind in ("inert", "mixed")
    return [*names, f"similarity@{judged}"] if is_probed and policy_named(judged).estimator else names


if __name__ == "__main__":
    main()
