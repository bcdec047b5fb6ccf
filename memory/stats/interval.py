"""A figure with its 95 % confidence interval."""

from typing import NamedTuple

TAIL = 0.025
"""Probability beyond each limit."""


class Interval(NamedTuple):
    """A figure and its 95 % interval; nan where it is not defined."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the figure differs from 0 by more than chance."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return format(self, ".3f")

    def __format__(self, spec: str) -> str:
        """Each of the three numbers by the same format."""
        value, low, high = (format(number, spec or ".3f") for number in self)
        return f"{value} [{low}, {high}]"


UNDEFINED = Interval(float("nan"), float("nan"), float("nan"))
"""The interval of a figure that cannot be computed."""
