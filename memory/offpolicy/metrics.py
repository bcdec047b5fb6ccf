"""Prediction metrics: AUC, Brier score, log loss, calibration error.

Small enough to be written out: scikit-learn's are slower by the checks of every call, which thousands of resamples
repeat, and importing it takes longer than the rest of the memory. AUC comes also within parts, which it has not. For
intervals see `memento.memory.stats`. Axes: N rows, B bins.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.case import POSITIVE_FROM

_SMALLEST_P = 1e-6


def auc(label_N: ArrayLike, score_N: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive row scores above a negative one, ties counting half.

    Args:
        label_N: outcomes in [0, 1]; positive from 0.5 on.
        score_N: any scores; only their order counts.

    Returns:
        In [0, 1]; nan unless both kinds of rows are there.
    """
    is_positive_N, score_N = np.asarray(label_N) >= POSITIVE_FROM, np.asarray(score_N)
    positive, negative = score_N[is_positive_N], np.sort(score_N[~is_positive_N])
    n_pairs = len(positive) * len(negative)
    if n_pairs == 0:
        return float("nan")
    n_below, n_up_to = (int(np.searchsorted(negative, positive, side).sum()) for side in ("left", "right"))
    return (n_below + n_up_to) / 2 / n_pairs


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
    return float(np.mean(log_losses(label_N, p_N)))


def log_losses(label_N: ArrayLike, p_N: ArrayLike) -> NDArray[np.float64]:
    """The cross-entropy of each row, shape (N,); see `log_loss`."""
    label_N = np.asarray(label_N, np.float64)
    p_N = np.clip(np.asarray(p_N, np.float64), _SMALLEST_P, 1 - _SMALLEST_P)
    losses: NDArray[np.float64] = -(label_N * np.log(p_N) + (1 - label_N) * np.log(1 - p_N))
    return losses


def expected_calibration_error(label_N: ArrayLike, p_N: ArrayLike, n_bins: int = 10) -> float:
    """How far stated probabilities are from observed frequencies, on average.

    Args:
        label_N: outcomes in [0, 1].
        p_N: probabilities.
        n_bins: bins of equally many rows each; equally wide ones would leave most of them empty.
    """
    label_N, p_N = np.asarray(label_N, np.float64), np.asarray(p_N, np.float64)
    gap_N = (label_N - p_N)[np.argsort(p_N, kind="stable")]
    size, n_larger = divmod(len(gap_N), n_bins := min(n_bins, len(gap_N)))
    start_B = size * np.arange(n_bins) + np.minimum(np.arange(n_bins), n_larger)  # the larger bins come first
    return float(np.abs(np.add.reduceat(gap_N, start_B)).sum() / len(gap_N))
