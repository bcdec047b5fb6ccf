"""Off-policy estimates: exact on what can be counted by hand, honest about what the log cannot tell."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.estimators.port import EstimatorName
from memento.memory.offpolicy.off_policy import MIN_EFFECTIVE, Sample, difference, effective_size, evaluate, on_policy
from memento.memory.policies.controls import RandomPolicy
from memento.memory.policies.learned import SoftPolicy
from memento.memory.policies.port import Candidates, Distribution, Pool, RetrievalPolicy, choose, greedy
from memento.memory.policies.set_probability import (
    few_sets,
    logged_set_probability,
    order_probability,
    set_probability,
    thinned,
)
from memento.memory.policies.similarity import SimilarityPolicy, SimilarityRewardPolicy

MANY = 200

scores = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=6)
slots = st.integers(1, 4)


class LastSlotExplores:
    """Greedy, but the last slot is another case with a chance of 0.2, or the null case with one of 0.1."""

    name = "last_slot_explores"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        best = greedy(candidates.similarity_C, chosen=chosen, k=k)
        if best is None or len(chosen) < k - 1:
            return best
        first = int(np.argmax(best.probability_C))
        left = [i for i in range(len(candidates)) if i not in chosen and i != first]
        probability_C = np.zeros(len(candidates))
        probability_C[first] = 0.9
        if left:
            probability_C[first] = 0.7
            probability_C[left] = 0.2 / len(left)
        return Distribution(probability_C, 0.1, best.score_C)


LOGGERS: list[RetrievalPolicy] = [LastSlotExplores(), SoftPolicy(alpha=0.5), RandomPolicy(), SimilarityPolicy()]
of_loggers = pytest.mark.parametrize("policy", LOGGERS, ids=lambda policy: policy.name)


def among(similarity: Sequence[float]) -> Candidates:
    similarity_C = np.array(similarity, np.float32)
    return Candidates(similarity_C, (similarity_C > 0).astype(np.float32), None, len(similarity_C))


def sets_of(n: int, k: int) -> list[frozenset[int]]:
    return [frozenset(chosen) for size in range(k + 1) for chosen in combinations(range(n), size)]


def sample(
    *,
    logged: Sequence[float],
    target: Sequence[float],
    reward: Sequence[float],
    model: Sequence[float] | float = 0.5,
    expected: Sequence[float] | float = 0.5,
    question: Sequence[int] | None = None,
) -> Sample:
    n = len(reward)

    def column(values: Sequence[float] | float) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(values, np.float64), n)

    return Sample(
        column(logged),
        column(target),
        column(reward),
        column(model),
        column(expected),
        np.arange(n) if question is None else np.asarray(question, np.int64),
    )


def same_policy(reward: Sequence[float]) -> Sample:
    return sample(logged=[0.3] * len(reward), target=[0.3] * len(reward), reward=reward)


@of_loggers
@given(similarity=scores, k=slots)
def test_set_probabilities_sum_to_one(policy: RetrievalPolicy, similarity: list[float], k: int) -> None:
    candidates = among(similarity)
    probabilities = [set_probability(policy, candidates, served, k=k) for served in sets_of(len(similarity), k)]
    assert min(probabilities) >= 0
    assert sum(probabilities) == pytest.approx(1)


@of_loggers
@given(similarity=scores, k=slots, seed=st.integers(0, 999))
def test_weight_is_one_when_the_target_is_the_logging_policy(
    policy: RetrievalPolicy, similarity: list[float], k: int, seed: int
) -> None:
    """So the log alone tells what a set's probability was, for every policy that has chance in it."""
    candidates = among(similarity)
    choices = choose(policy, candidates, k=k, rng=np.random.default_rng(seed))
    served = frozenset(choice.candidate for choice in choices if choice.candidate is not None)
    logged = logged_set_probability(policy.name, [choice.propensity for choice in choices])
    assert logged == pytest.approx(set_probability(policy, candidates, served, k=k), rel=1e-6)


@given(similarity=scores, k=slots)
def test_few_sets_are_those_with_a_probability(similarity: list[float], k: int) -> None:
    candidates, policy = among(similarity), LastSlotExplores()
    found = few_sets(policy, candidates, k=k, at_most=100)
    assert found is not None
    expected = {served: set_probability(policy, candidates, served, k=k) for served in sets_of(len(similarity), k)}
    assert found == pytest.approx({served: value for served, value in expected.items() if value})


@pytest.mark.slow
@given(mass=st.lists(st.floats(0.01, 1), min_size=1, max_size=8), at_most=st.integers(1, 8))
def test_thinning_keeps_the_mean_over_sets(mass: list[float], at_most: int) -> None:
    sets = {frozenset({index}): value / sum(mass) for index, value in enumerate(mass)}
    mean, n = dict.fromkeys(sets, 0.0), 300
    for seed in range(n):
        for served, value in thinned(sets, at_most=at_most, rng=np.random.default_rng(seed)).items():
            mean[served] += value / n
    kept = sorted(sets, key=lambda served: -sets[served])[: at_most - 1]
    assert {served: mean[served] for served in kept} == pytest.approx({served: sets[served] for served in kept})
    assert mean == pytest.approx(sets, abs=0.13)  # 4.5 standard errors


def test_sets_are_too_many_when_everything_is_possible() -> None:
    assert few_sets(SoftPolicy(alpha=0.5), among([0.1] * 5), k=3, at_most=16) is None


def test_every_set_is_alike_when_drawn_by_lot() -> None:
    assert logged_set_probability("random", [1 / 6, 1 / 5, 1 / 4]) == pytest.approx(1 / math.comb(6, 3))
    assert set_probability(RandomPolicy(), among([0.1] * 6), frozenset({0, 3, 5}), k=3) == pytest.approx(1 / 20)


def test_order_does_not_matter_when_the_set_is_the_same() -> None:
    candidates = among([0.9, 0.5, 0.1])
    assert set_probability(SimilarityPolicy(), candidates, frozenset({1, 0}), k=2) == 1
    assert order_probability(SimilarityPolicy(), candidates, [0, 1], k=2) == 1
    assert order_probability(SimilarityPolicy(), candidates, [1, 0], k=2) == 0


def test_set_and_order_agree_when_only_the_last_slot_explores() -> None:
    candidates, policy = among([0.9, 0.5, 0.1, 0.3]), LastSlotExplores()
    orders: list[list[int | None]] = [[0, 1], [0, 2], [0, 3], [0, None]]
    for order in orders:
        served = frozenset(index for index in order if index is not None)
        of_order = order_probability(policy, candidates, order, k=2)
        assert of_order == pytest.approx(set_probability(policy, candidates, served, k=2))
        assert of_order == pytest.approx(logged_set_probability(policy.name, [1.0, of_order]))
    assert order_probability(policy, candidates, [0], k=2) == 0  # a slot is still to be filled


def test_the_log_tells_the_order_only_when_an_unknown_policy_explored_early_or_slots_are_many() -> None:
    assert logged_set_probability("elsewhere", [0.5, 1.0]) is None
    assert logged_set_probability("soft", [0.5] * 5) is None
    assert logged_set_probability("similarity", [1.0] * 5) == 1
    assert logged_set_probability("none", []) == 1


@given(
    rewards=st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=60),
    propensity=st.floats(0.01, 1),
)
def test_value_is_the_mean_reward_when_the_target_is_the_logging_policy(
    rewards: list[float], propensity: float
) -> None:
    n = len(rewards)
    found = evaluate(sample(logged=[propensity] * n, target=[propensity] * n, reward=rewards))
    expected = on_policy(np.array(rewards), np.arange(n))
    assert found.mean_weight == pytest.approx(1)
    for one in (found.ips, found.snips, found.dr):
        assert one.value == pytest.approx(np.mean(rewards))
        assert (one.low, one.high) == pytest.approx((expected.low, expected.high))
        assert one.effective == pytest.approx(n)


@pytest.mark.slow
@given(st.data())
def test_intervals_hold_their_value_and_effective_sizes_their_bounds(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    shares = st.lists(st.floats(0.01, 1), min_size=n, max_size=n)
    question = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    given_ = {name: data.draw(shares) for name in ("logged", "target", "reward", "model", "expected")}
    judged = sample(**given_, question=question)
    assert (judged.weights() >= 0).all()
    found = evaluate(judged)
    for one in (found.ips, found.snips, found.dm, found.dr):
        assert one.low <= one.value <= one.high
        assert 0 < one.effective <= len(set(question)) + 1e-9
        assert one.n_events == n


def test_estimates_are_those_counted_by_hand() -> None:
    judged = sample(
        logged=[0.5, 0.5, 0.25, 1.0],
        target=[1.0, 0.0, 0.25, 1.0],
        reward=[1.0, 0.0, 0.0, 1.0],
        model=[0.75, 0.5, 0.5, 0.5],
        expected=[0.75, 0.25, 0.5, 0.5],
    )
    found = evaluate(judged)  # weights 2, 0, 1, 1
    assert found.mean_weight == 1
    assert found.ips.value == pytest.approx((2 + 0 + 0 + 1) / 4)
    assert found.snips.value == pytest.approx(3 / 4)
    assert found.dm.value == pytest.approx(2 / 4)
    assert found.dr.value == pytest.approx(((0.75 + 0.5) + 0.25 + (0.5 - 0.5) + (0.5 + 0.5)) / 4)
    assert found.ips.effective == pytest.approx(16 / 6)


@given(wrong=st.lists(st.floats(0, 1), min_size=3, max_size=3), target=st.integers(0, 2))
def test_dr_is_unbiased_when_the_reward_model_is_wrong(wrong: list[float], target: int) -> None:
    """Every set as often as the logger serves it: what is left is bias."""
    truth, times = [0.9, 0.4, 0.2], [2, 1, 1]
    served = [index for index, n in enumerate(times) for _ in range(n)]
    judged = sample(
        logged=[times[index] / 4 for index in served],
        target=[float(index == target) for index in served],
        reward=[truth[index] for index in served],
        model=[wrong[index] for index in served],
        expected=wrong[target],
    )
    found = evaluate(judged)
    assert found.dr.value == pytest.approx(truth[target])
    assert found.ips.value == pytest.approx(truth[target])
    assert found.dm.value == pytest.approx(wrong[target])


def test_asking_the_same_again_tells_nothing_new() -> None:
    rewards = np.tile([1.0, 0.0, 1.0, 1.0, 0.0], 20)
    once = same_policy(rewards.tolist())
    thrice = Sample(*(np.repeat(column, 3) for column in once))
    for one, other in zip(evaluate(once)[:4], evaluate(thrice)[:4], strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
        assert one.effective == pytest.approx(other.effective)


def test_interval_of_the_plain_mean_is_students() -> None:
    rewards = np.tile([1.0, 0.0], 50)
    found = on_policy(rewards, np.arange(100))
    assert found.high - found.value == pytest.approx(1.9842 * rewards.std(ddof=1) / 10, rel=1e-3)
    assert found.abstains is None


def test_nothing_is_certain_when_every_outcome_is_alike() -> None:
    found = evaluate(same_policy([1.0] * MANY))
    for one in (found.ips, found.snips, found.dr):
        assert one.abstains is None
        assert one.low < 1


def test_abstains_when_nothing_was_logged() -> None:
    nothing = sample(logged=[], target=[], reward=[])
    assert all("too few events" in (one.abstains or "") for one in evaluate(nothing)[:4])
    assert difference(nothing, None).abstains
    assert on_policy(np.empty(0), np.empty(0, np.int64)).abstains


def test_abstains_when_there_are_few_questions_however_many_events() -> None:
    few = int(MIN_EFFECTIVE) - 1
    judged = same_policy([1.0, 0.0] * 100)._replace(question_E=np.arange(200) % few)
    assert all(f"of {few} questions" in (one.abstains or "") for one in evaluate(judged)[:4])


def test_abstains_when_the_log_does_not_overlap() -> None:
    """A log without chance: the target would have served the same in half of the reads, and other cases in the rest."""
    judged = sample(logged=[1.0] * MANY, target=[1.0, 0.0] * (MANY // 2), reward=[1.0] * MANY)
    found = evaluate(judged)
    assert all("about 50%" in (one.abstains or "") for one in (found.ips, found.snips, found.dr))
    assert found.dm.abstains is None  # a model may extrapolate; its errors are its own
    assert "no overlap" in (difference(judged, None).abstains or "")
    never = evaluate(judged._replace(target_E=np.zeros(MANY)))
    assert "about 0%" in (never.snips.abstains or "")


def test_abstains_when_few_events_carry_the_weight() -> None:
    matched = np.arange(1000) % 50 == 0
    judged = sample(logged=[0.02] * 1000, target=matched.astype(float).tolist(), reward=[1.0] * 1000)
    assert effective_size(judged.weights(), judged.question_E) == pytest.approx(20)
    assert "worth 20 questions" in (evaluate(judged).dr.abstains or "")


def test_abstains_when_the_interval_is_too_wide_to_be_of_use() -> None:
    judged = same_policy([1.0, 0.0] * 20)
    assert "wide" in (evaluate(judged).dr.abstains or "")
    assert difference(judged, judged).abstains is None  # it says by itself whether it excludes 0


def test_noise_cancels_when_two_policies_serve_nearly_the_same() -> None:
    chance = np.random.default_rng(0)
    rewards = chance.integers(0, 2, 400).astype(float)
    one = sample(logged=[0.5] * 400, target=[0.5] * 400, reward=rewards.tolist())
    other = one._replace(target_E=np.where(np.arange(400) % 20 == 0, 0.55, 0.5))
    found = difference(other, one)
    assert found.abstains is None
    assert found.high - found.low < 0.2 * (evaluate(one).dr.high - evaluate(one).dr.low)
    assert difference(one, one)[:3] == (0, 0, 0)
    assert difference(one, other).value == pytest.approx(-found.value)


def test_difference_is_told_when_one_policy_is_better() -> None:
    chance = np.random.default_rng(1)
    is_good = chance.random(800) < 0.5
    rewards = (chance.random(800) < np.where(is_good, 0.8, 0.3)).astype(float)
    good = sample(logged=[0.5] * 800, target=is_good.astype(float).tolist(), reward=rewards.tolist())
    bad = good._replace(target_E=1 - good.target_E)
    assert 0.3 < difference(good, bad).low < 0.5 < difference(good, bad).high < 0.7
    assert difference(good, None).low > 0.1  # what was served is in between


def test_target_of_another_ranking_has_no_weight() -> None:
    candidates = Candidates(np.array([0.5, 0.4], np.float32), np.array([0, 1], np.float32), None, 2)
    assert set_probability(SimilarityRewardPolicy(), candidates, frozenset({0}), k=1) == 0
    assert set_probability(SimilarityRewardPolicy(), candidates, frozenset({1}), k=1) == 1
