"""Drawn sets of questions, each played in many orders by several policies: evaluations whose truth is known.

The truth of an evaluation is the mean over all question sets and orders that could have been drawn. Axes: P policies,
O orders, Q questions.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.copying_reader.stream import Rules, order_of, play_order
from benchmarks.copying_reader.texts import loaded
from benchmarks.planted.kept import put_in_place, source_of
from benchmarks.worlds.contestants import make_contestant


class PlayedSet(NamedTuple):
    """What is kept of a question set."""

    question: list[int]
    """Positions of its Q questions among the family's."""
    reward: list[list[list[int]]]
    """Shape (P, O, Q)."""
    chance: list[list[float]]
    """Mean chance of a right answer in each stream, shape (P, O)."""


@dataclass(frozen=True)
class QuestionSetTask:
    """What decides it."""

    texts: Path
    """A file of `kept_texts`; named by its contents."""
    policies: tuple[str, ...]
    question_set: int
    """Seed of the questions."""
    n_questions: int
    n_orders: int
    rules: Rules

    def path(self, folder: Path) -> Path:
        """Where it is kept."""
        rules = f"{self.rules.feedback}.{self.rules.failures}"
        size = f"{self.n_questions}x{self.n_orders}"
        policies = hashlib.sha256(" ".join(self.policies).encode()).hexdigest()[:8]
        return folder / f"set.{self.texts.stem}.{rules}.{policies}.{size}.{self.question_set}.json"

    def stamp(self) -> str:
        """Differs whenever it would."""
        decides = json.dumps(asdict(self) | {"texts": self.texts.name}, sort_keys=True)
        return hashlib.sha256((decides + _source(self.policies)).encode()).hexdigest()[:16]

    def is_kept(self, folder: Path) -> bool:
        """Whether it need not be played."""
        return load_set(self, folder) is not None

    def run(self, folder: Path) -> None:
        """Play and keep it; arms have the orders in common, and luck of their own, as streams of an evaluation have."""
        stamp, texts = self.stamp(), loaded(self.texts)
        chance = np.random.default_rng([self.question_set, self.n_questions])
        question_Q = np.sort(chance.choice(len(texts.tasks), size=self.n_questions, replace=False))
        reward_POQ = np.zeros((len(self.policies), self.n_orders, self.n_questions), np.int64)
        chance_PO = np.zeros(reward_POQ.shape[:2])
        for place, policy in enumerate(self.policies):
            for order in range(self.n_orders):
                seed = int(np.random.SeedSequence([self.question_set, order]).generate_state(1)[0])
                order_T = order_of(self.n_questions, seed)
                contestant = make_contestant(policy, dim=texts.state_QD.shape[1], seed=seed)
                rules = self.rules._replace(luck=policy)
                played = play_order(texts, question_Q[order_T], contestant, seed=seed, rules=rules)
                reward_POQ[place, order, order_T] = played.reward_T
                chance_PO[place, order] = played.chance_T.mean()
        kept = PlayedSet(question_Q.tolist(), reward_POQ.tolist(), np.round(chance_PO, 6).tolist())
        put_in_place(self.path(folder), json.dumps({"stamp": stamp, **kept._asdict()}))


def load_set(task: QuestionSetTask, folder: Path) -> PlayedSet | None:
    """The set as it was kept, or None when it has to be played: it is missing, stale or damaged."""
    try:
        kept = json.loads(task.path(folder).read_text("utf-8"))
        return PlayedSet(**kept) if kept.pop("stamp") == task.stamp() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def _source(policies: tuple[str, ...]) -> str:
    return source_of({__name__}.union(*(make_contestant(policy, dim=2, seed=0).modules for policy in policies)))
