"""One stream: a contestant, an order. Played once, kept as a JSON file, played again only under another stamp."""

import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.copying_reader.stream import Rules, order_of, play_order
from benchmarks.copying_reader.texts import loaded
from benchmarks.planted.kept import put_in_place, source_of
from benchmarks.worlds.contestants import make_contestant
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED

OUT = Path(__file__).parents[2] / "out" / "copying_reader"
"""Where streams are kept, unless another folder is named."""


@dataclass(frozen=True)
class OrderTask:
    """What decides a stream."""

    texts: Path
    """A file of `kept_texts`; named by its contents."""
    policy: str
    """As `make_contestant` takes it."""
    order: int
    rules: Rules

    def path(self, folder: Path) -> Path:
        """Where it is kept."""
        policy = re.sub(r"[^\w.=,-]", "+", self.policy)
        rules = f"{self.rules.feedback}.{self.rules.failures}.k{self.rules.k}"
        return folder / f"{self.texts.stem}.{rules}.{policy}.{self.order}.json"

    def stamp(self) -> str:
        """Differs whenever the stream would."""
        decides = asdict(self) | {"texts": self.texts.name}
        text = json.dumps(decides, sort_keys=True) + f"{N_CANDIDATES} {N_SUGGESTED}" + _source(self.policy)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def is_kept(self, folder: Path) -> bool:
        """Whether it need not be played."""
        return load_stream(self, folder) is not None

    def run(self, folder: Path) -> None:
        """Play and keep it."""
        stamp, began = self.stamp(), time.process_time()
        texts = loaded(self.texts)
        order_T = order_of(len(texts.tasks), self.order)
        contestant = make_contestant(self.policy, dim=texts.state_QD.shape[1], seed=self.order)
        played = play_order(texts, order_T, contestant, seed=self.order, rules=self.rules)
        kept = KeptStream(
            policy=self.policy,
            order=self.order,
            question=played.question_T.tolist(),
            chance=np.round(played.chance_T, 5).tolist(),
            reward=played.reward_T.astype(int).tolist(),
            seconds=round(time.process_time() - began, 3),
        )
        put_in_place(self.path(folder), json.dumps({"stamp": stamp, **kept._asdict()}))


class KeptStream(NamedTuple):
    """What is kept of a stream."""

    policy: str
    order: int
    question: list[int]
    """Positions of the questions among the family's, in the order played."""
    chance: list[float]
    """Of a right answer at each, given what was shown."""
    reward: list[int]
    seconds: float
    """Processor time."""


def load_stream(task: OrderTask, folder: Path) -> KeptStream | None:
    """The stream as it was kept, or None when it has to be played: it is missing, stale or damaged."""
    try:
        kept = json.loads(task.path(folder).read_text("utf-8"))
        return KeptStream(**kept) if kept.pop("stamp") == task.stamp() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def _source(policy: str) -> str:
    return source_of({__name__, *make_contestant(policy, dim=2, seed=0).modules})
