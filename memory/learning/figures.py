"""The figures of a set of predictions, and of everything that they are compared with, on the same rows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.learning.estimator import Example
from memento.memory.learning.metrics import Interval, auc, bootstrap, brier, expected_calibration_error, log_loss

_RESAMPLES = 300


class Figures(NamedTuple):
    """How good one set of predictions is, with 95 % intervals that resample whole questions."""

    auc: Interval
    brier: Interval
    ece: Interval
    log_loss: Interval


class Table(NamedTuple):
    """Predictions of the same held-out rows by name."""

    n_outcomes: int
    n_questions: int
    rows: dict[str, Figures]


def table(examples: Sequence[Example], predictions: Mapping[str, NDArray[np.float64]], *, seed: int) -> Table:
    """The figures of each prediction, on the rows that have one.

    Args:
        examples: N examples.
        predictions: by name, shape (N,); all are nan in the same rows.
        seed: of the intervals.
    """
    is_tested_N = ~np.isnan(next(iter(predictions.values())))
    reward_N, question_N = labels(examples)
    reward_N, question_N = reward_N[is_tested_N], question_N[is_tested_N]
    rows = {name: figures(reward_N, p_N[is_tested_N], question_N, seed=seed) for name, p_N in predictions.items()}
    return Table(len(reward_N), len(np.unique(question_N)), rows)


def figures(
    reward_N: NDArray[np.float64], p_N: NDArray[np.float64], question_N: NDArray[np.str_], *, seed: int
) -> Figures:
    """The figures of one set of predictions."""
    statistics = (auc, brier, expected_calibration_error, log_loss)
    return Figures(*(bootstrap(one, question_N, reward_N, p_N, n=_RESAMPLES, seed=seed) for one in statistics))


def labels(examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Rewards and questions of N examples."""
    return np.array([one.reward for one in examples]), np.array([one.question for one in examples])


def as_json(value: Any) -> Any:
    """Figures as JSON values: intervals as [value, low, high], what is not defined as null."""
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 6)
    if isinstance(value, Interval):
        return [as_json(part) for part in value]
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return as_json(value._asdict())
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value
