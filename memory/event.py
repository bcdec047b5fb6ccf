"""Records of retrieval events and their outcomes, from which every estimate can be recomputed."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from memento.memory.case import PLAN, CaseKind, ErrorClass, question_hash, utc_now
from memento.memory.guides import TRIAL
from memento.memory.record import Record

IMPORTED = "imported"
"""Policy name of events that were made elsewhere: how their cases were chosen is not known, so that their propensities
are placeholders."""


class Candidate(NamedTuple):
    """A recalled case, before the policy chooses."""

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
    """Whether the policy could have chosen something else."""
    sd: float | None = None
    """Posterior standard deviation of the score, where the policy's estimator has one."""
    own_reward: float | None = None
    """The case's own reward when it was served; feedback may have changed it since."""
    exposures: int | None = None
    """Known outcomes that the case had been served in, where the policy uses them."""
    support: float | None = None
    """Support of this case's action by the cases recalled with it, where the estimator uses it."""
    tokens: int | None = Field(default=None, exclude_if=lambda value: value is None)
    """Tokens that the case takes of the reading's budget, estimated; None where the reading had no budget."""
    is_shortened: bool = Field(default=False, exclude_if=lambda value: not value)
    """The case is longer: it is to be shown shortened to these tokens."""
    withheld: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of the null case: the one case that it was drawn against, such as a guide that its trial withheld."""


WhyNotServed = Literal["gain", "budget", "slots", "chance"]
"""Why no further case was served: it would add nothing, it did not fit into the token budget, no slot was left, or a
slot was left empty to learn what that is worth."""


class NextCase(Record):
    """The best of the candidates that were not served."""

    case_id: str
    score: float
    """What the policy ranked by; for `advantage` the joint gain of one more case, in logits."""
    why_not: WhyNotServed
    tokens: int | None = Field(default=None, exclude_if=lambda value: value is None)
    """Tokens that it would have taken, where the reading had a budget."""


class RetrievalEvent(Record):
    """One selection of cases for one task."""

    id: str
    namespace: str
    query: str
    """The state text that was searched for."""
    task: str | None = None
    """The task alone, where the query also tells results so far; None: the query is the task."""
    follows: str | None = None
    """The event of the planning cycle before this one in the same run."""
    policy: str
    n_outcomes: int
    """How many outcomes the policy had learned from when it chose."""
    settings_version: int = 0
    """Version of the estimator settings it had learned them with; 0 is the built-in ones."""
    bank_version: int
    """Ledger offset of the newest case revision that could have been chosen."""
    is_degraded: bool = False
    """Not all cases could be searched, because the engine did not answer or its index was far behind: never trains."""
    candidates: list[Candidate] = Field(default_factory=list)
    slots: list[Slot] = Field(default_factory=list)
    created_at: str = Field(default_factory=utc_now)
    fork_of: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The event whose cases a further attempt was made with; see `memory.forks`. It counts as degraded, too."""
    erased_at: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """When its texts were erased; None when they were not. An erased event counts as degraded: it never trains."""
    key: str = Field(default="", exclude_if=lambda value: value == "")
    """The task's key; empty: its text tells it apart."""
    kind: CaseKind = Field(default=PLAN, exclude_if=lambda value: value == PLAN)
    """The kind of cases that were asked for."""
    part_of: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of a subtask's or a step's reading: the reading that the run began with, or read last; None where it had none."""
    usual: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of a step's reading: what such steps usually return; see `steps`. Rewards in its slots are relative to it."""
    k: int | None = Field(default=None, exclude_if=lambda value: value is None)
    """Most cases that were asked for; earlier releases did not record it."""
    max_tokens: int | None = Field(default=None, exclude_if=lambda value: value is None)
    """Token budget of all cases together; None: there was none."""
    worked_from: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Only candidates whose own reward reached this were chosen from; None: from all."""
    next_case: NextCase | None = Field(default=None, exclude_if=lambda value: value is None)
    """The best case that was not served, and why not; None where all were served, or the policy ranks none."""

    @property
    def asked(self) -> str:
        """The task alone."""
        return self.query if self.task is None else self.task

    @property
    def question(self) -> str:
        """Hash that all events of the same task share, whatever their cycle."""
        return question_hash(self.asked, self.key)

    @property
    def is_trial(self) -> bool:
        """Whether it put a guide on trial; see `guides`."""
        return self.policy == TRIAL

    @property
    def case_ids(self) -> list[str]:
        """The cases served, best first, without null slots."""
        return [slot.case_id for slot in self.slots if slot.case_id is not None]

    def without(self, case_ids: Sequence[str]) -> "RetrievalEvent":
        """The event as if these cases had not been served."""
        slots = [slot for slot in self.slots if slot.case_id is None or slot.case_id not in case_ids]
        return self if len(slots) == len(self.slots) else self.model_copy(update={"slots": slots})


class Attempt(Record):
    """Attempt of a run, stored with its outcome so that a later reward can still make a case of it."""

    action: str
    answer: str = ""
    lesson: str = ""
    error_class: ErrorClass | None = None
    thread_id: str | None = None
    models: dict[str, str] = Field(default_factory=dict)
    key: str = Field(default="", exclude_if=lambda value: value == "")
    kind: CaseKind = Field(default=PLAN, exclude_if=lambda value: value == PLAN)
    picture: str = Field(default="", exclude_if=lambda value: value == "")
    """Hash of the picture of its situation."""
    written_from: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)


class StepGain(Record):
    """What a step of an episode gained by the environment's scores; see `steps`."""

    score_before: float = Field(ge=0, le=1)
    gain: float = Field(ge=-1, le=1)
    """From it on, later gains discounted."""
    score: float = Field(ge=0, le=1)
    """At the episode's end."""
    n_after: int = Field(ge=0)
    """Steps after it."""


class SubtaskLink(Record):
    """A subtask or a step whose outcome follows from that of its run; see `subtasks` and `steps`."""

    event_id: str
    """Of its reading."""
    blame: float | None = None
    """Of a subtask: its least share in a failure; None where it was not completed."""
    step: StepGain | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of a step: what it gained; None: it is a subtask."""


class Outcome(Record):
    """Outcome of a retrieval event. Later outcomes of an event replace earlier ones; none is ever changed."""

    key: str
    """Idempotency key: the same delivery twice is one outcome."""
    event_id: str
    namespace: str
    reward: float | None = Field(default=None, ge=0, le=1)
    """None: unknown. Never learned, never counted as a failure."""
    confidence: float = Field(default=1.0, ge=0, le=1)
    evaluator: str = "unknown"
    attempt: Attempt | None = None
    left_out: tuple[str, ...] = ()
    """Cases of the event that were served but never shown to the model: the outcome says nothing of them."""
    subtasks: tuple[SubtaskLink, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Subtasks and steps of the run, which later outcomes of this event reach, too."""
    guides: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Events of the run's readings of guides, which later outcomes of this event reach, too."""
    created_at: str = Field(default_factory=utc_now)


class OutcomeRange(NamedTuple):
    """Consecutive outcomes by their ledger offsets."""

    after: int
    """The offset before the first one."""
    until: int
    """The last one's."""


class ObservedOutcome(NamedTuple):
    """One outcome, or its withdrawal, with the cases served: the input of estimators."""

    offset: int
    """Ledger offset of the outcome."""
    reward: float | None
    """None withdraws the former outcome of this event. Of a step: relative to what such steps usually return."""
    confidence: float
    event: RetrievalEvent
    """Without the cases that the model was not shown."""
    is_partial: bool = False
    """Whether there were such cases: then the model was not shown all that the policy chose."""

    @property
    def event_id(self) -> str:
        """Id of the event that the outcome belongs to."""
        return self.event.id
