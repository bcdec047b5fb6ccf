"""The text of a case's action as learning reads it: the first plan, its lines, and what an encoder is given of it."""

import re
from typing import Final

from memento.memory.case import text_hash

REPLANNED: Final = "\n--- replanned ---\n"
"""Stands between the plans of a run that planned again."""

DIRECT_ACTION: Final = "(answered directly)"
"""Action of a run that answered without a plan: what it did is its answer."""

MAX_ENCODED_CHARS: Final = 500
"""Length of what an encoder is given of an action, some 120 tokens: a write pays for each of them."""
MAX_LINES: Final = 12
"""Maximum number of lines of a plan that are compared with those of others."""

_MARK = re.compile(r"(?:[-*•]|\(?(?:[a-z]{0,5} ?\d{1,3}|[a-z])[.):]) +")
"""A bullet or number before a step."""
_WAITS = re.compile(r" *\(after [^()]*\)$")
"""The steps that a step waits for."""
_NO_PLAN = "(no plan)"
_CLOSING = "?!.,;: "


def first_plan(action: str) -> str:
    """The plan that a run began with; what it changed later depends on how that went."""
    return action.partition(REPLANNED)[0]


def encoded_action(action: str) -> str:
    """What an encoder is given of an action: the beginning of its first plan, and some text where there is none."""
    plan = first_plan(action)[:MAX_ENCODED_CHARS]
    return plan if plan.strip() else _NO_PLAN  # services refuse empty texts


def plan_lines(action: str) -> tuple[str, ...]:
    """Hashes of the distinct lines of the first plan, in order, at most `MAX_LINES`.

    Numbers, bullets, dependencies, case, spacing and closing punctuation do not tell two lines apart.
    """
    said = (_normalised(line) for line in first_plan(action).splitlines())
    lines = [line for line in dict.fromkeys(said) if line]
    return tuple(text_hash(line) for line in lines[:MAX_LINES])


def _normalised(line: str) -> str:
    said = " ".join(line.casefold().split())
    if mark := _MARK.match(said):
        said = said[mark.end() :]
    if said.endswith(")"):
        said = _WAITS.sub("", said)
    return said.rstrip(_CLOSING)
