"""The case record c = (s, a, r) of the paper: state (task), action (plan), reward; its id and question hash."""

import hashlib
import re
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, Field

from memento.memory.arguments import checked_text
from memento.memory.folding import FRACTION_BAR, folded
from memento.memory.record import Record
from memento.memory.tally import CaseOutcomes, Tally

R = TypeVar("R", bound=BaseModel)

CaseStatus = Literal["active", "quarantined", "retired", "erased"]
ErrorClass = Literal["plan", "tool", "knowledge", "format", "budget", "judge"]
CaseKind = Literal["plan", "subtask", "step", "skill", "lesson"]
"""What a case is of: a whole task, a subtask of a plan, a step in an environment, a procedure, a reflection."""

CASE_KINDS: tuple[CaseKind, ...] = get_args(CaseKind)
PLAN: CaseKind = "plan"
"""The kind of cases that say no other; all cases of releases before kinds are of this one."""

ERASED = "[erased]"
"""What stands in place of a text that was erased."""

POSITIVE_FROM = 0.5
"""A reward from here on counts as a success: in figures, and in prompts where a memory or run does not say otherwise;
see `success`. Learning uses the reward itself."""

QUESTION_VERSION = 2
"""Version of `question_hash`; when it changes, estimates learned under former hashes are rebuilt."""

_CASE_IDS = uuid.UUID("6f0c2f6e-51a5-5b0e-9a53-3b1f6d0f6a11")
_MARKED_CASE_IDS = uuid.UUID("0b0e7f0a-6c5d-5a1e-8f43-9d2c7c1e4b52")
"""Of cases with a key, or of another kind than `plan`."""
_SPACES = re.compile(r"\s+")
_CLOSING = "?!. "
_FACTORIAL = re.compile(r"[\d)]$|(?<!\w)[knm]$")


def utc_now() -> str:
    """The time now, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class LessonGround(Record):
    """The outcome that a lesson was written after, and stands on."""

    outcome: Literal["failure", "success"]
    line: float = Field(gt=0, le=1)
    """The reward from which on the run counted as a success."""

    def holds(self, reward: float) -> bool:
        """Whether a reward is such an outcome."""
        return (reward >= self.line) == (self.outcome == "success")


class Provenance(Record):
    """Origin of a case: event, models and evaluator."""

    event_id: str | None = None
    """The retrieval event of the run that wrote it; feedback on that event reaches the case."""
    thread_id: str | None = None
    models: dict[str, str] = Field(default_factory=dict)
    """Role (planner, executor, judge) to model name."""
    evaluator: str | None = None
    """Who gave the reward: exact | judge | human | import | ..."""
    ground: LessonGround | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of a lesson: the outcome of its run that it stands on; see `lessons`."""
    written_from: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Of a guide: the question hashes of the tasks that it was written from. It is never served to them."""


class Case(Record):
    """One revision of one case. Immutable; a change is a new revision with the next version."""

    id: str
    """uuid5 of namespace, state and action, of the key where there is one, and of the kind where it is not `plan`: the
    same experience is the same case."""
    namespace: str
    state: str
    """The task text."""
    action: str
    """The first accepted plan (and, when there is one, the final trace), as text."""
    reward: float = Field(ge=0, le=1)
    """Mean of its known outcomes. So one unlucky attempt does not hide that the action usually works, nor a lucky one
    that it usually fails; prompts, policies and estimators read this as what the action is worth by itself."""
    answer: str = ""
    confidence: float = Field(default=1.0, ge=0, le=1)
    """How sure the evaluator was."""
    lesson: str = ""
    error_class: ErrorClass | None = None
    status: CaseStatus = "active"
    trust: float = Field(default=1.0, ge=0, le=1)
    provenance: Provenance = Provenance()
    version: int = 1
    created_at: str = Field(default_factory=utc_now)
    key: str = Field(default="", exclude_if=lambda value: value == "")
    """The task's key, where a data set or an environment names its tasks; empty: the state tells them apart."""
    kind: CaseKind = Field(default=PLAN, exclude_if=lambda value: value == PLAN)
    """A read sees the cases of one kind."""
    picture: str = Field(default="", pattern=r"^([0-9a-f]{32})?$", exclude_if=lambda value: value == "")
    """Hash of the picture of its situation, which `CaseMemory.picture` reads; empty: it has none."""
    tally: Tally | None = Field(default=None, exclude_if=lambda value: value is None)
    """Sums of its outcomes, where these are not the reward alone; read `outcomes`."""

    @property
    def outcomes(self) -> CaseOutcomes:
        """Count, mean and spread of its known outcomes; of a case that an older release wrote, its reward alone."""
        if self.tally is not None and self.tally.agrees(self.reward):
            return self.tally.outcomes
        return CaseOutcomes(1, self.reward, None)

    @property
    def question(self) -> str:
        """Hash that all cases of the same task share."""
        return question_hash(self.state, self.key)

    @property
    def own_id(self) -> str:
        """The id that a case of these contents has; see `case_id`."""
        return case_id(self.namespace, self.state, self.action, key=self.key, kind=self.kind)

    @property
    def text(self) -> str:
        """State and action together: the case as Q(s, c) sees it."""
        return f"{self.state}\n{self.action}"

    def content(self) -> dict[str, Any]:
        """Fields that make two revisions differ: all but version and time."""
        return self.model_dump(exclude={"version", "created_at"})

    def exported(self) -> dict[str, Any]:
        """JSON values of all fields but the sums, and `outcomes` with count, mean and spread."""
        return self.model_dump(mode="json", exclude={"tally"}) | {"outcomes": self.outcomes._asdict()}


class ScoredCase(NamedTuple):
    """A served case with its similarity, score, slot and propensity."""

    case: Case
    similarity: float
    """Cosine between the task and the case's state, in [-1, 1]."""
    score: float
    """What the policy ranked by; its unit is the policy's own (cosine, probability of success, ...)."""
    slot: int
    """Its position among the reading's slots, from 0; slot 0 is the best. Empty slots are counted too."""
    propensity: float
    """Probability with which the policy put this case into this slot, given the slots before it; in (0, 1]."""


def case_id(namespace: str, state: str, action: str, *, key: str = "", kind: CaseKind = PLAN) -> str:
    """The id of a case: the same namespace, state, action, key and kind always give the same id."""
    # what str(uuid.uuid5(_CASE_IDS, ...)) gives, in a third of its time: every row that is read or loaded asks for one
    is_marked = bool(key) or kind != PLAN
    parts = (kind, key, namespace, state, action) if is_marked else (namespace, state, action)
    named = (_MARKED_CASE_IDS if is_marked else _CASE_IDS).bytes + storable("\x1f".join(parts)).encode()
    digits = hashlib.sha1(named, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def question_hash(text: str, key: str = "") -> str:
    """Identity of a task: hash of its key where it has one, else of its text.

    That of a text is blind to case, spacing, Unicode form and closing punctuation; that of a key is exact. What has
    another meaning has another hash: 2⁸ and 28, 1½ and 11/2, 5! and 5 (see `folding`).
    """
    if key:
        return text_hash(f"key\x1f{key}")
    closed = " ".join(folded(text).replace(FRACTION_BAR, "/").casefold().split())
    bare = closed.rstrip(_CLOSING)
    marks = closed[len(bare) :]
    n_factorial = len(marks) - len(marks.lstrip("!")) if marks[:1] == "!" and _FACTORIAL.search(bare) else 0
    return text_hash(bare + marks[:n_factorial])


def former_question_hash(text: str, key: str = "") -> str:
    """Question hash of releases until November 2026, which took 2⁸ for 28. Frozen: old ledgers hold it.

    Those releases had no keys: the hash of a key is today's.
    """
    if key:
        return question_hash(text, key)
    former = unicodedata.normalize("NFKC", text).casefold()
    return text_hash(_SPACES.sub(" ", former).strip().rstrip(_CLOSING))


def storable(text: str) -> str:
    """Replace lone surrogates with question marks, so that databases, encoders and servers accept the text.

    Raises:
        InvalidInput: it is no text.
    """
    if checked_text("this", text).isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def storable_record(record: R) -> R:
    """The record with every text in it storable."""
    given = record.model_dump()
    kept = _storable_value(given)
    return record if kept == given else type(record).model_validate(kept)


def _storable_value(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable_value(key): _storable_value(one) for key, one in value.items()}
    return [_storable_value(one) for one in value] if isinstance(value, list) else value


def text_hash(text: str) -> str:
    """Content address of a text: 32 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
