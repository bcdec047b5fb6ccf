"""Recall and Reading: the candidates of a read, and the cases chosen from them."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import deprecated

from memento.memory.case import PLAN, POSITIVE_FROM, CaseKind, ScoredCase
from memento.memory.estimators.port import Estimates
from memento.memory.event import Candidate, Slot
from memento.memory.policies.port import SlotChoice
from memento.memory.policies.token_budget import SlotTokens
from memento.memory.success import PositiveFrom


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
    """Random seed of this reading's choices; without one, they come from the memory's own generator."""
    notices: tuple[str, ...] = ()
    """Notices for the caller; see `Reading.notices`."""
    key: str = ""
    """The task's key; empty: its text tells it apart."""
    kind: CaseKind = PLAN
    """The kind of cases that are read."""
    positive_from: PositiveFrom | None = None
    """Reward from which on a case counts as one that worked; None: the memory's own."""
    part_of: str | None = None
    """Of a subtask: the event of its run's own reading."""
    worked_only: bool = False
    """Whether it is chosen only among cases that worked, by the line of success."""

    def to_json(self) -> dict[str, Any]:
        """The recall as JSON values, for a checkpoint between the two halves of a read."""
        candidates = [list(candidate) for candidate in self.candidates]
        values = self._asdict() | {"candidates": candidates, "notices": list(self.notices)}
        for name in ("positive_from", "part_of"):  # releases until November 2026 know no such fields
            if values[name] is None:
                del values[name]
        if not self.worked_only:
            del values["worked_only"]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Parse the result of `to_json`."""
        candidates = [Candidate(*row) for row in values["candidates"]]
        return cls(**values | {"candidates": candidates, "notices": tuple(values.get("notices", ()))})


class Reading(NamedTuple):
    """The cases chosen for one task."""

    event_id: str
    """Pass it to `write` and `feedback`, so that the memory learns the value of these cases."""
    cases: list[ScoredCase]
    """The cases served, best first; at most k, and fewer where the policy left slots empty."""
    policy: str
    n_outcomes: int
    """How many outcomes the policy had learned from when it chose."""
    is_degraded: bool
    """Not all cases could be searched (the engine did not answer, or its index is far behind): never trains."""
    slots: list[Slot]
    """Every slot in order, with its propensity; `case_id` is None where the policy chose the null case."""
    notices: list[str]
    """Notices for the caller: why the reading is degraded, that the index was rebuilt."""
    positive_from: float = POSITIVE_FROM
    """Reward from which on a case counts as one that worked."""

    @property
    def shortened(self) -> dict[str, int]:
        """Tokens of the cases that are to be shortened, by the token budget of the read; by case id."""
        return {one.case_id: one.tokens or 0 for one in self.slots if one.is_shortened and one.case_id is not None}

    @property
    @deprecated("`policy_version` is now `n_outcomes`")
    def policy_version(self) -> int:
        """The former name of `n_outcomes`."""
        return self.n_outcomes


def slot_of(
    position: int,
    choice: SlotChoice,
    candidates: list[Candidate],
    reward_C: NDArray[np.float32],
    estimates: Estimates | None,
    spent: SlotTokens | None = None,
) -> Slot:
    """Slot of an event for a choice, with the estimates of the case at that time."""
    index = choice.candidate
    sd_C = None if estimates is None else estimates.sd_C
    support_C = None if estimates is None else estimates.support_C
    return Slot(
        slot=position,
        case_id=None if index is None else candidates[index].case_id,
        similarity=0.0 if index is None else candidates[index].similarity,
        score=choice.score,
        propensity=choice.propensity,
        is_randomised=choice.is_randomised,
        own_reward=None if index is None else float(reward_C[index]),
        sd=None if index is None or sd_C is None else float(sd_C[index]),
        exposures=None if index is None or estimates is None else int(estimates.exposures_C[index]),
        support=None if index is None or support_C is None else float(support_C[index]),
        tokens=None if index is None or spent is None else spent.tokens,
        is_shortened=spent is not None and spent.is_shortened,
        withheld=None if choice.withheld is None else candidates[choice.withheld].case_id,
    )
