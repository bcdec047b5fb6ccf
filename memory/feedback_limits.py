"""Limits of feedback that comes from somebody who is trusted less than the owner of a namespace."""

from collections.abc import Sequence
from typing import NamedTuple

from memento.memory.errors import FeedbackRefused
from memento.memory.event import Outcome


class FeedbackLimits(NamedTuple):
    """What an evaluator may change in the outcomes of one event."""

    max_changes: int
    """How many outcomes of an event it may give."""
    yields_to: str = ""
    """Evaluators whose names begin so have the last word: what they said stands. Empty: nobody."""

    def check(self, past: Sequence[Outcome], evaluator: str) -> None:
        """Refuse one outcome too many.

        Args:
            past: outcomes of the event so far, oldest first.
            evaluator: who gives the next one.

        Raises:
            FeedbackRefused: it may give none.
        """
        if self.yields_to and past and past[-1].evaluator.startswith(self.yields_to):
            raise FeedbackRefused("the owner has judged this run; what they said stands")
        if sum(outcome.evaluator == evaluator for outcome in past) >= self.max_changes:
            raise FeedbackRefused(f"the reward of this run was changed {self.max_changes} times; it stands now")
