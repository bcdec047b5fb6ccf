"""Paired comparisons: what is paired, what is dropped, and what is said."""

import math

import pytest

from memento.evals.statistics.comparison import compare, compare_arms, differences, holm, verdict
from memento.evals.statistics.outcomes import exact_of
from memento.evals.statistics.summary import summarize_arm
from memento.memory.stats import Interval
from tests.eval_results import arm_results, coin_results, result


def test_results_are_paired_by_question_and_seed() -> None:
    arm = arm_results("a", {"x": [1, 0], "y": [1, None], "z": [0]})
    control = arm_results("b", {"x": [0, 0], "y": [0, 1], "w": [1]})
    paired = differences(arm, control)
    assert paired.tasks == ["x", "y"]
    assert paired.value_Q.tolist() == [0.5, 1.0]  # the mean over seeds that know both
    assert (paired.n_pairs, paired.n_unknown, paired.n_unpaired) == (3, 1, 2)


def test_a_clear_difference_is_better_and_worse_the_other_way_round() -> None:
    arm, control = coin_results("a", 0.8, n=60, seeds=6, rng=1), coin_results("b", 0.4, n=60, seeds=6, rng=2)
    there, back = compare(arm, control), compare(control, arm)
    assert there.verdict.startswith("better by 4")
    assert back.verdict.startswith("worse by 4")
    assert there.weighted.value == pytest.approx(-back.weighted.value)
    assert there.share_below_0 == 0
    assert back.share_below_0 == 1
    assert there.p == back.p < 0.002
    assert str(there).startswith("a against b: better by ")


def test_no_difference_is_shown_between_arms_that_are_alike() -> None:
    found = compare(coin_results("a", 0.5, n=150, seeds=6, rng=1), coin_results("b", 0.5, n=150, seeds=6, rng=2))
    assert found.verdict.startswith("no difference shown: ")
    assert found.weighted.low < 0 < found.weighted.high
    assert found.p > 0.05


def test_arms_that_never_differ_have_an_interval_around_zero() -> None:
    rows = coin_results("a", 0.5, n=50, seeds=6)
    found = compare(rows, rows, names=("a", "again"))
    assert found.weighted.value == 0
    assert found.weighted.low < 0 < found.weighted.high
    assert found.p > 0.9
    assert found.power.n_needed is None


def test_nothing_is_compared_when_no_question_is_shared() -> None:
    found = compare(arm_results("a", {"x": [1]}), arm_results("b", {"y": [1]}))
    assert math.isnan(found.weighted.value)
    assert found.verdict.startswith("nothing to compare")
    assert compare([], []).arm == "(no results)"


def test_pairing_sees_what_an_unpaired_look_does_not() -> None:
    control = arm_results("b", {f"{row:03d}": [float(row % 2)] for row in range(200)})
    arm = arm_results("a", {f"{row:03d}": [float(row % 2 or row % 20 == 0)] for row in range(200)})
    assert compare(arm, control).weighted.low > 0
    assert summarize_arm(arm).reward.weighted.low < summarize_arm(control).reward.weighted.high


def test_macro_difference_counts_sources_alike() -> None:
    sources = {"x1": "x", "x2": "x", "x3": "x", "y1": "y"}
    arm = arm_results("a", {"x1": [1], "x2": [1], "x3": [1], "y1": [0]}, sources=sources)
    control = arm_results("b", {"x1": [0], "x2": [0], "x3": [0], "y1": [0]}, sources=sources)
    found = compare(arm, control)
    assert found.weighted.value == pytest.approx(0.75)
    assert found.macro.value == pytest.approx(0.5)


def test_every_arm_is_compared_with_the_control_and_corrected() -> None:
    results = [
        *coin_results("none", 0.4, n=80, seeds=6, rng=0),
        *coin_results("good", 0.9, n=80, seeds=6, rng=1),
        *coin_results("same", 0.4, n=80, seeds=6, rng=2),
    ]
    good, same = compare_arms(results, "none")
    assert (good.arm, same.arm, good.control) == ("good", "same", "none")
    assert good.p_holm == pytest.approx(2 * good.p)
    assert good.n_comparisons == 2
    assert good.verdict.startswith("better by ")
    assert same.verdict.startswith("no difference shown")


def test_held_out_tasks_and_retries_are_no_first_encounters() -> None:
    rows = [result("a", "x", 1), result("a", "x", 0, iteration=2), result("a", "y", 0, phase="test")]
    base = [result("b", "x", 0), result("b", "x", 0, iteration=2), result("b", "y", 0, phase="test")]
    assert compare(rows, base).weighted.value == 1
    assert compare(rows, base, part="test").weighted.value == 0


def test_another_measure_can_be_compared() -> None:
    arm, control = [result("a", "x", 0, exact=1.0)], [result("b", "x", 0, exact=0.0)]
    assert compare(arm, control, measure=exact_of).weighted.value == 1


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    first, second = holm([math.nan, 0.02])
    assert math.isnan(first)
    assert second == 0.02
    assert holm([]) == []


def test_verdict_says_when_a_correction_takes_a_difference_back() -> None:
    assert verdict(Interval(0.042, 0.01, 0.074), 0.01, 1) == "better by 4.2 points [1.0, 7.4]"
    assert verdict(Interval(-0.042, -0.074, -0.01), 0.01, 3) == "worse by 4.2 points [1.0, 7.4]"
    assert verdict(Interval(0.01, -0.02, 0.04), 0.6, 1) == "no difference shown: +1.0 points [-2.0, 4.0]"
    assert verdict(Interval(0.042, 0.01, 0.074), 0.08, 5).endswith("Holm's correction for 5 comparisons (p = 0.080)")
