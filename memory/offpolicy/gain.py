"""By how much one set of predictions is better than another, with a limit that noise passes at most once in 40 times.

The textbook's intervals are too sure of few questions: where nine of ten outcomes are a success, twenty questions hold
no failure once in eight times, and whoever foretold too much success looks better beyond doubt. Of two rules with the
same true loss, a percentile bootstrap called one better in 4 to 15 % of trials with 20 questions and success in 80 or
90 %. So each limit is drawn with a made-up question that every prediction met at its worst; see `GUARANTEED`. Measured
by `python -m benchmarks.interval_coverage`: 0 to 2.2 % with 20 questions, 0 to 3.2 % with 30 to 60, 1.5 % on average.
The gate moves the limits further out with every judgement (verdict.py).
Axes: N rows, Q questions.
"""

import numpy as np
from numpy.typing import ArrayLike

from memento.memory.offpolicy.metrics import log_losses
from memento.memory.stats import GUARANTEED, Interval, ratio_interval


def log_loss_gain(
    question_N: ArrayLike, label_N: ArrayLike, first_N: ArrayLike, second_N: ArrayLike, *, seed: int = 0
) -> Interval:
    """Log loss of the second predictions less that of the first, the mean over rows; above 0 the first are better.

    Args:
        question_N: which question each row is of; questions are resampled.
        label_N: outcomes in [0, 1].
        first_N: probabilities.
        second_N: of the same rows.
        seed: of the resamples.
    """
    gain_N = log_losses(label_N, second_N) - log_losses(label_N, first_N)
    failed_N, solved_N = (
        log_losses(np.full(len(gain_N), label), second_N) - log_losses(np.full(len(gain_N), label), first_N)
        for label in (0.0, 1.0)
    )
    questions, place_N = np.unique(np.asarray(question_N), return_inverse=True)
    n_Q = np.bincount(place_N, minlength=len(questions))
    worst_N, best_N = np.minimum(failed_N, solved_N), np.maximum(failed_N, solved_N)
    low, high = (float(np.sqrt(np.mean(np.bincount(place_N, end_N**2) / n_Q))) for end_N in (worst_N, best_N))
    gain_Q = np.bincount(place_N, gain_N)
    (found,) = ratio_interval(gain_Q[:, None], n_Q[:, None], ends=(-low, high), weight=GUARANTEED, seed=seed)
    return found
