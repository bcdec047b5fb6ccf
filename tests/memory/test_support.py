"""What the recalled cases say for an action: agreement counts, repetition does not, failure speaks against."""

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows
from memento.memory.estimators.support import support, supported

TASK = np.array([1.0, 0.0, 0.0], np.float32)


def at(*angles: float) -> NDArray[np.float32]:
    """States that lie so many degrees from the task, all to one side."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians), np.zeros(len(radians))], axis=1).astype(np.float32)


def said(states: NDArray[np.float32], rewards: list[float], actions: str) -> list[float]:
    found = support(states @ TASK, np.array(rewards, np.float32), states, tuple(actions))
    return [float(one) for one in found]


def test_an_action_that_succeeded_nearby_is_spoken_for_and_one_that_failed_against() -> None:
    good, bad, far = said(at(10, 20, 85), [1, 0, 1], "abc")
    assert good > 0.2
    assert bad < -0.1
    assert abs(far) < 0.2


def test_all_cases_of_an_action_have_the_same_support() -> None:
    one, other, another = said(at(10, 50, 30), [1, 1, 1], "aab")
    assert one == other
    assert one > another, "two voices for it"


def test_what_is_said_twice_in_the_same_place_counts_little_more_than_once() -> None:
    once = said(at(40), [1], "a")[0]
    twice = said(at(40, 40), [1, 1], "aa")[0]
    apart = np.array([[0.77, 0.64, 0], [0.77, -0.64, 0]], np.float32)
    assert twice < 1.3 * once
    assert said(apart, [1, 1], "aa")[0] > twice


def told(states: NDArray[np.float32], rewards: list[float], actions: str, vectors: list[list[float]]) -> list[float]:
    """With vectors of the actions' texts."""
    given = np.array(vectors, np.float32)
    given /= np.linalg.norm(given, axis=1, keepdims=True)
    return support(states @ TASK, np.array(rewards, np.float32), states, tuple(actions), given).tolist()


ALIKE = [[1, 0.1, 0.5], [1, 0, 0.5], [1, -0.1, 0.5]] * 3
OTHER = [[-1, 0.1, 0.5], [-1, 0, 0.5], [-1, -0.1, 0.5]] * 3
STATES = at(*range(20, 38))
GOOD_AND_BAD = [*[1.0] * 8, 0.0, *[0.0] * 9]
"""Rewards of actions that are alike, the last of which failed, and of others, all of which failed."""
OWN = "abcdefghijklmnopqr"


def test_an_action_in_words_of_its_own_is_spoken_for_by_those_like_it() -> None:
    found = told(STATES, GOOD_AND_BAD, OWN, [*ALIKE, *OTHER])
    assert found[8] > 0 > max(found[9:])


def test_what_repeats_word_for_word_is_spoken_for_as_without_vectors() -> None:
    for actions in ("a" * 9 + "b" * 9, "a" * 5 + "b" * 5 + OWN[2:10]):  # all of them, or most
        assert told(STATES, GOOD_AND_BAD, actions, [*ALIKE, *OTHER]) == said(STATES, GOOD_AND_BAD, actions)


def test_too_few_candidates_do_not_tell_whether_actions_recur() -> None:
    assert told(STATES[:6], GOOD_AND_BAD[:6], OWN[:6], ALIKE[:6]) == said(STATES[:6], GOOD_AND_BAD[:6], OWN[:6])


def test_cases_of_one_action_have_the_same_support_among_actions_in_words_of_their_own() -> None:
    one, other, *_ = told(STATES, [0.0, *GOOD_AND_BAD[1:]], f"bb{OWN[2:]}", [ALIKE[0], ALIKE[0], *ALIKE[2:], *OTHER])
    assert one == pytest.approx(other)


def test_what_all_texts_have_in_common_makes_none_alike() -> None:
    alike = told(STATES, GOOD_AND_BAD, OWN, [*ALIKE, *OTHER])
    of_one_trade = told(STATES, GOOD_AND_BAD, OWN, [[x, y, 20.0] for x, y, _ in [*ALIKE, *OTHER]])
    assert of_one_trade == pytest.approx(alike, abs=0.1)


def test_equal_vectors_of_different_texts_count_as_one_action() -> None:
    assert min(told(STATES, GOOD_AND_BAD[:9] * 2, OWN, [[1, 0, 0]] * 18)) > 0


def test_a_middling_reward_says_little() -> None:
    assert abs(said(at(10), [0.4], "a")[0]) < abs(said(at(10), [1], "a")[0]) / 3


@pytest.mark.parametrize("n", [0, 3])
def test_nothing_is_said_where_actions_are_not_told_apart(n: int) -> None:
    states = at(*range(n))
    assert support(states @ TASK, np.ones(n, np.float32), states, ()).tolist() == [0.0] * n


def test_what_was_recorded_is_not_asked_again() -> None:
    states = at(10, 20)
    rows = CaseRows(("x", "y"), states @ TASK, np.ones(2, np.float32), {"state": states}, ("a", "b"))
    fresh = supported(rows)
    assert fresh.support_N is not None
    assert fresh.support_N.tolist() == said(states, [1, 1], "ab")
    recorded = rows.supported(np.array([0.5, 0.25], np.float32))
    assert supported(recorded).support_N is recorded.support_N
    kept = recorded.only(np.array([1]))
    assert (kept.ids, kept.actions) == (("y",), ("b",))
    assert kept.support_N is not None
    assert kept.support_N.tolist() == [0.25]
