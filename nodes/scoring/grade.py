"""The grade of an answer: a reward, or the reason why it is unknown; evaluator names."""

from typing import Literal, NamedTuple

EvaluatorName = Literal[
    "auto", "exact", "f1", "gaia", "judge", "judges", "rubric", "environment", "custom", "human", "none"
]
"""Name of an evaluator, as `Context(evaluator=...)` takes it."""


class Grade(NamedTuple):
    """A reward, or the reason why it is unknown."""

    reward: float | None
    """In [0, 1]; None when it cannot be known."""
    evaluator: str
    confidence: float = 1.0
    """In [0, 1]: the weight that learning gives the reward. Below the memory's least one, its case is in quarantine."""
    reason: str = ""


def unknown(evaluator: str, reason: str) -> Grade:
    """Make a grade without a reward, because the evaluator could not or would not decide."""
    return Grade(None, evaluator, confidence=0.0, reason=reason)
