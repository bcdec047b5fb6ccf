"""Gains in log loss: seen where they are, and not taken from outcomes that happen not to have failed."""

import numpy as np
import pytest
from scipy import stats

from memento.memory.offpolicy.gain import log_loss_gain
from memento.memory.offpolicy.metrics import log_loss
from memento.memory.stats import tail_at_look, widened


@pytest.mark.slow
def test_looking_again_on_growing_outcomes_passes_noise_no_more_often_than_looking_once() -> None:
    """Two rules of the same true loss, judged 15 times: by plain intervals one of them wins in every eighth stream."""
    n_streams, plainly, corrected = 60, 0, 0
    for seed in range(n_streams):
        label = (np.random.default_rng(seed).random(600) < 0.5).astype(float)
        gains = [
            log_loss_gain(np.arange(n), label[:n], np.full(n, 0.6), np.full(n, 0.4), seed=seed)
            for n in range(40, 601, 40)
        ]
        plainly += any(gain.low > 0 for gain in gains)
        corrected += any(widened(gain, tail=tail_at_look(look)).low > 0 for look, gain in enumerate(gains, 1))
    assert plainly > 0.05 * n_streams
    assert corrected <= 0.05 * n_streams


def test_gain_is_the_difference_of_log_losses() -> None:
    rng = np.random.default_rng(0)
    question, label = rng.integers(30, size=100), (rng.random(100) < 0.7).astype(float)
    first, second = rng.uniform(0.1, 0.9, 100), rng.uniform(0.1, 0.9, 100)
    found = log_loss_gain(question, label, first, second)
    assert found.value == pytest.approx(log_loss(label, second) - log_loss(label, first))
    assert found.low < found.value < found.high
    swapped = log_loss_gain(question, label, second, first)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low), abs=0.05)


def test_gain_of_a_better_forecast_is_seen() -> None:
    p = np.tile([0.1, 0.9], 60)
    label = (np.random.default_rng(0).random(120) < p).astype(float)
    assert log_loss_gain(np.arange(120), label, p, np.full(120, 0.5)).low > 0.02


def test_gain_of_constant_forecasts_has_the_limits_of_clopper_and_pearson() -> None:
    """Which of two constants is better depends on the share of successes alone, so its exact limits are the gain's."""
    n, n_solved, first, second = 40, 31, 0.85, 0.7
    label = np.r_[np.ones(n_solved), np.zeros(n - n_solved)]
    found = log_loss_gain(np.arange(n), label, np.full(n, first), np.full(n, second))
    exact = stats.binomtest(n_solved, n).proportion_ci(method="exact")
    low, high = (p * np.log(first / second) + (1 - p) * np.log((1 - first) / (1 - second)) for p in exact)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.012)


@pytest.mark.parametrize("n", [10, 20, 25])
def test_no_gain_is_seen_when_only_a_failure_is_missing(n: int) -> None:
    """Nine of ten succeed in truth; a run without a failure must not praise the rule that foretold too much success."""
    found = log_loss_gain(np.arange(n), np.ones(n), np.full(n, 0.95), np.full(n, 0.8))
    assert found.value > 0
    assert not found.excludes_zero


def test_no_gain_is_seen_between_equal_forecasts() -> None:
    p = np.random.default_rng(0).uniform(0.2, 0.8, 50)
    assert log_loss_gain(np.arange(50), np.tile([0.0, 1.0], 25), p, p) == (0, 0, 0)


def test_repeated_rows_of_a_question_are_no_evidence() -> None:
    rng = np.random.default_rng(1)
    label, first, second = (rng.random(40) < 0.6).astype(float), np.full(40, 0.7), np.full(40, 0.5)
    once = log_loss_gain(np.arange(40), label, first, second)
    often = log_loss_gain(*(np.repeat(column, 6) for column in (np.arange(40), label, first, second)))
    assert often == pytest.approx(once, abs=1e-5)
