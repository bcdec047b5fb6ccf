"""Figures of a run: labelled, with what is unknown apart, and as JSON."""

import json
import math

import numpy as np
import pytest

from memento.evals.statistics.breakdown import breakdown
from memento.evals.statistics.curve import learning_curves
from memento.evals.statistics.figure import as_json, percent, points
from memento.evals.statistics.power import power_of
from memento.evals.statistics.spending import spending
from memento.evals.statistics.summary import control_of, summarize, summarize_arm
from memento.memory.stats import Interval
from memento.nodes.usage import no_usage
from tests.eval_results import arm_results, coin_results, plan_of, result

SOURCES = {"x1": "x", "x2": "x", "x3": "x", "y1": "y"}


def test_weighted_and_macro_are_both_given_and_labelled() -> None:
    rows = arm_results("a", {"x1": [1], "x2": [1], "x3": [1], "y1": [0]}, sources=SOURCES)
    found = summarize_arm(rows).reward
    assert found.weighted.value == pytest.approx(0.75)
    assert found.macro.value == pytest.approx(0.5)
    assert "weighted (by question)" in found.weighted.label
    assert "macro (mean of 2 source means)" in found.macro.label
    assert "prequential" in str(found.weighted)


def test_a_question_counts_once_however_many_seeds_know_it() -> None:
    found = summarize_arm(arm_results("a", {"x": [1, 1, 1], "y": [0, None, None]}))
    assert found.reward.weighted.value == pytest.approx(0.5)
    assert (found.reward.weighted.n_questions, found.reward.weighted.n_results) == (2, 4)
    assert (found.n_results, found.n_unknown) == (6, 2)


def test_unknown_is_never_wrong_and_bounds_say_what_it_could_be() -> None:
    found = summarize_arm(arm_results("a", {"x": [1], "y": [None], "z": [1], "w": [0]}))
    assert found.reward.weighted.value == pytest.approx(2 / 3)
    assert found.if_unknown_wrong.value == pytest.approx(2 / 4)
    assert found.if_unknown_right.value == pytest.approx(3 / 4)
    assert found.if_unknown_wrong.n_questions == 4


def test_seeds_do_not_make_questions_of_one() -> None:
    once = summarize_arm(arm_results("a", {f"{row:02d}": [row % 2] for row in range(40)})).reward.weighted
    thrice = summarize_arm(arm_results("a", {f"{row:02d}": [row % 2] * 3 for row in range(40)})).reward.weighted
    assert thrice.interval == once.interval
    assert thrice.n_results == 3 * once.n_results


def test_spread_over_seeds_is_given() -> None:
    found = summarize_arm(arm_results("a", {"x": [1, 0], "y": [1, 1]}))
    assert found.accuracy_by_seed == {0: 1.0, 1: 0.5}
    assert found.seed_sd == pytest.approx(math.sqrt(0.125))
    assert math.isnan(summarize_arm(arm_results("a", {"x": [1]})).seed_sd)


def test_first_encounters_only_make_prequential_accuracy() -> None:
    rows = [result("a", "x", 0), result("a", "x", 1, iteration=2), result("a", "t", 1, phase="test")]
    assert summarize_arm(rows).reward.weighted.value == 0
    assert summarize_arm(rows, part="test").reward.weighted.value == 1
    assert summarize_arm(rows).spending.n_results == 3


def test_exact_match_and_f1_stand_beside_the_reward() -> None:
    found = summarize_arm([result("a", "x", 1, exact=0.0, f1=0.5), result("a", "y", None)])
    assert (found.exact.weighted.value, found.f1.weighted.value) == (0, 0.5)
    assert found.exact.weighted.label.startswith("exact match")
    assert found.f1.weighted.n_questions == 1


def test_run_summary_compares_with_the_arm_without_memory() -> None:
    plan = plan_of(["similarity", "none", "random"], n_tasks=60)
    rows = [*coin_results("similarity", 0.9, n=60), *coin_results("none", 0.2, n=60, rng=1)]
    found = summarize(plan, rows)
    assert control_of(plan) == found.control == "none"
    assert [arm.arm for arm in found.arms] == ["similarity", "none"]  # of the third there is nothing yet
    assert [str(one).split(":")[0] for one in found.comparisons] == ["similarity against none"]
    assert summarize(plan, rows, control="similarity").comparisons[0].weighted.value < 0
    assert summarize(plan, []).arms == []


def test_everything_becomes_json_with_null_for_what_is_not_defined() -> None:
    plan = plan_of(["none", "random"], n_tasks=1)
    found = summarize(plan, [*arm_results("none", {"x": [None]}), *arm_results("random", {"x": [1]})])
    text = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert text["arms"][0]["reward"]["weighted"]["value"] is None
    assert text["arms"][1]["reward"]["weighted"]["label"].endswith("weighted (by question)")
    assert text["comparisons"][0]["verdict"].startswith("nothing to compare")
    assert as_json({1: (float("inf"), plan.arms[0])})["1"][1]["policy"] == "none"


def test_spending_adds_up_and_is_given_per_task() -> None:
    usage = no_usage() | {"input_tokens": 10, "cost_usd": 0.5, "unpriced_calls": 1}
    rows = [result("a", task, None, usage=usage, iteration=turn, seconds=2.0) for task in "xy" for turn in (1, 2)]
    rows.append(result("a", "z", 1, phase="test", usage=no_usage() | {"input_tokens": 40}, memory_seconds=0.5))
    found = spending(rows)
    assert (found.input_tokens, found.cost_usd, found.unpriced_calls) == (80, 2.0, 4)
    assert (found.seconds, found.memory_seconds, found.median_seconds) == (9.0, 0.5, 2.0)
    assert found.per_task.input_tokens.value == pytest.approx(20)
    assert found.per_task.cost_usd.low < found.per_task.cost_usd.value == pytest.approx(1 / 3)
    assert math.isnan(spending([]).per_task.cost_usd.value)


def test_curve_shows_what_is_learned() -> None:
    rewards = {f"{row:03d}": [float(row >= 100)] * 2 for row in range(200)}
    flat = {f"{row:03d}": [float(row % 2)] for row in range(200)}
    rising, level = learning_curves([*arm_results("a", rewards), *arm_results("b", flat)], window=20, n_points=20)
    assert [point.position for point in rising.points] == list(range(10, 201, 10))
    assert rising.window == 20
    assert [rising.points[place].moving.value for place in (0, 9, 10, 19)] == [0, 0, 0.5, 1]
    assert rising.points[-1].cumulative.value == pytest.approx(0.5)
    assert rising.points[-1].n_results == 40
    assert all(point.cumulative.value == pytest.approx(0.5) for point in level.points)
    assert all(point.moving.low <= point.moving.value <= point.moving.high for point in rising.points)


def test_curve_ends_where_the_results_end() -> None:
    rows = [*coin_results("a", 0.5, n=100), *coin_results("b", 0.5, n=30)]
    whole, part = learning_curves(rows, n_points=10)
    assert (whole.points[-1].position, part.points[-1].position) == (100, 30)
    assert learning_curves([]) == []
    (unknown,) = learning_curves([result("a", "x", None)])
    assert math.isnan(unknown.points[0].moving.value)


def test_breakdown_has_a_row_per_group_and_arm() -> None:
    arm = arm_results("a", {"x1": [1], "y1": [None]}, sources=SOURCES, level="2")
    control = arm_results("none", {"x1": [0], "y1": [1]}, sources=SOURCES, level="2")
    rows = breakdown([*arm, *control], "source", control="none")
    assert [(row.group, row.arm) for row in rows] == [("x", "a"), ("x", "none"), ("y", "a"), ("y", "none")]
    assert rows[0].accuracy.value == 1
    assert rows[0].against_control is not None
    assert rows[0].against_control.weighted.value == 1
    assert rows[1].against_control is None
    assert rows[2].n_unknown == 1
    assert math.isnan(rows[2].accuracy.value)
    assert [row.group for row in breakdown([*arm, result("a", "z", 1)], "level")] == ["2"]


def test_power_follows_the_textbook() -> None:
    found = power_of(np.array([[0.5], [-0.5]] * 50), is_ordered=False)  # sd 0.5025
    assert found.n_needed == pytest.approx(7.849 * found.sd**2 / 0.02**2, rel=1e-3)
    assert found.detectable == pytest.approx(2.8016 * found.sd / 10, rel=1e-4)
    assert "2 points need 4,9" in str(found)
    nothing = power_of([[0.0], [0.0]], is_ordered=False)
    assert nothing.n_needed is None
    assert "not known" in str(nothing)
    assert math.isnan(power_of([[1.0]], is_ordered=False).sd)


def test_figures_read_as_percent_and_points() -> None:
    assert percent(Interval(0.541, 0.5, 0.5817)) == "54.1 % [50.0, 58.2]"
    assert points(Interval(-0.01, -0.02, 0.0)) == "-1.0 points [-2.0, 0.0]"
    assert percent(Interval(math.nan, 0, 0)) == points(Interval(math.nan, 0, 0)) == "not defined"
    assert summarize_arm([]).reward.weighted.is_defined is False
