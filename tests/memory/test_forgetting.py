"""The forgetting plan: harm needs evidence, what is covered may go, no region is emptied, order does not matter."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.case import Case, case_id
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect
from memento.memory.lifecycle.coverage import nearest_other, net, net_within
from memento.memory.lifecycle.forgetting import ForgettingPlan, ForgettingRules, crowded, plan_forgetting

DIM = 8
NO_TWINS: dict[str, Any] = {"near_state": 0.999}
Rows = NDArray[np.float32]


def case(number: int, **fields: Any) -> Case:
    given: dict[str, Any] = {"state": f"task {number}", "action": f"plan {number}", "namespace": "n", "reward": 1.0}
    given |= {"created_at": f"2025-01-01T00:00:{number:02d}", **fields}
    return Case(id=case_id("n", given["state"], given["action"]), **given)


def toward(axis: int, *, tilt: float = 0.0) -> list[float]:
    """A unit row along an axis, tilted a little toward the last one."""
    row = np.zeros(DIM)
    row[axis], row[-1] = 1.0, tilt
    return list(row / np.linalg.norm(row))


def rows(*given: list[float]) -> Rows:
    return np.array(given, np.float32)


def clump(n: int) -> Rows:
    """Rows of one region, none of them nearly the same as another."""
    return rows(*(toward(0, tilt=0.2 * number) for number in range(n)))


def effect(of: Case, uses: int, mean: float, sd: float = 0.1) -> CaseEffect:
    return CaseEffect(of.id, uses, mean, sd)


def planned(
    cases: list[Case], states: Rows, *effects: CaseEffect, actions: Rows | None = None, **rules: Any
) -> ForgettingPlan:
    actions = states if actions is None else actions
    return plan_forgetting(cases, state_CD=states, action_CD=actions, effects=effects, rules=ForgettingRules(**rules))


def retired(plan: ForgettingPlan) -> dict[str, str]:
    return {retirement.case_id: retirement.rule for retirement in plan.retirements}


# Evidence


@pytest.mark.parametrize(
    ("uses", "mean", "sd", "is_retired"),
    [
        (5, -1.0, 0.3, True),  # a Bayes factor of 149: 20 are enough where one case is judged
        (5, -1.0, 0.45, False),  # its own 95 % interval lies below 0
        (4, -9.0, 0.1, False),
        (500, 0.5, 0.1, False),
        (0, 0.0, 1.0, False),
    ],
)
def test_harm_retires_a_case_only_when_uses_and_evidence_say_so(
    uses: int, mean: float, sd: float, is_retired: bool
) -> None:
    one, other = case(0), case(1)
    plan = planned([one, other], rows(toward(0), toward(1)), effect(one, uses, mean, sd))
    assert retired(plan) == ({one.id: "evidence"} if is_retired else {})
    if is_retired:
        told = "effect -1.00 with sd 0.30, 5 uses, evidence 149 to 1, 1 judged"
        assert plan.retirements[0].reason == f"serving it harms: {told}"
        assert plan.retirements[0].version == one.version


def test_more_evidence_is_asked_where_more_cases_are_judged() -> None:
    cases = [case(number) for number in range(60)]
    suspect, *others = (effect(one, 40, -0.9 if one is cases[0] else 0.1, sd=0.3) for one in cases)
    states, alone = clump(60), {cases[0].id: "evidence"}
    far: dict[str, Any] = {"near_state": 1.1}
    assert retired(planned(cases, states, suspect, **far)) == alone
    assert retired(planned(cases, states, suspect, *others, **far)) == {}
    others = [one._replace(exposures=4) for one in others]
    assert retired(planned(cases, states, suspect, *others, **far)) == alone, "who was used too seldom is not judged"


def test_harmful_case_goes_even_when_it_is_alone_in_its_region() -> None:
    cases = [case(0), case(1)]
    assert retired(planned(cases, rows(toward(0), toward(1)), effect(cases[0], 9, -3.0)))[cases[0].id] == "evidence"


def test_harmful_case_covers_nothing_when_it_is_retired() -> None:
    harmful, twin = case(0), case(1)
    plan = planned([harmful, twin], rows(toward(0), toward(0)), effect(harmful, 50, -2.0))
    assert retired(plan) == {harmful.id: "evidence"}


def test_nothing_goes_when_nothing_is_known_and_nothing_is_near() -> None:
    cases = [case(number) for number in range(6)]
    plan = planned(cases, rows(*(toward(axis) for axis in range(6))))
    assert plan.retirements == []
    assert (plan.n_active, plan.has_effects) == (6, False)
    assert plan.before == plan.after == (1.0, 1.0)


# Redundancy


def test_twin_with_less_evidence_goes_and_names_its_cover() -> None:
    old, used = case(0), case(1)
    plan = planned([old, used], rows(toward(0), toward(0, tilt=0.1)), effect(used, 3, 0.2))
    (retirement,) = plan.retirements
    assert (retirement.case_id, retirement.rule, retirement.covered_by) == (old.id, "redundancy", used.id)
    assert used.id in retirement.reason


def test_newer_twin_stays_when_evidence_is_equal() -> None:
    old, new = case(0), case(1)
    assert retired(planned([old, new], rows(toward(0), toward(0)))) == {old.id: "redundancy"}


@pytest.mark.parametrize(
    ("fields", "state", "action"),
    [
        ({"reward": 0.0}, toward(0), toward(0)),  # it failed, the other worked
        ({}, toward(0, tilt=0.5), toward(0)),  # another task
        ({}, toward(0), toward(1)),  # another way to do it
    ],
)
def test_both_stay_when_outcome_task_or_plan_is_another(fields: Any, state: list[float], action: list[float]) -> None:
    cases = [case(0), case(1, **fields)]
    assert retired(planned(cases, rows(toward(0), state), actions=rows(toward(0), action))) == {}


def test_both_stay_when_one_is_better_and_the_other_better_known() -> None:
    better, known = case(0), case(1)
    plan = planned([better, known], rows(toward(0), toward(0)), effect(better, 2, 1.0), effect(known, 9, 0.5))
    assert retired(plan) == {}


def test_chain_of_neighbours_keeps_a_cover_for_each_when_ends_are_far_apart() -> None:
    """0 - 1 - 2: the middle case covers both ends only if it is kept; an end never covers the other end."""
    tilts = (0.0, 0.25, 0.5)
    states = rows(*(toward(0, tilt=tilt) for tilt in tilts))
    cases = [case(number) for number in range(3)]
    plan = planned(cases, states, near_state=0.96, near_action=0.96)
    for retirement in plan.retirements:
        gone = next(index for index, one in enumerate(cases) if one.id == retirement.case_id)
        cover = next(index for index, one in enumerate(cases) if one.id == retirement.covered_by)
        assert states[gone] @ states[cover] >= 0.96
        assert cases[cover].id not in retired(plan)


def test_only_crowded_cases_need_their_plans_compared() -> None:
    cases = [case(0), case(1), case(2), case(3, reward=0.0)]
    states = rows(toward(0), toward(0), toward(1), toward(0))
    is_crowded = crowded(cases, states, near_state=0.95)
    assert is_crowded.tolist() == [True, True, False, False]
    sparse = np.where(is_crowded[:, None], states, 0).astype(np.float32)
    assert planned(cases, states, actions=sparse) == planned(cases, states)


def test_cases_not_active_are_passed_over() -> None:
    cases = [case(0, status="retired"), case(1, status="quarantined"), case(2)]
    plan = planned(cases, rows(toward(0), toward(0), toward(0)), effect(cases[0], 9, -3.0))
    assert (plan.n_active, plan.retirements, plan.has_effects) == (1, [], False)


# Capacity


def test_least_valuable_go_first_when_there_are_too_many() -> None:
    states = clump(3)
    cases = [case(number) for number in range(3)]
    effects = [effect(cases[0], 9, 0.9), effect(cases[1], 9, 0.1), effect(cases[2], 9, 0.5)]
    assert retired(planned(cases, states, *effects, capacity=2, **NO_TWINS)) == {cases[1].id: "capacity"}


def test_rare_region_keeps_its_case_when_it_is_worth_least() -> None:
    cases = [case(number) for number in range(5)]
    states = np.concatenate([clump(4), rows(toward(1))])
    effects = [effect(one, 9, 1.0) for one in cases[:4]] + [effect(cases[4], 9, -0.1)]
    plan = planned(cases, states, *effects, capacity=2, **NO_TWINS)
    assert len(plan.retirements) == 3
    assert cases[4].id not in retired(plan)
    assert plan.region == 0.7


def test_coarser_regions_are_protected_when_the_capacity_leaves_no_other_way() -> None:
    axes = [toward(0), toward(0, tilt=1.2), toward(1), toward(2)]  # the first two are 0.64 alike, the rest not at all
    cases = [case(number) for number in range(4)]
    plan = planned(cases, rows(*axes), capacity=3)
    assert list(retired(plan).values()) == ["capacity"]
    assert set(retired(plan)) <= {cases[0].id, cases[1].id}
    assert 0 < plan.region <= 0.65


def test_capacity_is_kept_when_every_case_is_alone() -> None:
    cases = [case(number) for number in range(7)]
    plan = planned(cases, rows(*(toward(axis) for axis in range(7))), capacity=2)
    assert len(plan.retirements) == 5


def test_a_case_without_evidence_stays_when_capacity_does_not_demand_it() -> None:
    cases = [case(number) for number in range(3)]
    states = clump(3)
    assert planned(cases, states, effect(cases[0], 99, 2.0), capacity=3, **NO_TWINS).retirements == []


@pytest.mark.parametrize("rules", [{"capacity": 0}, {"min_uses": 0}, {"false_share": 0.0}, {"false_share": 1.0}])
def test_refused_when_a_dial_makes_no_sense(rules: Any) -> None:
    with pytest.raises(InvalidInput):
        ForgettingRules(**rules)


def test_plan_is_empty_when_there_are_no_cases() -> None:
    nothing = np.empty((0, DIM), np.float32)
    assert planned([], nothing, capacity=1).retirements == []


# Properties


@st.composite
def banks(draw: st.DrawFn) -> tuple[list[Case], Rows, Rows, list[CaseEffect]]:
    """Cases in a few clumps, some of them used."""
    n = draw(st.integers(1, 25))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centres = chance.standard_normal((draw(st.integers(1, 5)), DIM))
    spread = draw(st.sampled_from([0.0, 0.05, 0.4]))

    def near() -> Rows:
        found = centres[chance.integers(len(centres), size=n)] + spread * chance.standard_normal((n, DIM))
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    cases = [case(number, reward=float(chance.integers(2)), version=int(chance.integers(1, 4))) for number in range(n)]
    used = [one for one in cases if chance.random() < 0.5]
    effects = [effect(one, int(chance.integers(0, 12)), float(chance.normal()), 0.3) for one in used]
    return cases, near(), near(), effects


@settings(max_examples=60, deadline=None)
@given(bank=banks(), capacity=st.none() | st.integers(1, 12), seed=st.integers(0, 99))
def test_same_plan_when_the_cases_come_in_another_order(bank: Any, capacity: int | None, seed: int) -> None:
    cases, states, actions, effects = bank
    order = np.random.default_rng(seed).permutation(len(cases))
    first = planned(cases, states, *effects, actions=actions, capacity=capacity)
    shuffled = [cases[index] for index in order]
    again = planned(shuffled, states[order], *effects[::-1], actions=actions[order], capacity=capacity)
    assert again == first


@settings(max_examples=60, deadline=None)
@given(bank=banks(), capacity=st.none() | st.integers(1, 12))
def test_no_region_is_emptied_but_of_harm(bank: Any, capacity: int | None) -> None:
    cases, states, actions, effects = bank
    plan = planned(cases, states, *effects, actions=actions, capacity=capacity)
    gone = retired(plan)
    kept = np.array([one.id not in gone for one in cases])
    assert capacity is None or kept.sum() <= capacity
    for index, one in enumerate(cases):
        if gone.get(one.id) == "capacity":
            assert (states[kept] @ states[index]).max() >= plan.region - 1e-5
    if capacity is not None and len(gone) > sum(rule != "capacity" for rule in gone.values()):
        assert kept.sum() == capacity, "not one more than capacity demands"


@settings(max_examples=60, deadline=None)
@given(bank=banks())
def test_every_redundant_case_has_a_kept_cover_of_its_kind_and_no_less_evidence(bank: Any) -> None:
    cases, states, actions, effects = bank
    known = {one.case_id: one for one in effects}
    places = {one.id: index for index, one in enumerate(cases)}
    plan = planned(cases, states, *effects, actions=actions)
    for retirement in plan.retirements:
        if retirement.rule != "redundancy":
            continue
        assert retirement.covered_by not in retired(plan)
        here, there = places[retirement.case_id], places[retirement.covered_by or ""]
        assert states[here] @ states[there] >= 0.95 - 1e-5
        assert actions[here] @ actions[there] >= 0.95 - 1e-5
        assert cases[here].reward == cases[there].reward
        mine, theirs = (known.get(cases[index].id, effect(cases[index], 0, 0.0)) for index in (here, there))
        assert theirs.exposures >= mine.exposures
        assert theirs.effect >= mine.effect


# Coverage


def test_blocks_say_what_the_whole_matrix_says_when_there_are_many_rows() -> None:
    chance = np.random.default_rng(0)
    many = chance.standard_normal((700, DIM)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    cosine = many @ many.T
    np.fill_diagonal(cosine, -1)
    np.testing.assert_allclose(nearest_other(many), cosine.max(axis=1), atol=1e-5)
    is_there = chance.random(700) < 0.3
    np.testing.assert_allclose(nearest_other(many, is_there), cosine[:, is_there].max(axis=1), atol=1e-5)


def test_net_covers_all_and_no_two_of_it_are_near() -> None:
    chance = np.random.default_rng(1)
    many = chance.standard_normal((600, DIM)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    is_net = net(many, chance.permutation(600), 0.6)
    assert (many @ many[is_net].T).max(axis=1).min() >= 0.6
    assert nearest_other(many[is_net]).max() < 0.6
    smaller, scale = net_within(many, np.arange(600), scale=0.6, size=10)
    assert 1 <= smaller.sum() <= 10
    assert (many @ many[smaller].T).max(axis=1).min() >= scale - 1e-5
