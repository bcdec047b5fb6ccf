"""How hard tasks are: a kernel mean over past tasks, without the task's own question, of what is believed now."""

import json

import numpy as np
import pytest

from memento.memory.estimators.difficulty import Difficulty

AXES = np.eye(6, dtype=np.float32)


def lived(*rewards: float, capacity: int = 8) -> Difficulty:
    """Outcomes of tasks on the axes in turn."""
    difficulty = Difficulty(capacity=capacity, dim=6)
    for number, reward in enumerate(rewards):
        difficulty.take(f"e{number}", AXES[number % 6], f"q{number}", reward)
    return difficulty


def test_nothing_is_easier_than_usual_before_anything_is_known() -> None:
    assert lived().ease(AXES[0], "new") == 0.0


def test_value_is_the_kernel_mean_with_its_prior() -> None:
    difficulty = lived(1.0, 0.0, 0.0)
    mean = (1 + 1) / (3 + 2)
    far = np.exp(-1 / 0.12)
    value = (1 + 0.05 * mean) / (1 + 2 * far + 0.05)
    assert difficulty.ease(AXES[0], "new") == pytest.approx((value - mean) / (mean * (1 - mean)), rel=1e-5)


def test_what_came_of_the_same_question_is_not_looked_at() -> None:
    difficulty = lived(1.0, 0.0, 0.0)
    assert difficulty.ease(AXES[0], "new") > 1.0
    assert difficulty.ease(AXES[0], "q0") < 0.0


def test_a_correction_replaces_and_a_withdrawal_removes() -> None:
    difficulty = lived(1.0, 0.0, 1.0)
    difficulty.take("e0", AXES[0], "q0", 0.0)
    assert difficulty.ease(AXES[0], "new") < 0.0
    difficulty.withdraw("e0")
    unknown = lived()
    unknown.take("e1", AXES[1], "q1", 0.0)
    unknown.take("e2", AXES[2], "q2", 1.0)
    assert difficulty.ease(AXES[0], "new") == pytest.approx(unknown.ease(AXES[0], "new"))


def test_the_oldest_leave_when_there_is_no_room() -> None:
    difficulty = lived(1.0, 0.0, 0.0, 0.0, 0.0, capacity=4)  # the first is gone, the second lies where it was
    assert difficulty.ease(AXES[0], "new") <= 0.0
    difficulty.withdraw("e0")
    assert difficulty.ease(AXES[4], "new") < 0.0


def test_it_goes_on_when_restored() -> None:
    difficulty, restored = lived(1.0, 0.0, 1.0, 1.0, 0.0, capacity=4), lived(capacity=4)
    restored.restore(
        {name: row.copy() for name, row in difficulty.tensors().items()}, json.loads(json.dumps(difficulty.stamp()))
    )
    for one in (difficulty, restored):
        one.take("e9", AXES[5], "q9", 1.0)
        one.take("e2", AXES[2], "q2", 0.0)
    assert [difficulty.ease(axis, "new") for axis in AXES] == [restored.ease(axis, "new") for axis in AXES]
