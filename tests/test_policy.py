"""Policies choose as they say, and say exactly how likely their choice was."""

import numpy as np
import pytest

from memento.memory.errors import UnknownPolicy
from memento.memory.learning.estimator import Estimates
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
    assert len({choice.candidate for choice in choices}) == len(choices)


def test_known_names_are_listed_when_a_policy_does_not_exist() -> None:
    with pytest.raises(UnknownPolicy, match="similarity"):
        policy_named("best")
