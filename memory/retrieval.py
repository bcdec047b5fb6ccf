"""The read side of the memory: recall candidates, let the policy choose, record the choice with its propensities."""

import uuid
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from memento.memory.case import ScoredCase, former_question_hash, question_hash
from memento.memory.coalescer import Coalescer
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.estimators.port import EstimatorName
from memento.memory.event import Candidate, RetrievalEvent
from memento.memory.learning.learner import Learner
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.policies.port import Candidates, choose
from memento.memory.policies.registry import policy_named
from memento.memory.reading import Reading, Recall, slot_of
from memento.memory.recalling import Recalling
from memento.memory.storage import Storage


class Retrieval:
    """Read, in two steps: `recall` finds candidates, `select` chooses among them."""

    def __init__(
        self,
        *,
        storage: Storage,
        learner: Callable[[str, EstimatorName], Awaitable[Learner]],
        rng: np.random.Generator,
    ) -> None:
        """Wire the parts.

        Args:
            storage: where cases are.
            learner: the learner of a namespace and estimator, for policies that rank by what was learned.
            rng: source of every random choice.
        """
        self._storage = storage
        self._recalling = Recalling(storage)
        self._learner = learner
        self._rng = rng
        self._record = Coalescer(self._append)

    async def recall(
        self,
        query: str,
        *,
        policy: str,
        namespace: str,
        task: str | None = None,
        follows: str | None = None,
        seed: int | None = None,
    ) -> Recall:
        """Find the candidates that the policy will choose from.

        Args:
            query: what to look up.
            policy: a policy name.
            namespace: whose cases.
            task: the task alone, where the query says more; it is the task's own cases that are never found.
            follows: the event of the planning cycle before this one in the same run.
            seed: of this reading's random choices.

        Raises:
            InvalidInput: empty query, unknown policy.
            EncoderUnavailable: the query cannot be encoded.
        """
        if not query.strip():
            raise InvalidInput("the query is empty")
        chosen_by = policy_named(policy)
        question = question_hash(query if task is None else task)
        candidates: list[Candidate] = []
        pool_size, is_degraded, bank_version = 0, False, 0
        notices: list[str] = []
        if chosen_by.pool == "nearest":
            nearest = await self._recalling.nearest(query, question, namespace)
            candidates = [Candidate(*hit) for hit in nearest.hits]
            is_degraded, bank_version, notices = nearest.is_degraded, nearest.bank_version, nearest.notices
            if candidates and chosen_by.estimator is not None and not is_degraded:
                learner = await self._learner(namespace, chosen_by.estimator)
                known = {one.case_id for one in candidates}
                suggested, is_degraded, more = await self._recalling.suggested(
                    query, question, namespace, learner, known
                )
                candidates += suggested
                notices = list(dict.fromkeys([*notices, *more]))
            pool_size = len(candidates)
        elif chosen_by.pool == "uniform":
            former_key = former_question_hash(query if task is None else task)
            rng = self._generator(seed)
            candidates, pool_size = await self._recalling.drawn(query, question, namespace, rng, former_key=former_key)
            bank_version = await self._storage.views.newest_offset()
        return Recall(
            event_id=str(uuid.uuid4()),
            query=query,
            namespace=namespace,
            policy=policy,
            candidates=candidates,
            pool_size=pool_size,
            is_degraded=is_degraded,
            bank_version=bank_version,
            task=task,
            follows=follows,
            seed=seed,
            notices=tuple(notices),
        )

    async def select(self, recall: Recall, *, k: int) -> Reading:
        """Let the policy choose, and record the choice. The same recall twice gives the same reading.

        Raises:
            InvalidInput: k below 0, unknown policy.
            UnknownEvent: the event that it follows is not of this namespace.
            LedgerUnavailable: the choice cannot be recorded.
        """
        if k < 0:
            raise InvalidInput(f"k must be at least 0, not {k}")
        policy = policy_named(recall.policy)
        recalled = [candidate.case_id for candidate in recall.candidates]
        views, namespace = self._storage.views, recall.namespace
        found = await views.cases(recalled, namespace=namespace)
        candidates = [
            one for one in recall.candidates if one.case_id in found and found[one.case_id].status == "active"
        ]
        similarity_C = np.array([c.similarity for c in candidates], np.float32)
        # whoever chooses: slots log the cases' own rewards
        reward_C = np.array([found[candidate.case_id].reward for candidate in candidates], np.float32)
        estimates, version, settings_version = None, 0, 0
        if candidates and policy.estimator is not None:
            learner = await self._learner(namespace, policy.estimator)
            query = await self._storage.texts.one(recall.query)
            cases = [found[candidate.case_id] for candidate in candidates]
            estimates, version, settings_version = await learner.estimates(query, cases, similarity_C)
        known = Candidates(similarity_C, reward_C, estimates, recall.pool_size)
        choices = choose(policy, known, k=k, rng=self._generator(recall.seed))
        event = RetrievalEvent(
            id=recall.event_id,
            namespace=namespace,
            query=recall.query,
            task=recall.task,
            follows=recall.follows,
            policy=policy.name,
            n_outcomes=version,
            settings_version=settings_version,
            bank_version=recall.bank_version,
            is_degraded=recall.is_degraded,
            candidates=candidates,
            slots=[
                slot_of(position, choice, candidates, reward_C, estimates) for position, choice in enumerate(choices)
            ],
        )
        return await self._reading(event, recall.notices)

    def _generator(self, seed: int | None) -> np.random.Generator:
        return self._rng if seed is None else np.random.default_rng(seed)

    async def _reading(self, event: RetrievalEvent, notices: Sequence[str]) -> Reading:
        stored = await self._record(event)
        ids = stored.case_ids
        cases = await self._storage.views.cases(ids, namespace=stored.namespace) if ids else {}
        scored = [
            ScoredCase(cases[slot.case_id], slot.similarity, slot.score, slot.slot, slot.propensity)
            for slot in stored.slots
            if slot.case_id in cases
        ]
        told = [*notices, *self._storage.ledger.set_aside.take_notices()]
        return Reading(stored.id, scored, stored.policy, stored.n_outcomes, stored.is_degraded, stored.slots, told)

    async def _append(self, events: Sequence[RetrievalEvent]) -> list[RetrievalEvent | Exception]:
        """Record selections in one commit; one that follows an unknown event is refused.

        A ledger that is only read has no record of them: their cases are served all the same, and nothing can be
        learned from what comes of it, for that cannot be written either.
        """
        if self._storage.ledger.only_read_because:
            return list(events)
        texts = self._storage.texts
        queries = [event.query for event in events if event.candidates]
        vectors = dict(zip(queries, await texts.rows(queries), strict=True))

        def append(writer: LedgerWriter) -> tuple[list[bool], list[RetrievalEvent | None]]:
            are_fit = [_follows_its_own(writer, event) for event in events]
            stored = writer.append_events([event for event, is_fit in zip(events, are_fit, strict=True) if is_fit])
            writer.save_vectors(texts.encoder.name, vectors)
            return are_fit, stored

        are_fit, kept = await self._storage.ledger.transact(append)
        stored = iter(kept)
        return [
            (next(stored) or UnknownEvent(event.id, event.namespace))
            if is_fit
            else UnknownEvent(event.follows or "", event.namespace)
            for event, is_fit in zip(events, are_fit, strict=True)
        ]


def _follows_its_own(writer: LedgerWriter, event: RetrievalEvent) -> bool:
    return event.follows is None or writer.event(event.follows, namespace=event.namespace) is not None
