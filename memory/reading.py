"""The two halves of a read: the candidates, and the cases chosen from them."""

from typing import Any, NamedTuple, Self

from memento.memory.case import ScoredCase
from memento.memory.event import Candidate


class Recall(NamedTuple):
    """The candidates of one task: the first half of a read. JSON-able."""

    event_id: str
    query: str
    namespace: str
    policy: str
    candidates: list[Candidate]
    pool_size: int
    """Number of cases the candidates were drawn from."""
    is_degraded: bool
    bank_version: int
    task: str | None = None
    """The task alone, where the query says more."""
    follows: str | None = None
    """The event of the planning cycle before."""
    seed: int | None = None
    """Of this reading's random choices; without one, they come from the memory's own generator."""

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for a checkpoint between the two halves of a read."""
        return self._asdict() | {"candidates": [list(candidate) for candidate in self.candidates]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` made."""
        return cls(**values | {"candidates": [Candidate(*row) for row in values["candidates"]]})


class Reading(NamedTuple):
    """The cases chosen for one task."""

    event_id: str
    """Give it to `write` and `feedback`, so that the memory learns what these cases were worth."""
    cases: list[ScoredCase]
    """Best first; at most k."""
    policy: str
    policy_version: int
    is_degraded: bool
    """The search engine did not answer; the newest cases were searched instead, and this reading never trains."""
