"""A figure that says what it is, and how figures become JSON."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from memento.evals.statistics.orders import resampled
from memento.memory.stats import Interval, TableEstimate, Unit


class Figure(NamedTuple):
    """A share in [0, 1] with its 95 % interval; nan where it is not defined."""

    label: str
    """What was averaged, and over what."""
    value: float
    low: float
    high: float
    n_questions: int
    """That have a known result."""
    n_results: int
    """Several seeds of a question are several results."""
    n_orders: int
    """Effective number of orders of the tasks (seeds): one with few results counts less."""
    unit: Unit
    """What the interval resamples."""

    @property
    def interval(self) -> Interval:
        """The bare figure."""
        return Interval(self.value, self.low, self.high)

    @property
    def is_defined(self) -> bool:
        """Whether anything was there to count."""
        return not math.isnan(self.value)

    def __str__(self) -> str:
        over = resampled(self.unit, self.n_orders)
        return f"{self.label}: {percent(self.interval)} (n = {self.n_questions}; resampled: {over})"


def figure(label: str, found: TableEstimate, *, n_questions: int, n_results: int) -> Figure:
    """An estimate with its label."""
    return Figure(label, *found.interval, n_questions, n_results, found.n_orders, found.unit)


def percent(found: Interval) -> str:
    """A share as `54.1 % [50.0, 58.2]`."""
    if math.isnan(found.value):
        return "not defined"
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def points(found: Interval) -> str:
    """A difference of shares as `+4.2 points [1.0, 7.4]`."""
    if math.isnan(found.value):
        return "not defined"
    return f"{100 * found.value:+.1f} points [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def as_json(value: Any) -> Any:
    """Any figure or table of this room as JSON values: fields by name; null where a number is not defined."""
    if isinstance(value, BaseModel):
        return as_json(value.model_dump(mode="json"))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: as_json(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
