"""Policies choose as they say, and say exactly how likely their choice was."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.memory.errors import InvalidInput, UnknownPolicy
from memento.memory.estimators.port import Estimates
from memento.memory.policies.advantage import AdvantagePolicy
from memento.memory.policies.learned import SoftPolicy
from memento.memory.policies.port import Candidates, SlotChoice, choose
from memento.memory.policies.registry import POLICY_NAMES, policy_named


def candidates(n: int, *, pool_size: int | None = None, values: bool = False) -> Candidates:
    similarity_C = np.linspace(0.9, 0.1, n, dtype=np.float32)
    value_C = np.linspace(0.2, 0.8, n, dtype=np.float32)
    estimates = Estimates(value_C, None, np.zeros(n, np.int64)) if values else None
    return Candidates(similarity_C, np.zeros(n, np.float32), estimates, pool_size or n)


def chosen_by(name: str, among: Candidates, *, k: int) -> list[SlotChoice]:
    return choose(policy_named(name), among, k=k, rng=np.random.default_rng(0))


def test_most_similar_are_chosen_for_certain_when_similarity_decides() -> None:
    choices = chosen_by("similarity", candidates(5, values=True), k=3)
    assert [choice.candidate for choice in choices] == [0, 1, 2]
    assert [choice.score for choice in choices] == pytest.approx([0.9, 0.7, 0.5])
    assert all(choice.propensity == 1.0 and not choice.is_randomised for choice in choices)


def test_highest_values_are_chosen_when_there_are_any() -> None:
    chosen = chosen_by("parametric", candidates(5, values=True), k=2)
    assert [choice.candidate for choice in chosen] == [4, 3]
    fallback = chosen_by("parametric", candidates(5), k=2)
    assert [choice.candidate for choice in fallback] == [0, 1]


def test_ties_keep_the_order_of_recall() -> None:
    same = Candidates(np.full(4, 0.5, np.float32), np.zeros(4, np.float32), None, 4)
    assert [choice.candidate for choice in chosen_by("similarity", same, k=4)] == [0, 1, 2, 3]


def test_propensities_multiply_to_one_over_the_number_of_ordered_draws_when_random() -> None:
    choices = chosen_by("random", candidates(4, pool_size=10), k=3)
    assert [choice.propensity for choice in choices] == pytest.approx([1 / 10, 1 / 9, 1 / 8])
    assert all(choice.is_randomised for choice in choices)


def test_nothing_is_chosen_when_the_policy_is_none() -> None:
    assert chosen_by("none", candidates(5), k=3) == []


@pytest.mark.parametrize("name", POLICY_NAMES)
@pytest.mark.parametrize(("n", "k"), [(0, 4), (3, 0), (2, 5)])
def test_no_more_than_there_are_when_few_candidates_or_slots(name: str, n: int, k: int) -> None:
    choices = chosen_by(name, candidates(n, values=True), k=k)
    assert len(choices) == (0 if name == "none" else min(n, k))
    served = [choice.candidate for choice in choices if choice.candidate is not None]
    assert len(set(served)) == len(served)


def test_known_names_are_listed_when_a_policy_does_not_exist() -> None:
    with pytest.raises(UnknownPolicy, match="similarity"):
        policy_named("best")


def with_values(value_C: Sequence[float]) -> Candidates:
    n = len(value_C)
    estimates = Estimates(np.asarray(value_C, np.float32), None, np.zeros(n, np.int64))
    return Candidates(np.linspace(0.9, 0.1, n, dtype=np.float32), np.zeros(n, np.float32), estimates, n)


VALUES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12)


@st.composite
def half_filled(draw: st.DrawFn) -> tuple[list[float], list[int | None]]:
    """Values of candidates, and what fills the slots before."""
    values = draw(VALUES)
    before = draw(st.lists(st.integers(0, len(values) - 1), unique=True, max_size=len(values) - 1))
    return values, list(before)


@given(half_filled(), st.floats(1e-4, 10))
def test_soft_probabilities_sum_to_one_over_what_is_left(drawn: Any, alpha: float) -> None:
    values, before = drawn
    slot = SoftPolicy(alpha=alpha).distribution(with_values(values), chosen=before, k=len(values))
    assert slot is not None
    assert slot.probability_C.sum() == pytest.approx(1.0)
    assert (slot.probability_C >= 0).all()
    assert (slot.probability_C[before] == 0).all()
    assert slot.null == 0.0


@given(half_filled(), st.floats(0.01, 10))
def test_soft_is_the_softmax_of_values_over_alpha_without_a_floor(drawn: Any, alpha: float) -> None:
    values, before = drawn
    slot = SoftPolicy(alpha=alpha).distribution(with_values(values), chosen=before, k=len(values))
    assert slot is not None
    left = [index for index in range(len(values)) if index not in before]
    weight = np.exp((np.asarray(values)[left] - max(values[index] for index in left)) / alpha)
    assert slot.probability_C[left] == pytest.approx(weight / weight.sum(), abs=1e-6)


@given(half_filled(), st.floats(0.01, 1), st.floats(-5, 5))
def test_soft_is_the_same_when_a_constant_is_added_to_every_value(drawn: Any, alpha: float, constant: float) -> None:
    values, before = drawn
    exact = np.round(np.asarray(values) * 256) / 256  # so that adding rounds nothing away
    shift = round(constant * 256) / 256
    one, other = (
        SoftPolicy(alpha=alpha).distribution(with_values(list(of)), chosen=before, k=len(values))
        for of in (exact, exact + shift)
    )
    assert one is not None
    assert other is not None
    assert one.probability_C == pytest.approx(other.probability_C, abs=1e-9)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12, unique=True), st.integers(1, 12))
def test_soft_is_parametric_when_alpha_goes_to_zero(thousandths: list[int], k: int) -> None:
    among = with_values([value / 1000 for value in thousandths])
    soft = choose(SoftPolicy(alpha=1e-7), among, k=k, rng=np.random.default_rng(0))
    assert [one.candidate for one in soft] == [one.candidate for one in chosen_by("parametric", among, k=k)]
    assert all(one.propensity == 1.0 for one in soft)


def test_sets_come_up_as_often_as_their_propensities_say_when_soft() -> None:
    """Chi-square over the ordered pairs of four candidates; 11 degrees of freedom, 99.9 % quantile 31.3."""
    among, n = with_values([0.50, 0.52, 0.55, 0.45]), 6000
    rng = np.random.default_rng(7)
    seen: Counter[tuple[int | None, ...]] = Counter()
    expected: dict[tuple[int | None, ...], float] = {}
    for _ in range(n):
        pair = choose(SoftPolicy(alpha=0.05), among, k=2, rng=rng)
        names = tuple(one.candidate for one in pair)
        seen[names] += 1
        expected[names] = pair[0].propensity * pair[1].propensity
    assert len(expected) == 12
    assert sum(expected.values()) == pytest.approx(1.0)
    assert sum((seen[names] - n * share) ** 2 / (n * share) for names, share in expected.items()) < 31.3


@pytest.mark.parametrize("alpha", [0.0, -0.1, float("nan")])
def test_soft_is_refused_when_it_has_no_entropy(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="parametric"):
        SoftPolicy(alpha=alpha)


def test_kernel_serves_the_highest_values_of_its_own_estimator() -> None:
    assert policy_named("kernel").estimator == "kernel"
    assert [one.candidate for one in chosen_by("kernel", candidates(5, values=True), k=2)] == [4, 3]
    assert [one.candidate for one in chosen_by("kernel", candidates(5), k=2)] == [0, 1]


def valued(*value: float) -> Candidates:
    n = len(value)
    estimates = Estimates(np.array(value, np.float32), np.full(n, 0.1, np.float32), np.zeros(n, np.int64))
    return Candidates(np.zeros(n, np.float32), np.zeros(n, np.float32), estimates, n)


def test_what_hurts_is_not_served_when_the_null_case_is_better() -> None:
    choices = choose(AdvantagePolicy(rate=0.0), valued(-0.2, 0.3, -0.1), k=3, rng=np.random.default_rng(0))
    assert [choice.candidate for choice in choices] == [1, None, None]


def test_only_the_last_slot_explores_and_never_below_the_floor() -> None:
    among, rng = valued(*np.linspace(1.0, -0.2, 20)), np.random.default_rng(0)
    for _ in range(300):
        *greedy, last = choose(AdvantagePolicy(), among, k=4, rng=rng)
        assert [choice.candidate for choice in greedy] == [0, 1, 2]
        assert all(choice.propensity == 1.0 and not choice.is_randomised for choice in greedy)
        assert last.is_randomised
        assert last.propensity >= 0.02 - 1e-12


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=30), st.integers(1, 6))
def test_every_slot_of_advantage_is_a_distribution_with_a_floor(value: list[float], k: int) -> None:
    policy, among, chosen = AdvantagePolicy(), valued(*value), []
    while (slot := policy.distribution(among, chosen=chosen, k=k)) is not None:
        held = np.append(slot.probability_C, slot.null)
        assert held.sum() == pytest.approx(1.0)
        assert (held[held > 0] >= 0.02 - 1e-12).all()
        assert not held[[index for index in chosen if index is not None]].any()
        best = int(held.argmax())
        chosen.append(None if best == len(value) else best)
    assert len(chosen) == min(k, len(value))


@pytest.mark.slow
def test_simulated_frequencies_are_the_propensities_of_advantage() -> None:
    among, rng, n = valued(0.9, 0.5, 0.2, 0.1, -0.1), np.random.default_rng(7), 20_000
    last = [choose(AdvantagePolicy(), among, k=2, rng=rng)[-1] for _ in range(n)]
    for candidate in {choice.candidate for choice in last}:
        held = [choice.propensity for choice in last if choice.candidate == candidate]
        assert len(held) / n == pytest.approx(held[0], abs=4 * (held[0] / n) ** 0.5)
    assert {choice.candidate for choice in last} == {1, 2, 3, 4, None}


def test_nothing_is_given_up_for_exploration_when_there_are_fewer_cases_than_slots() -> None:
    rng = np.random.default_rng(0)
    held = [choose(AdvantagePolicy(), valued(0.3, 0.2), k=4, rng=rng) for _ in range(100)]
    assert {tuple(choice.candidate for choice in choices) for choices in held} == {(0, 1)}


def test_similarity_decides_while_advantage_has_no_estimates() -> None:
    assert [choice.candidate for choice in chosen_by("advantage", candidates(5), k=3)] == [0, 1, 2]
