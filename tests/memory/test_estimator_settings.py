"""Settings of estimators: within its range any value works, and beyond it none is used, wherever it came from."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from memento.memory.errors import InvalidInput
from memento.memory.estimators import cascade, cross_entropy, kernel, memrl, priors, trials, uplift
from memento.memory.estimators.port import Estimator, EstimatorName
from memento.memory.estimators.registry import make_estimator
from memento.memory.estimators.settings import Setting
from tests.learned_numbers import DIM, N_CASES, World, learn

KNOWN: Mapping[EstimatorName, Mapping[str, Setting]] = {
    "advantage": priors.SETTINGS,
    "cascade": cascade._SETTINGS,
    "cross_entropy": cross_entropy._SETTINGS,
    "kernel": kernel._SETTINGS,
    "memrl": memrl._SETTINGS,
    "romerl": memrl._SETTINGS,
    "trials": trials._SETTINGS,
    "uplift": uplift._SETTINGS,
}
EVERY = [(estimator, name) for estimator, known in KNOWN.items() for name in known]
LITTLE = 1e-9
BESIDE: Mapping[tuple[EstimatorName, str], Mapping[str, float]] = {
    ("advantage", "landmarks"): {"capacity": 1100.0},
    ("advantage", "capacity"): {"landmarks": 1.0},
}
"""Other settings with which a setting may have every value of its range."""


def made(estimator: EstimatorName, **settings: float) -> Estimator:
    return make_estimator(estimator, dim=DIM, seed=0, settings=settings)


def answers(one: Estimator, n: int) -> list[Any]:
    """What is estimated, predicted, suggested and kept after so many outcomes."""
    for step, _ in zip(World().steps(), range(n), strict=False):
        learn(one, step)
    world = World()
    _, state_D = world.task()
    rows = world.rows(state_D, np.arange(0, N_CASES, 7))
    estimates, suggested = one.estimate(state_D, rows), one.suggest(state_D)
    parts = [part for part in estimates or () if part is not None]
    return [*parts, *one.tensors().values(), [effect.effect for effect in one.effects()], suggested.direction_MD]


@pytest.mark.parametrize(("estimator", "name"), EVERY)
def test_answers_are_finite_at_both_ends_of_a_range(estimator: EstimatorName, name: str) -> None:
    setting = KNOWN[estimator][name]
    inside = LITTLE if setting.is_open else 0.0
    for value in (setting.least + inside, setting.most - inside):
        one = made(estimator, **{name: value, **BESIDE.get((estimator, name), {})})
        assert all(np.isfinite(np.asarray(part, np.float64)).all() for part in answers(one, 40)), value


@pytest.mark.parametrize(("estimator", "name"), EVERY)
def test_a_value_beyond_its_range_is_refused_by_name(estimator: EstimatorName, name: str) -> None:
    setting = KNOWN[estimator][name]
    beyond: list[Any] = [setting.least - 1, setting.most * 1.01, float("nan"), float("inf"), "1", None, True]
    beyond += [setting.least, setting.most] if setting.is_open else []
    beyond += [setting.built_in + 0.5] if setting.is_whole else []
    for value in beyond:
        with pytest.raises(InvalidInput, match=f"setting '{name}' of {estimator}"):
            made(estimator, **{name: value})


def test_every_estimator_has_its_settings_here() -> None:
    assert set(KNOWN) == set(get_args(EstimatorName))


@pytest.mark.parametrize("estimator", KNOWN)
def test_built_in_and_suggested_settings_are_within_their_ranges(estimator: EstimatorName) -> None:
    built_in = {name: setting.built_in for name, setting in KNOWN[estimator].items()}
    assert made(estimator, **built_in).stamp() == made(estimator).stamp()
    for suggested in made(estimator).settings_space():
        assert set(suggested) <= set(built_in)
        made(estimator, **suggested)


def test_landmarks_need_as_many_positions() -> None:
    with pytest.raises(InvalidInput, match="'capacity' of advantage is at least 78 with 32 landmarks, not 77"):
        made("advantage", capacity=77.0)
    assert all(np.isfinite(np.asarray(part)).all() for part in answers(made("advantage", capacity=78.0), 150))
