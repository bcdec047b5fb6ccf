"""Figures as they are defined, and intervals that resample questions, not rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.memory.offpolicy.metrics import (
    auc,
    auc_within,
    brier,
    expected_calibration_error,
    log_loss,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=1, max_size=30)


@given(ROWS)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    positive = [score for label, score in rows if label]
    negative = [score for label, score in rows if not label]
    found = auc([label for label, _ in rows], [score for _, score in rows])
    if not positive or not negative:
        assert math.isnan(found)
        return
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert found == pytest.approx(np.mean(pairs))


def test_auc_takes_rewards_between_failure_and_success() -> None:
    assert auc([0.2, 0.5, 0.9], [1, 2, 3]) == 1


def test_auc_within_parts_compares_no_scores_of_different_parts() -> None:
    label, part = [1, 0, 1, 0, 0], ["a", "a", "b", "b", "c"]
    assert auc_within(label, [2, 1, 20, 10, 99], part) == 1
    assert auc_within(label, [2, 1, 10, 20, 99], part) == 0.5
    assert math.isnan(auc_within([1, 0], [1, 0], ["a", "b"]))


@given(ROWS)
def test_auc_within_one_part_is_auc(rows: list[tuple[bool, int]]) -> None:
    label, score = zip(*rows, strict=True)
    assert auc_within(label, score, ["a"] * len(rows)) == pytest.approx(auc(label, score), nan_ok=True)


def test_brier_and_log_loss_are_those_of_the_textbook() -> None:
    assert brier([1, 0, 1], [0.5, 0.5, 1.0]) == pytest.approx(0.5 / 3)
    assert log_loss([1, 0], [0.25, 0.5]) == pytest.approx((math.log(4) + math.log(2)) / 2)
    assert log_loss([1], [0.0]) == pytest.approx(-math.log(1e-6))


def test_calibration_error_is_zero_when_every_bin_keeps_its_promise() -> None:
    p = np.repeat([0.1, 0.5], 10)
    kept = np.r_[np.ones(1), np.zeros(9), np.ones(5), np.zeros(5)]
    assert expected_calibration_error(kept, p, n_bins=2) == pytest.approx(0)
    assert expected_calibration_error(1 - kept, p, n_bins=2) == pytest.approx(0.4)


def test_calibration_error_weighs_bins_by_their_rows() -> None:
    assert expected_calibration_error([1, 0, 0], [1.0, 0.0, 0.3], n_bins=2) == pytest.approx((0.15 * 2 + 0) / 3)
