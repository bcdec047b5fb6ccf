"""What `advantage` learns of actions in words of their own: by what they are like, and by the lines of their plans."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.port import CaseRows, Example

DIM = 16
AXES = np.eye(DIM, dtype=np.float32)


def acted(names: list[str], *, is_shared: bool = False, has_vectors: bool = True) -> CaseRows:
    """Cases of one region; the last letter of a name is its recipe, g or b, which is also a line of its plan."""
    n = len(names)
    vectors = {"state": np.broadcast_to(AXES[0], (n, DIM)).copy()}
    if has_vectors:
        own_ND = np.random.default_rng([ord(letter) for letter in "".join(names)]).normal(size=(n, DIM)) * 0.1
        action_ND = np.stack([AXES[1 if name.endswith("g") else 2] for name in names]) + own_ND
        vectors["action"] = (action_ND / np.linalg.norm(action_ND, axis=1, keepdims=True)).astype(np.float32)
    actions = tuple(name[-1] if is_shared else name for name in names)
    half_N = np.full(n, 0.5, np.float32)
    lines = tuple((name[-1], f"line of {name}") for name in names)
    return CaseRows(tuple(names), half_N, np.ones(n, np.float32), vectors, actions, lines=() if is_shared else lines)  # type: ignore[arg-type]


def outcomes(n: int, *, is_shared: bool = False, has_vectors: bool = True) -> Iterator[Example]:
    """Cases that are served once each: those of recipe g help, those of b hurt."""
    chance = np.random.default_rng(3)
    for number in range(n):
        is_good = number % 2 == 0
        reward = float(chance.random() < (0.85 if is_good else 0.15))
        cases = acted([f"{number} {'g' if is_good else 'b'}"], is_shared=is_shared, has_vectors=has_vectors)
        certain = np.zeros(1, np.bool_), np.ones(1)
        yield Example(number, f"e{number}", None, str(number), AXES[0], cases, *certain, reward, 1.0)


def lived(settings: dict[str, float], n: int = 240, **given: bool) -> Advantage:
    estimator = Advantage(dim=DIM, settings=settings)
    for one in outcomes(n, **given):
        estimator.learn(one)
    return estimator


def gap(estimator: Advantage) -> float:
    """What a new case of the good recipe is worth beyond one of the bad."""
    good, bad = estimator.estimate(AXES[0], acted(["new g", "new b"])).value_C
    return float(good - bad)


@pytest.mark.parametrize("settings", [{"lines": 0.0}, {"action_landmarks": 0.0}, {}])
def test_an_action_never_seen_is_worth_what_those_like_it_were(settings: dict[str, float]) -> None:
    assert gap(lived(settings)) > 1


def test_nothing_tells_recipes_apart_without_regions_and_lines() -> None:
    assert abs(gap(lived({"lines": 0.0, "action_landmarks": 0.0}))) < 0.3


def test_what_texts_are_like_changes_nothing_where_actions_recur() -> None:
    with_vectors, without = (lived({}, is_shared=True, has_vectors=has) for has in (True, False))
    found = [
        one.estimate(AXES[0], acted(["new g", "new b"], is_shared=True, has_vectors=has))
        for one, has in ((with_vectors, True), (without, False))
    ]
    assert np.array_equal(found[0].value_C, found[1].value_C)
    assert found[0].value_C[0] > found[0].value_C[1] + 1


def test_learning_of_actions_goes_on_bit_for_bit_when_restored() -> None:
    estimator, restored = lived({}, 150), Advantage(dim=DIM)
    kept = {name: value.copy() for name, value in estimator.tensors().items()}
    restored.restore(kept, json.loads(json.dumps(estimator.stamp())), [])
    for one in (estimator, restored):
        for example in list(outcomes(220))[140:]:
            one.learn(example)
    cases = acted(["new g", "new b", "17 b"])
    ours, theirs = estimator.estimate(AXES[0], cases), restored.estimate(AXES[0], cases)
    assert all(np.array_equal(mine, yours) for mine, yours in zip(ours, theirs, strict=True))
    assert estimator.effects() == restored.effects()


def test_little_room_is_shared_so_that_cases_keep_positions() -> None:
    estimator = lived({"capacity": 48.0, "landmarks": 4.0}, 120)
    assert len(estimator.effects()) == 120
    assert np.isfinite(gap(estimator))
