"""What policies gain in text games with a player that copies: a SIMULATION on tasks of TextWorldExpress's dev split.

Real tasks, walkthroughs and vectors, the product's policies and estimators, a rule in the place of game and model
(`game_stream`). Prints the chance of winning by thirds of the stream, how many cases were shown, which share of them
was from the same game, and differences to the policy of --against on the same orders, with Student's intervals over
orders. Streams are kept under --out as they are done, so that a run that was cut off resumes.

    python -m benchmarks.copying_reader.games --policies similarity advantage --orders 12
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.cells import OUT
from benchmarks.copying_reader.game_cells import GameTask, described, kept_games
from benchmarks.copying_reader.game_stream import ALONE, GamesPlayed
from benchmarks.planted.figures import mean
from benchmarks.planted.jobs import run_all
from benchmarks.planted.report import table
from benchmarks.worlds.contestants import make_contestant
from memento.memory.errors import MementoError
from memento.nodes.acting.environment import EnvironmentFailed

PARTS: Final = ("all", "third 1", "third 2", "third 3")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    try:
        games = kept_games(asyncio.run(described(options.tasks)), options.out)
    except (MementoError, EnvironmentFailed) as error:
        raise SystemExit(str(error)) from error
    tasks = {
        (policy, order): GameTask(games, policy, order, options.gain)
        for order in range(options.orders)
        for policy in options.policies
    }
    run_all(list(tasks.values()), options.out, jobs=options.jobs)
    played = {key: one for key, task in tasks.items() if (one := task.load(options.out)) is not None}
    print(game_tables(played, options.policies, options.against))


def game_tables(played: Mapping[tuple[str, int], GamesPlayed], policies: Sequence[str], against: str) -> str:
    """Chances of winning and differences, by thirds of the stream; of orders that all of the policies have played."""
    orders = sorted({order for _, order in played if all((policy, order) in played for policy in policies)})

    def by_part(policy: str) -> list[NDArray[np.float64]]:
        chance_ST = np.array([played[policy, order].chance_T for order in orders])
        return [chance_ST.mean(1), *(part_ST.mean(1) for part_ST in np.array_split(chance_ST, 3, axis=1))]

    def row(policy: str) -> list[str]:
        n_shown_T = np.concatenate([played[policy, order].n_shown_T for order in orders])
        n_same_T = np.concatenate([played[policy, order].n_same_game_T for order in orders])
        shares = f"{n_shown_T.mean():.1f}", f"{n_same_T.sum() / max(n_shown_T.sum(), 1):.2f}"
        return [policy, *(str(mean(part_S)) for part_S in by_part(policy)), *shares]

    gains = [
        [f"{one} - {against}", *(str(mean(a - b)) for a, b in zip(by_part(one), by_part(against), strict=True))]
        for one in policies
        if one != against
    ]
    title = f"Games with a player that copies: a simulation. {len(orders)} orders; intervals of 95 %, over orders."
    heads = ["policy", *PARTS, "cases shown", "of the same game"]
    chances = table(heads, [row(policy) for policy in policies])
    return "\n\n".join([title, chances, table(["difference", *PARTS], gains) if gains else ""])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", default=["similarity", "advantage"], metavar="NAME",
                        help="as for benchmarks.worlds")  # fmt: skip
    parser.add_argument("--against", metavar="NAME", help="what the others are compared with; by default the first one")
    parser.add_argument("--orders", type=int, default=12)
    parser.add_argument("--tasks", type=int, default=150)
    parser.add_argument("--gain", type=float, default=0.9, help="what a case adds that is the walkthrough itself")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR")
    options = parser.parse_args(arguments)
    options.against = options.against or options.policies[0]
    if options.orders < 1 or options.jobs < 1 or options.tasks < len(ALONE):
        parser.error(f"at least one order, one process and {len(ALONE)} tasks")
    if options.against not in options.policies:
        parser.error(f"--against {options.against!r} is none of the policies: {', '.join(options.policies)}")
    try:
        for policy in options.policies:
            make_contestant(policy, dim=2, seed=0)
    except (ValueError, ImportError, AttributeError, MementoError) as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    main()
