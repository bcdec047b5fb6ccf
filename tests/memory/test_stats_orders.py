"""Intervals of tables of questions and orders."""

import numpy as np
import pytest
from scipy import stats

from memento.memory.stats import (
    Floats,
    difference_of,
    mean_interval,
    statistic_interval,
    t_quantile,
    table_mean,
    table_ratios,
    two_sided_t_p,
)


def stream(rng: np.random.Generator, *, n: int = 60, n_orders: int = 6, spread: float = 0.1) -> Floats:
    """Right and wrong of n questions, each of its own difficulty, in orders that differ by `spread`."""
    p_Q, effect_S = rng.beta(2, 2, n), rng.normal(0, spread, n_orders)
    return (rng.random((n, n_orders)) < np.clip(p_Q[:, None] + effect_S, 0, 1)).astype(float)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 6, 19, 60])
def test_student_is_that_of_scipy(freedom: int) -> None:
    for tail in (0.025, 0.025 / 7, 0.2):
        assert t_quantile(freedom, tail) == pytest.approx(stats.t.ppf(1 - tail, freedom), rel=1e-9)
    for t in (-4.0, 0.0, 0.3, 2.5):
        assert two_sided_t_p(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), abs=1e-12)
    assert two_sided_t_p(float("inf"), freedom) == 0


def test_questions_alone_are_resampled_where_the_order_does_not_matter() -> None:
    value_QS = stream(np.random.default_rng(0))
    found = table_mean(value_QS, is_ordered=False)
    assert (found.unit, found.n_orders) == ("questions", 6)
    assert found.interval == mean_interval(value_QS.mean(axis=1))


def test_what_is_resampled_follows_from_how_many_orders_there_are() -> None:
    value_QS = stream(np.random.default_rng(1))
    by_orders = {n: table_mean(value_QS[:, :n], is_ordered=True) for n in (1, 2, 5, 6)}
    assert by_orders[1].unit == "questions of these orders"
    assert by_orders[1].interval == mean_interval(value_QS[:, 0])
    assert {by_orders[n].unit for n in (2, 5, 6)} == {"orders and questions"}
    assert [found.n_orders for found in by_orders.values()] == [1, 2, 5, 6]
    widths = {n: found.interval.high - found.interval.low for n, found in by_orders.items()}
    assert widths[2] > widths[5] > widths[6]


def test_an_interval_is_never_narrower_than_student_over_orders() -> None:
    value_QS = stream(np.random.default_rng(2), n=300)
    found = table_mean(value_QS, is_ordered=True).interval
    alone = stats.t.interval(0.95, 5, value_QS.mean(), stats.sem(value_QS.mean(axis=0)))
    assert found.low <= alone[0] + 1e-12
    assert found.high >= alone[1] - 1e-12
    by_question = mean_interval(value_QS.mean(axis=1))
    assert found.high - found.low > by_question.high - by_question.low


def test_orders_that_agree_add_nothing() -> None:
    row_Q = (np.random.default_rng(3).random(80) < 0.4).astype(float)
    found = table_mean(np.repeat(row_Q[:, None], 6, axis=1), is_ordered=True)
    assert found.interval == pytest.approx(mean_interval(row_Q))


def test_holes_are_left_out_and_an_order_of_few_results_hardly_counts() -> None:
    value_QS = stream(np.random.default_rng(4))
    value_QS[np.random.default_rng(5).random(value_QS.shape) < 0.2] = np.nan
    whole = table_mean(value_QS, is_ordered=True)
    assert whole.n_orders == 6
    assert whole.interval.value == pytest.approx(np.nanmean(np.nanmean(value_QS, axis=1)))
    begun = value_QS.copy()
    begun[3:, 5] = np.nan
    assert table_mean(begun, is_ordered=True).n_orders == 5
    nothing = table_mean(np.full((3, 6), np.nan), is_ordered=True)
    assert np.isnan(nothing.interval.value)
    assert np.isnan(nothing.p)


def test_a_mean_of_sources_counts_their_orders_alike() -> None:
    value_QS = stream(np.random.default_rng(6))
    sources = ["a"] * 50 + ["b"] * 10
    found = table_mean(value_QS, is_ordered=True, sources=sources)
    assert found.interval.value == pytest.approx((value_QS[:50].mean() + value_QS[50:].mean()) / 2)
    one = table_mean(value_QS, is_ordered=True, sources=["a"] * 60)
    assert one.interval == table_mean(value_QS, is_ordered=True).interval


def test_a_ratio_is_the_mean_where_every_result_counts_once() -> None:
    value_QS = stream(np.random.default_rng(7), spread=0.2)
    (ratio,) = table_ratios(value_QS[:, :, None], np.ones((*value_QS.shape, 1)), is_ordered=True)
    assert ratio.interval == pytest.approx(table_mean(value_QS, is_ordered=True).interval, abs=0.02)


def test_runs_that_were_drawn_apart_are_compared_by_both_their_intervals() -> None:
    one, other = (stream(np.random.default_rng(seed), spread=spread) for seed, spread in ((8, 0.0), (9, 0.2)))
    first, second = table_mean(one, is_ordered=False), table_mean(other, is_ordered=True)
    found = difference_of(first, second)
    assert found.interval.value == pytest.approx(other.mean() - one.mean())
    assert (found.unit, found.n_orders) == ("orders and questions", 6)
    assert found.interval.high - found.interval.low > second.interval.high - second.interval.low


def test_the_truth_is_covered_where_questions_alone_do_not_cover_it() -> None:
    rng, n = np.random.default_rng(10), 150
    tables = [stream(rng, n=100) for _ in range(n)]
    two_way = [table_mean(one, is_ordered=True, n=400, seed=at).interval for at, one in enumerate(tables)]
    alone = [mean_interval(one.mean(axis=1), n=400, seed=at) for at, one in enumerate(tables)]
    covered, too_few = (np.mean([one.low <= 0.5 <= one.high for one in found]) for found in (two_way, alone))
    assert covered >= 0.9  # 0.95 within what 150 draws can tell
    assert too_few < 0.85


def test_any_statistic_has_the_spread_of_orders_when_they_are_given() -> None:
    value_QS = stream(np.random.default_rng(11), spread=0.2)
    question_N, order_N = (index.ravel() for index in np.indices(value_QS.shape))
    arrays = (np.mean, question_N, value_QS.ravel())
    alone, both = statistic_interval(*arrays, n=200), statistic_interval(*arrays, orders_N=order_N, n=200)
    assert both.low < alone.low < alone.high < both.high
    assert statistic_interval(*arrays, orders_N=np.zeros(len(order_N)), n=200) == alone
