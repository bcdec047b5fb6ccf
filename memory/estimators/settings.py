"""Settings of estimators: numbers by name, checked before anything is learned with them."""

import math
from collections.abc import Mapping
from typing import Any

from memento.memory.errors import InvalidInput

EstimatorSettings = Mapping[str, float]
"""Settings that differ from an estimator's built-in ones; empty for the built-in ones."""


def checked_settings(
    given: Mapping[str, Any] | None, built_in: EstimatorSettings, *, estimator: str
) -> dict[str, float]:
    """The built-in settings, overridden by the given ones.

    Args:
        given: settings by name.
        built_in: every setting that the estimator has.
        estimator: its name, for the message.

    Raises:
        InvalidInput: an unknown name, or a value that is no finite number above 0 or equal to it.
    """
    for name, value in (given or {}).items():
        if name not in built_in:
            raise InvalidInput(f"{estimator} has no setting {name!r}; it has: {', '.join(sorted(built_in))}")
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise InvalidInput(f"setting {name!r} of {estimator} is a number from 0 on, not {value!r}")
    return {**built_in, **(given or {})}
