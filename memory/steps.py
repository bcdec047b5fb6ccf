"""Credit assignment to the steps of an episode: the return of each, and the baseline that it is compared with.

A step is one action in an environment. Its *return* is what was gained from it on, later gains discounted, as a share
of what was left to be gained before it:

    (gain now + .8 * next gain + .64 * the gain after that + ...) / (1 - score before the step), in [0, 1]

A gain three steps later counts half. So an action that came after the last gain of score has a return of 0, and one
that finished the task has one of 1. The reward of the run is the score at the episode's end, unless somebody else gave
it or feedback has replaced it: then all scores are scaled to it, and where the score was 0 throughout, the reward is
one gain after the last step. Where the reward is not known, or nothing was left to be gained, neither is the return. It
is the step's outcome in the ledger, and the reward of its case: feedback that replaces the run's reward replaces it.

The *baseline* is what such steps usually return: the mean reward of the step cases that were recalled for the
situation, weighted by how alike theirs are, with one observation of .5 beside them. It is an estimate that changes with
every episode, so it is kept with the reading, not in the case. Policies and estimators see rewards and outcomes of
steps relative to it, where .5 is as usual: so a case is not thought to help for being used where all goes well. A case
is shown as one that worked where its reward is above the baseline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from memento.memory.case import CaseKind
from memento.memory.errors import InvalidInput
from memento.memory.event import StepGain, SubtaskLink
from memento.memory.run_parts import Credit, RunPart

STEP: Final[CaseKind] = "step"
"""The kind of cases of steps."""

_DISCOUNT: Final = 0.8
"""Of a gain, for each step before it."""
_NOTHING: Final = 1e-9
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
    gain: float = 0.0
    """Gained from it on, later gains discounted; see `discounted_gains`."""
    score: float = 0.0
    """The episode's score at its end, in [0, 1]."""
    n_after: int = 0
    """Steps after it."""

    def check(self) -> None:
        """Check the numbers.

        Raises:
            InvalidInput: a score lies outside [0, 1], the gain outside [-1, 1], or the number of steps below 0.
        """
        try:
            StepGain(**self._of_gain())
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"a step's `{'.'.join(map(str, first['loc']))}`: {first['msg']}") from None

    @property
    def is_known(self) -> bool:
        """Whether anything was left to be gained."""
        return self.score_before < 1

    def linked(self, event_id: str) -> SubtaskLink:
        """Return what the run's outcome keeps of it."""
        return SubtaskLink(event_id=event_id, step=StepGain(**self._of_gain()))

    def _of_gain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in StepGain.model_fields}


def discounted_gains(scores: Sequence[float]) -> list[float]:
    """Return what was gained from each step on, later gains discounted.

    Args:
        scores: after the reset and after each step, each in [0, 1].
    """
    gains: list[float] = []
    later = 0.0
    for before, after in reversed(list(pairwise(scores))):
        later = after - before + _DISCOUNT * later
        gains.append(min(1.0, max(-1.0, later)))
    return gains[::-1]


def step_credit(reward: float | None, confidence: float, step: StepGain) -> Credit:
    """Return what a run's outcome says of a step: its return; see the module.

    Args:
        reward: of the run.
        confidence: of its evaluator.
        step: what it gained by the environment's scores.
    """
    if reward is None:
        return Credit(None, confidence)
    if step.score > 0:
        scale = reward / step.score
        gain, left = step.gain * scale, 1 - step.score_before * scale
    else:
        gain, left = reward * _DISCOUNT**step.n_after, 1 - step.score_before
    if left <= _NOTHING:
        return Credit(None, confidence)
    return Credit(min(1.0, max(0.0, gain / left)), confidence)


def usual_return(similarity_C: NDArray[np.float32], reward_C: NDArray[np.float32]) -> float:
    """Return the baseline of a reading; see the module.

    Args:
        similarity_C: of the candidates to the situation.
        reward_C: of the candidates.
    """
    weight_C = np.exp((similarity_C.astype(float) - 1) / _WIDTH)
    return float((_PRIOR + (weight_C * reward_C).sum()) / (1 + weight_C.sum()))


def relative_return(reward: float, usual: float) -> float:
    """Return a step's return relative to the baseline, in [0, 1]; .5 is as usual."""
    return 0.5 + (reward - usual) / 2


def success_line(usual: float) -> float:
    """Return the reward from which on a step case counts as one that worked; a return of 0 never does."""
    return max(usual, _LEAST_LINE)
