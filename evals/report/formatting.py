"""Formats amounts, durations, dollars and counts; brackets hold 95 % intervals."""

import math
from collections.abc import Sequence

from memento.evals.statistics.figure import points
from memento.memory.stats import Interval

UNKNOWN = "n/a"
"""Where a figure is not defined."""
_MINUTE, _HOUR = 60, 3600


def gain(interval: Interval) -> str:
    """Format a difference of shares in percentage points: `+4.2 [1.0, 7.4]`."""
    return UNKNOWN if math.isnan(interval.value) else points(interval).replace(" points", "")


def amount(interval: Interval, digits: int = 2) -> str:
    """Format `1.25 [1.10, 1.40]`, in the unit of its column."""
    if math.isnan(interval.value):
        return UNKNOWN
    if math.isnan(interval.low):
        return f"{interval.value:,.{digits}f}"
    return f"{interval.value:,.{digits}f} [{interval.low:,.{digits}f}, {interval.high:,.{digits}f}]"


def usd(value: float) -> str:
    """Format dollars, with as many digits as needed."""
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.2g}"


def duration(seconds: float) -> str:
    """Format a duration: `0.82 s`, `3 min`, `2.5 h`."""
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def counted(n: int, what: str) -> str:
    """Format a count: `1 question`, `2,542 questions`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def orders(n: int) -> str:
    """Say in how many orders the tasks came: one per seed."""
    return "one order of the tasks" if n == 1 else f"{n} orders of the tasks"


def listed(names: Sequence[str]) -> str:
    """Join names: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def shortened(text: str, limit: int = 600) -> str:
    """Truncate a long text."""
    return text if len(text) <= limit else f"{text[:limit].rstrip()} …"
