"""Landmarks are found as vectors come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.estimators.landmarks import Landmarks


def units(n: int, dim: int, *, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


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
