"""Checks of arguments where they come in: what a memory cannot take is named, before anything is read or written."""

import operator
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from memento.memory.errors import InvalidInput

T = TypeVar("T")

MAX_COUNT: Final = 2**31 - 1
"""The largest count: what every database takes as a limit of rows."""


def checked_text(what: str, value: object) -> str:
    """The value, which is a text.

    Args:
        what: names the argument in messages.
        value: as it was given.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is a text, not {type(value).__name__}")
    return value


def checked_texts(what: str, values: object) -> list[str]:
    """The values, which are several texts and not one.

    Raises:
        InvalidInput: they are none, or a single text, which would be taken letter by letter.
    """
    return checked_items(what, values, str, "texts")


def checked_items(what: str, values: object, kind: type[T], called: str) -> list[T]:
    """The values, each of which is of a kind.

    Args:
        what: names the argument in messages.
        values: as they were given.
        kind: of each of them.
        called: what such values are, in the plural.

    Raises:
        InvalidInput: not several values, or one of another kind.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidInput(f"{what} is a list of {called}, not {type(values).__name__}")
    kept = list(values)
    for value in kept:
        if not isinstance(value, kind):
            raise InvalidInput(f"{what} is a list of {called}; one of it is {type(value).__name__}")
    return kept


def checked_instance(what: str, value: object, kind: type[T]) -> T:
    """The value, which is of a kind.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, kind):
        raise InvalidInput(f"{what} is of type {kind.__name__}, not {type(value).__name__}")
    return value


def check_share(what: str, value: object, *, is_optional: bool = False) -> None:
    """Raise unless the value is in [0, 1], or None where it is optional.

    Raises:
        InvalidInput: it is neither.
    """
    if value is None and is_optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"a {what} lies in [0, 1], not {shown_value(value)}")


def checked_count(what: str, value: Any, *, least: int = 0) -> int:
    """The value, which is a whole number.

    Raises:
        InvalidInput: it is none, below `least`, or above `MAX_COUNT`.
    """
    count = _whole(what, value)
    if not least <= count <= MAX_COUNT:
        raise InvalidInput(f"{what} must be at least {least} and at most {MAX_COUNT}, not {shown_value(value)}")
    return count


def checked_seed(value: Any) -> int | None:
    """The seed of random draws, which may be left out, and is as large as one likes.

    Raises:
        InvalidInput: not a whole number, or below 0.
    """
    if value is None:
        return None
    seed = _whole("a seed", value)
    if seed < 0:
        raise InvalidInput(f"a seed must be at least 0, not {shown_value(value)}")
    return seed


def _whole(what: str, value: Any) -> int:
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # numpy's integers, too
    except TypeError:
        pass
    raise InvalidInput(f"{what} is a whole number, not {shown_value(value)}")


def shown_value(value: object) -> str:
    """The value, short, and in characters that every terminal and file takes."""
    shown = ascii(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
