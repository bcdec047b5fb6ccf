"""Landmarks are found as vectors come; groups add actions that more than one case took."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.estimators.groups import Groups
from memento.memory.estimators.landmarks import Landmarks
from memento.memory.estimators.port import CaseRows


def units(n: int, dim: int, *, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def taken(*actions: str, ids: tuple[str, ...] | None = None) -> CaseRows:
    n = len(actions)
    named = ids or tuple(f"case {number}" for number in range(n))
    return CaseRows(named, np.zeros(n, np.float32), np.ones(n, np.float32), {"state": units(n, 8)}, actions)


def test_a_vector_becomes_a_landmark_only_when_it_is_far_from_all() -> None:
    landmarks = Landmarks(limit=4, nearness=0.5, dim=3)
    landmarks.notice(np.array([[1, 0, 0], [0.9, 0.436, 0], [0, 1, 0]], np.float32))
    assert landmarks.rows.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_no_more_landmarks_than_the_limit() -> None:
    landmarks = Landmarks(limit=3, nearness=1.1, dim=8)
    landmarks.notice(units(10, 8))
    assert len(landmarks.rows) == 3


@given(st.integers(1, 40), st.integers(1, 32), st.integers(0, 10_000))
def test_shares_sum_to_one_and_are_few(n: int, limit: int, seed: int) -> None:
    landmarks = Landmarks(limit=limit, nearness=0.4, dim=6)
    landmarks.notice(units(60, 6, seed=seed))
    share = landmarks.shares(units(n, 6, seed=seed + 1))
    assert share.shape == (n, limit)
    assert share.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)
    assert ((share > 0).sum(axis=1) <= 10).all()
    assert (share[:, len(landmarks.rows) :] == 0).all()


def test_a_vector_belongs_most_to_its_nearest_landmark() -> None:
    landmarks = Landmarks(limit=8, nearness=0.3, dim=6)
    landmarks.notice(units(30, 6))
    rows = units(20, 6, seed=5)
    assert (landmarks.shares(rows).argmax(axis=1) == (rows @ landmarks.rows.T).argmax(axis=1)).all()


def test_nothing_belongs_anywhere_before_there_are_landmarks() -> None:
    assert Landmarks(limit=3, nearness=0.3, dim=6).shares(units(2, 6)).sum() == 0


def test_an_action_is_a_group_from_the_second_case_on() -> None:
    groups = Groups(Landmarks(limit=2, nearness=0.0, dim=8), n_actions=2)
    groups.notice(taken("open", "shut"))
    assert groups.shares(taken("open", "shut"))[:, 2:].sum() == 0
    groups.notice(taken("open", ids=("case 0",)))  # the same case again
    assert groups.shares(taken("open"))[:, 2:].sum() == 0
    groups.notice(taken("open", ids=("another",)))
    assert groups.shares(taken("open", "shut"))[:, 2:].tolist() == [[1, 0], [0, 0]]


def test_actions_beyond_the_limit_are_not_told_apart() -> None:
    groups = Groups(Landmarks(limit=1, nearness=0.0, dim=8), n_actions=1)
    for case_id in ("one", "two"):
        groups.notice(taken("open", "shut", ids=(f"{case_id} a", f"{case_id} b")))
    assert groups.shares(taken("open", "shut"))[:, 1:].tolist() == [[1], [0]]
