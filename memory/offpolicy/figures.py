"""Prediction metrics of an estimator and of its controls, on the same rows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Example
from memento.memory.offpolicy.metrics import auc_within, brier, expected_calibration_error, log_loss
from memento.memory.offpolicy.splits import Split
from memento.memory.stats import Interval, statistic_intervals

_RESAMPLES = 300


class Figures(NamedTuple):
    """Metrics of one set of predictions, with 95 % intervals that resample whole questions."""

    auc: Interval
    brier: Interval
    ece: Interval
    log_loss: Interval


class Table(NamedTuple):
    """Predictions of the same held-out rows by name."""

    n_outcomes: int
    n_questions: int
    rows: dict[str, Figures]


def table(
    examples: Sequence[Example],
    predictions: Mapping[str, NDArray[np.float64]],
    splits: Sequence[Split],
    *,
    seed: int,
) -> Table:
    """Metrics of each set of predictions, on the rows that a split tests.

    Args:
        examples: N examples.
        predictions: by name, shape (N,).
        splits: that they were made under.
        seed: of the intervals.
    """
    rows = {name: figures(examples, p_N, splits, seed=seed) for name, p_N in predictions.items()}
    tested = np.concatenate([split.test for split in splits])
    return Table(len(tested), len({examples[row].question for row in tested}), rows)


def figures(examples: Sequence[Example], p_N: NDArray[np.float64], splits: Sequence[Split], *, seed: int) -> Figures:
    """Metrics of one set of predictions; AUC compares pairs of the same split's tested rows."""
    split_N = np.full(len(examples), -1, np.intp)
    for number, split in enumerate(splits):
        split_N[split.test] = number
    tested_N = split_N >= 0
    reward_N, question_N = (column[tested_N] for column in labels(examples))
    p_N, split_N = p_N[tested_N], split_N[tested_N]
    rows = (reward_N, p_N)
    found = statistic_intervals(
        [(auc_within, (*rows, split_N)), (brier, rows), (expected_calibration_error, rows), (log_loss, rows)],
        question_N,
        n=_RESAMPLES,
        seed=seed,
    )
    return Figures(*found)


def labels(examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Rewards and questions of N examples."""
    return np.array([one.reward for one in examples]), np.array([one.question for one in examples])


def as_json(value: Any) -> Any:
    """Metrics as JSON values: intervals as [value, low, high], undefined values as null."""
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
