"""Figures as they are defined, and intervals that resample questions, not rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.memory.offpolicy.metrics import (
    Interval,
    auc,
    auc_within,
    bootstrap,
    brier,
    expected_calibration_error,
    log_loss,
    paired_bootstrap,
    ranks,
    spearman,
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


def test_ties_share_their_mean_rank() -> None:
    assert ranks([5, 1, 5, 7]).tolist() == [2.5, 1, 2.5, 4]


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=20))
def test_rank_correlation_sees_order_only(values: list[int]) -> None:
    found = spearman(values, np.exp(values))
    if len(set(values)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(1)
        assert spearman(values, [-value for value in values]) == pytest.approx(-1)


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


def test_interval_holds_the_figure_and_is_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.4
    score = label + rng.normal(size=300)
    groups = np.arange(300)
    found = bootstrap(auc, groups, label, score, n=200, seed=3)
    assert found.low < found.value < found.high
    assert found.value == auc(label, score)
    assert bootstrap(auc, groups, label, score, n=200, seed=3) == found
    assert bootstrap(auc, groups, label, score, n=200, seed=4) != found


def test_interval_is_as_wide_as_the_questions_say_when_rows_repeat_them() -> None:
    rng = np.random.default_rng(1)
    once = rng.normal(size=60)
    eightfold = np.repeat(once, 8)

    def width(interval: Interval) -> float:
        return interval.high - interval.low

    by_question = width(bootstrap(np.mean, np.repeat(np.arange(60), 8), eightfold))
    by_row = width(bootstrap(np.mean, np.arange(480), eightfold))
    assert by_question == pytest.approx(width(bootstrap(np.mean, np.arange(60), once)))
    assert by_question > 2 * by_row


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
def test_resamples_keep_groups_whole(groups: list[str]) -> None:
    sizes = {group: groups.count(group) for group in groups}

    def is_whole(drawn: np.ndarray[tuple[int], np.dtype[np.str_]]) -> float:
        return float(all(np.sum(drawn == group) % sizes[str(group)] == 0 for group in drawn))

    assert bootstrap(is_whole, groups, groups, n=20) == (1, 1, 1)


def test_paired_gain_is_seen_where_separate_intervals_overlap() -> None:
    rng = np.random.default_rng(2)
    label = rng.random(400) < 0.5
    worse = label + 2 * rng.normal(size=400)
    better = worse + 0.4 * label
    groups = np.arange(400)
    gain = paired_bootstrap(auc, groups, label, better, worse, n=300)
    assert gain.value == pytest.approx(auc(label, better) - auc(label, worse))
    assert gain.excludes_zero
    assert bootstrap(auc, groups, label, better, n=300).low < bootstrap(auc, groups, label, worse, n=300).high
    assert not paired_bootstrap(auc, groups, label, worse, worse, n=50).excludes_zero


def test_interval_is_undefined_when_there_is_one_kind_of_outcome() -> None:
    found = bootstrap(auc, [0, 1], [1, 1], [0.1, 0.2], n=10)
    assert all(math.isnan(part) for part in found)
    assert not found.excludes_zero
