"""Counterfactual of one logged event under a target policy: probability of the logged set, and the model's value.

Pure and synchronous. Axes: C candidates, M suggested directions.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, Estimator, Example
from memento.memory.estimators.support import supported
from memento.memory.event import ObservedOutcome, RetrievalEvent
from memento.memory.index.engines.port import Vector
from memento.memory.offpolicy.past_bank import PastBank
from memento.memory.policies.port import Candidates, RetrievalPolicy, choose
from memento.memory.policies.registry import POLICY_NAMES, policy_named
from memento.memory.policies.set_probability import (
    MAX_ORDERED,
    ServedSet,
    few_sets,
    logged_set_probability,
    order_probability,
    set_probability,
    thinned,
)
from memento.memory.policies.token_budget import token_budget
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED

_MAX_SEQUENCES = 16
"""Maximum number of choices to enumerate what a policy serves; beyond, it is sampled."""


class LoggedEvent(NamedTuple):
    """An event with a known outcome, with its vectors."""

    observation: ObservedOutcome
    example: Example
    k: int
    """Slots that a target policy gets."""

    @property
    def rewards(self) -> dict[str, float]:
        """The served cases' own rewards, where they were logged."""
        slots = self.observation.event.slots
        return {slot.case_id: slot.own_reward for slot in slots if slot.case_id and slot.own_reward is not None}


class Counterfactual(NamedTuple):
    """One event under a target policy."""

    logged: float
    """mu of the logged set (or of its order, where that is all that can be known), above 0."""
    target: float
    """pi of the same."""
    expected: float
    """Mean of the reward model over what the target serves."""


class TargetPolicy:
    """A target policy, replayed over the bank as it was at each event."""

    def __init__(self, policy: RetrievalPolicy, bank: PastBank, *, n_predictions: int, seed: int) -> None:
        """Wire the parts.

        Args:
            policy: what is judged.
            bank: where it would have recalled from.
            n_predictions: sets per event of which the reward is predicted, at most. Where the policy serves more, the
                likeliest count exactly and the rest by a draw, whose noise is part of every interval.
            seed: of the draws.
        """
        self._policy = policy
        self._bank = bank
        self._n_predictions = n_predictions
        self._seed = seed

    def judge(self, logged: LoggedEvent, *, model: Estimator, estimator: Estimator | None) -> Counterfactual:
        """Replay the policy on one event.

        Args:
            logged: the event; the bank must be at its version.
            model: predicts rewards; has not seen the event's question.
            estimator: what a learned policy ranks by; has not seen it either.
        """
        event, example, k = logged.observation.event, logged.example, logged.k
        rows, similarity_C = self._candidates(logged, estimator)
        views = model.views if estimator is None else tuple(dict.fromkeys((*model.views, *estimator.views)))
        cases = self._bank.cases(rows, similarity_C, views=views, rewards=logged.rewards)
        if any(slot.support is not None for slot in event.slots):  # else the model has learned without it
            cases = supported(cases)
        estimates = estimator.estimate(example.state_D, cases) if estimator is not None and len(cases) else None
        budget = token_budget(self._bank.tokens(rows), k=k, max_tokens=event.max_tokens)
        worked = None if event.worked_from is None else cases.reward_N >= event.worked_from
        candidates = Candidates(similarity_C, cases.reward_N, estimates, len(rows), budget, worked)
        position = {case_id: index for index, case_id in enumerate(cases.ids)}
        is_known = all(case_id in position for case_id in event.case_ids)
        order = [None if slot.case_id is None else position.get(slot.case_id) for slot in event.slots]
        served = frozenset(index for index in order if index is not None)
        sets = few_sets(self._policy, candidates, k=k, at_most=_MAX_SEQUENCES)
        propensities = [slot.propensity for slot in event.slots]
        of_set = logged_set_probability(event.policy, propensities, is_bound=self._was_bound(event, k=k))
        if not is_known:
            target = 0.0
        elif of_set is None or (sets is None and k > MAX_ORDERED):
            of_set, target = None, order_probability(self._policy, candidates, order, k=k)
        elif sets is None:
            target = set_probability(self._policy, candidates, served, k=k)
        else:
            target = sets.get(served, 0.0)
        rng = np.random.default_rng([self._seed, example.offset])
        sets = (
            self._drawn(candidates, k=k, rng=rng)
            if sets is None
            else thinned(sets, at_most=self._n_predictions, rng=rng)
        )
        expected = _expected(sets, cases, example, model)
        return Counterfactual(float(np.prod(propensities)) if of_set is None else of_set, target, expected)

    def _was_bound(self, event: RetrievalEvent, *, k: int) -> bool:
        """Whether the event's token budget may have changed what its slots could hold."""
        if event.max_tokens is None:
            return False
        known = [candidate.case_id for candidate in event.candidates if candidate.case_id in self._bank]
        tokens, k = self._bank.tokens(self._bank.rows_of(known)), k if event.k is None else event.k
        return token_budget(tokens, k=k, max_tokens=event.max_tokens) is not None

    def _candidates(self, logged: LoggedEvent, estimator: Estimator | None) -> tuple[NDArray[np.intp], Vector]:
        """Rows and similarities of what the policy would have recalled."""
        event, state_D, bank = logged.observation.event, logged.example.state_D, self._bank
        if self._policy.pool == "empty":
            return np.empty(0, np.intp), np.empty(0, np.float32)
        if self._policy.pool == "uniform":
            rows = bank.servable(without_question=event.question, kind=event.kind)
            return rows, bank.similarity(state_D, rows)
        if event.policy not in POLICY_NAMES or policy_named(event.policy).pool == "nearest":
            known = [candidate for candidate in event.candidates if candidate.case_id in bank]
            recalled = sorted(known, key=lambda candidate: -candidate.similarity)[:N_CANDIDATES]
            rows = bank.rows_of([candidate.case_id for candidate in recalled])
            similarity_C = np.array([candidate.similarity for candidate in recalled], np.float32)
        else:
            rows = bank.nearest(
                state_D, bank.servable(without_question=event.question, kind=event.kind), limit=N_CANDIDATES
            )
            similarity_C = bank.similarity(state_D, rows)
        if estimator is None:
            return rows, similarity_C
        servable = bank.servable(without_question=event.question, kind=event.kind)
        more = self._suggested(estimator, state_D, servable, set(rows.tolist()))
        return np.concatenate([rows, more]), np.concatenate([similarity_C, bank.similarity(state_D, more)])

    def _suggested(
        self, estimator: Estimator, state_D: Vector, servable: NDArray[np.intp], known: set[int]
    ) -> NDArray[np.intp]:
        suggestions = estimator.suggest(state_D)
        allowed = set(servable.tolist()) if len(suggestions.ids) or len(suggestions.direction_MD) else set()
        found = [int(row) for row in self._bank.rows_of([name for name in suggestions.ids if name in self._bank])]
        for direction_D in suggestions.direction_MD:
            found += self._bank.nearest(direction_D, servable, limit=N_SUGGESTED).tolist()
        return np.array([row for row in dict.fromkeys(found) if row in allowed and row not in known], np.intp)

    def _drawn(self, candidates: Candidates, *, k: int, rng: np.random.Generator) -> dict[ServedSet, float]:
        draws: Counter[ServedSet] = Counter()
        n_draws = max(1, self._n_predictions // 2)
        for _ in range(n_draws):
            slots = choose(self._policy, candidates, k=k, rng=rng)
            draws[frozenset(slot.candidate for slot in slots if slot.candidate is not None)] += 1
        return {served: count / n_draws for served, count in draws.items()}


def _expected(sets: dict[ServedSet, float], cases: CaseRows, example: Example, model: Estimator) -> float:
    """Expected reward, by the reward model, of the cases that would have been served."""
    total = 0.0
    for served, probability in sets.items():
        places = np.array(sorted(served), np.intp)
        instead = example._replace(
            cases=cases.only(places),
            is_randomised_N=np.zeros(len(places), np.bool_),
            propensity_N=np.ones(len(places)),
        )
        total += probability * model.predict(instead)
    return total
