"""Games and streams of them, kept as files: tasks are described and encoded once, a stream is played once."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.copying_reader.game_stream import ALONE, Games, GamesPlayed, play_games
from benchmarks.copying_reader.texts import encoded
from benchmarks.planted.kept import put_in_place, source_of
from benchmarks.worlds.contestants import make_contestant
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.subject import WALKTHROUGH, environment_tasks, specs_of
from memento.evals.task import EvalTask
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED


async def described(n: int) -> list[EvalTask]:
    """Tasks of the dev split, as many of each game.

    Raises:
        InvalidInput: no Java, or the extra is not installed.
        EnvironmentFailed: it does not start.
    """
    specs = specs_of(list(ALONE))
    async with EnvironmentPool(specs, size=2) as pool:
        return await environment_tasks(pool, specs, split="dev", n=n)


def kept_games(tasks: Sequence[EvalTask], folder: Path) -> Path:
    """The file of these tasks and their vectors; encodes them when it is not there yet."""
    key = hashlib.sha256("\n".join(task.model_dump_json() for task in tasks).encode()).hexdigest()[:16]
    path = folder / f"games.{key}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new.npz")
        np.savez(
            fresh,
            game=np.array([task.source for task in tasks]),
            walk=np.array([task.metadata[WALKTHROUGH] for task in tasks]),
            state_QD=encoded([task.question for task in tasks]),
        )
        fresh.replace(path)
    return path


@cache
def loaded_games(path: Path) -> Games:
    """Games from a file of `kept_games`."""
    with np.load(path, allow_pickle=False) as kept:
        walks = [walk.splitlines() for walk in kept["walk"].tolist()]
        return Games(kept["game"].tolist(), walks, kept["state_QD"])


@dataclass(frozen=True)
class GameTask:
    """What decides a stream."""

    games: Path
    """A file of `kept_games`; named by its contents."""
    policy: str
    """As `make_contestant` takes it."""
    order: int
    gain: float

    def path(self, folder: Path) -> Path:
        """Where it is kept."""
        policy = re.sub(r"[^\w.=,-]", "+", self.policy)
        return folder / f"{self.games.stem}.{self.gain:g}.{policy}.{self.order}.json"

    def stamp(self) -> str:
        """Differs whenever the stream would."""
        text = json.dumps(asdict(self) | {"games": self.games.name}, sort_keys=True)
        text += f"{N_CANDIDATES} {N_SUGGESTED}" + _source(self.policy)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def is_kept(self, folder: Path) -> bool:
        """Whether it need not be played."""
        return self.load(folder) is not None

    def load(self, folder: Path) -> GamesPlayed | None:
        """The stream as it was kept, or None when it has to be played: it is missing, stale or damaged."""
        try:
            kept = json.loads(self.path(folder).read_text("utf-8"))
            played = GamesPlayed(*(np.array(kept[name], np.float64) for name in GamesPlayed._fields))
            return played if kept["stamp"] == self.stamp() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def run(self, folder: Path) -> None:
        """Play and keep it."""
        stamp, games = self.stamp(), loaded_games(self.games)
        contestant = make_contestant(self.policy, dim=games.state_QD.shape[1], seed=self.order)
        played = play_games(games, contestant, order=self.order, gain=self.gain)
        put_in_place(
            self.path(folder), json.dumps({"stamp": stamp} | {k: v.tolist() for k, v in played._asdict().items()})
        )


@cache
def _source(policy: str) -> str:
    return source_of({__name__, *make_contestant(policy, dim=2, seed=0).modules})
