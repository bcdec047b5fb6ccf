"""Joint beliefs: as exact inference would have them, taken back without a trace, faded, scaled, and mixed by merit."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from memento.memory.estimators.contributions import Features
from memento.memory.estimators.merits import probability
from memento.memory.estimators.posterior import Posterior


def posterior(n: int, *, variance: float = 1.0, memories: tuple[float, ...] = (1.0,), capacity: int = 32) -> Posterior:
    beliefs = Posterior(capacity=capacity, family_variances=[0.0, variance], memories=memories)
    for position in range(n):
        beliefs.place(position, family=1)
    return beliefs


def features(**value: float) -> Features:
    """Features by position, as p0=1.0, p3=-2.0."""
    return Features(np.array([int(name[1:]) for name in value]), np.array(list(value.values()), np.float32))


def drawn(truth: list[float], n: int, *, seed: int = 0) -> list[tuple[Features, float]]:
    chance = np.random.default_rng(seed)
    outcomes = []
    for _ in range(n):
        value = chance.normal(size=len(truth)).round(2)
        p = 1 / (1 + np.exp(-float(value @ truth)))
        at = features(**{f"p{position}": float(one) for position, one in enumerate(value)})
        outcomes.append((at, float(chance.random() < p)))
    return outcomes


def test_beliefs_are_those_of_exact_inference_when_there_are_many_outcomes() -> None:
    outcomes = drawn([1.0, -0.5], 300)
    beliefs = posterior(2)
    for at, reward in outcomes:
        beliefs.observe(at, reward)

    def minus_log_posterior(mean: np.ndarray) -> float:
        logits = np.array([float(at.value_X @ mean) for at, _ in outcomes])
        signs = np.array([1 if reward else -1 for _, reward in outcomes])
        return float(np.log1p(np.exp(-signs * logits)).sum() + mean @ mean / 2)

    exact = minimize(minus_log_posterior, np.zeros(2))
    assert beliefs.mean_EP[0, :2] == pytest.approx(exact.x, abs=0.08)
    sd = beliefs.covariance.whole()[0].diagonal().sqrt().numpy()
    assert sd == pytest.approx(np.sqrt(np.diag(exact.hess_inv)), rel=0.2)


def test_nothing_is_left_of_an_outcome_that_is_taken_back() -> None:
    beliefs = posterior(3)
    for at, reward in drawn([1.0, 0.0, -1.0], 20):
        beliefs.observe(at, reward)
    mean, covariance = beliefs.mean_EP.copy(), beliefs.covariance.whole()
    at = features(p0=1.0, p2=2.0)
    beliefs.retract(at, beliefs.observe(at, 1.0))
    assert beliefs.mean_EP == pytest.approx(mean, abs=1e-5)
    assert torch.allclose(beliefs.covariance.whole(), covariance, atol=1e-5)


def test_an_outcome_taken_back_late_leaves_almost_what_would_be_believed_without_it() -> None:
    outcomes = drawn([1.0, -1.0], 60)
    without, taken_back = posterior(2), posterior(2)
    first = features(p0=2.0, p1=2.0)
    site = taken_back.observe(first, 1.0)
    for at, reward in outcomes:
        without.observe(at, reward)
        taken_back.observe(at, reward)
    taken_back.retract(first, site)
    assert taken_back.mean_EP[0, :2] == pytest.approx(without.mean_EP[0, :2], abs=0.05)


def test_nothing_moves_when_the_evaluator_has_no_confidence() -> None:
    beliefs = posterior(1)
    beliefs.observe(features(p0=1.0), 1.0, confidence=0.0)
    assert beliefs.mean_EP[0, 0] == 0.0
    beliefs.observe(features(p0=1.0), 1.0, confidence=0.5)
    half = float(beliefs.mean_EP[0, 0])
    whole = posterior(1)
    whole.observe(features(p0=1.0), 1.0)
    assert 0 < half < float(whole.mean_EP[0, 0])


def test_coefficients_that_always_come_together_are_not_told_apart() -> None:
    beliefs = posterior(2)
    for _ in range(200):
        beliefs.observe(features(p0=1.0, p1=1.0), 1.0)
    difference = features(p0=1.0, p1=-1.0)
    assert float(beliefs.predict(difference)[1][0]) == pytest.approx(2.0, rel=0.01)  # as uncertain as before
    assert float(beliefs.predict(features(p0=1.0, p1=1.0))[1][0]) < 1.0


def test_beliefs_fade_towards_the_prior_for_the_expert_who_forgets_only() -> None:
    beliefs = posterior(1, memories=(1.0, 0.9))
    for _ in range(30):
        beliefs.observe(features(p0=1.0), 1.0)
    kept, faded = beliefs.mean_EP[:, 0].tolist()
    beliefs.fade(1000)
    assert beliefs.mean_EP[:, 0].tolist() == pytest.approx([kept, 0.0], abs=1e-6)
    assert beliefs.covariance.whole()[1, 0, 0] == pytest.approx(1.0)
    assert faded > 0


def test_the_expert_who_forgets_is_believed_when_the_world_changes() -> None:
    beliefs = posterior(1, variance=4.0, memories=(1.0, 0.9))
    for number in range(400):
        beliefs.observe(features(p0=1.0), float(number % 10 != 0))
        beliefs.fade(1)
    settled = float(beliefs.weights[1])
    for number in range(60):
        beliefs.observe(features(p0=1.0), float(number % 10 == 0))
        beliefs.fade(1)
    assert settled < 0.5 < float(beliefs.weights[1])


@pytest.mark.parametrize(("spread", "is_wider"), [(0.0, False), (2.5, True)])
def test_a_familys_scale_follows_what_is_found(spread: float, is_wider: bool) -> None:
    chance = np.random.default_rng(1)
    truth = spread * chance.normal(size=24)
    beliefs = posterior(24, variance=0.25)
    for _ in range(1500):
        position = int(chance.integers(24))
        reward = float(chance.random() < 1 / (1 + np.exp(-truth[position])))
        beliefs.observe(features(**{f"p{position}": 1.0}), reward)
    beliefs.learn_scales()
    learned = float(beliefs.family_variance_FE[1, 0])
    assert learned > 1.0 if is_wider else learned < 0.2


def test_new_scales_reach_what_is_already_believed() -> None:
    fixed, scaled = posterior(8, variance=0.04), posterior(8, variance=0.04)
    for beliefs in (fixed, scaled):
        for number in range(800):
            beliefs.observe(
                features(**{f"p{number % 8}": 1.0}), float(number % 2 if number % 8 < 4 else number % 16 > 1)
            )
    scaled.learn_scales()
    assert np.abs(scaled.mean_EP[0, :8]).sum() > np.abs(fixed.mean_EP[0, :8]).sum()


def test_expected_probability_is_the_mean_over_the_uncertainty() -> None:
    draws = torch.randn(200_000, generator=torch.Generator().manual_seed(0)) * 1.5 + 1.0
    expected = probability(np.ones(1, np.float32), np.full(1, 2.25, np.float32))
    assert float(expected[0]) == pytest.approx(float(torch.sigmoid(draws).mean()), abs=0.01)
