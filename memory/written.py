"""An experience as it is handed to the memory: checked, before the ledger keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError

from memento.memory.case import Case, ErrorClass, case_id, storable
from memento.memory.errors import InvalidInput
from memento.memory.event import Attempt
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_ANSWER_CHARS, MAX_LESSON_CHARS, MAX_STATE_CHARS, bounded


@dataclass(frozen=True, kw_only=True)
class Written:
    """The arguments of `CaseMemory.write`, which explains them."""

    state: str
    action: str
    reward: float | None
    answer: str = ""
    event_id: str | None = None
    confidence: float = 1.0
    lesson: str = ""
    error_class: ErrorClass | None = None
    evaluator: str = "unknown"
    thread_id: str | None = None
    models: dict[str, str] | None = None
    namespace: str | None = None
    left_out: Sequence[str] = ()

    def tried(self, namespace: str) -> "Tried":
        """As it can be kept.

        Args:
            namespace: a checked one, whatever `self.namespace` says.

        Raises:
            InvalidInput: empty state, a reward or confidence outside [0, 1], an unknown error class.
        """
        check_share("reward", self.reward)
        check_share("confidence", self.confidence)
        if not self.state.strip():
            raise InvalidInput("the state is empty")
        try:
            attempt = Attempt(
                action=bounded(storable(self.action), MAX_ACTION_CHARS),
                answer=bounded(storable(self.answer), MAX_ANSWER_CHARS),
                lesson=bounded(storable(self.lesson), MAX_LESSON_CHARS),
                error_class=self.error_class,
                thread_id=None if self.thread_id is None else storable(self.thread_id),
                models={storable(role): storable(model) for role, model in (self.models or {}).items()},
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error
        return Tried(
            namespace=namespace,
            state=bounded(storable(self.state), MAX_STATE_CHARS),
            attempt=attempt,
            reward=self.reward,
            confidence=self.confidence,
            evaluator=storable(self.evaluator),
            event_id=None if self.event_id is None else storable(self.event_id),
            left_out=tuple(map(storable, self.left_out)),
        )


class Tried(NamedTuple):
    """What the ledger keeps of it."""

    namespace: str
    state: str
    attempt: Attempt
    reward: float | None
    confidence: float
    evaluator: str
    event_id: str | None
    left_out: tuple[str, ...] = ()


def bounded_case(case: Case) -> Case:
    """A finished case as it can be kept: its texts no longer than allowed, its id that of what is kept."""
    state, action = bounded(case.state, MAX_STATE_CHARS), bounded(case.action, MAX_ACTION_CHARS)
    answer, lesson = bounded(case.answer, MAX_ANSWER_CHARS), bounded(case.lesson, MAX_LESSON_CHARS)
    kept = {"state": state, "action": action, "answer": answer, "lesson": lesson}
    if all(getattr(case, name) == text for name, text in kept.items()):
        return case
    return case.model_copy(update=kept | {"id": case_id(case.namespace, state, action)})


def check_share(what: str, value: float | None) -> None:
    """Refuse a reward or a confidence that is none.

    Raises:
        InvalidInput: not in [0, 1] and not None.
    """
    if value is not None and not 0 <= value <= 1:
        raise InvalidInput(f"a {what} lies in [0, 1], not {value}")
