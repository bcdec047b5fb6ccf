"""What the memory relies on in policies and estimators: ours keep to it, and what does not is named."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.port import CaseEffect, CaseRows, Estimates, EstimatorName, Example, Suggestions
from memento.memory.estimators.registry import make_estimator
from memento.memory.learning.torch_thread import torch_thread
from memento.memory.policies.advantage import FLOOR, AdvantagePolicy
from memento.memory.policies.port import Candidates, Distribution, Pool, greedy
from memento.memory.policies.registry import POLICY_NAMES, policy_named
from memento.testing import (
    ESTIMATOR_CHECKS,
    POLICY_CHECKS,
    ConformanceError,
    EstimatorUnderTest,
    check_estimator,
    check_estimator_growth,
    check_policy,
)

DIM = 16
OF_CASES = [name for name in get_args(EstimatorName) if name != "trials"]  # which learns from lots on guides alone


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_our_policies_conform(name: str) -> None:
    check_policy(policy_named(name))


def test_advantage_has_the_floor_that_it_promises() -> None:
    check_policy(AdvantagePolicy(), floor=FLOOR)
    with pytest.raises(ConformanceError, match=r"floor: expected probabilities of 0, or of at least 0\.2"):
        check_policy(AdvantagePolicy(), floor=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_CASES)
def test_our_estimators_conform(name: EstimatorName) -> None:
    with torch_thread() as thread:
        thread.submit(check_estimator, lambda: make_estimator(name, dim=DIM, seed=0), dim=DIM).result()


@pytest.mark.slow
def test_what_advantage_does_does_not_grow_with_what_it_has_learned() -> None:
    with torch_thread() as thread:
        thread.submit(check_estimator_growth, lambda: Advantage(dim=DIM), dim=DIM).result()


class NearestPolicy:
    """Conforms; the broken ones derive from it."""

    name = "nearest"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        return greedy(candidates.similarity_C, chosen=chosen, k=k)


class HalfPolicy(NearestPolicy):
    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        made = super().distribution(candidates, chosen=chosen, k=k)
        return made and made._replace(probability_C=made.probability_C / 2)


class RepeatingPolicy(NearestPolicy):
    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        return None if len(chosen) >= k else super().distribution(candidates, chosen=(), k=k)


class EndlessPolicy(NearestPolicy):
    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        return Distribution(np.zeros(len(candidates)), 1.0, candidates.similarity_C)


class FirstOfNonePolicy(NearestPolicy):
    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        return None if candidates.similarity_C[0] < -1 else super().distribution(candidates, chosen=chosen, k=k)


class MoodyPolicy(NearestPolicy):
    def __init__(self) -> None:
        self.n = 0

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        self.n += 1
        if chosen or not len(candidates):
            return None
        share_C = np.zeros(len(candidates))
        share_C[[0, self.n % len(candidates)]] += 0.5
        return Distribution(share_C, 0.0, candidates.similarity_C)


class WritingPolicy(NearestPolicy):
    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        candidates.similarity_C[list(filter(None, chosen))] = -1
        candidates.reward_C[:] = 0.25
        return super().distribution(candidates, chosen=chosen, k=k)


class NamelessPolicy(NearestPolicy):
    name = ""


@pytest.mark.parametrize(
    ("policy", "failed"),
    [
        (HalfPolicy(), {"probabilities", "exact propensities"}),
        (RepeatingPolicy(), {"no case twice", "few candidates"}),
        (EndlessPolicy(), {"number of slots"}),
        (FirstOfNonePolicy(), {"few candidates"}),
        (MoodyPolicy(), {"repeatable"}),
        (WritingPolicy(), {"inputs unchanged"}),
        (NamelessPolicy(), {"fields"}),
    ],
)
def test_a_broken_policy_is_told_what_is_broken(policy: NearestPolicy, failed: set[str]) -> None:
    with pytest.raises(ConformanceError) as found:
        check_policy(policy)
    assert failed <= set(found.value.failures)
    assert all(f"- {name}: expected " in str(found.value) for name in found.value.failures)


def test_the_policy_that_the_broken_ones_derive_from_conforms() -> None:
    check_policy(NearestPolicy())


class CountingEstimator:
    """The mean outcome of each case, shrunk to one half: conforms, and is small; the broken ones derive from it."""

    name = "counting"
    views = ()
    replays = 0

    def __init__(self) -> None:
        self.told: dict[str, tuple[tuple[str, ...], float, float]] = {}
        self.sums: dict[str, tuple[int, float, float]] = {}  # outcomes, their weight, their reward

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        return []

    def learn(self, example: Example) -> None:
        self.withdraw(example.event_id)
        ids = tuple(dict.fromkeys(example.cases.ids))
        self._add(ids, 1, example.confidence, example.confidence * example.reward)
        self.told[example.event_id] = ids, example.confidence, example.confidence * example.reward

    def withdraw(self, event_id: str) -> bool:
        if (before := self.told.pop(event_id, None)) is None:
            return False
        ids, weight, reward = before
        self._add(ids, -1, -weight, -reward)
        return True

    def _add(self, ids: tuple[str, ...], n: int, weight: float, reward: float) -> None:
        for case_id in ids:
            before = self.sums.get(case_id, (0, 0.0, 0.0))
            after = before[0] + n, before[1] + weight, before[2] + reward
            if after[0]:
                self.sums[case_id] = after
            else:
                self.sums.pop(case_id, None)

    def value(self, case_id: str) -> float:
        _, weight, reward = self.sums.get(case_id, (0, 0.0, 0.0))
        return (1 + reward) / (2 + weight)

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        if not self.told:
            return None
        exposures_C = np.array([self.sums.get(one, (0,))[0] for one in cases.ids], np.int64)
        return Estimates(np.array([self.value(one) for one in cases.ids], np.float32), None, exposures_C)

    def predict(self, example: Example) -> float:
        ids = example.cases.ids
        return float(np.clip(np.mean([self.value(one) for one in ids]), 0, 1)) if ids else 0.5

    def effects(self) -> list[CaseEffect]:
        return [CaseEffect(one, n, self.value(one) - 0.5, 0.5) for one, (n, _, _) in sorted(self.sums.items())]

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        return Suggestions(sorted(self.sums)[:3], np.empty((0, 0), np.float32))

    def tensors(self) -> dict[str, NDArray[Any]]:
        return {"n": np.array([len(self.told)])}

    def stamp(self) -> dict[str, Any]:
        told = [[event, list(ids), weight, reward] for event, (ids, weight, reward) in self.told.items()]
        return {"told": told, "sums": [[one, *sums] for one, sums in self.sums.items()]}

    def restore(self, tensors: dict[str, NDArray[Any]], stamp: dict[str, Any], replay: list[Example]) -> None:
        if int(tensors["n"][0]) != len(stamp["told"]):
            raise ValueError("another number of events")
        self.told = {event: (tuple(ids), weight, reward) for event, ids, weight, reward in stamp["told"]}
        self.sums = {one: (n, weight, reward) for one, n, weight, reward in stamp["sums"]}


class TwiceEstimator(CountingEstimator):
    def learn(self, example: Example) -> None:
        self.told.pop(example.event_id, None)
        super().learn(example)


class StubbornEstimator(CountingEstimator):
    def learn(self, example: Example) -> None:
        if example.event_id not in self.told:
            super().learn(example)


class CertainEstimator(CountingEstimator):
    def learn(self, example: Example) -> None:
        super().learn(example._replace(confidence=1.0))


class KeepingEstimator(CountingEstimator):
    def withdraw(self, event_id: str) -> bool:
        return event_id in self.told


class ClingingEstimator(CountingEstimator):
    def withdraw(self, event_id: str) -> bool:
        before = self.told.get(event_id)
        is_told = super().withdraw(event_id)
        if before is not None:
            self._add(before[0], 0, before[1], before[2])
        return is_told

    def _add(self, ids: tuple[str, ...], n: int, weight: float, reward: float) -> None:
        for case_id in ids:
            before = self.sums.get(case_id, (0, 0.0, 0.0))
            self.sums[case_id] = before[0] + n, before[1] + weight, before[2] + reward


class ForgetfulEstimator(CountingEstimator):
    def restore(self, tensors: dict[str, NDArray[Any]], stamp: dict[str, Any], replay: list[Example]) -> None:
        super().restore(tensors, stamp | {"sums": stamp["sums"][1:]}, replay)


class SharingEstimator(CountingEstimator):
    def __init__(self) -> None:
        super().__init__()
        self.n = np.zeros(1, np.int64)

    def tensors(self) -> dict[str, NDArray[Any]]:
        self.n[0] = len(self.told)
        return {"n": self.n}

    def learn(self, example: Example) -> None:
        super().learn(example)
        self.n[0] = len(self.told)


class DividingEstimator(CountingEstimator):
    def value(self, case_id: str) -> float:
        _, weight, reward = self.sums.get(case_id, (0, 0.0, 0.0))
        return float(np.float64(reward) / weight) if weight else float("nan")


class OpenEstimator(CountingEstimator):
    def predict(self, example: Example) -> float:
        return 2 * super().predict(example)


class WritingEstimator(CountingEstimator):
    def learn(self, example: Example) -> None:
        super().learn(example)
        example.cases.reward_N[:] = example.reward


class AskedEstimator(CountingEstimator):
    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        self._add(cases.ids, 1, 0.0, 0.0)
        return super().estimate(state_D, cases)


def counting(make: Callable[[], CountingEstimator]) -> Callable[[], Any]:
    return make


def test_a_small_estimator_conforms() -> None:
    check_estimator(counting(CountingEstimator), dim=DIM)


@pytest.mark.parametrize(
    ("make", "failed"),
    [
        (TwiceEstimator, {"learned once", "corrections"}),
        (StubbornEstimator, {"corrections"}),
        (CertainEstimator, {"confidence"}),
        (KeepingEstimator, {"withdrawals"}),
        (ClingingEstimator, {"withdrawals"}),
        (ForgetfulEstimator, {"snapshot"}),
        (SharingEstimator, {"snapshot kept"}),
        (DividingEstimator, {"finite answers"}),
        (OpenEstimator, {"finite answers"}),
        (WritingEstimator, {"inputs unchanged"}),
        (AskedEstimator, {"pure fold", "fresh"}),
    ],
)
def test_a_broken_estimator_is_told_what_is_broken(make: Callable[[], CountingEstimator], failed: set[str]) -> None:
    with pytest.raises(ConformanceError) as found:
        check_estimator(counting(make), dim=DIM)
    assert failed <= set(found.value.failures)


def test_an_estimator_that_goes_through_all_it_has_learned_is_told_so() -> None:
    class ReadingAll(CountingEstimator):
        def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
            return Suggestions([max(self.told, key=lambda event: self.told[event][2])], np.empty((0, 0), np.float32))

    check_estimator_growth(counting(CountingEstimator), dim=DIM)
    with pytest.raises(AssertionError, match="about as many calls after 600 and 1,200 outcomes"):
        check_estimator_growth(counting(ReadingAll), dim=DIM)


@pytest.mark.parametrize("name", POLICY_CHECKS)
def test_each_check_of_policies_can_be_run_by_itself(name: str) -> None:
    POLICY_CHECKS[name](NearestPolicy())


@pytest.mark.parametrize("name", ESTIMATOR_CHECKS)
def test_each_check_of_estimators_can_be_run_by_itself(name: str) -> None:
    ESTIMATOR_CHECKS[name](EstimatorUnderTest(counting(CountingEstimator), DIM))
