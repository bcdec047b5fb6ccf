"""Values of command line options that simulations share: seeds, and fields of a world."""

from dataclasses import fields
from typing import Any


def seeds_of(text: str) -> list[int]:
    """Seeds as `3`, `0-9` or `0,4,7-8`.

    Raises:
        ValueError: it is not of this form.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def setting_of(pair: str, world: type[Any]) -> tuple[str, Any]:
    """A field of a world, which is a dataclass with defaults, and its value, from `NAME=VALUE`.

    Raises:
        ValueError: there is no such field, or the value is not of its type.
    """
    name, _, value = pair.partition("=")
    for field in fields(world):
        if field.name == name:
            kind: Any = type(field.default)
            return name, value.lower() in ("1", "true", "yes") if kind is bool else kind(value)
    raise ValueError(f"{world.__name__} has no {name!r}; it has {', '.join(field.name for field in fields(world))}")
