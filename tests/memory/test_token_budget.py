"""Selection under a token budget: never over it, spent where it adds most, with exact propensities, and explained."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.case_tokens import case_tokens, n_tokens
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import Estimates, Example
from memento.memory.estimators.registry import make_estimator
from memento.memory.event import Candidate, ObservedOutcome, RetrievalEvent, Slot
from memento.memory.explanation import explained_event, next_case_text
from memento.memory.offpolicy.counterfactual import LoggedEvent, TargetPolicy
from memento.memory.offpolicy.past_bank import PastBank, Revision
from memento.memory.policies.advantage import AdvantagePolicy
from memento.memory.policies.controls import RandomPolicy
from memento.memory.policies.next_best import next_best
from memento.memory.policies.port import Candidates, SlotChoice, choose
from memento.memory.policies.registry import POLICY_NAMES, policy_named
from memento.memory.policies.set_probability import few_sets, logged_set_probability, order_probability
from memento.memory.policies.similarity import SimilarityPolicy
from memento.memory.policies.token_budget import SHORTEST_SHARE, TokenBudget, slot_tokens, token_budget
from tests.node_parts import a_memory

TASK = "the capital of somewhere"

cases = st.lists(st.tuples(st.floats(-1, 1, width=32), st.integers(1, 2_000)), min_size=1, max_size=8)


def among(
    gains: Sequence[float], tokens: Sequence[int] = (), *, k: int = 4, max_tokens: int | None = None
) -> Candidates:
    gain_C = np.array(gains, np.float32)
    estimates = Estimates(gain_C, np.full(len(gains), 0.1, np.float32), np.zeros(len(gains), np.int64))
    budget = token_budget(list(tokens), k=k, max_tokens=max_tokens)
    return Candidates(gain_C, np.ones(len(gains), np.float32), estimates, len(gains), budget)


def drawn(policy: Any, candidates: Candidates, *, k: int = 4, seed: int = 0) -> list[SlotChoice]:
    return choose(policy, candidates, k=k, rng=np.random.default_rng(seed))


def places(choices: Sequence[SlotChoice]) -> list[int | None]:
    return [choice.candidate for choice in choices]


@pytest.mark.parametrize("name", POLICY_NAMES)
@settings(max_examples=25)
@given(cases=cases, k=st.integers(0, 6), max_tokens=st.integers(0, 4_000), seed=st.integers(0, 3))
def test_no_policy_exceeds_the_budget(
    name: str, cases: list[tuple[float, int]], k: int, max_tokens: int, seed: int
) -> None:
    gains, tokens = zip(*cases, strict=True)
    policy, candidates = policy_named(name), among(gains, tokens, k=k, max_tokens=max_tokens)
    choices = drawn(policy, candidates, k=k, seed=seed)
    spent = slot_tokens(places(choices), tokens, max_tokens=max_tokens)
    served = [index for index in places(choices) if index is not None]
    assert sum(one.tokens for one in spent) <= max_tokens
    assert len(served) == len(set(served)) <= k
    for choice, one in zip(choices, spent, strict=True):
        if choice.candidate is not None:
            assert one.tokens >= SHORTEST_SHARE * tokens[choice.candidate]
    probability = float(np.prod([choice.propensity for choice in choices]))
    assert order_probability(policy, candidates, places(choices), k=k) == pytest.approx(probability)
    next_best(policy, candidates, places(choices), k=k)


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_budget_that_fits_all_changes_nothing(name: str) -> None:
    gains, tokens = [0.3, -0.2, 0.9, 0.1, 0.5], [10, 400, 300, 2, 40]
    free = drawn(policy_named(name), among(gains), k=3)
    roomy = Candidates(*_fields(among(gains)), TokenBudget(np.array(tokens, np.int64), 10_000))
    assert drawn(policy_named(name), among(gains, tokens, k=3, max_tokens=740), k=3) == free
    assert drawn(policy_named(name), roomy, k=3) == free


def _fields(candidates: Candidates) -> tuple[Any, Any, Any, int]:
    return candidates.similarity_C, candidates.reward_C, candidates.estimates, candidates.pool_size


def test_tokens_count_only_where_they_are_scarce() -> None:
    """Ten weak cases of ten tokens do not take the slots of strong ones for which there is room."""
    gains, tokens = [0.1] * 10 + [1.0] * 4, [10] * 10 + [2_000] * 4
    policy = AdvantagePolicy(rate=0)
    assert set(places(drawn(policy, among(gains, tokens, max_tokens=8_000)))) == {10, 11, 12, 13}
    scarce = places(drawn(policy, among(gains, tokens, max_tokens=2_100)))
    assert set(scarce) & {10, 11, 12, 13}
    assert len(set(scarce) & set(range(10))) == 3


def test_slots_stop_where_the_joint_gain_is_not_positive() -> None:
    candidates = among([0.4, 0.0, -0.1, 0.2])
    choices = drawn(AdvantagePolicy(rate=0), candidates, k=4)
    assert places(choices) == [0, 3, None, None]
    assert next_best(AdvantagePolicy(), candidates, places(choices), k=4) == (1, 0.0, "gain")


def test_gain_is_nearly_that_of_the_best_set() -> None:
    rng, share = np.random.default_rng(0), []
    for _ in range(60):
        gain_C, tokens_C = rng.normal(0.2, 0.4, 10), rng.lognormal(6, 1, 10).astype(int) + 1
        max_tokens = int(tokens_C.sum() * rng.uniform(0.1, 0.4))
        sets = [list(one) for n in range(1, 5) for one in combinations(range(10), n)]
        best = max((gain_C[one].sum() for one in sets if tokens_C[one].sum() <= max_tokens), default=0.0)
        chosen = places(drawn(AdvantagePolicy(rate=0), among(gain_C, tokens_C.tolist(), max_tokens=max_tokens)))
        spent = slot_tokens(chosen, tokens_C.tolist(), max_tokens=max_tokens)
        gain = sum(
            gain_C[index] * one.tokens / tokens_C[index]
            for index, one in zip(chosen, spent, strict=True)
            if index is not None
        )
        if best > 0:
            share.append(gain / best)
    assert np.mean(share) > 0.98
    assert min(share) > 0.75


def test_similarity_skips_what_does_not_fit() -> None:
    candidates = among([0.9, 0.8, 0.7, 0.6], [40, 500, 30, 40], max_tokens=80)
    choices = drawn(SimilarityPolicy(), candidates)
    assert places(choices) == [0, 2]
    assert all(choice.propensity == 1 for choice in choices)
    assert next_best(SimilarityPolicy(), candidates, places(choices), k=4) == (1, pytest.approx(0.8), "budget")


def test_random_cases_have_exact_propensities_among_those_that_fit() -> None:
    candidates = among([0.1] * 4, [50, 50, 50, 900], k=2, max_tokens=100)
    sets = few_sets(RandomPolicy(), candidates, k=2, at_most=99)
    assert sets == {frozenset(pair): pytest.approx(1 / 3) for pair in combinations(range(3), 2)}
    assert logged_set_probability("random", [1 / 3, 1 / 2]) is not None
    assert logged_set_probability("random", [1 / 3, 1 / 2], is_bound=True) is None


@pytest.mark.parametrize("name", ["advantage", "similarity", "soft", "random"])
def test_a_policy_is_replayed_with_the_budget_that_it_had(name: str) -> None:
    """Whoever is judged by the log of its own reads has served each set as likely as the log says."""
    policy, rng = policy_named(name), np.random.default_rng(0)
    lengths = [300, 250, 900, 40, 500, 120]
    kept = [
        Case(id=str(number), namespace="w", state=f"task {number}", action="x" * 4 * length, reward=1.0)
        for number, length in enumerate(lengths)
    ]
    row_ND = np.abs(rng.normal(size=(6, 4))).astype(np.float32)
    row_ND /= np.linalg.norm(row_ND, axis=1, keepdims=True)
    tokens = [case_tokens(case) for case in kept]
    revisions = [Revision(1, row, is_active=True, reward=1.0, tokens=tokens[row]) for row in range(6)]
    bank = PastBank(kept, revisions, {"state": row_ND, "action": row_ND, "text": row_ND})
    bank.at(1)
    model = make_estimator("advantage", dim=4, seed=0)
    rows = bank.cases(np.arange(6), row_ND @ row_ND[0], views=("state", "action"), rewards={})
    estimates = model.estimate(row_ND[0], rows) if name == "advantage" else None
    budget = token_budget(tokens, k=3, max_tokens=700)
    candidates = Candidates(rows.similarity_N, rows.reward_N, estimates, 6, budget)
    for seed in range(12):
        slots = [
            Slot(slot=n, case_id=None if one.candidate is None else str(one.candidate), similarity=0, score=0,
                 propensity=one.propensity, is_randomised=one.is_randomised)
            for n, one in enumerate(drawn(policy, candidates, k=3, seed=seed))
        ]  # fmt: skip
        event = RetrievalEvent(
            id="e", namespace="w", query="q", policy=name, n_outcomes=0, bank_version=1, slots=slots, k=3,
            max_tokens=700, candidates=[Candidate(str(row), float(rows.similarity_N[row])) for row in range(6)],
        )  # fmt: skip
        places = np.array([int(case_id) for case_id in event.case_ids], np.intp)
        of_log = Example(
            1, "e", None, event.question, row_ND[0], rows.only(places), np.zeros(len(places), np.bool_),
            np.ones(len(places)), 1.0, 1.0,
        )  # fmt: skip
        target = TargetPolicy(policy, bank, n_predictions=4, seed=0)
        found = target.judge(
            LoggedEvent(ObservedOutcome(1, 1.0, 1.0, event), of_log, k=3),
            model=model,
            estimator=model if name == "advantage" else None,
        )
        assert 0 < found.logged <= 1
        assert found.target == pytest.approx(found.logged, rel=1e-6)


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory() as memory:
        for number in range(4):
            action = "look it up in the atlas, then check it. " * (1 + 9 * number)
            await memory.write(state=f"capital of land {number}", action=action, reward=1.0)
        yield memory


async def test_event_records_tokens_and_why_no_further_case_was_served(memory: CaseMemory) -> None:
    reading = await memory.read(TASK, k=4, max_tokens=300)
    explained = await explained_event(memory, reading.event_id)
    facts, slots = explained.facts(), explained.slots()
    assert (facts["k"], facts["max_tokens"]) == (4, 300)
    assert 0 < sum(slot["tokens"] for slot in slots) <= 300
    assert facts["next_case"]["why_not"] == "budget"
    assert "did not fit" in next_case_text(facts["next_case"])
    for scored, slot in zip(reading.cases, slots, strict=True):
        assert reading.shortened.get(scored.case.id) == (slot["tokens"] if slot["is_shortened"] else None)
        assert slot["tokens"] == min(slot["tokens"], case_tokens(scored.case))


async def test_repeat_of_a_selection_gives_the_same_whatever_its_budget(memory: CaseMemory) -> None:
    recall = await memory.recall(TASK)
    first = await memory.select(recall, k=4, max_tokens=200)
    again = await memory.select(recall, k=4, max_tokens=100_000)
    assert (again.cases, again.slots) == (first.cases, first.slots)


async def test_reading_without_a_budget_records_no_tokens(memory: CaseMemory) -> None:
    event = await memory.views.event((await memory.read(TASK, k=2)).event_id, namespace="default")
    assert event is not None
    assert (event.k, event.max_tokens) == (2, None)
    assert all("tokens" not in slot for slot in event.model_dump()["slots"])
    assert event.next_case is not None
    assert event.next_case.why_not == "slots"
    earlier = event.model_dump(exclude={"k", "next_case"})
    assert "next_case" not in RetrievalEvent.model_validate(earlier).model_dump()


async def test_budget_of_nothing_serves_nothing_and_one_below_is_refused(memory: CaseMemory) -> None:
    assert (await memory.read(TASK, max_tokens=0)).cases == []
    with pytest.raises(InvalidInput, match="max_tokens must be at least 0"):
        await memory.read(TASK, max_tokens=-1)


@given(st.text(max_size=200))
def test_tokens_are_those_of_the_bytes(text: str) -> None:
    assert n_tokens(text) == len(text.encode("utf-8", "replace")) // 4 + 1


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_only_open_candidates_are_chosen_and_their_propensities_are_those_among_them(name: str) -> None:
    gains, policy = [0.9, 0.8, 0.7, 0.6, 0.5], policy_named(name)
    closed = replace(among(gains, k=3), open_C=np.array([False, True, False, True, True]))
    alone = drawn(policy, among([0.8, 0.6, 0.5], k=3), k=3)
    choices = drawn(policy, closed, k=3)
    of = {None: None, 0: 1, 1: 3, 2: 4}
    assert [(of[one.candidate], one.propensity) for one in alone] == [
        (one.candidate, one.propensity) for one in choices
    ]
    assert next_best(policy, replace(closed, open_C=np.zeros(5, np.bool_)), [], k=3) is None
