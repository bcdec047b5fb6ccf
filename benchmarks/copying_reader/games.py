"""What policies gain in text games with a player that copies: a SIMULATION on tasks of TextWorldExpress's dev split.

Real tasks, walkthroughs and vectors, the product's policies and estimators. In the place of the game and the model is a
rule that was made up, not fitted: a game is won the likelier, the more its walkthrough has in common with those shown.
Failed cases are hidden, and a lost game teaches its walkthrough, as in `benchmarks.environments`. Prints the chance of
winning by thirds of the stream, how many cases were shown, how many of them from the same game, and differences to the
policy of --against on the same orders, with Student's intervals over orders.

    python -m benchmarks.copying_reader.games --policies similarity advantage --orders 12
"""

import argparse
import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.stream import order_of
from benchmarks.planted.figures import mean
from benchmarks.planted.report import table
from benchmarks.worlds.bank import rows_of
from benchmarks.worlds.contestants import Contestant, make_contestant
from benchmarks.worlds.serving import CaseServer
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.subject import WALKTHROUGH, environment_tasks, specs_of
from memento.memory.estimators.port import CaseRows
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.plan_text import encoded_action

ALONE: Final = {"cookingworld": 0.0, "twc": 0.2, "coin": 0.15, "mapreader": 0.05}
"""Chance of winning each game without a case; about what a 135M model has."""
_KEPT_ALONE: Final = 0.8
"""Share of it that is left when cases are shown."""
PARTS: Final = ("all", "third 1", "third 2", "third 3")


class Games(NamedTuple):
    """Tasks and their vectors. Axes: Q tasks, D dimensions."""

    game: list[str]
    walk: list[list[str]]
    state_QD: NDArray[np.float32]


class Played(NamedTuple):
    """A stream. Axes: T tasks, in the order played."""

    chance_T: NDArray[np.float64]
    n_shown_T: NDArray[np.float64]
    n_same_game_T: NDArray[np.float64]


async def games_of(n: int) -> Games:
    """Describe and encode tasks of the dev split, as many of each game."""
    specs = specs_of(list(ALONE))
    async with EnvironmentPool(specs, size=2) as pool:
        tasks = await environment_tasks(pool, specs, split="dev", n=n)
    encoder, texts = MiniLmEncoder(), [task.question for task in tasks]
    parts = [await encoder.encode(texts[start : start + 32]) for start in range(0, len(texts), 32)]
    walks = [task.metadata[WALKTHROUGH].splitlines() for task in tasks]
    return Games([task.source for task in tasks], walks, np.concatenate(parts))


def chance(game: str, walk: list[str], shown: Sequence[list[str]], *, gain: float) -> float:
    """Of winning a game.

    Args:
        game: its name.
        walk: its walkthrough.
        shown: actions of the cases shown.
        gain: what a case adds that is the walkthrough itself.
    """
    if not shown:
        return ALONE[game]
    alike_M = np.array([_common(one, walk) / max(len(one), len(walk)) for one in shown]) ** 3
    return min(0.95, _KEPT_ALONE * ALONE[game] + gain * float(alike_M.mean() + alike_M.max()) / 2)


def play(games: Games, contestant: Contestant, *, order: int, gain: float) -> Played:
    """Play all games in one order."""
    bank = _GameBank(games)
    server = CaseServer(bank, contestant, k=4, seed=order, worked_only=True)
    n = len(games.game)
    draw_T3, played = np.random.default_rng([order, 7]).random((n, 3)), Played(np.zeros(n), np.zeros(n), np.zeros(n))
    for step, task in enumerate(order_of(n, order).tolist()):
        served, (luck, has_score, score) = server.serve(games.state_QD[task]), draw_T3[step].tolist()
        shown = [bank.actions[case] for case in served.case_M]
        played.chance_T[step] = chance(games.game[task], games.walk[task], shown, gain=gain)
        played.n_shown_T[step] = len(shown)
        played.n_same_game_T[step] = sum(games.game[bank.tasks[case]] == games.game[task] for case in served.case_M)
        is_won = luck < played.chance_T[step]
        reward = 1.0 if is_won else round(0.4 * score, 2) if has_score < 0.3 else 0.0
        if contestant.estimator is not None:
            contestant.estimator.learn(served.example(step, offset=step + 1, reward=reward))
        bank.write(task, games.walk[task] if is_won else _lost(games.walk[task], shown, [order, step]), reward)
        if not is_won:
            bank.write(task, games.walk[task], 1.0)
    return played


class _GameBank:
    """Cases in the order written. Axes: N cases, of which C are asked for."""

    def __init__(self, games: Games) -> None:
        self._games = games
        self._reward: list[float] = []
        self.tasks: list[int] = []
        self.actions: list[list[str]] = []

    def write(self, task: int, action: list[str], reward: float) -> None:
        self.tasks.append(task)
        self.actions.append(action)
        self._reward.append(reward)

    def active(self) -> NDArray[np.int64]:
        return np.arange(len(self.tasks))

    def cosines(self, case_C: NDArray[np.int64], direction_D: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._states(case_C) @ direction_D

    def rows(self, case_C: NDArray[np.int64], similarity_C: NDArray[np.float32]) -> CaseRows:
        actions = [self.actions[case] for case in case_C]
        vectors = [_vector(encoded_action("\n".join(action))) for action in actions]
        return rows_of(
            case_C,
            similarity_C,
            reward_C=np.array(self._reward, np.float32)[case_C],
            state_CD=self._states(case_C),
            action_CD=np.array(vectors, np.float32).reshape(-1, self._games.state_QD.shape[1]),
            lines=[tuple(dict.fromkeys(action)) for action in actions],
        )

    def _states(self, case_C: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._games.state_QD[np.array(self.tasks, np.int64)[case_C]]


def _lost(walk: list[str], shown: Sequence[list[str]], seed: Sequence[int]) -> list[str]:
    """Actions of a lost game: the first half of the right ones and those of the first case, in a wrong order."""
    known = [*walk[: max(1, len(walk) // 2)], *(shown[0] if shown else [])]
    rng = np.random.default_rng([*seed, 3])
    return [known[int(rng.integers(len(known)))] for _ in range(int(rng.integers(6, 12)))]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    before = [0] * (len(other) + 1)
    for line in one:
        row = [0]
        for at, said in enumerate(other):
            row.append(before[at] + 1 if line == said else max(before[at + 1], row[at]))
        before = row
    return before[-1]


@cache
def _encoder() -> MiniLmEncoder:
    return MiniLmEncoder()


@cache
def _vector(text: str) -> NDArray[np.float32]:
    row: NDArray[np.float32] = asyncio.run(_encoder().encode([text]))[0]
    return row


def tables(played: dict[tuple[str, int], Played], policies: Sequence[str], orders: Sequence[int], against: str) -> str:
    """Chances and differences, by thirds of the stream."""

    def by_part(policy: str) -> list[NDArray[np.float64]]:
        chance_ST = np.array([played[policy, order].chance_T for order in orders])
        return [chance_ST.mean(1), *(part_ST.mean(1) for part_ST in np.array_split(chance_ST, 3, axis=1))]

    def row(policy: str) -> list[str]:
        mine = [played[policy, order] for order in orders]
        n_shown, n_same = (sum(float(one[at].sum()) for one in mine) for at in (1, 2))
        shown = f"{n_shown / sum(len(one.n_shown_T) for one in mine):.1f}"
        return [policy, *(str(mean(part)) for part in by_part(policy)), shown, f"{n_same / max(n_shown, 1):.2f}"]

    gains = [
        [f"{one} - {against}", *(str(mean(a - b)) for a, b in zip(by_part(one), by_part(against), strict=True))]
        for one in policies
        if one != against
    ]
    title = f"Games with a player that copies: a simulation. {len(orders)} orders; intervals of 95 %, over orders."
    heads = ["policy", *PARTS, "cases shown", "of the same game"]
    return "\n\n".join(
        [
            title,
            table(heads, [row(policy) for policy in policies]),
            table(["difference", *PARTS], gains) if gains else "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", default=["similarity", "advantage"], metavar="NAME")
    parser.add_argument("--against", metavar="NAME", help="the first of them by default")
    parser.add_argument("--orders", type=int, default=12)
    parser.add_argument("--tasks", type=int, default=150)
    parser.add_argument("--gain", type=float, default=0.9, help="what a case adds that is the walkthrough itself")
    options = parser.parse_args(arguments)
    if options.orders < 1 or options.tasks < len(ALONE):
        parser.error(f"at least one order, and {len(ALONE)} tasks")
    if options.against and options.against not in options.policies:
        parser.error(f"--against {options.against!r} is none of the policies: {', '.join(options.policies)}")
    games, orders = asyncio.run(games_of(options.tasks)), range(options.orders)
    played = {
        (name, order): play(
            games,
            make_contestant(name, dim=games.state_QD.shape[1], seed=order),
            order=order,
            gain=options.gain,
        )
        for name in options.policies
        for order in orders
    }
    print(tables(played, options.policies, orders, options.against or options.policies[0]))


if __name__ == "__main__":
    main()
