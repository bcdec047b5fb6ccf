"""Renames properties to names that every provider accepts, and maps arguments back."""

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

_FIT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_MAX_CHARS: Final = 50


class Renames(NamedTuple):
    """Renamed properties of one part of a schema, and of the parts below it."""

    names: dict[str, str]
    """Name that the model is shown, to the tool's own."""
    below: dict[str, "Renames"]
    """Of the values of properties, by the name that the model is shown."""
    items: "Renames | None" = None
    """Of the elements of a list."""
    others: "Renames | None" = None
    """Of the values of properties that the schema does not name."""


def fit_name(name: str, taken: Collection[str]) -> str:
    """Convert a property name to one that every provider accepts: letters, digits, `_`, `.`, `-`, at most 64.

    Args:
        name: the tool's own.
        taken: the names of the properties beside it.
    """
    if _FIT.fullmatch(name):
        return name
    plain = _UNFIT.sub("_", name).strip("_")[:_MAX_CHARS] or "field"
    if plain not in taken:
        return plain
    return f"{plain}_{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:6]}"


def merged(one: Renames | None, other: Renames | None) -> Renames | None:
    """Merge the renames of two alternatives."""
    if one is None or other is None:
        return one or other
    below = dict(one.below)
    for name, renames in other.below.items():
        below[name] = merged(below.get(name), renames) or renames
    items, others = merged(one.items, other.items), merged(one.others, other.others)
    return Renames({**other.names, **one.names}, below, items, others)


def original_arguments(arguments: Mapping[str, Any], renames: Renames | None) -> dict[str, Any]:
    """Map the arguments of a call back to the tool's own names.

    Args:
        arguments: as the model gave them.
        renames: of the schema that the model was shown; None when nothing was renamed.
    """
    restored = _restored(dict(arguments), renames)
    assert isinstance(restored, dict)  # noqa: S101 - a dict goes in
    return restored


def _restored(value: Any, renames: Renames | None) -> Any:
    if renames is None:
        return value
    if isinstance(value, dict):
        return {
            renames.names.get(name, name): _restored(below, renames.below.get(name, renames.others))
            for name, below in value.items()
        }
    return [_restored(one, renames.items) for one in value] if isinstance(value, list) else value
