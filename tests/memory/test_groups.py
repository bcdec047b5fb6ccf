"""Groups that cases share: repeated actions, regions of actions, and repeated lines of plans."""

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.estimators.groups import Groups, Repeated
from memento.memory.estimators.landmarks import Landmarks
from memento.memory.estimators.port import CaseRows
from memento.memory.estimators.repeats import Repeats

NEAR, ALSO_NEAR, FAR = (1.0, 0.0, 0.0), (0.96, 0.28, 0.0), (0.0, 0.0, 1.0)
"""Vectors of actions: two alike, one unlike both."""


def made(*, landmarks: int = 1, actions: int = 2, regions: int = 2, lines: int = 3) -> Groups:
    of_states, of_actions = (Landmarks(limit=limit, nearness=0.5, dim=3) for limit in (landmarks, regions))
    return Groups(of_states, of_actions, Repeats(common_from=0.5), n_actions=actions, n_lines=lines)


def notice(groups: Groups, cases: CaseRows) -> None:
    """Served once, with a known outcome."""
    groups.notice(cases)
    groups._repeats.count(n_served=len(cases), n_repeated=groups.n_repeated(cases))


def taken(
    *actions: str,
    ids: tuple[str, ...] | None = None,
    vectors: tuple[tuple[float, ...], ...] | None = None,
    lines: tuple[tuple[str, ...], ...] = (),
) -> CaseRows:
    n = len(actions)
    named = ids or tuple(f"case {number}" for number in range(n))
    views = {"state": np.array([NEAR] * n, np.float32)}
    if vectors is not None:
        views["action"] = np.array(vectors, np.float32)
    return CaseRows(named, np.zeros(n, np.float32), np.ones(n, np.float32), views, actions, lines=lines)  # type: ignore[arg-type]


def shares(groups: Groups, cases: CaseRows) -> dict[str, NDArray[np.float32]]:
    """Shares of the groups of `made`, by kind."""
    share_NG = groups.shares(cases)
    return dict(zip(("state", "action", "region", "line"), np.split(share_NG, [1, 3, 5], axis=1), strict=True))


def test_an_action_is_a_group_from_the_second_case_on() -> None:
    groups = made()
    notice(groups, taken("open", "shut"))
    assert shares(groups, taken("open", "shut"))["action"].sum() == 0
    notice(groups, taken("open", ids=("case 0",)))  # the same case again
    assert shares(groups, taken("open"))["action"].sum() == 0
    notice(groups, taken("open", ids=("another",)))
    assert shares(groups, taken("open", "shut"))["action"].tolist() == [[1, 0], [0, 0]]


def test_actions_beyond_the_limit_are_not_told_apart() -> None:
    groups = made(actions=2)
    for case_id in ("one", "two"):
        notice(groups, taken("open", "shut", "bolt", ids=tuple(f"{case_id} {which}" for which in "abc")))
    assert shares(groups, taken("open", "shut", "bolt"))["action"].tolist() == [[1, 0], [0, 1], [0, 0]]


def varied(groups: Groups) -> Groups:
    """After 64 served cases of actions in words of their own."""
    notice(groups, taken(*[f"text {number}" for number in range(64)]))
    return groups


def test_actions_that_are_alike_share_a_region() -> None:
    groups, texts = varied(made()), ("open the door", "open that door", "write a letter")
    notice(groups, taken(*texts, vectors=(NEAR, ALSO_NEAR, FAR)))
    region_NR = shares(groups, taken(*texts, vectors=(NEAR, ALSO_NEAR, FAR)))["region"]
    assert region_NR.argmax(axis=1).tolist() == [0, 0, 1]
    assert region_NR.sum(axis=1) == pytest.approx(np.ones(3))


def test_there_are_no_regions_where_most_served_cases_have_an_action_that_recurs() -> None:
    groups = made()
    for number in range(40):
        cases = taken("open", f"text {number}", "open", ids=(f"{number} a", f"{number} b", f"{number} c"),
                      vectors=(NEAR, FAR, NEAR))  # fmt: skip
        notice(groups, cases)
        assert shares(groups, cases)["region"].sum() == 0


def test_an_action_with_a_group_of_its_own_is_in_no_region() -> None:
    groups = varied(made())
    for case_id in ("one", "two"):
        notice(groups, taken("open", "write", ids=(case_id, f"{case_id} too"), vectors=(NEAR, FAR)))
    found = shares(groups, taken("open", "new", vectors=(NEAR, FAR)))
    assert found["action"].tolist() == [[1, 0], [0, 0]]
    assert found["region"].sum(axis=1).tolist() == [0, 1]


def test_a_line_is_a_group_when_a_second_action_has_it() -> None:
    groups, lines = made(), (("look", "ask"), ("look", "guess", "tell"))
    notice(groups, taken("a", "a", lines=(lines[0], lines[0])))  # one action twice
    assert shares(groups, taken("a", lines=lines[:1]))["line"].sum() == 0
    notice(groups, taken("b", lines=lines[1:], ids=("third",)))
    found = shares(groups, taken("a", "b", lines=lines))["line"]
    assert found == pytest.approx(np.array([[1 / math.sqrt(2), 0, 0], [1 / math.sqrt(3), 0, 0]]))


def test_the_only_line_of_an_action_is_no_group_beside_the_action() -> None:
    groups = made()
    notice(groups, taken("1. open", "open", lines=(("open",), ("open",))))
    assert shares(groups, taken("1. open", "open", lines=(("open",), ("open",))))["line"].sum() == 0


def test_only_states_are_groups_where_actions_are_not_told_apart() -> None:
    one_N, vectors = np.ones(2, np.float32), {"state": np.array([NEAR, FAR], np.float32)}
    groups, rows = made(), CaseRows(("a", "b"), one_N, one_N, vectors)  # type: ignore[arg-type]
    notice(groups, rows)
    notice(groups, rows)
    assert groups.shares(rows)[:, 1:].sum() == 0


def test_what_waits_for_a_second_case_is_bounded_and_the_oldest_is_forgotten() -> None:
    repeated = Repeated(limit=2)
    for number in range(9000):
        repeated.notice(f"text {number}", "first")
    assert len(repeated.stamp()["source"]) == 8192
    repeated.notice("text 0", "second")
    repeated.notice("text 8999", "second")
    assert (repeated.number("text 0"), repeated.number("text 8999")) == (None, 0)


def test_groups_are_the_same_when_restored() -> None:
    groups, again = varied(made()), made()
    cases = taken("a", "b", "a", vectors=(NEAR, FAR, NEAR), lines=(("x", "y"), ("x", "z"), ("x", "y")))
    notice(groups, cases)
    again._landmarks.restore(groups._landmarks.rows)
    again._repeats.restore(groups._repeats.stamp())
    again.restore(groups.tensors(), json.loads(json.dumps(groups.stamp())))
    assert np.array_equal(groups.shares(cases), again.shares(cases))
    assert groups.shares(cases)[:, 1:].any(axis=1).all()
