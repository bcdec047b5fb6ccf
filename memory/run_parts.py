"""Parts of a run that become cases of their own: its subtasks, and its steps in an environment.

Each has a reading of its own, and what it is worth follows from the outcome of its run: see `subtasks` and `steps`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from memento.memory.case import CaseKind
from memento.memory.errors import InvalidInput
from memento.memory.event import SubtaskLink


class Credit(NamedTuple):
    """What a run's outcome says of one of its parts."""

    reward: float | None
    """None: nothing is known."""
    confidence: float


@dataclass(frozen=True, kw_only=True)
class RunPart:
    """One part of a run, as it was carried out. Written with the run's `Experience`, in one transaction."""

    kind: ClassVar[CaseKind]
    """Of its case."""
    called: ClassVar[str]
    """In error messages."""

    event_id: str
    """Event id of its reading; without one there is nothing that feedback could reach."""
    state: str
    """What was asked, or the situation."""
    action: str
    """What was done."""
    answer: str = ""
    """What came of it, as text."""
    left_out: tuple[str, ...] = ()
    """Ids of cases that were served, and of which its outcome says nothing."""

    @classmethod
    def given(cls, value: "RunPart | Mapping[str, Any]") -> Self:
        """Return a part that was given as one, or as its fields.

        Raises:
            InvalidInput: it is neither, or one of its values is not valid.
        """
        if not isinstance(value, cls):
            try:
                fields: dict[str, Any] = {**value}  # type: ignore[dict-item]
                value = cls(**{**fields, "left_out": tuple(fields.get("left_out", ()))})
            except (TypeError, ValueError) as error:
                named = f"a {cls.called} of an experience is a {cls.__name__} or its fields"
                raise InvalidInput(f"{named}: {error}") from None
        texts = (value.event_id, value.state, value.action, value.answer)
        if not all(isinstance(text, str) for text in texts) or not value.event_id or not value.state.strip():
            needs = "has an event id, and a state that is not empty, as texts"
            raise InvalidInput(f"a {cls.called} of an experience {needs}")
        value.check()
        return value

    def check(self) -> None:
        """Check the values of this kind of part.

        Raises:
            InvalidInput: one is not valid.
        """
        raise NotImplementedError

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it once the run's reward is."""
        raise NotImplementedError

    def linked(self, event_id: str) -> SubtaskLink:
        """Return what the run's outcome keeps of it, so that later ones reach it.

        Args:
            event_id: of its own outcome.
        """
        raise NotImplementedError
