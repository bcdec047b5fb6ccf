"""Checks of a task's key and of a kind of case, wherever they come in."""

from typing import Final

from memento.memory.arguments import checked_text
from memento.memory.case import CASE_KINDS, CaseKind, storable
from memento.memory.errors import InvalidInput

MAX_KEY_CHARS: Final = 500


def checked_key(key: str) -> str:
    """Validate and return the key of a task; empty where it has none.

    A longer one is refused, not cut: two tasks could become one.

    Raises:
        InvalidInput: not a text, longer than `MAX_KEY_CHARS`, or with characters that cannot be printed.
    """
    kept = storable(checked_text("the key of a task", key))
    if len(kept) > MAX_KEY_CHARS or not kept.isprintable():
        raise InvalidInput(f"the key of a task has at most {MAX_KEY_CHARS} printable characters, not {kept[:80]!r}")
    return kept


def checked_kind(kind: str) -> CaseKind:
    """Validate and return a kind of case.

    Raises:
        InvalidInput: there is no such kind.
    """
    for known in CASE_KINDS:
        if kind == known:
            return known
    raise InvalidInput(f"{str(kind)[:80]!r} is not a kind of case; there are {', '.join(CASE_KINDS)}")
