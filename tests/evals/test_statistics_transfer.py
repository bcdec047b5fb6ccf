"""Retries, forgetting, transfer, calibration and single cases, counted by hand."""

import math

import numpy as np
import pytest

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.calibration import calibrations
from memento.evals.statistics.retries import pass_at_k, retries
from memento.evals.statistics.transfer import negative_transfer, transfer
from memento.evals.statistics.usefulness import case_uses, shrink
from memento.memory.case import Case, case_id
from tests.eval_results import arm_results, coin_results, result, served


def test_iterations_are_apart_and_what_changed_is_counted() -> None:
    first = arm_results("a", {"x": [1], "y": [1], "z": [0], "w": [None]})
    second = arm_results("a", {"x": [0], "y": [1], "z": [1], "w": [1]}, iteration=2)
    (found,) = retries([*first, *second, result("a", "t", 0, phase="test")])
    assert [one.value for one in found.by_iteration] == pytest.approx([2 / 3, 3 / 4])
    assert [one.value for one in found.pass_over_iterations] == pytest.approx([2 / 3, 1.0])
    (change,) = found.changes
    assert (change.iteration, change.forgotten.value, change.recovered.value) == (2, 0.5, 1.0)
    assert (change.forgotten.n_results, change.recovered.n_results) == (2, 1)
    assert "solved at the first encounter" in change.forgotten.label


def test_unknown_attempts_are_failures_of_nothing() -> None:
    rows = [
        result("a", "x", None),
        result("a", "x", 0, iteration=2),
        result("a", "y", 0),
        result("a", "y", 0, iteration=2),
    ]
    (found,) = retries(rows)
    assert found.pass_over_iterations[1].n_questions == 1  # x may have been solved at first: it is left out


def test_pass_at_k_over_seeds_is_the_unbiased_estimate() -> None:
    (found,) = retries(arm_results("a", {"x": [1, 0, 0], "y": [0, 0, 0]}))
    assert [one.value for one in found.pass_over_seeds] == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert all("first encounter" in one.label for one in found.pass_over_seeds)
    assert pass_at_k(np.array([2]), np.array([5]), 2)[0] == pytest.approx(1 - (3 * 2) / (5 * 4))
    assert pass_at_k(np.array([4]), np.array([5]), 2)[0] == 1
    assert math.isnan(pass_at_k(np.array([1]), np.array([1]), 2)[0])


def test_transfer_is_accuracy_on_held_out_tasks_against_the_control() -> None:
    results = [*coin_results("none", 1.0, n=40), *coin_results("a", 0.0, n=40)]
    assert transfer(results, "none") is None
    tests = [
        result(arm, f"t{row}", float(row % every == 0), phase="test")
        for arm, every in (("none", 4), ("a", 2))
        for row in range(80)
    ]
    found = transfer([*results, *tests], "none")
    assert found is not None
    assert found.accuracies["a"].weighted.value == pytest.approx(0.5)
    assert "frozen bank" in found.accuracies["a"].weighted.label
    assert found.comparisons[0].weighted.value == pytest.approx(0.25)
    assert found.comparisons[0].part == "test"


def test_negative_transfer_counts_what_memory_breaks_and_what_it_brings() -> None:
    control = arm_results("none", {"x": [1, 1], "y": [1, 0], "z": [0, 0], "w": [1, None]})
    arm = arm_results("a", {"x": [0, 1], "y": [1, 1], "z": [1, 0], "w": [0, 0]})
    (found,) = negative_transfer([*control, *arm], "none")
    assert found.lost.value == pytest.approx(2 / 7)
    assert found.gained.value == pytest.approx(2 / 7)
    assert found.lost_of_solved.value == pytest.approx(2 / 4)
    assert found.gained_of_failed.value == pytest.approx(2 / 3)
    assert found.noise_floor is not None
    assert found.noise_floor.value == pytest.approx(1 / 6)  # of x, y, z both ways, y once
    assert negative_transfer(arm, "none") == []
    (alone,) = negative_transfer([*arm_results("none", {"x": [1]}), *arm_results("a", {"x": [1]})], "none")
    assert alone.noise_floor is None


def _scored(n: int, policy: str, *, similarity: float | None = None) -> list[TaskResult]:
    rng = np.random.default_rng(0)
    p = rng.random(n)
    return [
        result(
            policy,
            f"{row:03d}",
            float(rng.random() < p[row]),
            policy=policy,
            cases=[served("c", score=p[row], similarity=p[row] if similarity is None else similarity)],
        )
        for row in range(n)
    ]


def test_scores_that_are_probabilities_and_come_true_are_calibrated() -> None:
    score, _ = calibrations(_scored(500, "parametric", similarity=0.3))
    assert score.undefined is None
    assert score.ece.value < 0.08
    assert len(score.bins) == 10
    assert sum(one.n for one in score.bins) == score.n_rows == 500
    assert score.bins[0].observed < 0.2 < 0.8 < score.bins[-1].observed
    assert score.ranking.low > 0.7


@pytest.mark.parametrize(("policy", "similarity"), [("advantage", 0.3), ("similarity", None), ("parametric", None)])
def test_scores_that_are_no_probabilities_only_rank(policy: str, similarity: float | None) -> None:
    score, _ = calibrations(_scored(100, policy, similarity=similarity))  # without evidence, Q is the cosine
    assert score.undefined is not None
    assert "no probabilities" in score.undefined
    assert math.isnan(score.ece.value)
    assert score.bins == []
    assert score.ranking.value > 0.6


def test_confidence_is_held_against_exact_match() -> None:
    rows = [
        result("a", f"{row:02d}", float(row % 2), evaluator="judge", confidence=0.9 if row % 3 else 0.6, exact=row % 2)
        for row in range(60)
    ]
    _, confidence = calibrations(rows)
    assert confidence.undefined is None
    assert confidence.ece.value == pytest.approx(0.2, abs=0.05)  # right every time, and 0.8 sure
    assert "exact match" in confidence.label
    _, always = calibrations([one.model_copy(update={"confidence": 1.0}) for one in rows])
    assert always.undefined == "the evaluator was always equally sure"
    _, few = calibrations(rows[:5])
    assert few.undefined == "too few: 5 of at least 20 results"
    score, none = calibrations([result("a", "x", 1.0, exact=1.0, evaluator="exact")])
    assert (score.undefined, none.undefined) == ("no case was served", "nobody but exact match has scored")


def _case(namespace: str, state: str, action: str) -> Case:
    return Case(id=case_id(namespace, state, action), namespace=namespace, state=state, action=action, reward=1.0)


def test_useful_cases_come_first_and_streams_are_put_together() -> None:
    good, bad = ([_case(f"a-{seed}", state, "do") for seed in (0, 1)] for state in ("good", "bad"))
    control = arm_results("none", {f"{row:02d}": [float(row % 2)] * 2 for row in range(40)})
    arm = [
        result("a", one.task_id, reward, seed=one.seed, cases=[served(case[one.seed].id)])
        for one in control
        for case, reward in [(good, 1.0) if int(one.task_id) < 20 else (bad, 0.0)]
    ]
    cases = {case.id: case for case in (*good, *bad)}
    best, worst = case_uses([*control, *arm], "none", cases=cases)
    assert (best.state, worst.state) == ("good", "bad")
    assert (best.n_served, best.n_questions, len(best.case_ids)) == (40, 20, 2)
    assert (best.reward, best.control_reward) == (1.0, 0.5)
    assert best.difference.low > 0.2
    assert worst.difference.high < -0.2
    assert 0 < best.shrunk < best.difference.value == 0.5
    assert len(case_uses([*control, *arm], "none")) == 4  # without the bank, each stream's case is its own
    assert case_uses([*control, *arm], "none", cases=cases, min_questions=21) == []


def test_means_of_nothing_but_noise_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.normal(0.2, 1, size=6) for _ in range(200)]
    raw = np.array([group.mean() for group in noise])
    assert np.std(shrink(noise)) < 0.4 * raw.std()
    apart = [rng.normal(centre, 0.1, size=50) for centre in (-1.0, 0.0, 1.0)]
    assert shrink(apart) == pytest.approx([group.mean() for group in apart], abs=0.01)
    assert shrink([]) == []
    assert shrink([np.array([0.5])]) == [0.5]
