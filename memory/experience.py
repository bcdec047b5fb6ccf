"""The experience record: what was tried, its reward, and who gave it. Validated once, then passed on as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from pydantic import ValidationError

from memento.memory.arguments import check_share, checked_text, checked_texts
from memento.memory.case import PLAN, Case, CaseKind, ErrorClass, case_id, question_hash, storable
from memento.memory.errors import InvalidInput
from memento.memory.event import Attempt
from memento.memory.lessons import Reflection
from memento.memory.pictures import CasePicture, picture_key, picture_of
from memento.memory.run_parts import RunPart
from memento.memory.steps import StepAttempt
from memento.memory.subtasks import SubtaskAttempt
from memento.memory.task_keys import checked_key, checked_kind
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_ANSWER_CHARS, MAX_LESSON_CHARS, MAX_STATE_CHARS, bounded

_LATER_FIELDS: Final[tuple[tuple[str, Any], ...]] = (
    ("key", ""),
    ("kind", PLAN),
    ("subtasks", []),
    ("steps", []),
    ("reflection", None),
    ("picture", ""),
    ("guides", []),
    ("written_from", []),
)
"""Fields added since 0.1, and what they hold where they say nothing."""


@dataclass(frozen=True, kw_only=True)
class Experience:
    """One experience to store: task, action, reward and lesson.

    Texts beyond the limits of `text_limits` lose their middle; what no database takes (half a surrogate pair) becomes a
    question mark.

    Raises:
        InvalidInput: empty state, a reward or confidence outside [0, 1], an unknown error class or kind, a key that is
            too long, a picture that is too large or no PNG, JPEG or WebP image, a wrong type.
    """

    state: str
    """The task."""
    action: str
    """What was planned and done, as text."""
    reward: float | None
    """In [0, 1]; None when it cannot be known: then no case is written, nothing is learned, and the attempt waits for
    feedback."""
    answer: str = ""
    event_id: str | None = None
    """Event id of the reading that served this task."""
    confidence: float = 1.0
    """How sure the evaluator was, in [0, 1]."""
    lesson: str = ""
    """What worked, or why it failed."""
    error_class: ErrorClass | None = None
    evaluator: str = "unknown"
    """Who gave the reward."""
    thread_id: str | None = None
    models: Mapping[str, str] | None = None
    """Role to model name."""
    namespace: str | None = None
    """The memory's own by default."""
    left_out: Sequence[str] = ()
    """Ids of cases that were served but not shown to the model: nothing is learned of them."""
    key: str = ""
    """The task's key, where many tasks have one text; empty: that of the event's reading, or none."""
    kind: CaseKind = PLAN
    """What the case is of; it is served to reads that ask for this kind."""
    subtasks: Sequence[SubtaskAttempt] = ()
    """How its subtasks were carried out, each of which becomes a case of its own; see `subtasks` for what it is worth.
    Fields of one may stand for it."""
    reflection: Reflection | None = None
    """A lesson drawn from it, which becomes a case of its own; see `lessons`. Its fields may stand for it."""
    steps: Sequence[StepAttempt] = ()
    """Its steps in an environment, each of which becomes a case of its own; see `steps` for what it is worth. Fields of
    one may stand for it."""
    picture: bytes | str = b""
    """A picture of the situation, which tells the task together with its text: a PNG, JPEG or WebP image of at most
    1 MiB, as bytes or as base64. Kept once in a namespace."""
    checked_picture: CasePicture | None = field(init=False, repr=False, compare=False)
    """The picture, checked, with its hash and media type."""
    guides: Sequence[str] = ()
    """Event ids of the readings of guides for this task (see `guides`), which have its outcome, too."""
    written_from: Sequence[str] = ()
    """Of a guide: `Case.question` of the cases that it was written from; it is never served to these tasks."""
    attempt: Attempt = field(init=False, repr=False, compare=False)
    """The attempt, as stored with the outcome."""

    def __post_init__(self) -> None:
        check_share("reward", self.reward, is_optional=True)
        check_share("confidence", self.confidence)
        for name in ("state", "action", "answer", "lesson", "evaluator"):
            checked_text(f"`{name}`", getattr(self, name))
        if not self.state.strip():
            raise InvalidInput("the state is empty")
        if not isinstance(self.models, Mapping | None):
            raise InvalidInput(f"`models` maps roles to names, and is not {type(self.models).__name__}")
        shown = picture_of(self.picture)
        models = {storable(role): storable(model) for role, model in (self.models or {}).items()}
        kept: dict[str, Any] = {
            "state": bounded(storable(self.state), MAX_STATE_CHARS),
            "action": bounded(storable(self.action), MAX_ACTION_CHARS),
            "answer": bounded(storable(self.answer), MAX_ANSWER_CHARS),
            "lesson": bounded(storable(self.lesson), MAX_LESSON_CHARS),
            "evaluator": storable(self.evaluator),
            "event_id": None if self.event_id is None else storable(self.event_id),
            "thread_id": None if self.thread_id is None else storable(self.thread_id),
            "models": models,
            "left_out": tuple(map(storable, checked_texts("`left_out`", self.left_out))),
            "key": checked_key(self.key),
            "kind": checked_kind(self.kind),
            "subtasks": tuple(map(SubtaskAttempt.given, self.subtasks)),
            "reflection": None if self.reflection is None else Reflection.given(self.reflection),
            "steps": tuple(map(StepAttempt.given, self.steps)),
            "picture": b"" if shown is None else shown.content,
            "checked_picture": shown,
            "guides": tuple(map(storable, checked_texts("`guides`", self.guides))),
            "written_from": tuple(dict.fromkeys(map(storable, checked_texts("`written_from`", self.written_from)))),
        }
        if shown is not None and not kept["key"]:
            kept["key"] = picture_key(kept["state"], shown.hash)
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        try:
            attempt = Attempt(
                action=self.action,
                answer=self.answer,
                lesson=self.lesson,
                error_class=self.error_class,
                thread_id=self.thread_id,
                models=models,
                key=self.key,
                kind=self.kind,
                picture="" if shown is None else shown.hash,
                written_from=tuple(self.written_from),
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error
        object.__setattr__(self, "attempt", attempt)

    @property
    def is_keyed_by_picture(self) -> bool:
        """Whether its key is made of its text and picture, because it was given none."""
        return self.checked_picture is not None and self.key == picture_key(self.state, self.checked_picture.hash)

    @property
    def question(self) -> str:
        """Hash that all attempts of the same task share."""
        return question_hash(self.state, self.key)

    @property
    def parts(self) -> tuple[RunPart, ...]:
        """Its subtasks and steps."""
        return (*self.subtasks, *self.steps)

    def id_in(self, namespace: str) -> str:
        """The id of its case in a namespace."""
        return case_id(namespace, self.state, self.action, key=self.key, kind=self.kind)

    def as_arguments(self) -> dict[str, Any]:
        """The keywords of `CaseMemory.write`, as JSON values; without fields added since 0.1 that say nothing."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        for name in ("subtasks", "steps"):
            given[name] = [asdict(one) | {"left_out": list(one.left_out)} for one in given[name]]
        given["reflection"] = None if self.reflection is None else asdict(self.reflection)
        given["picture"] = "" if self.checked_picture is None else self.checked_picture.base64
        given |= {"guides": list(self.guides), "written_from": list(self.written_from)}
        for name, default in _LATER_FIELDS:
            if given[name] == default:
                del given[name]
        return given | {"models": dict(self.models or {}), "left_out": list(self.left_out)}


def bounded_case(case: Case) -> Case:
    """Truncate the texts of a finished case to the allowed lengths, with the id of the truncated texts."""
    state, action = bounded(case.state, MAX_STATE_CHARS), bounded(case.action, MAX_ACTION_CHARS)
    answer, lesson = bounded(case.answer, MAX_ANSWER_CHARS), bounded(case.lesson, MAX_LESSON_CHARS)
    kept = {"state": state, "action": action, "answer": answer, "lesson": lesson}
    if all(getattr(case, name) == text for name, text in kept.items()):
        return case
    shorter = case.model_copy(update=kept)
    return shorter.model_copy(update={"id": shorter.own_id})
