"""Experts with other prior means: they count only where actions repeat, and change nothing before that."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.contributions import Features
from memento.memory.estimators.port import CaseRows, Estimates, Example
from memento.memory.estimators.posterior import Posterior
from memento.memory.estimators.priors import advantage_settings, prior_beliefs

DIM = 8
AXES = np.eye(DIM, dtype=np.float32)
MEMORIES = (1.0, 0.99)
STANDARD, LOW = 0.4, -0.8


def beliefs(*means: float) -> Posterior:
    """A weight with these prior means, and coefficients of one family."""
    made = Posterior(capacity=16, family_variances=[0.0, 0.25], memories=MEMORIES, n_priors=len(means))
    made.place(0, family=0, means=means, variance=0.04)
    for position in range(1, 12):
        made.place(position, family=1)
    return made


def lived(made: Posterior, *, n: int = 200, constant: float = 0.0, seed: int = 0) -> Posterior:
    """Outcomes of the weight and one other coefficient, with corrections, fading and new scales."""
    chance = np.random.default_rng(seed)
    for number in range(n):
        at = Features(np.array([0, 1 + int(chance.integers(11))]), np.array([1.0, chance.normal()], np.float32))
        site = made.observe(at, float(chance.random() < 1 / (1 + np.exp(-constant))))
        if number % 9 == 0:
            made.retract(at, site)
            made.observe(at, 1.0, confidence=0.5)
        if number % 16 == 0:
            made.fade(16)
    made.learn_scales()
    return made


def served(number: int, action: str, *, topic: int = 0) -> CaseRows:
    return CaseRows(
        (f"case {number}",), np.full(1, 0.5, np.float32), np.ones(1, np.float32), {"state": AXES[[topic]]}, (action,)
    )


def outcome(number: int, reward: float, cases: CaseRows) -> Example:
    return Example(
        number, f"e{number}", None, str(number), AXES[0], cases, np.zeros(1, np.bool_), np.ones(1), reward, 1.0
    )


def same(ours: Estimates, theirs: Estimates) -> bool:
    return all(np.array_equal(np.array(mine), np.array(yours)) for mine, yours in zip(ours, theirs, strict=True))


def estimate(estimator: Advantage) -> Estimates:
    return estimator.estimate(AXES[0], served(0, "a"))


def test_two_experts_believe_bit_for_bit_the_same_while_the_others_do_not_count() -> None:
    two, six = lived(beliefs(STANDARD)), lived(beliefs(STANDARD, LOW, 0.0))
    at = Features(np.array([0, 3]), np.array([1.0, 0.5], np.float32))
    for ours, theirs in zip(two.predict(at), six.predict(at), strict=True):
        assert (ours == theirs).all()
    assert (two.weights == six.weights).all()
    assert (two.mean_EP == six.mean_EP).all()
    assert (two.covariance.whole() == six.covariance.whole()).all()
    assert (two.family_variance_FE == six.family_variance_FE).all()


@pytest.mark.parametrize("is_served", [lambda number: number % 2 == 0, lambda number: True], ids=["varies", "always"])
def test_experts_are_weighed_by_what_they_foretold_apart_from_its_level(is_served: Callable[[int], bool]) -> None:
    """What is served fails, and the rest succeeds; or all is served, and all of it fails."""
    made, base = beliefs(STANDARD, LOW), 11
    for number in range(120):
        value = float(is_served(number))
        made.observe(Features(np.array([0, base]), np.array([value, 1.0], np.float32)), float(not value))
    assert len(made.weights) == 2
    made.mixes_priors = True
    assert made.weights.sum() == pytest.approx(1.0)
    if is_served(1):  # what is always there tells the level only
        assert made.weights[2:].sum() <= 0.5
    else:
        assert made.weights[2:].sum() > 0.8


def test_every_expert_is_drawn_back_to_prior_means_of_its_own() -> None:
    made = lived(beliefs(STANDARD, LOW), constant=2.0)
    made.mixes_priors = True
    made.fade(5000)
    kept, faded, other_kept, other_faded = made.mean_EP[:, 0].tolist()
    assert (faded, other_faded) == pytest.approx((STANDARD, LOW), abs=1e-5)
    assert kept > STANDARD
    assert other_kept > LOW


def test_nothing_of_any_expert_is_left_of_an_outcome_that_is_taken_back() -> None:
    made = lived(beliefs(STANDARD, LOW, 0.0))
    made.mixes_priors = True
    before, at = made.mean_EP.copy(), Features(np.array([0, 2]), np.array([1.0, 2.0], np.float32))
    made.retract(at, made.observe(at, 0.0))
    assert made.mean_EP == pytest.approx(before, abs=1e-5)


@pytest.mark.slow
def test_experts_of_one_memory_agree_when_there_are_many_outcomes() -> None:
    """Although they share a covariance, whose curvature is that of one of them."""
    made = beliefs(STANDARD, LOW)
    alone = beliefs(LOW)
    for one in (made, alone):
        lived(one, n=2000, constant=1.0)
    made.mixes_priors = True
    assert made.mean_EP[0, 0] == pytest.approx(made.mean_EP[2, 0], abs=0.15)
    assert made.mean_EP[2:] == pytest.approx(alone.mean_EP, abs=0.08)  # nearly what a matrix of its own would give


def test_other_prior_means_count_only_while_over_half_of_the_served_cases_repeat_an_action() -> None:
    mixed = Advantage(dim=DIM)
    for number in range(6):
        mixed.learn(outcome(number, 1.0, served(number, f"own {number}")))
    assert len(mixed._beliefs.weights) == 2
    for number in range(6, 15):  # the first of them is not known from a second case yet
        assert len(mixed._beliefs.weights) == 2
        mixed.learn(outcome(number, 1.0, served(number, "common")))
    assert len(mixed._beliefs.weights) == 6
    for number in range(8, 13):
        assert mixed.withdraw(f"e{number}")
    assert len(mixed._beliefs.weights) == 2
    mixed.learn(outcome(13, 0.0, served(13, "common")))  # a correction is no further case
    assert len(mixed._beliefs.weights) == 2


def test_only_the_standard_prior_means_count_when_the_settings_say_so() -> None:
    made = Advantage(dim=DIM, settings={"mixed_from": 1.0})
    for number in range(12):
        made.learn(outcome(number, 1.0, served(number, "common")))
    assert len(made._beliefs.weights) == 2


def test_learning_goes_on_bit_for_bit_when_restored_while_all_experts_count() -> None:
    estimator, restored = Advantage(dim=DIM), Advantage(dim=DIM)
    for number in range(60):
        estimator.learn(outcome(number, float(number % 3 == 0), served(number, f"act {number % 4}")))
    kept: dict[str, Any] = {name: value.copy() for name, value in estimator.tensors().items()}
    restored.restore(kept, json.loads(json.dumps(estimator.stamp())), [])
    for one in (estimator, restored):
        assert one.withdraw("e7")
        for number in range(60, 90):
            one.learn(outcome(number, float(number % 2), served(number, f"act {number % 5}")))
    assert same(estimate(estimator), estimate(restored))
    assert (estimator._beliefs.weights == restored._beliefs.weights).all()
    assert len(restored._beliefs.weights) == 6


def test_the_standard_prior_means_are_the_settings() -> None:
    made = prior_beliefs(advantage_settings({"similarity_prior": 0.7}))
    made.mixes_priors = True
    similarity = made.mean_EP[:, 3]
    assert similarity[:2] == pytest.approx([0.7, 0.7])
    assert similarity[2:] == pytest.approx([1.1] * 4)
