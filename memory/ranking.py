"""Ranks documents of any retriever by what they were worth before: the memory as a reranker that learns from rewards.

A document is kept like a case, in a namespace of its own beside the one that it is ranked for: with its text as state
and a neutral reward, and only once it was served. So estimators learn what serving it is worth, as they do for cases,
while reads, counts, exports and estimates of the namespace itself know nothing of it. The same text is the same
document, whatever retriever, id or metadata it comes with; none of these is kept.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from memento.memory.arguments import checked_count, checked_seed, checked_text
from memento.memory.case import Case, Provenance, case_id, storable, utc_now
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.estimators.port import EstimatorName
from memento.memory.event import Candidate, RetrievalEvent, Slot
from memento.memory.index.engines.port import Vector
from memento.memory.learning.learner import Learner
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.namespaces import documents_of
from memento.memory.policies.own import Policies
from memento.memory.policies.port import Candidates, choose
from memento.memory.products import cosines
from memento.memory.reading import slot_of
from memento.memory.storage import Storage
from memento.memory.text_limits import MAX_STATE_CHARS, bounded

MAX_CANDIDATES: Final = 1_000
"""Documents of one ranking: what a retriever finds, not a collection."""

_NEUTRAL: Final = 0.5
"""Reward of a document itself, which nobody has graded: the same for all, so that it ranks none above another."""


class TextDocument(Protocol):
    """A document with a text, such as LangChain's `Document`."""

    page_content: str


D = TypeVar("D", bound="str | TextDocument")


class RankedDocument(NamedTuple, Generic[D]):
    """A document that was served."""

    document: D
    """The candidate as it was given."""
    position: int
    """Its position among the candidates, from 0."""
    document_id: str
    """Of its text in this namespace; the `case_id` of its slot."""
    similarity: float
    """Cosine between the task and its text, in [-1, 1]."""
    score: float
    """What the policy ranked by; its unit is the policy's own."""
    slot: int
    """Its position among the ranking's slots, from 0; empty ones are counted too."""
    propensity: float
    """Probability with which the policy put it into this slot, given the slots before it; in (0, 1]."""


class Ranking(NamedTuple, Generic[D]):
    """The documents chosen for one task."""

    event_id: str
    """Give it to `CaseMemory.feedback` with a reward, so that the memory learns what these documents are worth."""
    documents: list[RankedDocument[D]]
    """Best first; at most k, and fewer where the policy left slots empty."""
    policy: str
    n_outcomes: int
    """How many rewards of rankings the policy had learned from."""
    slots: list[Slot]
    """Every slot in order; `case_id` is None where the policy chose to serve nothing."""
    notices: list[str]


class Ranker:
    """Ranks given documents, and records each ranking as an event."""

    def __init__(
        self,
        *,
        storage: Storage,
        policies: Policies,
        learner: Callable[[str, EstimatorName], Awaitable[Learner]],
        rng: np.random.Generator,
    ) -> None:
        """Wire the parts.

        Args:
            storage: where documents and events are kept.
            policies: by name.
            learner: the learner of a namespace and estimator.
            rng: source of every random choice.
        """
        self._storage = storage
        self._policies = policies
        self._learner = learner
        self._rng = rng

    async def rank(
        self, task: str, candidates: Sequence[D], *, k: int, policy: str, namespace: str, seed: int | None
    ) -> Ranking[D]:
        """Choose among documents; see `CaseMemory.rank`."""
        k = checked_count("k", k)
        if not checked_text("the task", task).strip():
            raise InvalidInput("the task is empty")
        chosen_by, place = self._policies.named(policy), documents_of(namespace)
        positions, notices = _distinct(candidates)
        documents = [] if chosen_by.pool == "empty" else _documents(positions, place)
        row_ND = await self._storage.texts.rows([task, *(document.state for document in documents)])
        similarity_C = cosines(row_ND[1:], row_ND[0])
        reward_C = np.full(len(documents), _NEUTRAL, np.float32)
        estimates, version, settings_version = None, 0, 0
        if documents and chosen_by.estimator is not None:
            learner = await self._learner(place, chosen_by.estimator)
            estimates, version, settings_version = await learner.estimates(row_ND[0], documents, similarity_C)
        known = Candidates(similarity_C, reward_C, estimates, len(documents))
        rng = self._rng if seed is None else np.random.default_rng(checked_seed(seed))
        recalled = [Candidate(one.id, float(cosine)) for one, cosine in zip(documents, similarity_C, strict=True)]
        slots = [
            slot_of(number, choice, recalled, reward_C, estimates)
            for number, choice in enumerate(choose(chosen_by, known, k=k, rng=rng))
        ]
        event = RetrievalEvent(
            id=str(uuid.uuid4()),
            namespace=place,
            query=task,
            policy=chosen_by.name,
            n_outcomes=version,
            settings_version=settings_version,
            bank_version=0,
            candidates=recalled,
            slots=slots,
        )
        by_id = {document.id: (document, row_D) for document, row_D in zip(documents, row_ND[1:], strict=True)}
        await self._record(event, row_ND[0], [by_id[served] for served in event.case_ids])
        at = {document.id: position for document, position in zip(documents, positions.values(), strict=False)}
        served = [_ranked(slot, slot.case_id, candidates, at) for slot in slots if slot.case_id is not None]
        return Ranking(event.id, served, event.policy, version, slots, notices)

    async def _record(self, event: RetrievalEvent, task_D: Vector, served: Sequence[tuple[Case, Vector]]) -> None:
        """Keep the event, and the documents that it serves; a ledger that is only read keeps neither."""
        if self._storage.ledger.only_read_because:
            return
        encoder = self._storage.texts.encoder.name

        def append(writer: LedgerWriter) -> None:
            writer.look_up(events=[], cases=[document.id for document, _ in served], namespaces=[event.namespace])
            if writer.append_event(event) is None:
                raise UnknownEvent(event.id, event.namespace)
            vectors = {event.query: task_D} if event.candidates else {}
            for document, row_D in served:
                head = writer.head(document.id, namespace=event.namespace)
                if head is None or head.case is None or head.case.status != "active":
                    writer.append_case(document)
                    vectors[document.state] = row_D
            writer.save_vectors(encoder, vectors)

        await self._storage.ledger.transact(append)


def _distinct(candidates: Sequence[Any]) -> tuple[dict[str, int], list[str]]:
    """Texts of the candidates with the position of the first that has it, and notices of those left out.

    Raises:
        InvalidInput: too many, or something that is neither a text nor a document with one.
    """
    if isinstance(candidates, str) or not isinstance(candidates, Sequence):
        raise InvalidInput(f"the candidates are a {type(candidates).__name__}: give a list of texts or documents")
    if len(candidates) > MAX_CANDIDATES:
        raise InvalidInput(
            f"{len(candidates):,} documents were given, at most {MAX_CANDIDATES:,} are ranked at once; give those "
            "that a retriever finds for the task"
        )
    positions: dict[str, int] = {}
    n_empty = 0
    for position, candidate in enumerate(candidates):
        text = candidate if isinstance(candidate, str) else getattr(candidate, "page_content", None)
        if not isinstance(text, str):
            raise InvalidInput(
                f"candidate {position} is neither a text nor a document with `page_content`, but a "
                f"{type(candidate).__name__}"
            )
        if text.strip():
            positions.setdefault(bounded(storable(text), MAX_STATE_CHARS), position)
        else:
            n_empty += 1
    return positions, [f"{n_empty} of {len(candidates)} documents have no text and were left out"] if n_empty else []


def _documents(texts: Iterable[str], namespace: str) -> list[Case]:
    # made once: pydantic would copy the default for each of them, which takes longer than all the rest
    origin, now = Provenance(), utc_now()
    return [
        Case(
            id=case_id(namespace, text, ""),
            namespace=namespace,
            state=text,
            action="",
            reward=_NEUTRAL,
            provenance=origin,
            created_at=now,
        )
        for text in texts
    ]


def _ranked(slot: Slot, document_id: str, candidates: Sequence[D], at: dict[str, int]) -> RankedDocument[D]:
    position = at[document_id]
    return RankedDocument(
        candidates[position], position, document_id, slot.similarity, slot.score, slot.slot, slot.propensity
    )
