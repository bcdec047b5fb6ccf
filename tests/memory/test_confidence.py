"""An outcome counts for as much as its evaluator is believed, whoever estimates."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memento.memory.estimators.difficulty import Difficulty
from memento.memory.estimators.port import CaseRows, Estimator, EstimatorName, Example
from memento.memory.estimators.registry import make_estimator

DIM = 8
OF_CASES = [name for name in get_args(EstimatorName) if name != "trials"]  # which learns from lots on guides alone
AXES = np.eye(DIM, dtype=np.float32)


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    """As in the product, where torch has a thread with one core of its own."""
    n_cores = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_cores)


def cases(*ids: str) -> CaseRows:
    """Each in the region of its last digit."""
    n = len(ids)
    vectors = {view: AXES[[int(one[-1]) for one in ids]] for view in ("state", "action", "text")}
    return CaseRows(ids, np.full(n, 0.5, np.float32), np.ones(n, np.float32), vectors)  # type: ignore[arg-type]


def outcome(number: int, case_id: str, reward: float, confidence: float, *, event: str = "") -> Example:
    return Example(
        offset=number,
        event_id=event or f"e{number}",
        follows=None,
        question=f"q{number}",
        state_D=AXES[0],
        cases=cases(case_id),
        is_randomised_N=np.zeros(1, np.bool_),
        propensity_N=np.ones(1),
        reward=reward,
        confidence=confidence,
    )


def values(estimator: Estimator) -> NDArray[np.float32]:
    estimates = estimator.estimate(AXES[0], cases("good1", "bad2"))
    assert estimates is not None
    return estimates.value_C


def gap(name: EstimatorName, confidence: float) -> float:
    """How much better the good case is held to be after 80 outcomes of this confidence."""
    estimator = make_estimator(name, dim=DIM, seed=0)
    for number in range(80):
        is_good = number % 2 == 0
        estimator.learn(outcome(number, "good1" if is_good else "bad2", float(is_good), confidence))
    good, bad = values(estimator)
    return float(good - bad)


@pytest.mark.parametrize("name", OF_CASES)
def test_doubtful_outcomes_move_values_less_than_certain_ones(name: EstimatorName) -> None:
    unknown, certain = gap(name, 0.0), gap(name, 1.0)
    assert abs(unknown) < 0.25 * certain
    if name != "cross_entropy":  # its optimizer takes steps of one size, whatever all outcomes are worth alike
        assert unknown < gap(name, 0.05) < certain


@pytest.mark.parametrize("name", OF_CASES)
def test_one_certain_outcome_outweighs_a_doubtful_one(name: EstimatorName) -> None:
    """The same case, on the same task: right by somebody who knows, wrong by somebody who does not."""
    estimators = {}
    for sure in (1.0, 0.0):
        estimator = estimators[sure] = make_estimator(name, dim=DIM, seed=0)
        for number in range(60):
            is_right = number % 2 == 0
            confidence = 0.9 if float(is_right) == sure else 0.1
            estimator.learn(outcome(number, "good1", float(is_right), confidence))
    believed, doubted = (values(estimators[sure])[0] for sure in (1.0, 0.0))
    assert believed > doubted


@pytest.mark.parametrize("name", OF_CASES)
def test_value_moves_when_somebody_surer_says_the_same_again(name: EstimatorName) -> None:
    def told(*confidences: float) -> NDArray[np.float32]:
        estimator = make_estimator(name, dim=DIM, seed=0)
        for number in range(40):
            estimator.learn(outcome(number, ("bad2", "good1")[number % 2], float(number % 2), 0.5))
        for number, confidence in enumerate(confidences):
            estimator.learn(outcome(100 + number, "good1", 0.0, confidence, event="again"))
        return values(estimator)

    once, again, surer = told(0.05), told(0.05, 0.05), told(0.05, 1.0)
    assert np.array_equal(once, again), "no credit twice"
    assert surer[0] < once[0]


def test_doubtful_outcomes_say_less_of_how_hard_tasks_are() -> None:
    def ease(confidence: float) -> float:
        difficulty = Difficulty(capacity=32, dim=DIM)
        for number in range(20):
            difficulty.take(f"e{number}", AXES[1], f"q{number}", float(number % 2))
        difficulty.take("easy", AXES[0], "easy", 1.0, confidence=confidence)
        return difficulty.ease(AXES[0], "new")

    assert ease(0.0) < ease(0.2) < ease(1.0)
    assert ease(0.0) == pytest.approx(0.0, abs=0.01)
