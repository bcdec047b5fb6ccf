"""Credit assignment to the steps of an episode: the return of each, and the baseline that it is compared with.

A step is one action in an environment. Its *return* is the share of what was left to be gained before it that the run
has gained by its end:

    (reward of the run - score before the step) / (1 - score before the step), in [0, 1]

So an action that came after the last gain of score has a return of 0, and all actions of an episode that was won have
one of 1. Where the run's reward is not known, or nothing was left to be gained, neither is the return. It is the
step's outcome in the ledger, and the reward of its case: feedback that replaces the run's reward replaces it.

The *baseline* is what such steps usually return: the mean reward of the step cases that were recalled for the
situation, weighted by how alike theirs are, with one observation of .5 beside them. It is an estimate that changes with
every episode, so it is kept with the reading, not in the case. Policies and estimators see rewards and outcomes of
steps relative to it, where .5 is as usual: so a case is not thought to help for being used where all goes well. A case
is shown as one that worked where its reward is above the baseline.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import CaseKind
from memento.memory.errors import InvalidInput
from memento.memory.event import SubtaskLink
from memento.memory.run_parts import Credit, RunPart

Returns = TypeVar("Returns", float, NDArray[np.float32])

STEP: Final[CaseKind] = "step"
"""The kind of cases of steps."""

_WIDTH: Final = 0.15
"""Of the kernel, in cosine: a situation at .85 weighs e times less than the same one."""
_PRIOR: Final = 0.5
_LEAST_LINE: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class StepAttempt(RunPart):
    """One step of a run's episode: the situation as the state, the action, and what was seen after it as the answer.

    `left_out` has the cases that were served for it, but for those whose action was taken.
    """

    kind: ClassVar[CaseKind] = STEP
    called: ClassVar[str] = "step"

    score_before: float = 0.0
    """The episode's score before it, in [0, 1]."""

    def check(self) -> None:
        """Check the score.

        Raises:
            InvalidInput: it lies outside [0, 1].
        """
        is_number = isinstance(self.score_before, int | float) and not isinstance(self.score_before, bool)
        if not is_number or not 0 <= self.score_before <= 1:
            raise InvalidInput(f"a step's score before it lies in [0, 1], not {self.score_before!r}")

    @property
    def is_known(self) -> bool:
        """Whether anything was left to be gained."""
        return self.score_before < 1

    def linked(self, event_id: str) -> SubtaskLink:
        """Return what the run's outcome keeps of it."""
        return SubtaskLink(event_id=event_id, score_before=self.score_before)


def step_credit(reward: float | None, confidence: float, score_before: float) -> Credit:
    """Return what a run's outcome says of a step: its return; see the module.

    Args:
        reward: of the run.
        confidence: of its evaluator.
        score_before: the score before the step.
    """
    if reward is None or score_before >= 1:
        return Credit(None, confidence)
    return Credit(max(0.0, (reward - score_before) / (1 - score_before)), confidence)


def usual_return(similarity_C: NDArray[np.float32], reward_C: NDArray[np.float32]) -> float:
    """Return the baseline of a reading; see the module.

    Args:
        similarity_C: of the candidates to the situation.
        reward_C: of the candidates.
    """
    weight_C = np.exp((similarity_C.astype(float) - 1) / _WIDTH)
    return float((_PRIOR + weight_C @ reward_C) / (1 + weight_C.sum()))


def relative_return(reward: Returns, usual: float) -> Returns:
    """Return a step's return relative to the baseline, in [0, 1]; .5 is as usual."""
    return 0.5 + (reward - usual) / 2


def success_line(usual: float) -> float:
    """Return the reward from which on a step case counts as one that worked; a return of 0 never does."""
    return max(usual, _LEAST_LINE)
