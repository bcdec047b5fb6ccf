"""What comes of scoring an answer, and who may do it."""

from typing import Literal, NamedTuple

EvaluatorName = Literal["auto", "exact", "f1", "gaia", "judge", "judges", "rubric", "custom", "human", "none"]


class Grade(NamedTuple):
    """A reward, or the reason why there is none."""

    reward: float | None
    """In [0, 1]; None when it cannot be known."""
    evaluator: str
    confidence: float = 1.0
    """In [0, 1]: the weight that learning gives the reward. Below the memory's least one, its case is in quarantine."""
    reason: str = ""


def unknown(evaluator: str, reason: str) -> Grade:
    """No reward, because whoever should give one could not or would not."""
    return Grade(None, evaluator, confidence=0.0, reason=reason)
