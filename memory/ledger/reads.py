"""Queries for cases, the change feed and counts. No writes."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from sqlalchemy import bindparam, select

from memento.memory.case import CASE_KINDS, PLAN, Case, CaseKind, CaseStatus, text_hash
from memento.memory.coalescer import Coalescer
from memento.memory.ledger import schema
from memento.memory.ledger.case_draws import active_heads, draw_heads, heads_of_question, n_heads_until
from memento.memory.ledger.event_reads import EventViews
from memento.memory.ledger.feed_reads import FeedViews
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.namespace_counts import NamespaceCounts, counted, counts_of, kept_counts
from memento.memory.ledger.newest_cases import IS_NEWEST, NewestCases
from memento.memory.ledger.picture_rows import PictureViews
from memento.memory.ledger.prepared import Prepared, unindexed
from memento.memory.ledger.rows import CASES, CheckedConnection
from memento.memory.ledger.vector_reads import VectorViews
from memento.memory.lessons import LESSON

_REVISIONS = schema.case_revisions
_OFFSET = _REVISIONS.c.keys().index("offset")
_IS_LIVING = _REVISIONS.c.status != "erased"

_MAX_KNOWN_QUESTIONS = 100_000
"""Maximum number of cases whose question is cached; about 15 MB."""

_PAGE = 500

_FACT = Prepared(select(schema.facts.c.value).where(schema.facts.c.name == bindparam("name")))

C = TypeVar("C")

_CasesOf = tuple[Sequence[str], str]
"""Ids and their namespace."""


def erasures_fact(namespace: str) -> str:
    """Name of the fact that counts a namespace's erasures."""
    return f"erasures:{text_hash(namespace)}"


class LedgerCounts(NamedTuple):
    """Counts of one namespace."""

    cases: int
    """Of all kinds; lessons are neither positive nor negative."""
    positive: int
    negative: int
    events: int
    unknown: int
    """Events whose outcome is not known (or not yet)."""


class LedgerViews(FeedViews, EventViews, VectorViews, PictureViews):
    """Queries of one ledger's cases, events, vectors and pictures."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.newest = NewestCases()
        self._cases = Coalescer(self._find_cases)
        self._questions: dict[str, str] = {}

    async def cases(self, ids: Sequence[str], *, namespace: str) -> dict[str, Case]:
        """Newest revisions of those of these cases that exist in the namespace; by id, sorted."""
        return await self._cases((ids, namespace)) if ids else {}

    async def cases_at(self, ids: Sequence[str], *, namespace: str) -> tuple[dict[str, Case], int]:
        """Those of these cases that the namespace has, erased ones included, as they were at a ledger offset.

        From memory where all are there, which may be late: ask `newest.changed_since` in the transaction that relies
        on them.

        Returns:
            The cases by id, and the offset.
        """
        known = self.newest.in_memory(ids, namespace=namespace)
        if known is not None or not ids:
            return known or ({}, 0)
        return await self._ledger.query(lambda connection: self.newest.find_at(connection, ids, namespace=namespace))

    async def active_rewards(self, ids: Sequence[str], *, namespace: str) -> dict[str, float]:
        """Own rewards of those of these cases that are active in the namespace; by id, sorted."""
        found = await self.cases(ids, namespace=namespace)
        return {case.id: case.reward for case in found.values() if case.status == "active"}

    async def of_question(self, ids: Sequence[str], question: str, *, namespace: str) -> set[str]:
        """Ids of those of these cases that have this question, by their text.

        The key that is kept beside a case may be one of before November 2026 (see `former_question_hash`), in the
        ledger and in an index, and cannot tell: it may miss a case of the question, which is found here, and hide one
        of another (2⁸ from who asks for 28), which costs one case and gives nothing away.
        """
        unknown = [case_id for case_id in ids if case_id not in self._questions]
        if len(self._questions) + len(unknown) > _MAX_KNOWN_QUESTIONS:
            self._questions.clear()
            unknown = list(ids)
        found = await self.cases(unknown, namespace=namespace)
        self._questions |= {case.id: case.question for case in found.values()}
        return {case_id for case_id in ids if self._questions.get(case_id) == question}

    async def _find_cases(self, asked: Sequence[_CasesOf]) -> list[dict[str, Case]]:
        def look(connection: CheckedConnection) -> list[dict[str, Case]]:
            return [self.newest.find(connection, ids, namespace=namespace) for ids, namespace in asked]

        return [
            {case_id: found[case_id] for case_id in sorted(found) if found[case_id].status != "erased"}
            for found in await self._ledger.query(look)
        ]

    async def walk(
        self,
        *,
        namespace: str,
        status: CaseStatus | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        kind: CaseKind | None = None,
    ) -> AsyncIterator[Case]:
        """The newest revision of every case of a namespace, in the order of their last change, page by page.

        Args:
            namespace: whose cases.
            status: which ones; None for all.
            newest_first: the last changed ones first.
            limit: how many at most.
            kind: which ones; None for all.
        """
        order, after, left = (-1 if newest_first else 1), 0 if not newest_first else 2**62, limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            query = select(*CASES.columns).where(IS_NEWEST, _IS_LIVING, _REVISIONS.c.namespace == namespace)
            query = query.where(_REVISIONS.c.offset > after if order > 0 else _REVISIONS.c.offset < after)
            if status is not None:
                query = query.where(_REVISIONS.c.status == status)
            if kind is not None:
                query = query.where(_REVISIONS.c.kind == kind)
            query = query.order_by(_REVISIONS.c.offset if order > 0 else _REVISIONS.c.offset.desc()).limit(page)
            rows = await self._ledger.query(lambda connection, query=query: connection.found(CASES, query))  # type: ignore[misc]
            for found in rows:
                if found.record is not None:
                    yield found.record
            if len(rows) < page:
                return
            after = rows[-1].row[_OFFSET]
            left = None if left is None else left - len(rows)

    async def active_ids(
        self, *, namespace: str, exclude_question: str | None, former_key: str = "", kind: CaseKind = PLAN
    ) -> list[str]:
        """Ids of all active cases of a namespace and kind, sorted, without those of one question.

        Args:
            namespace: whose cases.
            exclude_question: the hash of that question; None excludes nothing.
            former_key: the hash that an earlier release gave it: cases kept under either are judged by their text.
            kind: of the cases.
        """
        rows = await self._ledger.query(lambda connection: active_heads(connection, namespace, kind))
        if exclude_question is None:
            return [case_id for case_id, _ in rows]
        suspects = [case_id for case_id, key in rows if key in (exclude_question, former_key)]
        own = await self.of_question(suspects, exclude_question, namespace=namespace)
        return [case_id for case_id, _ in rows if case_id not in own]

    async def draw(
        self,
        n: int,
        *,
        namespace: str,
        exclude_question: str,
        former_key: str,
        rng: np.random.Generator,
        kind: CaseKind = PLAN,
    ) -> tuple[list[str], int]:
        """A uniform sample without replacement of a namespace's active cases of a kind, but those of one question.

        Args:
            n: how many, at most.
            namespace: whose cases.
            exclude_question: as for `active_ids`, and `former_key` too.
            former_key: the hash that an earlier release gave it.
            rng: source of the draws.
            kind: of the cases.

        Returns:
            Ids in random order, and the number of cases that they were drawn from.
        """

        def look(connection: CheckedConnection) -> tuple[list[str], int]:
            suspects = heads_of_question(connection, namespace, [exclude_question, former_key], kind)
            found = self.newest.find(connection, suspects, namespace=namespace)
            own = {case.id for case in found.values() if case.question == exclude_question}
            return draw_heads(connection, n, namespace=namespace, own=own, rng=rng, kind=kind)

        return await self._ledger.query(look)

    async def n_cases_until(self, offset: int) -> int:
        """Number of distinct cases at an offset, without those that are known to be damaged.

        What a complete projection of it must hold, unless there is damage that nobody has met yet.
        """
        return await self._ledger.query(lambda connection: n_heads_until(connection, offset))

    async def n_readable_cases_until(self, offset: int) -> int:
        """Number of distinct cases at an offset that can be read, without those erased.

        Each row is checked, which takes its time.
        """
        found, after = set[str](), 0
        while after < offset and (page := await self.changes(after=after, limit=_PAGE)):
            cases = [one.case for one in page if one.case is not None and one.offset <= offset]
            found |= {case.id for case in cases if case.status != "erased"}
            after = page[-1].offset
        return len(found)

    async def counts(self, *, namespace: str) -> LedgerCounts:
        """Counts for `memento cases stats`, of all kinds of case together."""
        known = await self._counts(namespace)
        judged = [one for kind, one in zip(CASE_KINDS, known, strict=True) if kind != LESSON]
        n_cases, n_positive = sum(one.cases for one in known), sum(one.positive for one in judged)
        n_negative = sum(one.cases for one in judged) - n_positive
        n_events, n_known = sum(one.events for one in known), sum(one.known for one in known)
        return LedgerCounts(n_cases, n_positive, n_negative, n_events, n_events - n_known)

    async def n_of_kinds(self, *, namespace: str) -> dict[CaseKind, int]:
        """How many of the cases that `counts` counts are of each kind; kinds without any are left out."""
        known = await self._counts(namespace)
        return {kind: one.cases for kind, one in zip(CASE_KINDS, known, strict=True) if one.cases}

    async def _counts(self, namespace: str) -> list[NamespaceCounts]:
        """Counts of each kind of case."""

        def look(counts: Callable[[CheckedConnection, str, CaseKind], C]) -> Callable[[CheckedConnection], list[C]]:
            return lambda connection: [counts(connection, namespace, kind) for kind in CASE_KINDS]

        kept = await self._ledger.query(look(counts_of))
        known = [one for one in kept if one is not None]
        if len(known) == len(kept):
            return known
        if self._ledger.only_read_because:
            return await self._ledger.query(look(counted))
        return await self._ledger.transact(look(kept_counts))

    async def erased_among(self, ids: Sequence[str], *, namespace: str) -> set[str]:
        """Those of these cases whose newest revision says that they were erased."""
        query = select(_REVISIONS.c.case_id).where(
            IS_NEWEST, ~_IS_LIVING, unindexed(_REVISIONS.c.namespace) == namespace, _REVISIONS.c.case_id.in_(ids)
        )
        return set(await self._ledger.query(lambda connection: connection.scalars(query)))

    async def n_erasures(self, *, namespace: str) -> int:
        """How often something of a namespace has been erased: what was learned before must not be used."""
        return int(await self.fact(erasures_fact(namespace)) or 0)

    async def fact(self, name: str) -> str | None:
        """A single stored value by key."""
        value: str | None = await self._ledger.query(lambda connection: _FACT.scalar(connection, name=name))
        return value
