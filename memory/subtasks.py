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

from dataclasses import dataclass
from typing import ClassVar, Final

from memento.memory.case import CaseKind
from memento.memory.errors import InvalidInput
from memento.memory.event import SubtaskLink
from memento.memory.run_parts import Credit, RunPart

SUBTASK: Final[CaseKind] = "subtask"
"""The kind of cases of subtasks."""


@dataclass(frozen=True, kw_only=True)
class SubtaskAttempt(RunPart):
    """One subtask of a run: its description as the state, how it was carried out as the action, its result."""

    kind: ClassVar[CaseKind] = SUBTASK
    called: ClassVar[str] = "subtask"

    blame: float | None = 1.0
    """Its least share in a failure of the run, in (0, 1]; None: it was not completed, so nothing is known of it."""

    def check(self) -> None:
        """Check the share.

        Raises:
            InvalidInput: it lies outside (0, 1].
        """
        if self.blame is not None and not 0 < self.blame <= 1:
            raise InvalidInput(f"a subtask's share in a failure lies in (0, 1], not {self.blame!r}")

    @property
    def is_known(self) -> bool:
        """Whether it was completed."""
        return self.blame is not None

    def linked(self, event_id: str) -> SubtaskLink:
        """Return what the run's outcome keeps of it."""
        return SubtaskLink(event_id=event_id, blame=self.blame)


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
