"""One cell: a world, a contestant, a seed. Played once, kept as a JSON file, and played again only under another stamp.

The stamp is made of everything that decides what is in it, the source of policies, estimators and this benchmark
included.
"""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.planted.kept import put_in_place, source_of
from benchmarks.worlds.contestants import make_contestant
from benchmarks.worlds.drawn import draw
from benchmarks.worlds.settings import WrittenWorld
from benchmarks.worlds.stream import play_world
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED


@dataclass(frozen=True)
class WorldTask:
    """What decides a cell."""

    name: str
    """Of the world."""
    world: WrittenWorld
    policy: str
    """As `make_contestant` takes it."""
    seed: int
    steps: int
    k: int = 4

    def path(self, folder: Path) -> Path:
        """Where its cell is kept."""
        policy = re.sub(r"[^\w.=,-]", "+", self.policy)
        return folder / f"{self.name}.{policy}.{self.seed}.json"

    def stamp(self) -> str:
        """Differs whenever the cell would."""
        decides = json.dumps(asdict(self), sort_keys=True) + f"{N_CANDIDATES} {N_SUGGESTED}" + _source(self.policy)
        return hashlib.sha256(decides.encode()).hexdigest()[:16]

    def is_kept(self, folder: Path) -> bool:
        """Whether its cell need not be played."""
        return load_cell(self, folder) is not None

    def run(self, folder: Path) -> None:
        """Play its cell and keep it."""
        stamp, began = self.stamp(), time.process_time()
        contestant = make_contestant(self.policy, dim=self.world.dim, seed=self.seed)
        played = play_world(draw(self.world, self.seed, self.steps), contestant, k=self.k, seed=self.seed)
        cell = WorldCell(
            world=self.name,
            policy=self.policy,
            seed=self.seed,
            chance=np.round(played.chance_T, 5).tolist(),
            n_served=float(played.n_served_T.mean()),
            seconds=round(time.process_time() - began, 3),
        )
        put_in_place(self.path(folder), json.dumps({"stamp": stamp, **cell._asdict()}))


class WorldCell(NamedTuple):
    """What is kept of one play."""

    world: str
    policy: str
    seed: int
    chance: list[float]
    """Of success at each task, given what was served."""
    n_served: float
    """Cases a task."""
    seconds: float
    """Processor time of the stream."""


def load_cell(task: WorldTask, folder: Path) -> WorldCell | None:
    """The cell as it was kept, or None when it has to be played: it is missing, stale or damaged."""
    try:
        kept = json.loads(task.path(folder).read_text("utf-8"))
        return WorldCell(**kept) if kept.pop("stamp") == task.stamp() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def cells_beside(folder: Path, name: str, tasks: Sequence[WorldTask]) -> list[WorldCell]:
    """Cells of the same worlds and seeds that another checkout has played, under `POLICY@NAME`.

    Args:
        folder: `--out` of that run.
        name: of that checkout, in tables.
        tasks: what is played here; cells of other worlds, policies, seeds or lengths are left out.
    """
    found = []
    for path in sorted({task.path(folder) for task in tasks}):
        if path.exists():
            kept = json.loads(path.read_text("utf-8"))
            kept.pop("stamp")
            cell = WorldCell(**kept)
            found.append(cell._replace(policy=f"{cell.policy}@{name}"))
    return [cell for cell in found if len(cell.chance) == tasks[0].steps]


@cache
def _source(policy: str) -> str:
    return source_of({__name__, *make_contestant(policy, dim=2, seed=0).modules})
