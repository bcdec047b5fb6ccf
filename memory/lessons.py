"""Lessons: reflections on a run, each a case of kind `lesson`: the situation is its state, the advice its action.

A lesson is written with its run, in the same transaction, and has the run's task as its key: a read for that task does
not see it, so that it is tried out on others. It says nothing of success or failure itself: its reward is NO_CLAIM, and
it has no outcome (`case.outcomes.n` is 0), until it is served and the outcomes of those events say what it was worth.

It stands on the outcome that it was written after (`LessonGround`). Where that changes by feedback, the lesson is
quarantined, and comes back with the outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from memento.memory.case import CaseKind, LessonGround, storable
from memento.memory.errors import InvalidInput
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_STATE_CHARS, bounded

LESSON: Final[CaseKind] = "lesson"
"""The kind of cases of lessons."""
NO_CLAIM: Final = 0.5
"""Reward of a lesson's case, which a case must have; as near to success as to failure."""


@dataclass(frozen=True, kw_only=True)
class Reflection:
    """A lesson as the run that it comes from hands it in, with its `Experience`."""

    when: str
    """The situation that the advice is for."""
    advice: str
    """What to do there, or to avoid."""
    after: str
    """The outcome that it was written after: `failure` or `success`."""
    line: float = 0.5
    """The reward from which on the run counts as a success."""
    model: str = ""
    """Name of the model that wrote it."""

    @classmethod
    def given(cls, value: "Reflection | Mapping[str, Any]") -> "Reflection":
        """Return a reflection that was given as one, or as its fields; texts beyond the limits lose their middle.

        Raises:
            InvalidInput: it is neither, a text is missing, or `after` or `line` is not valid.
        """
        if not isinstance(value, Reflection):
            try:
                value = cls(**value)
            except TypeError as error:
                raise InvalidInput(f"the reflection of an experience is a Reflection or its fields: {error}") from None
        texts = (value.when, value.advice, value.model)
        if not all(isinstance(text, str) for text in texts) or not value.when.strip() or not value.advice.strip():
            raise InvalidInput("the reflection of an experience has `when` and `advice`, as texts that are not empty")
        return cls(
            when=bounded(storable(value.when), MAX_STATE_CHARS),
            advice=bounded(storable(value.advice), MAX_ACTION_CHARS),
            after=_checked_ground(value).outcome,
            line=value.line,
            model=storable(value.model),
        )

    @property
    def ground(self) -> LessonGround:
        """The outcome that it stands on."""
        return _checked_ground(self)


def _checked_ground(value: Reflection) -> LessonGround:
    is_line = isinstance(value.line, int | float) and not isinstance(value.line, bool) and 0 < value.line <= 1
    if value.after not in ("failure", "success") or not is_line:
        raise InvalidInput(
            "the reflection of an experience is written after a `failure` or a `success`, told apart by a reward "
            f"above 0 and at most 1, not after {value.after!r} by {value.line!r}"
        )
    return LessonGround(outcome="success" if value.after == "success" else "failure", line=value.line)
