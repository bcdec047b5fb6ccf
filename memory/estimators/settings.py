"""Settings of estimators: numbers by name, each with a range in which the estimator works.

Settings may come from anywhere: from a caller, from what another release decided, from a damaged row. All of them come
through `checked_settings`, so that no estimator learns with a number that makes its answers infinite or fills memory.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from memento.memory.errors import InvalidInput

EstimatorSettings = Mapping[str, float]
"""Settings that differ from an estimator's built-in ones; empty for the built-in ones."""


class Setting(NamedTuple):
    """What a setting is unless another value is given, and which values it may have."""

    built_in: float
    least: float
    most: float
    is_whole: bool = False
    is_open: bool = False
    """Whether the ends of the range are outside it."""

    def holds(self, value: Any) -> bool:
        """Whether a value may be given."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        is_inside = self.least < value < self.most if self.is_open else self.least <= value <= self.most
        return is_inside and (not self.is_whole or value == int(value))

    def __str__(self) -> str:
        number = "a whole number" if self.is_whole else "a number"
        ends = f"above {self.least:g} and below" if self.is_open else f"from {self.least:g} to"
        return f"{number} {ends} {self.most:g}"


def whole(built_in: float, *, least: float = 0, most: float) -> Setting:
    """A number of things."""
    return Setting(built_in, least, most, is_whole=True)


def number(built_in: float, *, least: float = 0.0, most: float) -> Setting:
    """Any number of a range."""
    return Setting(built_in, least, most)


def share(built_in: float) -> Setting:
    """A share, both 0 and 1 allowed."""
    return Setting(built_in, 0.0, 1.0)


def chance(built_in: float) -> Setting:
    """A chance of error, neither 0 nor 1."""
    return Setting(built_in, 0.0, 1.0, is_open=True)


def checked_settings(
    given: Mapping[str, Any] | None, known: Mapping[str, Setting], *, estimator: str
) -> dict[str, float]:
    """The built-in settings, overridden by the given ones.

    Args:
        given: settings by name.
        known: every setting that the estimator has.
        estimator: its name, for the message.

    Raises:
        InvalidInput: an unknown name, or a value beyond its range.
    """
    for name, value in (given or {}).items():
        if name not in known:
            raise InvalidInput(f"{estimator} has no setting {name!r}; it has: {', '.join(sorted(known))}")
        if not known[name].holds(value):
            raise InvalidInput(f"setting {name!r} of {estimator} is {known[name]}, not {value!r}")
    return {**{name: one.built_in for name, one in known.items()}, **(given or {})}
