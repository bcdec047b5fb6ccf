"""What memory policies gain in worlds whose outcomes are written back, a SIMULATION: `python -m benchmarks.worlds`.

Every contestant plays every world with every seed, with the product's own policies and estimators. A policy may have
changed settings of its estimator (`advantage:landmarks=16`) or be one's own (`package.module:function`, which is
called with dim and seed and returns a policy and an estimator). Cells are kept under --out as they are done: a run that
was cut off resumes, and a cell is played again when the source or the numbers that decide it change. --beside NAME=DIR
also tabulates what another checkout has played there. Prints tables; with --bar, exit status 1 when --judge is not
ahead of every other policy in a world, or more than a point behind the best simple rule in a first third.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.planted.jobs import run_all
from benchmarks.planted.options import seeds_of, setting_of
from benchmarks.worlds.cells import WorldTask, cells_beside, load_cell
from benchmarks.worlds.contestants import make_contestant
from benchmarks.worlds.report import WorldResults, is_first_everywhere, world_json_lines, world_tables
from benchmarks.worlds.settings import WORLDS, WrittenWorld
from memento.memory.errors import MementoError
from memento.memory.policies.registry import POLICY_NAMES

OUT = Path(__file__).parents[2] / "out" / "worlds"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    tasks = [
        WorldTask(name, world, policy, seed, options.steps, options.k)
        for seed in options.seeds
        for name, world in options.chosen.items()
        for policy in options.policies
    ]
    run_all(tasks, options.out, jobs=options.jobs)
    cells = [cell for task in tasks if (cell := load_cell(task, options.out)) is not None]
    for name, folder in options.beside:
        cells += cells_beside(folder, name, tasks)
    results = WorldResults(cells)
    print((world_json_lines if options.json else world_tables)(results, options.judge, options.against))
    sys.exit(options.bar and not is_first_everywhere(results, options.judge))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", default=list(POLICY_NAMES), metavar="NAME")
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS), metavar="NAME")
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("0-9"), metavar="0-9", help="also 3 or 0,4,7")
    parser.add_argument("--steps", type=int, default=1500, metavar="T")
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any field of WrittenWorld")
    parser.add_argument("--judge", default="advantage", metavar="NAME", help="the policy whose margins are shown")
    parser.add_argument("--against", metavar="NAME", help="compare it with this one, not with the best other one")
    parser.add_argument("--beside", type=_beside, action="append", default=[], metavar="NAME=DIR",
                        help="tabulate the cells of another checkout's --out as POLICY@NAME")  # fmt: skip
    parser.add_argument("--bar", action="store_true", help="exit status 1 when --judge is not first in every world")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of tables")
    options = parser.parse_args(arguments)
    try:
        changes = dict(setting_of(pair, WrittenWorld) for pair in options.set)
        options.chosen = {name: replace(WORLDS[name], **changes) for name in options.worlds}
        for policy in options.policies:
            make_contestant(policy, dim=2, seed=0)
    except (ValueError, ImportError, AttributeError, MementoError) as error:
        parser.error(str(error))
    return options


def _beside(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not (name and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=DIR")
    return name, Path(folder)


if __name__ == "__main__":
    main()
