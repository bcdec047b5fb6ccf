"""Orders of the tasks as the unit: no verdict from few, the worst source, and what a difference needs."""

import json

import numpy as np
import pytest

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import compare, compare_arms, differences
from memento.evals.statistics.curve import learning_curves
from memento.evals.statistics.domains import worst_source
from memento.evals.statistics.figure import as_json
from memento.evals.statistics.orders import MIN_ORDERS, is_ordered, lacks_orders, resampled
from memento.evals.statistics.power import power_of
from memento.evals.statistics.summary import summarize, summarize_arm
from memento.memory.stats import Floats, difference_ends, mean_interval
from tests.eval_results import arm_results, coin_results, plan_of

ADVANTAGE = (0.570, 0.553, 0.453, 0.673, 0.550)
SIMILARITY_REWARD = (0.620, 0.643, 0.640, 0.477, 0.503)
"""Share solved in five orders of the same 300 house-rules tasks by a real frozen model, from rewards alone."""


def orders_of(arm: str, shares: tuple[float, ...], *, n: int = 300) -> list[TaskResult]:
    """Results with exactly these shares, which questions are right being chance."""
    right_SQ = [
        np.random.default_rng([seed, len(arm)]).permutation(n) < round(share * n) for seed, share in enumerate(shares)
    ]
    return arm_results(arm, {f"{row:03d}": [float(right[row]) for right in right_SQ] for row in range(n)})


def test_orders_of_opposite_signs_give_no_verdict() -> None:
    both = [orders_of("advantage", ADVANTAGE), orders_of("similarity_reward", SIMILARITY_REWARD)]

    def found(*seeds: int) -> tuple[Floats, str]:
        arms = [[one for one in rows if one.seed in seeds] for rows in both]
        compared = compare(*arms)
        assert np.isnan(compared.p)
        assert not compared.is_shown
        return differences(*arms).value_Q, compared.verdict

    first, said = found(0, 1, 2)
    last, said_last = found(3, 4)
    by_question = [mean_interval(value_Q, ends=difference_ends(value_Q)) for value_Q in (first, last)]
    assert by_question[0].high < 0 < by_question[1].low  # over questions both are "shown", and contradict each other
    for verdict in (said, said_last, found(0, 1, 2, 3, 4)[1], found(0)[1]):
        assert verdict.startswith("too few orders to tell: ")
    assert "over 3 orders; a verdict needs 6 orders" in said
    assert "in this order alone" in found(0)[1]


@pytest.mark.parametrize(("n_orders", "has_verdict"), [(1, False), (2, False), (5, False), (6, True), (8, True)])
def test_a_verdict_needs_six_orders_where_an_arm_has_a_memory(n_orders: int, has_verdict: bool) -> None:
    arm, control = (
        coin_results(name, p, n=60, seeds=n_orders, rng=n)
        for n, (name, p) in enumerate([("advantage", 0.9), ("none", 0.2)])
    )
    found = compare(arm, control)
    assert (found.has_verdict, found.is_shown, found.n_orders) == (has_verdict, has_verdict, n_orders)
    assert found.verdict.startswith("better by " if has_verdict else "too few orders to tell: ")
    assert found.worst is not None
    assert found.worst.verdict.startswith("better than the control" if has_verdict else "too few orders to tell")
    assert np.isnan(found.p) != has_verdict


def test_arms_without_a_memory_are_told_apart_in_one_order() -> None:
    found = compare(coin_results("none:max_cycles=1", 0.9, n=80), coin_results("none", 0.3, n=80, rng=1))
    assert (found.unit, found.has_verdict) == ("questions", True)
    assert found.verdict.startswith("better by ")
    assert summarize_arm(coin_results("none", 0.5, n=40, seeds=6)).reward.weighted.unit == "questions"


def test_arms_are_told_to_have_a_memory_by_their_policy() -> None:
    assert [is_ordered(arm) for arm in ("none", "none:k=0", "advantage", "similarity:k=8", "nonesuch")] == [
        *(False, False),
        *(True, True, True),
    ]
    arms = plan_of(["none", "random"], n_tasks=1).arms
    assert (lacks_orders(arms, 5), lacks_orders(arms, MIN_ORDERS), lacks_orders(arms[:1], 1)) == (True, False, False)
    assert resampled("orders and questions", 6) == "6 orders and their questions"
    assert resampled("questions of these orders", 1) == "questions of this order alone"


def test_an_order_that_has_only_begun_is_no_sixth() -> None:
    arm, control = (coin_results(name, 0.5, n=60, seeds=6, rng=rng) for rng, name in enumerate(("advantage", "none")))
    begun = [one for one in arm if one.seed < 5 or one.task_id < "task 00005"]
    assert not compare(begun, control).has_verdict
    assert compare(arm, control).has_verdict


def test_equal_arms_are_not_told_apart() -> None:
    rows = coin_results("advantage", 0.5, n=60, seeds=6)
    found = compare(rows, rows, names=("advantage", "again"))
    assert found.verdict.startswith("no difference shown: ")
    assert found.p > 0.9


def test_json_says_what_was_resampled() -> None:
    plan = plan_of(["none", "advantage"], n_tasks=40, seeds=range(3))
    rows = [*coin_results("none", 0.3, n=40, seeds=3), *coin_results("advantage", 0.8, n=40, seeds=3, rng=1)]
    text = json.loads(json.dumps(as_json(summarize(plan, rows)), allow_nan=False))
    (compared,) = text["comparisons"]
    assert (compared["n_orders"], compared["unit"], compared["has_verdict"]) == (3, "orders and questions", False)
    assert (compared["p"], compared["p_holm"]) == (None, None)
    assert set(compared["worst"]) == {
        *("source", "difference", "n_sources", "n_questions", "n_orders", "unit", "verdict")
    }
    assert [arm["reward"]["weighted"]["unit"] for arm in text["arms"]] == ["questions", "orders and questions"]
    assert [arm["reward"]["macro"]["n_orders"] for arm in text["arms"]] == [3, 3]


def test_curves_are_wider_where_orders_differ() -> None:
    shares = np.random.default_rng(0).permutation(np.linspace(0.2, 0.8, 6))
    rows = orders_of("advantage", tuple(float(share) for share in shares), n=60)
    told = learning_curves(rows, n_points=4)[0]
    blind = learning_curves([one.model_copy(update={"arm": "none"}) for one in rows], n_points=4)[0]
    assert (told.unit, told.n_orders, blind.unit) == ("orders and questions", 6, "questions")
    for one, other in zip(told.points, blind.points, strict=True):
        assert one.cumulative.low < other.cumulative.low < other.cumulative.high < one.cumulative.high


def paired(means: dict[str, float], *, n: int = 60, n_orders: int = 6, rng: int = 0) -> tuple[Floats, list[str]]:
    """Differences of -1, 0 and 1 with these means by source."""
    chance = np.random.default_rng(rng).random((len(means) * n, n_orders))
    wanted = np.repeat(list(means.values()), n)[:, None]
    return np.where(chance < abs(wanted), np.sign(wanted), 0.0), [name for name in means for _ in range(n)]


def test_the_worst_source_is_the_headline() -> None:
    value_QS, sources = paired({"a": 0.3, "b": -0.2, "c": 0.1})
    found = worst_source(value_QS, sources, is_ordered=True, ends=(-1, 1))
    assert found is not None
    assert (found.source, found.n_sources, found.n_questions) == ("b", 3, 60)
    assert found.verdict == "worse than the control in at least one source"
    alone = worst_source(value_QS[60:120], sources[60:120], is_ordered=True, ends=(-1, 1))
    assert alone is not None
    assert alone.difference.low == pytest.approx(found.difference.low)  # the lower limit needs no correction
    assert alone.difference.high < found.difference.high  # the upper limit is corrected for three sources
    good, names = paired({"a": 0.3, "b": 0.2}, rng=1)
    better = worst_source(good, names, is_ordered=True, ends=(-1, 1))
    assert better is not None
    assert better.verdict == "better than the control in every source"
    level = worst_source(np.zeros((40, 6)), ["a"] * 20 + ["b"] * 20, is_ordered=True, ends=(-0.5, 0.5))
    assert level is not None
    assert level.verdict.startswith("no loss shown; one of more than ")
    assert worst_source(np.empty((0, 0)), [], is_ordered=True, ends=(-1, 1)) is None


def test_small_sources_are_taken_together() -> None:
    value_QS, _ = paired({"all": 0.2}, n=40)
    sources = ["big"] * 20 + [f"small {row // 4}" for row in range(20)]
    found = worst_source(value_QS, sources, is_ordered=False, ends=(-1, 1))
    assert found is not None
    assert found.n_sources == 2
    assert found.source in ("big", "5 sources of fewer than 10 questions")
    only_small = worst_source(value_QS[20:], sources[20:], is_ordered=False, ends=(-1, 1))
    assert only_small is not None
    assert only_small.named == "5 sources of fewer than 10 questions"


def test_more_questions_do_not_help_where_orders_differ() -> None:
    rng = np.random.default_rng(0)
    value_QS = rng.normal(0, 0.1, 40) + rng.normal(0, 0.3, (200, 40))
    found = power_of(value_QS, is_ordered=True)
    assert found.order_sd == pytest.approx(0.1, abs=0.03)
    assert found.residual_sd == pytest.approx(0.3, abs=0.02)
    assert found.question_sd < 0.06
    assert found.n_needed is None  # in 40 orders no number of questions is enough
    assert found.orders_needed is not None
    assert 100 < found.orders_needed < 400
    assert "orders of as many questions" in str(found)
    alone = power_of(value_QS[:, :1], is_ordered=True)
    assert (alone.n_needed, alone.orders_needed) == (None, None)
    assert "cannot be told from one order" in str(alone)


def test_power_of_few_orders_counts_their_spread_and_that_of_questions() -> None:
    rng = np.random.default_rng(1)
    value_QS = rng.normal(0, 0.4, (300, 1)) + rng.normal(0, 0.1, (300, 8))
    found = power_of(value_QS, is_ordered=True)
    assert found.question_sd == pytest.approx(0.4, abs=0.05)
    assert found.orders_needed is None  # no number of orders of these questions is enough
    assert found.n_needed == pytest.approx(7.85 * 0.4**2 / 0.02**2, rel=0.3)
    value_QS[::3, 2:5] = np.nan
    assert power_of(value_QS, is_ordered=True).question_sd == pytest.approx(found.question_sd, abs=0.05)


def test_every_arm_has_its_verdict_when_only_some_have_enough_orders() -> None:
    rows = [
        *coin_results("none", 0.3, n=60, seeds=6),
        *coin_results("advantage", 0.9, n=60, seeds=6, rng=1),
        *coin_results("random", 0.9, n=60, seeds=2, rng=2),
    ]
    advantage, random = compare_arms(rows, "none")
    assert advantage.is_shown
    assert random.verdict.startswith("too few orders to tell")
    assert np.isnan(random.p_holm)
