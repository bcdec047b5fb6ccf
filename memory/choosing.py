"""The choice among recalled cases: what the policy is given, and the event that records what it chose."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import Case, CaseKind, question_hash
from memento.memory.case_tokens import case_tokens
from memento.memory.estimators.port import Estimates, EstimatorName
from memento.memory.event import Candidate, NextCase, RetrievalEvent
from memento.memory.learning.learner import Learner
from memento.memory.policies.next_best import NextBest, next_best
from memento.memory.policies.own import Policies
from memento.memory.policies.port import Candidates, RetrievalPolicy, choose
from memento.memory.policies.token_budget import slot_tokens, token_budget
from memento.memory.reading import Recall, slot_of
from memento.memory.steps import STEP, relative_return, success_line, usual_return
from memento.memory.storage import Storage
from memento.memory.success import SuccessLine

LearnerOf = Callable[[str, EstimatorName, CaseKind], Awaitable[Learner]]
"""Gives the learner of a namespace, an estimator and a kind of case."""


class _Rated(NamedTuple):
    """The candidates that are still active, and what is known of them."""

    active: list[Candidate]
    cases: list[Case]
    similarity_C: NDArray[np.float32]
    reward_C: NDArray[np.float32]
    """Their own rewards; those of steps relative to what is usual."""
    usual: float | None
    estimates: Estimates | None
    n_outcomes: int
    settings_version: int


class Choosing:
    """Lets policies choose."""

    def __init__(
        self,
        *,
        storage: Storage,
        policies: Policies,
        learner: LearnerOf,
        rng: np.random.Generator,
        success: SuccessLine,
    ) -> None:
        """Wire the parts.

        Args:
            storage: where cases are.
            policies: by name.
            learner: for policies that rank by what was learned.
            rng: source of every random choice of readings without a seed.
            success: which rewards count as success.
        """
        self._storage = storage
        self._policies = policies
        self._learner = learner
        self._rng = rng
        self._success = success

    async def event(
        self, recall: Recall, cases: Mapping[str, Case], *, k: int, max_tokens: int | None, is_caught_up: bool
    ) -> RetrievalEvent:
        """What the policy chooses of the candidates that are still active, not recorded yet.

        Args:
            recall: the candidates.
            cases: their newest revisions.
            k: how many cases at most.
            max_tokens: of all cases together; None: no limit.
            is_caught_up: the recall was made just now, so that what it has learned for that is up to date.

        Raises:
            UnknownPolicy: there is none of this name.
        """
        policy = self._policies.named(recall.policy)
        rated = await self._rated(recall, cases, policy, is_caught_up=is_caught_up)
        tokens = [] if max_tokens is None else [case_tokens(case) for case in rated.cases]
        worked_from = await self.line(recall, rated.usual) if recall.worked_only else None
        known = Candidates(
            rated.similarity_C,
            rated.reward_C,
            rated.estimates,
            recall.pool_size,
            token_budget(tokens, k=k, max_tokens=max_tokens),
            None if worked_from is None else np.array([one.reward >= worked_from for one in rated.cases], np.bool_),
        )
        choices = choose(policy, known, k=k, rng=self.generator(recall.seed))
        chosen = [choice.candidate for choice in choices]
        spent = [None] * len(choices) if max_tokens is None else slot_tokens(chosen, tokens, max_tokens=max_tokens)
        return RetrievalEvent(
            id=recall.event_id,
            namespace=recall.namespace,
            query=recall.query,
            task=recall.task,
            follows=recall.follows,
            policy=policy.name,
            n_outcomes=rated.n_outcomes,
            settings_version=rated.settings_version,
            bank_version=recall.bank_version,
            is_degraded=recall.is_degraded,
            candidates=rated.active,
            slots=[
                slot_of(position, choice, rated.active, rated.reward_C, rated.estimates, taken)
                for position, (choice, taken) in enumerate(zip(choices, spent, strict=True))
            ],
            key=recall.key,
            kind=recall.kind,
            part_of=recall.part_of,
            usual=rated.usual,
            k=k,
            max_tokens=max_tokens,
            worked_from=worked_from,
            next_case=_next_case(next_best(policy, known, chosen, k=k), rated.active, tokens),
        )

    async def line(self, recall: Recall, usual: float | None) -> float:
        """Reward from which on a case of a reading counts as one that worked.

        Args:
            recall: of the reading.
            usual: of a step's reading, what such steps usually return.
        """
        return await self._success.of(recall.namespace, recall.positive_from) if usual is None else success_line(usual)

    def generator(self, seed: int | None) -> np.random.Generator:
        """Source of the random choices of a reading."""
        return self._rng if seed is None else np.random.default_rng(seed)

    async def _rated(
        self, recall: Recall, cases: Mapping[str, Case], policy: RetrievalPolicy, *, is_caught_up: bool
    ) -> _Rated:
        active = _active(recall, cases)
        known = [cases[candidate.case_id] for candidate in active]
        similarity_C = np.array([candidate.similarity for candidate in active], np.float32)
        # whoever chooses: slots log the cases' own rewards
        reward_C = np.array([case.reward for case in known], np.float32)
        rated, usual = known, None
        if recall.kind == STEP:
            usual = usual_return(similarity_C, reward_C)
            reward_C = np.array([relative_return(reward, usual) for reward in reward_C.tolist()], np.float32)
            said = zip(known, reward_C.tolist(), strict=True)
            rated = [case.model_copy(update={"reward": reward}) for case, reward in said]
        estimates, n_outcomes, settings_version = None, 0, 0
        if active and policy.estimator is not None:
            learner = await self._learner(recall.namespace, policy.estimator, recall.kind)
            query = await self._storage.texts.one(recall.query)
            estimates, n_outcomes, settings_version = await learner.estimates(
                query, rated, similarity_C, is_caught_up=is_caught_up
            )
        return _Rated(active, known, similarity_C, reward_C, usual, estimates, n_outcomes, settings_version)


def _active(recall: Recall, cases: Mapping[str, Case]) -> list[Candidate]:
    """Candidates that may still be served; no guide to a task that it was written from."""
    asked = {recall.key, question_hash(recall.query if recall.task is None else recall.task, recall.key)}
    return [
        one
        for one in recall.candidates
        if one.case_id in cases
        and cases[one.case_id].status == "active"
        and asked.isdisjoint(cases[one.case_id].provenance.written_from)
    ]


def _next_case(further: NextBest | None, active: Sequence[Candidate], tokens: Sequence[int]) -> NextCase | None:
    if further is None:
        return None
    return NextCase(
        case_id=active[further.candidate].case_id,
        score=further.score,
        why_not=further.why_not,
        tokens=tokens[further.candidate] if tokens else None,
    )
