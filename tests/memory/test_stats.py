"""Intervals that are right at the ends of the scale, whatever the number of questions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from memento.memory.offpolicy.metrics import auc
from memento.memory.stats import (
    GUARANTEED,
    USUAL,
    Draws,
    Interval,
    difference_ends,
    effective_size,
    interval,
    macro_draws,
    macro_interval,
    macro_mean,
    mean_draws,
    mean_interval,
    mean_of_terms,
    paired_interval,
    ratio_draws,
    ratio_interval,
    statistic_interval,
    student_t,
)

VALUES = st.lists(st.sampled_from([0.0, 1 / 3, 0.5, 1.0]), min_size=1, max_size=30)


@pytest.mark.parametrize(("weight", "made_up"), [(USUAL, 0.5), (GUARANTEED, 1.0)], ids=["usual", "guaranteed"])
def test_interval_of_right_and_wrong_has_the_quantiles_of_beta(weight: float, made_up: float) -> None:
    """With a whole made-up question it is Clopper and Pearson's: scipy.stats.binomtest(k, n).proportion_ci()."""
    for n_right, n in ((3, 5), (8, 11), (90, 100), (150, 300)):
        top = np.r_[np.ones(n_right), np.zeros(n - n_right)][:, None]
        (found,) = ratio_interval(top, np.ones((n, 1)), weight=weight, n=40_000)
        low = stats.beta.ppf(0.025, n_right, n - n_right + made_up)
        high = stats.beta.ppf(0.975, n_right + made_up, n - n_right)
        assert found == pytest.approx((n_right / n, low, high), abs=0.006)


def test_made_up_question_is_as_large_as_a_mean_one_when_questions_are_asked_again() -> None:
    once = mean_interval([1.0] * 12, n=20_000)
    (often,) = ratio_interval(np.full((12, 1), 5.0), np.full((12, 1), 5.0), n=20_000)
    assert often == pytest.approx(once, abs=1e-6)
    assert often.low == pytest.approx(stats.beta.ppf(0.025, 12, 0.5), abs=0.01)


def test_interval_has_a_width_when_all_is_right_or_all_the_same() -> None:
    assert 0.8 < mean_interval([1.0] * 20).low < 0.95
    assert mean_interval([1.0] * 20).high == 1
    nothing = mean_interval([0.0] * 20, ends=difference_ends([0.0] * 20))
    assert -0.2 < nothing.low < 0 < nothing.high < 0.2


@settings(deadline=None)
@given(VALUES)
def test_interval_holds_the_figure_and_stays_on_the_scale(values: list[float]) -> None:
    found = mean_interval(values, n=200)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(np.mean(values))


@settings(deadline=None)
@given(VALUES, st.randoms())
def test_interval_does_not_depend_on_the_order_of_questions(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean_interval(shuffled, n=50, seed=3)[1:] == mean_interval(values, n=50, seed=3)[1:]


def test_interval_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    values = np.random.default_rng(0).random(40)
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1) != mean_interval(values, seed=2)


def test_unknown_values_have_no_part_in_a_mean() -> None:
    assert mean_interval([1.0, math.nan, 0.0], seed=2) == mean_interval([1.0, 0.0], seed=2)
    assert math.isnan(mean_interval([math.nan]).value)
    assert math.isnan(mean_interval([]).low)
    assert math.isnan(macro_interval([], []).high)


def test_interval_without_ends_is_as_wide_as_the_textbook_says() -> None:
    values = np.random.default_rng(0).normal(100, 10, size=400)
    found = mean_interval(values, ends=())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(len(values)), rel=0.08)


def test_questions_that_are_alike_are_drawn_as_one_to_the_same_effect() -> None:
    alike = np.repeat([0.0, 1.0], [30, 70])
    nearly = alike + np.random.default_rng(0).normal(0, 1e-9, size=100)  # no two the same: drawn one by one
    one, other = mean_interval(alike, n=20_000), mean_interval(nearly, n=20_000)
    assert one == pytest.approx(other, abs=0.005)


def test_macro_mean_counts_sources_alike() -> None:
    values, sources = [1.0, 1.0, 1.0, 1.0, 0.0, 0.5], ["a", "a", "a", "a", "b", "b"]
    assert macro_mean(values, sources) == pytest.approx((1.0 + 0.25) / 2)
    found = macro_interval(values, sources)
    assert found.value == pytest.approx(0.625)
    assert found.low < 0.625 < found.high


def test_macro_of_one_source_is_the_weighted_mean() -> None:
    values = [1.0, 0.0, 1.0]
    assert (macro_draws(values, ["a"] * 3).low == mean_draws(values).low).all()


def test_macro_interval_is_wider_where_a_source_is_small() -> None:
    rng = np.random.default_rng(0)
    values = (rng.random(200) < 0.5).astype(float)
    even = macro_interval(values, ["a", "b"] * 100)
    uneven = macro_interval(values, ["a"] * 190 + ["b"] * 10)
    assert uneven.high - uneven.low > 1.8 * (even.high - even.low)


def test_figures_that_are_drawn_together_see_the_same_questions() -> None:
    values = np.random.default_rng(0).random((30, 1))
    low, high = ratio_draws(np.hstack([values, 1 - values]), np.ones((30, 2)))
    assert low.sum(axis=1) == pytest.approx(np.ones(len(low)), abs=1e-5)
    assert (low == high).all()  # no ends, no made-up question


def test_ratio_without_a_question_is_not_defined() -> None:
    defined, undefined = ratio_interval([[1.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 0.0]])
    assert defined.value == pytest.approx(1 / 3)
    assert all(math.isnan(part) for part in undefined)
    assert math.isnan(interval(0.5, Draws(np.array([math.nan]), np.array([math.nan]))).low)


def test_ends_of_a_difference_are_as_far_out_as_its_values() -> None:
    assert difference_ends([0.0, 0.0, 1.0, -1.0, math.nan]) == (-1.0, 1.0)
    assert difference_ends([0.0, 0.25, -0.25]) == (-0.25, 0.25)
    assert difference_ends([]) == (-1.0, 1.0)


def test_memory_is_bounded_with_many_questions() -> None:
    values = np.random.default_rng(0).random(30_000)  # 60 million weights, drawn in parts
    found = mean_interval(values, ends=())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(30_000), rel=0.1)


def test_statistic_is_inside_its_interval_and_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.4
    score = label + rng.normal(size=300)
    groups = np.arange(300)
    found = statistic_interval(auc, groups, label, score, n=200, seed=3)
    assert found.low < found.value < found.high
    assert found.value == auc(label, score)
    assert statistic_interval(auc, groups, label, score, n=200, seed=3) == found
    assert statistic_interval(auc, groups, label, score, n=200, seed=4) != found


def test_interval_is_as_wide_as_the_questions_say_when_rows_repeat_them() -> None:
    rng = np.random.default_rng(1)
    once = rng.normal(size=60)
    eightfold = np.repeat(once, 8)

    def width(interval: Interval) -> float:
        return interval.high - interval.low

    by_question = width(statistic_interval(np.mean, np.repeat(np.arange(60), 8), eightfold))
    by_row = width(statistic_interval(np.mean, np.arange(480), eightfold))
    assert by_question == pytest.approx(width(statistic_interval(np.mean, np.arange(60), once)))
    assert by_question > 2 * by_row


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
def test_resamples_keep_groups_whole(groups: list[str]) -> None:
    sizes = {group: groups.count(group) for group in groups}

    def is_whole(drawn: np.ndarray[tuple[int], np.dtype[np.str_]]) -> float:
        return float(all(np.sum(drawn == group) % sizes[str(group)] == 0 for group in drawn))

    assert statistic_interval(is_whole, groups, groups, n=20) == (1, 1, 1)


def test_paired_gain_is_seen_where_separate_intervals_overlap() -> None:
    rng = np.random.default_rng(2)
    label = rng.random(400) < 0.5
    worse = label + 2 * rng.normal(size=400)
    better = worse + 0.4 * label
    groups = np.arange(400)
    gain = paired_interval(auc, groups, label, better, worse, n=300)
    assert gain.value == pytest.approx(auc(label, better) - auc(label, worse))
    assert gain.excludes_zero
    assert (
        statistic_interval(auc, groups, label, better, n=300).low
        < statistic_interval(auc, groups, label, worse, n=300).high
    )
    assert not paired_interval(auc, groups, label, worse, worse, n=50).excludes_zero


def test_interval_is_undefined_when_there_is_one_kind_of_outcome() -> None:
    found = statistic_interval(auc, [0, 1], [1, 1], [0.1, 0.2], n=10)
    assert all(math.isnan(part) for part in found)
    assert not found.excludes_zero


def test_p_is_twice_the_smaller_tail_and_never_zero() -> None:
    draws = np.r_[np.full(10, -1.0), np.full(989, 1.0)]
    assert Draws(draws, draws).two_sided_p() == pytest.approx(22 / 1000)
    assert Draws(draws + 9, draws).two_sided_p() == pytest.approx(2 / 1000)  # the lower tail is of the lower draws
    assert 0 < Draws(np.ones(999), np.ones(999)).two_sided_p() <= 0.002
    assert Draws(np.array([-1.0, 1.0]), np.array([-1.0, 1.0])).two_sided_p() == 1
    assert math.isnan(Draws(np.array([math.nan]), np.array([math.nan])).two_sided_p())


@pytest.mark.parametrize(("freedom", "tolerance"), [(5, 3e-3), (10, 3e-4), (100, 1e-6)])
def test_students_t_is_that_of_scipy(freedom: int, tolerance: float) -> None:
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=tolerance)


def test_mean_of_alike_weights_has_students_interval() -> None:
    values = np.random.default_rng(0).normal(size=25)
    found = mean_of_terms(values, np.arange(25), effective=25)
    freedom = effective_size((values - values.mean()) ** 2, np.arange(25)) - 1  # as many as carry the variance
    low, high = stats.t.interval(0.95, freedom, values.mean(), stats.sem(values))
    assert found == pytest.approx((values.mean(), low, high), abs=1e-3)
    assert mean_of_terms(np.ones(9), np.arange(9), effective=9, least_error=0.1).low < 0.8


def test_interval_is_formatted_number_by_number() -> None:
    assert f"{Interval(0.5, 0.25, 0.75):.1f}" == "0.5 [0.2, 0.8]"
    assert f"{Interval(0.5, 0.25, 0.75)}" == str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
