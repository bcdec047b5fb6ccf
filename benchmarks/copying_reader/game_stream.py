"""Plays a contestant on one order of text games, with a player that copies walkthroughs.

In the place of the game and the model is a rule that was made up, not fitted: a game is won the likelier, the more its
walkthrough has in common with those shown. Failed cases are hidden, and a lost game teaches its walkthrough, as in
`benchmarks.environments`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.stream import order_of
from benchmarks.copying_reader.texts import encoded
from benchmarks.worlds.bank import rows_of
from benchmarks.worlds.contestants import Contestant
from benchmarks.worlds.serving import CaseServer
from memento.memory.estimators.port import CaseRows
from memento.memory.plan_text import encoded_action

ALONE: Final = {"cookingworld": 0.0, "twc": 0.2, "coin": 0.15, "mapreader": 0.05}
"""Chance of winning each game without a case; about what a 135M model has."""
_KEPT_ALONE: Final = 0.8
"""Share of it that is left when cases are shown."""


class Games(NamedTuple):
    """Tasks and their vectors. Axes: Q tasks, D dimensions."""

    game: list[str]
    walk: list[list[str]]
    state_QD: NDArray[np.float32]


class GamesPlayed(NamedTuple):
    """A stream. Axes: T tasks, in the order played."""

    chance_T: NDArray[np.float64]
    n_shown_T: NDArray[np.float64]
    n_same_game_T: NDArray[np.float64]


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


def play_games(games: Games, contestant: Contestant, *, order: int, gain: float) -> GamesPlayed:
    """Play all games in one order."""
    bank = _GameBank(games)
    server = CaseServer(bank, contestant, k=4, seed=order, worked_only=True)
    n = len(games.game)
    draw_T3, played = (
        np.random.default_rng([order, 7]).random((n, 3)),
        GamesPlayed(np.zeros(n), np.zeros(n), np.zeros(n)),
    )
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
def _vector(text: str) -> NDArray[np.float32]:
    row: NDArray[np.float32] = encoded([text])[0]
    return row
