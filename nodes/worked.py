"""Whether a case that is shown counts as one that worked."""

from memento.memory.case import POSITIVE_FROM
from memento.nodes.state import PromptCase


def has_worked(case: PromptCase) -> bool:
    """Whether its reward is one that counted as success where it was read."""
    return case["reward"] >= case.get("positive_from", POSITIVE_FROM)
