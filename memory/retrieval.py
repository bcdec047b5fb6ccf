"""The read side of the memory: recall candidates, let the policy choose, record the choice with its propensities."""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from memento.memory.arguments import checked_count
from memento.memory.case import PLAN, Case, CaseKind, ScoredCase, former_question_hash, question_hash
from memento.memory.choosing import Choosing, LearnerOf
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.estimators.port import EstimatorName
from memento.memory.event import Candidate, RetrievalEvent
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.picture_search import PictureQuery
from memento.memory.pictures import CasePicture, picture_key
from memento.memory.policies.own import Policies
from memento.memory.reading import Reading, Recall
from memento.memory.recalling import Recalling
from memento.memory.storage import Storage


class _Near(NamedTuple):
    candidates: list[Candidate]
    bank_version: int
    is_degraded: bool
    notices: list[str]


class Retrieval:
    """Read, in two steps: `recall` finds candidates, `select` chooses among them."""

    def __init__(
        self,
        *,
        storage: Storage,
        policies: Policies,
        learner: LearnerOf,
        choosing: Choosing,
    ) -> None:
        """Wire the parts.

        Args:
            storage: where cases are.
            policies: by name.
            learner: the learner of a namespace, estimator and kind, for policies that rank by what was learned.
            choosing: lets policies choose.
        """
        self._storage = storage
        self._policies = policies
        self._recalling = Recalling(storage)
        self._choosing = choosing
        self._learner = learner

    async def recall(
        self,
        query: str,
        *,
        policy: str,
        namespace: str,
        task: str | None = None,
        follows: str | None = None,
        seed: int | None = None,
        key: str = "",
        kind: CaseKind = PLAN,
        picture: CasePicture | None = None,
    ) -> Recall:
        """Find the candidates that the policy will choose from.

        Args:
            query: what to look up.
            policy: a policy name.
            namespace: whose cases.
            task: the task alone, where the query says more; it is the task's own cases that are never found.
            follows: the event of the planning cycle before this one in the same run.
            seed: of this reading's random choices.
            key: the task's key, which is its identity where it has one.
            kind: of the cases that are found.
            picture: of the situation; without a key, it is part of the task's identity.

        Raises:
            InvalidInput: empty query, unknown policy.
            EncoderUnavailable: the query cannot be encoded.
        """
        if not query.strip():
            raise InvalidInput("the query is empty")
        chosen_by = self._policies.named(policy)
        asked = query if task is None else task
        if picture is not None and not key:
            key = picture_key(asked, picture.hash)
        question = question_hash(asked, key)
        candidates: list[Candidate] = []
        pool_size, bank_version = 0, 0
        sought = PictureQuery() if chosen_by.pool == "empty" else await self._recalling.query(picture)
        is_degraded, notices = sought.is_degraded, list(sought.notices)
        if chosen_by.pool == "nearest":
            near = await self._near(query, question, namespace, kind, sought, chosen_by.estimator)
            candidates, pool_size, bank_version = near.candidates, len(near.candidates), near.bank_version
            is_degraded, notices = near.is_degraded, near.notices
        elif chosen_by.pool == "uniform":
            former_key = former_question_hash(asked, key)
            rng = self._choosing.generator(seed)
            candidates, pool_size = await self._recalling.drawn(
                query, question, namespace, rng, former_key=former_key, kind=kind
            )
            bank_version = await self._storage.views.newest_offset()
        if sought.vector is not None:
            candidates, is_partial, more = await self._recalling.compared(candidates, sought.vector, namespace)
            is_degraded, notices = is_degraded or is_partial, [*notices, *more]
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
            key=key,
            kind=kind,
        )

    async def _near(
        self,
        query: str,
        question: str,
        namespace: str,
        kind: CaseKind,
        sought: PictureQuery,
        estimator: EstimatorName | None,
    ) -> _Near:
        """The nearest cases by text, those by picture, and what an estimator suggests beside them."""
        nearest = await self._recalling.nearest(query, question, namespace, kind)
        candidates, until = [Candidate(*hit) for hit in nearest.hits], nearest.bank_version
        is_degraded, notices = sought.is_degraded or nearest.is_degraded, [*sought.notices, *nearest.notices]
        if sought.vector is not None:
            known = {one.case_id for one in candidates}
            pictured, is_partial, more = await self._recalling.pictured(
                query, sought.vector, question, namespace, known, until, kind
            )
            candidates += pictured
            is_degraded, notices = is_degraded or is_partial, [*notices, *more]
        if candidates and estimator is not None and not is_degraded:
            learner = await self._learner(namespace, estimator, kind)
            known = {one.case_id for one in candidates}
            suggested, is_degraded, more = await self._recalling.suggested(
                query, question, namespace, learner, known, until, kind
            )
            candidates += suggested
            notices = list(dict.fromkeys([*notices, *more]))
        return _Near(candidates, until, is_degraded, notices)

    async def select(
        self, recall: Recall, *, k: int, max_tokens: int | None = None, is_caught_up: bool = False
    ) -> Reading:
        """Let the policy choose, and record the choice. The same recall twice gives the same reading.

        Args:
            recall: the candidates.
            k: how many cases at most.
            max_tokens: of all cases together, estimated; None: no limit.
            is_caught_up: the recall was made just now, so that what it has learned for that is up to date.

        Raises:
            InvalidInput: k or max_tokens below 0, unknown policy.
            UnknownEvent: the event that it follows or is part of is not of this namespace.
            LedgerUnavailable: the choice cannot be recorded.
        """
        k = checked_count("k", k)
        max_tokens = None if max_tokens is None else checked_count("max_tokens", max_tokens)
        recalled = [candidate.case_id for candidate in recall.candidates]
        while True:
            cases, offset = await self._storage.views.cases_at(recalled, namespace=recall.namespace)
            event = await self._choosing.event(recall, cases, k=k, max_tokens=max_tokens, is_caught_up=is_caught_up)
            stored = await self._recorded(event, recalled, offset)
            if stored is not None:  # else a case has changed meanwhile, perhaps in another process
                line = await self._choosing.line(recall, stored.usual)
                return await self._reading(stored, cases if stored is event else {}, recall.notices, line)

    async def _recorded(self, event: RetrievalEvent, recalled: Sequence[str], offset: int) -> RetrievalEvent | None:
        """Record a selection, unless one of the recalled cases has changed since a ledger offset.

        A ledger that is only read has no record of it: its cases are served all the same, and nothing can be learned
        from what comes of it, for that cannot be written either.

        Returns:
            What is recorded under this id, which may be an earlier selection; None when a case has changed.
        """
        if self._storage.ledger.only_read_because:
            return event
        views, texts = self._storage.views, self._storage.texts
        vectors = {event.query: await texts.one(event.query)} if event.candidates else {}

        def append(writer: LedgerWriter) -> RetrievalEvent | None:
            if views.newest.changed_since(writer, recalled, offset):
                return None
            for other in filter(None, (event.follows, event.part_of)):
                if writer.event(other, namespace=event.namespace) is None:
                    raise UnknownEvent(other, event.namespace)
            stored = writer.append_event(event)
            if stored is None:
                raise UnknownEvent(event.id, event.namespace)
            if stored is event:
                writer.save_vectors(texts.encoder.name, vectors)
            return stored

        return await self._storage.ledger.transact(append)

    async def _reading(
        self, event: RetrievalEvent, known: Mapping[str, Case], notices: Sequence[str], line: float
    ) -> Reading:
        cases = known if known or not event.case_ids else await self._served(event)
        scored = [
            ScoredCase(cases[slot.case_id], slot.similarity, slot.score, slot.slot, slot.propensity)
            for slot in event.slots
            if slot.case_id is not None and slot.case_id in cases
        ]
        told = [*notices, *self._storage.ledger.set_aside.take_notices()]
        return Reading(event.id, scored, event.policy, event.n_outcomes, event.is_degraded, event.slots, told, line)

    async def _served(self, event: RetrievalEvent) -> dict[str, Case]:
        return await self._storage.views.cases(event.case_ids, namespace=event.namespace)
