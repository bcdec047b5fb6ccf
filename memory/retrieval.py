"""The read side of the memory: recall candidates, let the policy choose, record the choice with its propensities."""

import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from memento.memory.case import ScoredCase, question_hash
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.event import Candidate, RetrievalEvent, Slot
from memento.memory.policy import Candidates, SlotChoice, policy_named
from memento.memory.storage import Storage

if TYPE_CHECKING:
    from memento.memory.learner import QLearner

N_CANDIDATES = 64
"""Cases recalled for the policy to choose from."""


class Recall(NamedTuple):
    """The candidates of one task: the first half of a read. JSON-able."""

    event_id: str
    query: str
    namespace: str
    policy: str
    candidates: list[Candidate]
    pool_size: int
    """Number of cases the candidates were drawn from."""
    is_degraded: bool
    bank_version: int

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for a checkpoint between the two halves of a read."""
        return self._asdict() | {"candidates": [list(candidate) for candidate in self.candidates]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` made."""
        return cls(**values | {"candidates": [Candidate(*row) for row in values["candidates"]]})


class Reading(NamedTuple):
    """The cases chosen for one task."""

    event_id: str
    """Give it to `write` and `feedback`, so that the memory learns what these cases were worth."""
    cases: list[ScoredCase]
    """Best first; at most k."""
    policy: str
    policy_version: int
    is_degraded: bool
    """The search engine did not answer; the newest cases were searched instead, and this reading never trains."""


class Retrieval:
    """Read, in two steps: `recall` finds candidates, `select` chooses among them."""

    def __init__(
        self, *, storage: Storage, learner: Callable[[str], Awaitable["QLearner"]], rng: np.random.Generator
    ) -> None:
        """Wire the parts.

        Args:
            storage: where cases are.
            learner: namespace to its learner, for policies that rank by value.
            rng: source of every random choice.
        """
        self._storage = storage
        self._learner = learner
        self._rng = rng

    async def recall(self, query: str, *, policy: str, namespace: str) -> Recall:
        """Find the candidates: what the policy will choose from.

        Raises:
            InvalidInput: empty query, unknown policy.
            EncoderUnavailable: the query cannot be encoded.
        """
        if not query.strip():
            raise InvalidInput("the query is empty")
        pool = policy_named(policy).pool
        candidates: list[Candidate] = []
        pool_size, is_degraded, bank_version = 0, False, 0
        if pool == "nearest":
            hits, is_degraded, bank_version = await self._storage.bank.search(
                await self._storage.texts.one(query),
                namespace=namespace,
                limit=N_CANDIDATES,
                exclude_question=question_hash(query),
            )
            candidates = [Candidate(*hit) for hit in hits]
            pool_size = len(candidates)
        elif pool == "uniform":
            candidates, pool_size = await self._draw(query, namespace)
            bank_version = await self._storage.views.newest_offset()
        event_id = str(uuid.uuid4())
        return Recall(event_id, query, namespace, policy, candidates, pool_size, is_degraded, bank_version)

    async def select(self, recall: Recall, *, k: int) -> Reading:
        """Let the policy choose, and record the choice. The same recall twice gives the same reading.

        Raises:
            InvalidInput: k below 0, unknown policy.
            LedgerUnavailable: the choice cannot be recorded.
        """
        if k < 0:
            raise InvalidInput(f"k must be at least 0, not {k}")
        policy = policy_named(recall.policy)
        recalled = [candidate.case_id for candidate in recall.candidates]
        active = await self._storage.views.active_among(recalled, namespace=recall.namespace) if recalled else set()
        candidates = [candidate for candidate in recall.candidates if candidate.case_id in active]
        value_C, version = None, 0
        if policy.needs_values:
            cases = await self._storage.views.cases(recalled, namespace=recall.namespace)
            learner = await self._learner(recall.namespace)
            value_C, version = await learner.values(
                await self._storage.texts.one(recall.query), [cases[candidate.case_id] for candidate in candidates]
            )
        similarity_C = np.array([c.similarity for c in candidates], np.float32)
        choices = policy.choose(Candidates(similarity_C, value_C, recall.pool_size), k=k)
        event = RetrievalEvent(
            id=recall.event_id,
            namespace=recall.namespace,
            query=recall.query,
            policy=policy.name,
            policy_version=version,
            bank_version=recall.bank_version,
            is_degraded=recall.is_degraded,
            candidates=candidates,
            slots=[_slot(position, choice, candidates) for position, choice in enumerate(choices)],
        )
        return await self._record(event)

    async def _draw(self, query: str, namespace: str) -> tuple[list[Candidate], int]:
        """A uniform sample of the namespace, in random order, and the namespace's size."""
        ids = await self._storage.views.active_ids(namespace=namespace, exclude_question=question_hash(query))
        if not ids:
            return [], 0
        drawn = [ids[i] for i in self._rng.choice(len(ids), size=min(N_CANDIDATES, len(ids)), replace=False)]
        cases = await self._storage.views.cases(drawn, namespace=namespace)
        state_CD = await self._storage.texts.rows([cases[case_id].state for case_id in drawn])
        similarity_C = state_CD @ await self._storage.texts.one(query)
        candidates = [Candidate(case_id, float(cosine)) for case_id, cosine in zip(drawn, similarity_C, strict=True)]
        return candidates, len(ids)

    async def _record(self, event: RetrievalEvent) -> Reading:
        encoder = self._storage.texts.encoder.name
        vectors = {event.query: await self._storage.texts.one(event.query)} if event.candidates else {}
        async with self._storage.ledger.writing() as writer:
            stored = await writer.append_event(event)
            if stored.namespace != event.namespace:
                raise UnknownEvent(event.id, event.namespace)
            await writer.save_vectors(encoder, vectors)
        cases = await self._storage.views.cases(stored.case_ids, namespace=stored.namespace)
        scored = [
            ScoredCase(cases.get(slot.case_id or ""), slot.similarity, slot.score, slot.slot, slot.propensity)
            for slot in stored.slots
        ]
        return Reading(stored.id, scored, stored.policy, stored.policy_version, stored.is_degraded)


def _slot(position: int, choice: SlotChoice, candidates: list[Candidate]) -> Slot:
    candidate = None if choice.candidate is None else candidates[choice.candidate]
    return Slot(
        slot=position,
        case_id=None if candidate is None else candidate.case_id,
        similarity=0.0 if candidate is None else candidate.similarity,
        score=choice.score,
        propensity=choice.propensity,
        is_randomised=choice.is_randomised,
    )
