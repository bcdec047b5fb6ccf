"""The episodic store of the paper's Algorithm 1: D = {(s, c, Q)}, by case, and the replay buffer B, which is the same.

One episode is one selection with a known outcome; each case that it served has an entry in that case's D_c.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.port import Example

_FIRST_ROWS = 256


class Episode(NamedTuple):
    """One retrieval event with its outcome. JSON-able."""

    event_id: str
    follows: str | None
    question: str
    ids: tuple[str, ...]
    """Cases served."""
    similarities: tuple[float, ...]
    """Their cosines to the task."""
    reward: float
    confidence: float
    """Confidence of the evaluator, in [0, 1]."""
    row: int
    """Row of its state and value."""


class _Sums(NamedTuple):
    """Over all episodes; `n_served` and `n_positive` over those that served cases."""

    n_served: int = 0
    n_positive: int = 0
    reward: float = 0.0
    n_cosines: int = 0
    cosine: float = 0.0

    def plus(self, episode: Episode, sign: int) -> "_Sums":
        """The sums with one episode added or removed."""
        is_served = bool(episode.ids)
        return _Sums(
            self.n_served + sign * is_served,
            self.n_positive + sign * (is_served and episode.reward >= POSITIVE_FROM),
            self.reward + sign * episode.reward,
            self.n_cosines + sign * len(episode.ids),
            self.cosine + sign * sum(episode.similarities),
        )


class Episodes:
    """Replay buffer of episodes, ordered by newest outcome; the oldest are dropped."""

    def __init__(self, *, dim: int, capacity: int) -> None:
        """Start empty.

        Args:
            dim: dimension D of states.
            capacity: episodes at most.
        """
        self._capacity = capacity
        self.state_ED = np.zeros((min(_FIRST_ROWS, capacity + 1), dim), np.float32)
        """Encoded tasks by row."""
        self.value_E = np.zeros(len(self.state_ED), np.float32)
        """Q by row: what the stored (s, c, Q) of each episode hold."""
        self.question_E = np.zeros(len(self.state_ED), np.int64)
        """A number for each episode's question, by row; never 0."""
        self.confidence_E = np.zeros(len(self.state_ED), np.float32)
        """Confidence of each episode's evaluator, by row."""
        self._by_event: dict[str, Episode] = {}
        self._of_case: dict[str, dict[str, int]] = {}  # case -> event -> row, in order
        self._follower: dict[str, str] = {}
        self._sums = _Sums()
        self._free = list(range(len(self.state_ED)))[::-1]

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self._by_event)

    def __iter__(self) -> Iterator[Episode]:
        """Oldest first."""
        return iter(self._by_event.values())

    @property
    def n_served(self) -> int:
        """Number of episodes that served cases."""
        return self._sums.n_served

    @property
    def n_positive(self) -> int:
        """Number of episodes that succeeded."""
        return self._sums.n_positive

    @property
    def mean_reward(self) -> float:
        """Mean reward over all episodes; 0.5 without any."""
        return self._sums.reward / len(self) if self._by_event else 0.5

    @property
    def mean_cosine(self) -> float:
        """Mean cosine over all served cases."""
        return self._sums.cosine / self._sums.n_cosines if self._sums.n_cosines else 0.0

    def get(self, event_id: str | None) -> Episode | None:
        """The episode of an event, if it is known."""
        return None if event_id is None else self._by_event.get(event_id)

    def follower(self, event_id: str) -> Episode | None:
        """The episode of the same run's next cycle, if it is known."""
        return self.get(self._follower.get(event_id))

    def keep(self, example: Example) -> Episode:
        """Add an episode, or replace the one of the same event."""
        self.forget(example.event_id)
        row = self._row()
        self.state_ED[row] = example.state_D
        similarities = tuple(float(cosine) for cosine in example.cases.similarity_N)
        episode = Episode(
            example.event_id,
            example.follows,
            example.question,
            example.cases.ids,
            similarities,
            example.reward,
            example.confidence,
            row,
        )
        self._add(episode)
        self._sums = self._sums.plus(episode, 1)
        if len(self._by_event) > self._capacity:
            self.forget(next(iter(self._by_event)))
        return episode

    def forget(self, event_id: str) -> Episode | None:
        """Remove an episode, if it is there."""
        episode = self._by_event.pop(event_id, None)
        if episode is None:
            return None
        for case_id in episode.ids:
            self._of_case[case_id].pop(event_id, None)
        if episode.follows is not None and self._follower.get(episode.follows) == event_id:
            del self._follower[episode.follows]
        self._sums = self._sums.plus(episode, -1)
        self._free.append(episode.row)
        return episode

    def exposures(self, case_id: str) -> int:
        """Number of episodes that served a case."""
        return len(self._of_case.get(case_id, ()))

    def rows_of(self, case_id: str, *, newest: int) -> list[int]:
        """Rows of D_c: the newest episodes that served a case, newest first."""
        return list(islice(reversed(self._of_case.get(case_id, {}).values()), newest))

    def draw(self, n: int, rng: np.random.Generator) -> list[Episode]:
        """Up to `n` episodes, uniformly and with replacement: a mini-batch of B."""
        events = list(self._by_event.values())
        return [events[index] for index in rng.integers(len(events), size=n)] if events else []

    def tensors(self) -> dict[str, NDArray[Any]]:
        """States and values, for a snapshot."""
        return {"state": self.state_ED.copy(), "value": self.value_E.copy()}

    def stamp(self) -> dict[str, Any]:
        """Everything else, as JSON values."""
        return {"sums": list(self._sums), "episodes": [list(episode) for episode in self], "free": list(self._free)}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Restore from `tensors` and `stamp`; must be empty.

        Raises:
            KeyError, ValueError: they do not fit.
        """
        n_rows = len(stamp["episodes"]) + len(stamp["free"])
        if tensors["state"].shape != (n_rows, self.state_ED.shape[1]) or tensors["value"].shape != (n_rows,):
            raise ValueError("states of another shape")
        self.state_ED, self.value_E = tensors["state"].copy(), tensors["value"].copy()
        self.question_E, self.confidence_E = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.float32)
        for event_id, follows, question, ids, similarities, *rest in stamp["episodes"]:
            reward, confidence, row = rest
            self._add(Episode(event_id, follows, question, tuple(ids), tuple(similarities), reward, confidence, row))
        self._free = list(stamp["free"])
        self._sums = _Sums(*stamp["sums"])

    def _add(self, episode: Episode) -> None:
        self._by_event[episode.event_id] = episode
        self.question_E[episode.row] = question_number(episode.question)
        self.confidence_E[episode.row] = episode.confidence
        for case_id in episode.ids:
            self._of_case.setdefault(case_id, {})[episode.event_id] = episode.row
        if episode.follows is not None:
            self._follower[episode.follows] = episode.event_id

    def _row(self) -> int:
        if not self._free:
            n = len(self.state_ED)
            self.state_ED = np.concatenate([self.state_ED, np.zeros_like(self.state_ED)])
            self.value_E = np.concatenate([self.value_E, np.zeros_like(self.value_E)])
            self.question_E = np.concatenate([self.question_E, np.zeros_like(self.question_E)])
            self.confidence_E = np.concatenate([self.confidence_E, np.zeros_like(self.confidence_E)])
            self._free = list(range(2 * n - 1, n - 1, -1))
        return self._free.pop()


def question_number(question: str) -> int:
    """A question as a number from 1 on, the same in every process."""
    return 1 + int.from_bytes(sha256(question.encode("utf-8", "surrogatepass")).digest()[:7], "big")
