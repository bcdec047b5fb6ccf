"""Credit assignment to the subtasks of a run: what its outcome says of each way that a subtask was carried out.

A run has one reward, and often several subtasks. It is told to all of them, with a confidence that depends on which of
them it can be about:

    the run worked    every subtask that was completed did its part: the run's own confidence
    the run failed    at least one of its n subtasks is to blame, and nothing says which: each is with a chance of 1/n
                      at least, so that is the share of the confidence that is left; of a run of one subtask, all of it
    in between        in proportion to the reward
    not complete      unknown, whatever became of the run: what ended it was a budget or an outage, which says nothing
                      of the way it was done; it counts among the n all the same
    run unknown       unknown, until feedback on the run says more

Below the memory's `min_confidence` a case waits in quarantine, and does not stand against what is known of the same way
(see `admission`). So with the built-in 0.5 a failed run of three subtasks makes none of them a failure, while the cases
that their executors were shown still learn from it, with that weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from memento.memory.case import CaseKind
from memento.memory.errors import InvalidInput

SUBTASK: Final[CaseKind] = "subtask"
"""The kind of cases of subtasks."""


@dataclass(frozen=True, kw_only=True)
class SubtaskAttempt:
    """One subtask of a run, as it was carried out. Written with the run's `Experience`, in one transaction."""

    event_id: str
    """Event id of the reading that served its executor; without one there is nothing that feedback could reach."""
    state: str
    """What was asked: its description."""
    action: str
    """How it was carried out."""
    answer: str = ""
    """Its result."""
    blame: float | None = 1.0
    """Its least share in a failure of the run, in (0, 1]; None: it was not completed, so nothing is known of it."""
    left_out: tuple[str, ...] = ()
    """Ids of cases that were served but not shown to its executor."""

    @classmethod
    def given(cls, value: "SubtaskAttempt | Mapping[str, Any]") -> "SubtaskAttempt":
        """Return an attempt that was given as one, or as its fields.

        Raises:
            InvalidInput: it is neither, or a share lies outside (0, 1].
        """
        if not isinstance(value, SubtaskAttempt):
            try:
                value = cls(**{**value, "left_out": tuple(value.get("left_out", ()))})
            except (TypeError, AttributeError) as error:
                raise InvalidInput(f"a subtask of an experience is a SubtaskAttempt or its fields: {error}") from None
        texts = (value.event_id, value.state, value.action, value.answer)
        if not all(isinstance(text, str) for text in texts) or not value.event_id or not value.state.strip():
            raise InvalidInput("a subtask of an experience has an event id, and a state that is not empty, as texts")
        if value.blame is not None and not 0 < value.blame <= 1:
            raise InvalidInput(f"a subtask's share in a failure lies in (0, 1], not {value.blame!r}")
        return value


class Credit(NamedTuple):
    """What a run's outcome says of one of its subtasks."""

    reward: float | None
    confidence: float


def credited(reward: float | None, confidence: float, blame: float | None) -> Credit:
    """Return what a run's outcome says of a subtask; see the module.

    Args:
        reward: of the run.
        confidence: of its evaluator.
        blame: the subtask's least share in a failure; None where it was not completed.
    """
    if reward is None or blame is None:
        return Credit(None, confidence)
    return Credit(reward, confidence * (reward + (1 - reward) * blame))
