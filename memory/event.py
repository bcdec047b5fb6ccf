"""Records of retrieval events and their outcomes, from which every estimate can be recomputed."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from memento.memory.case import ErrorClass, question_hash, utc_now
from memento.memory.record import Record

IMPORTED = "imported"
"""Policy name of events that were made elsewhere: how their cases were chosen is not known, so that their propensities
are placeholders."""


class Candidate(NamedTuple):
    """A case that was recalled, before the policy chose."""

    case_id: str
    similarity: float
    """Cosine between the task and the case's state."""


class Slot(Record):
    """One position of the chosen set."""

    slot: int
    case_id: str | None
    """None: the null case."""
    similarity: float
    score: float
    propensity: float = Field(gt=0, le=1)
    """Probability of this case in this slot given the slots before it; the set's propensity is the product."""
    is_randomised: bool = False
    """Whether anything else could have been chosen."""
    sd: float | None = None
    """Posterior standard deviation of the score, where the policy's estimator has one."""
    own_reward: float | None = None
    """The case's own reward then; feedback may have changed it since."""
    exposures: int | None = None
    """Known outcomes that the case had been served in, as far as the policy looked."""
    support: float | None = None
    """What the cases recalled then said for this one's action, where the policy's estimator asked."""


class RetrievalEvent(Record):
    """One selection of cases for one task."""

    id: str
    namespace: str
    query: str
    """The state text that was looked up."""
    task: str | None = None
    """The task alone, where the query also tells results so far; None: the query is the task."""
    follows: str | None = None
    """The event of the planning cycle before this one in the same run."""
    policy: str
    n_outcomes: int
    """How many outcomes the policy had learned from when it chose."""
    settings_version: int = 0
    """Which promoted settings it had learned them with; 0 is the built-in ones."""
    bank_version: int
    """Ledger offset of the newest case revision that could have been chosen."""
    is_degraded: bool = False
    """Not all cases could be searched, because the engine did not answer or its index was far behind: never trains."""
    candidates: list[Candidate] = Field(default_factory=list)
    slots: list[Slot] = Field(default_factory=list)
    created_at: str = Field(default_factory=utc_now)
    erased_at: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """When its texts were erased; None when they were not. An erased event counts as degraded: it never trains."""

    @property
    def asked(self) -> str:
        """The task alone."""
        return self.query if self.task is None else self.task

    @property
    def question(self) -> str:
        """Hash under which all events of the same question fall together, whatever their cycle."""
        return question_hash(self.asked)

    @property
    def case_ids(self) -> list[str]:
        """The cases served, best first, without null slots."""
        return [slot.case_id for slot in self.slots if slot.case_id is not None]

    def without(self, case_ids: Sequence[str]) -> "RetrievalEvent":
        """The event as if these cases had not been served."""
        slots = [slot for slot in self.slots if slot.case_id is None or slot.case_id not in case_ids]
        return self if len(slots) == len(self.slots) else self.model_copy(update={"slots": slots})


class Attempt(Record):
    """What a run tried, kept with its outcome so that a reward that comes later can still become a case."""

    action: str
    answer: str = ""
    lesson: str = ""
    error_class: ErrorClass | None = None
    thread_id: str | None = None
    models: dict[str, str] = Field(default_factory=dict)


class Outcome(Record):
    """What came of an event. Later outcomes of the same event replace earlier ones; none is ever changed."""

    key: str
    """Idempotency key: the same delivery twice is one outcome."""
    event_id: str
    namespace: str
    reward: float | None = Field(default=None, ge=0, le=1)
    """None: it cannot be known. Never learned, never counted as a failure."""
    confidence: float = Field(default=1.0, ge=0, le=1)
    evaluator: str = "unknown"
    attempt: Attempt | None = None
    left_out: tuple[str, ...] = ()
    """Cases of the event that were served but never shown to the model: the outcome says nothing of them."""
    created_at: str = Field(default_factory=utc_now)


class OutcomeRange(NamedTuple):
    """Consecutive outcomes by their ledger offsets."""

    after: int
    """The offset before the first one."""
    until: int
    """The last one's."""


class Observation(NamedTuple):
    """One outcome with what was served: what an estimator learns from, or the withdrawal of it."""

    offset: int
    """Ledger offset of the outcome."""
    reward: float | None
    """None withdraws what was believed of this event."""
    confidence: float
    event: RetrievalEvent
    """Without the cases that the model was not shown."""
    is_partial: bool = False
    """Whether there were such: what was shown then is not what the policy chose."""

    @property
    def event_id(self) -> str:
        """Of the selection that the outcome is of."""
        return self.event.id
