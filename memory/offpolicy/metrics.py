"""How good predictions are, each figure with an interval that resamples whole questions.

Rows of one question share its outcome, so that rows are no independent evidence: intervals that resample rows would be
several times too narrow. Axes: N rows, B bins.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.case import POSITIVE_FROM

Statistic = Callable[..., float]
"""Arrays of N rows each to one figure; nan where it is not defined."""

_LEVEL = 0.95
_SMALLEST_P = 1e-6


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
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc(label_N: ArrayLike, score_N: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive row scores above a negative one, ties counting half.

    Args:
        label_N: outcomes in [0, 1]; positive from 0.5 on.
        score_N: any scores; only their order counts.

    Returns:
        In [0, 1]; nan unless both kinds of rows are there.
    """
    is_positive_N = np.asarray(label_N) >= POSITIVE_FROM
    n_positive = int(is_positive_N.sum())
    n_negative = len(is_positive_N) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    rank_sum = float(ranks(score_N)[is_positive_N].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def auc_within(label_N: ArrayLike, score_N: ArrayLike, part_N: ArrayLike) -> float:
    """AUC over the pairs of the same part, such as the fold that a model was held out of.

    Folds pooled would compare scores of different models; and because a fold that is poor in successes leaves a
    training set that is rich in them, a model that knows nothing would come out below a half.
    """
    label_N, score_N, part_N = np.asarray(label_N), np.asarray(score_N), np.asarray(part_N)
    total, n_pairs = 0.0, 0
    for part in np.unique(part_N):
        row_N = part_N == part
        n_positive = int((label_N[row_N] >= POSITIVE_FROM).sum())
        n = n_positive * (int(row_N.sum()) - n_positive)
        if n:
            total += n * auc(label_N[row_N], score_N[row_N])
            n_pairs += n
    return total / n_pairs if n_pairs else float("nan")


def brier(label_N: ArrayLike, p_N: ArrayLike) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((np.asarray(p_N, np.float64) - np.asarray(label_N, np.float64)) ** 2))


def log_loss(label_N: ArrayLike, p_N: ArrayLike) -> float:
    """Mean cross-entropy of probabilities, in nats; certainty counts as one in a million off."""
    label_N = np.asarray(label_N, np.float64)
    p_N = np.clip(np.asarray(p_N, np.float64), _SMALLEST_P, 1 - _SMALLEST_P)
    return float(-np.mean(label_N * np.log(p_N) + (1 - label_N) * np.log(1 - p_N)))


def expected_calibration_error(label_N: ArrayLike, p_N: ArrayLike, n_bins: int = 10) -> float:
    """How far stated probabilities are from observed frequencies, on average.

    Args:
        label_N: outcomes in [0, 1].
        p_N: probabilities.
        n_bins: bins of equally many rows each; equally wide ones would leave most of them empty.
    """
    label_N, p_N = np.asarray(label_N, np.float64), np.asarray(p_N, np.float64)
    order_N = np.argsort(p_N, kind="stable")
    bins = [rows for rows in np.array_split(order_N, n_bins) if len(rows)]
    gap_B = [abs(float(label_N[rows].mean() - p_N[rows].mean())) for rows in bins]
    return float(np.average(gap_B, weights=[len(rows) for rows in bins]))


def spearman(first_N: ArrayLike, second_N: ArrayLike) -> float:
    """Rank correlation, ties sharing their mean rank; nan where one side is constant or has under two rows."""
    first_N, second_N = ranks(first_N), ranks(second_N)
    if len(first_N) < 2 or first_N.std() == 0 or second_N.std() == 0:
        return float("nan")
    shared = ((first_N - first_N.mean()) * (second_N - second_N.mean())).mean()
    return float(shared / (first_N.std() * second_N.std()))


def ranks(score_N: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1 on, lowest score first; ties share their mean rank."""
    _, place_N, count_U = np.unique(np.asarray(score_N), return_inverse=True, return_counts=True)
    mean_rank_U = np.cumsum(count_U) - (count_U - 1) / 2
    return np.asarray(mean_rank_U[place_N], np.float64)


def bootstrap(statistic: Statistic, groups_N: ArrayLike, *arrays: ArrayLike, n: int = 1000, seed: int = 0) -> Interval:
    """A figure with its percentile interval over resamples of whole groups.

    Args:
        statistic: takes `arrays`, row for row.
        groups_N: which rows stand or fall together, such as the hash of their question.
        arrays: of N rows each.
        n: how many resamples; those in which the figure is not defined are passed over.
        seed: the same seed gives the same interval.
    """
    columns = [np.asarray(array) for array in arrays]
    draws = _Resamples(groups_N)
    rng = np.random.default_rng(seed)
    figures = np.empty(n)
    for turn in range(n):
        row_N = draws.draw(rng)
        figures[turn] = statistic(*(column[row_N] for column in columns))
    figures = figures[~np.isnan(figures)]
    value = statistic(*columns)
    if not len(figures):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(figures, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(value, float(low), float(high))


def paired_bootstrap(
    statistic: Statistic,
    groups_N: ArrayLike,
    label_N: ArrayLike,
    first_N: ArrayLike,
    second_N: ArrayLike,
    *,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """What the first scores gain over the second on the same rows: statistic(label, first) - statistic(label, second).

    Both see the same resamples, so that the chance of the rows cancels out. See `bootstrap`.
    """

    def gain(*columns: NDArray[Any]) -> float:
        label, first, second = columns
        return statistic(label, first) - statistic(label, second)

    return bootstrap(gain, groups_N, label_N, first_N, second_N, n=n, seed=seed)


class _Resamples:
    """Draws as many groups as there are, with replacement, as row numbers."""

    def __init__(self, groups_N: ArrayLike) -> None:
        _, group_N, self._count_G = np.unique(np.asarray(groups_N), return_inverse=True, return_counts=True)
        self._row_N = np.argsort(group_N, kind="stable")
        self._start_G = np.cumsum(self._count_G) - self._count_G

    def draw(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """Row numbers of one resample."""
        drawn_G = rng.integers(len(self._count_G), size=len(self._count_G))
        count_G = self._count_G[drawn_G]
        within_N = np.arange(count_G.sum()) - np.repeat(np.cumsum(count_G) - count_G, count_G)
        rows: NDArray[np.intp] = self._row_N[np.repeat(self._start_G[drawn_G], count_G) + within_N]
        return rows
