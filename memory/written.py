"""An experience as it is handed to the memory: checked, before the ledger keeps it."""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError

from memento.memory.case import ErrorClass, storable
from memento.memory.errors import InvalidInput
from memento.memory.event import Attempt


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
                action=storable(self.action),
                answer=storable(self.answer),
                lesson=storable(self.lesson),
                error_class=self.error_class,
                thread_id=None if self.thread_id is None else storable(self.thread_id),
                models={storable(role): storable(model) for role, model in (self.models or {}).items()},
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error
        return Tried(
            namespace=namespace,
            state=storable(self.state),
            attempt=attempt,
            reward=self.reward,
            confidence=self.confidence,
            evaluator=storable(self.evaluator),
            event_id=None if self.event_id is None else storable(self.event_id),
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


def check_share(what: str, value: float | None) -> None:
    """Refuse a reward or a confidence that is none.

    Raises:
        InvalidInput: not in [0, 1] and not None.
    """
    if value is not None and not 0 <= value <= 1:
        raise InvalidInput(f"a {what} lies in [0, 1], not {value}")
