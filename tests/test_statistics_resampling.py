"""Intervals that are right at the ends of the scale, whatever the number of questions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memento.memory.stats import (
    difference_ends,
    interval,
    macro_draws,
    macro_interval,
    macro_mean,
    mean_draws,
    mean_interval,
    ratio_draws,
    ratio_interval,
)

VALUES = st.lists(st.sampled_from([0.0, 1 / 3, 0.5, 1.0]), min_size=1, max_size=30)


def test_interval_of_right_and_wrong_is_that_of_jeffreys_a_little_wider() -> None:
    for n_right, n in ((3, 5), (8, 11), (90, 100), (150, 300)):
        posterior = np.random.default_rng(0).beta(n_right + 0.5, n - n_right + 0.5, size=200_000)
        posterior = posterior.mean() + math.sqrt((n + 1) / (n - 1)) * (posterior - posterior.mean())  # widened
        found = mean_interval([1.0] * n_right + [0.0] * (n - n_right), n=20_000)
        assert found.value == pytest.approx(n_right / n)
        assert (found.low, found.high) == pytest.approx(
            np.clip(np.quantile(posterior, [0.025, 0.975]), 0, 1), abs=0.006
        )


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
    assert (macro_draws(values, ["a"] * 3) == mean_draws(values)).all()


def test_macro_interval_is_wider_where_a_source_is_small() -> None:
    rng = np.random.default_rng(0)
    values = (rng.random(200) < 0.5).astype(float)
    even = macro_interval(values, ["a", "b"] * 100)
    uneven = macro_interval(values, ["a"] * 190 + ["b"] * 10)
    assert uneven.high - uneven.low > 2 * (even.high - even.low)


def test_figures_that_are_drawn_together_see_the_same_questions() -> None:
    values = np.random.default_rng(0).random((30, 1))
    draws = ratio_draws(np.hstack([values, 1 - values]), np.ones((30, 2)))
    assert draws.sum(axis=1) == pytest.approx(np.ones(len(draws)), abs=1e-5)


def test_ratio_without_a_question_is_not_defined() -> None:
    defined, undefined = ratio_interval([[1.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 0.0]])
    assert defined.value == pytest.approx(1 / 3)
    assert all(math.isnan(part) for part in undefined)
    assert math.isnan(interval(0.5, np.array([math.nan])).low)


def test_ends_of_a_difference_are_as_far_out_as_its_values() -> None:
    assert difference_ends([0.0, 0.0, 1.0, -1.0, math.nan]) == (-1.0, 0.0, 1.0)
    assert difference_ends([0.0, 0.25, -0.25]) == (-0.25, 0.0, 0.25)
    assert difference_ends([]) == (-1.0, 0.0, 1.0)


def test_memory_is_bounded_with_many_questions() -> None:
    values = np.random.default_rng(0).random(30_000)  # 60 million weights, drawn in parts
    found = mean_interval(values, ends=())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(30_000), rel=0.1)
