"""What can be read from the ledger: events, cases, the change feed, figures. Pure queries, no writes."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from memento.memory import tables
from memento.memory.case import POSITIVE_FROM, Case, CaseStatus, text_hash
from memento.memory.database import sequence_chunks
from memento.memory.engines.port import Vector
from memento.memory.ledger import Ledger
from memento.memory.ledger_events import EventViews
from memento.memory.together import Together

_REVISIONS = tables.case_revisions
_LATER = aliased(_REVISIONS)
_IS_HEAD = ~exists().where(_LATER.c.case_id == _REVISIONS.c.case_id, _LATER.c.version > _REVISIONS.c.version)


_MAX_KNOWN_QUESTIONS = 100_000
"""Cases whose question is remembered; about 15 MB."""

_CasesOf = tuple[Sequence[str], str]
"""Ids and their namespace."""


class Change(NamedTuple):
    """One line of the change feed."""

    offset: int
    case: Case


class CaseUsage(NamedTuple):
    """How often a case was served and what came of it; derived from slots and newest outcomes."""

    exposures: int
    known_outcomes: int
    mean_reward: float | None


class LedgerCounts(NamedTuple):
    """Figures of one namespace."""

    cases: int
    positive: int
    negative: int
    events: int
    unknown: int
    """Events whose outcome is not known (or not yet)."""


class LedgerViews(EventViews):
    """Read side of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._cases = Together(self._find_cases)
        self._rewards = Together(self._find_rewards)
        self._questions: dict[str, str] = {}

    async def cases(self, ids: Sequence[str], *, namespace: str) -> dict[str, Case]:
        """The newest revisions of these cases, as far as they exist in the namespace; by id, sorted."""
        return await self._cases((ids, namespace)) if ids else {}

    async def active_rewards(self, ids: Sequence[str], *, namespace: str) -> dict[str, float]:
        """Own rewards of those of these cases that are active in the namespace; by id, sorted."""
        return await self._rewards((ids, namespace)) if ids else {}

    async def of_question(self, ids: Sequence[str], question: str, *, namespace: str) -> set[str]:
        """Those of these cases that are of a question, by their text.

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
        found: dict[str, Case] = {}
        async with self._ledger.reading() as connection:
            for chunk in sequence_chunks(_all_ids(asked)):
                query = select(_REVISIONS.c.body).where(_IS_HEAD, _REVISIONS.c.case_id.in_(chunk))
                for body in (await connection.scalars(query)).all():
                    case = Case.model_validate_json(body)
                    found[case.id] = case
        return [
            {one: found[one] for one in sorted(set(ids) & found.keys()) if found[one].namespace == namespace}
            for ids, namespace in asked
        ]

    async def _find_rewards(self, asked: Sequence[_CasesOf]) -> list[dict[str, float]]:
        found: dict[str, tuple[str, float]] = {}
        async with self._ledger.reading() as connection:
            for chunk in sequence_chunks(_all_ids(asked)):
                query = select(_REVISIONS.c.case_id, _REVISIONS.c.namespace, _REVISIONS.c.reward).where(
                    _IS_HEAD, _REVISIONS.c.case_id.in_(chunk), _REVISIONS.c.status == "active"
                )
                found.update((row[0], (row[1], row[2])) for row in (await connection.execute(query)).all())
        return [
            {one: found[one][1] for one in sorted(set(ids) & found.keys()) if found[one][0] == namespace}
            for ids, namespace in asked
        ]

    async def walk(
        self, *, namespace: str, status: CaseStatus | None = None, newest_first: bool = False, limit: int | None = None
    ) -> AsyncIterator[Case]:
        """The newest revision of every case of a namespace, in the order of their last change, page by page."""
        order, after, left = (-1 if newest_first else 1), 0 if not newest_first else 2**62, limit
        while left is None or left > 0:
            page = 500 if left is None else min(500, left)
            query = select(_REVISIONS.c.offset, _REVISIONS.c.body).where(_IS_HEAD, _REVISIONS.c.namespace == namespace)
            query = query.where(_REVISIONS.c.offset > after if order > 0 else _REVISIONS.c.offset < after)
            if status is not None:
                query = query.where(_REVISIONS.c.status == status)
            query = query.order_by(_REVISIONS.c.offset if order > 0 else _REVISIONS.c.offset.desc()).limit(page)
            async with self._ledger.reading() as connection:
                rows = (await connection.execute(query)).all()
            for _, body in rows:
                yield Case.model_validate_json(body)
            if len(rows) < page:
                return
            after = rows[-1].offset
            left = None if left is None else left - len(rows)

    async def active_ids(self, *, namespace: str, exclude_question: str | None, former_key: str = "") -> list[str]:
        """Ids of all active cases of a namespace, sorted, without those of one question.

        Args:
            namespace: whose cases.
            exclude_question: the hash of that question; None excludes nothing.
            former_key: the hash that an earlier release gave it: cases kept under either are judged by their text.
        """
        query = select(_REVISIONS.c.case_id, _REVISIONS.c.question).where(
            _IS_HEAD, _REVISIONS.c.namespace == namespace, _REVISIONS.c.status == "active"
        )
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query.order_by(_REVISIONS.c.case_id))).all()
        if exclude_question is None:
            return [row.case_id for row in rows]
        suspects = [row.case_id for row in rows if row.question in (exclude_question, former_key)]
        own = await self.of_question(suspects, exclude_question, namespace=namespace)
        return [row.case_id for row in rows if row.case_id not in own]

    async def changes(self, *, after: int, limit: int) -> list[Change]:
        """Case revisions of every namespace after an offset, in order: what a projection still has to apply."""
        query = select(_REVISIONS.c.offset, _REVISIONS.c.body).where(_REVISIONS.c.offset > after)
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query.order_by(_REVISIONS.c.offset).limit(limit))).all()
        return [Change(offset, Case.model_validate_json(body)) for offset, body in rows]

    async def newest_changes(self, *, namespace: str, after: int, limit: int) -> list[Change]:
        """Case revisions of a namespace after an offset, newest first: what an index that is behind cannot find."""
        # Not by the index on namespaces: by offsets, only what is new is looked at, however much there is.
        is_in = _REVISIONS.c.namespace.concat("") == namespace
        query = select(_REVISIONS.c.offset, _REVISIONS.c.body).where(_REVISIONS.c.offset > after, is_in)
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query.order_by(_REVISIONS.c.offset.desc()).limit(limit))).all()
        return [Change(offset, Case.model_validate_json(body)) for offset, body in rows]

    async def newest_offset(self) -> int:
        """Offset of the newest case revision, 0 for an empty ledger."""
        async with self._ledger.reading() as connection:
            return await connection.scalar(select(func.max(_REVISIONS.c.offset))) or 0

    async def n_cases_until(self, offset: int) -> int:
        """Number of distinct cases that exist at an offset: what a complete projection of it must hold."""
        query = select(func.count(func.distinct(_REVISIONS.c.case_id))).where(_REVISIONS.c.offset <= offset)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query) or 0

    async def vector_length(self, *, encoder: str) -> int | None:
        """How many numbers a kept vector of this encoder has; None when none is kept."""
        statement = select(tables.vectors.c.vector).where(tables.vectors.c.encoder == encoder).limit(1)
        async with self._ledger.reading() as connection:
            kept = await connection.scalar(statement)
        return None if kept is None else len(kept) // np.dtype(np.float32).itemsize

    async def vectors(self, texts: Sequence[str], *, encoder: str) -> dict[str, Vector]:
        """Encoded texts that are already kept: text to unit row, shape (dim,)."""
        by_hash = {text_hash(value): value for value in texts}
        found: dict[str, Vector] = {}
        async with self._ledger.reading() as connection:
            for chunk in sequence_chunks(list(by_hash)):
                query = select(tables.vectors.c.text_hash, tables.vectors.c.vector).where(
                    tables.vectors.c.encoder == encoder, tables.vectors.c.text_hash.in_(chunk)
                )
                for key, blob in (await connection.execute(query)).all():
                    found[by_hash[key]] = np.frombuffer(blob, np.float32)
        return found

    async def usage(self, case_id: str) -> CaseUsage:
        """Exposures and outcomes of one case, each event counted once with its newest outcome."""
        outcomes, slots = tables.outcomes, tables.slots
        newest = (
            select(func.max(outcomes.c.offset))
            .where(outcomes.c.event_id == slots.c.event_id)
            .correlate(slots)
            .scalar_subquery()
        )
        query = (
            select(func.count(), func.count(outcomes.c.reward), func.avg(outcomes.c.reward))
            .select_from(slots.outerjoin(outcomes, outcomes.c.offset == newest))
            .where(slots.c.case_id == case_id, or_(outcomes.c.body.is_(None), ~_leaves_out(outcomes.c.body, case_id)))
        )
        async with self._ledger.reading() as connection:
            exposures, known, mean = (await connection.execute(query)).one()
        return CaseUsage(exposures, known, mean)

    async def counts(self, *, namespace: str) -> LedgerCounts:
        """The figures `memento cases stats` shows."""
        heads = and_(_IS_HEAD, _REVISIONS.c.namespace == namespace, _REVISIONS.c.status != "retired")
        outcomes, events = tables.outcomes, tables.events
        newest = (
            select(outcomes.c.event_id, func.max(outcomes.c.offset).label("offset"))
            .where(outcomes.c.namespace == namespace)
            .group_by(outcomes.c.event_id)
            .subquery()
        )
        known = select(func.count()).select_from(newest.join(outcomes, outcomes.c.offset == newest.c.offset))
        async with self._ledger.reading() as connection:
            n_cases = await connection.scalar(select(func.count()).select_from(_REVISIONS).where(heads)) or 0
            n_positive = (
                await connection.scalar(
                    select(func.count()).select_from(_REVISIONS).where(heads, _REVISIONS.c.reward >= POSITIVE_FROM)
                )
                or 0
            )
            n_events = (
                await connection.scalar(select(func.count()).select_from(events).where(events.c.namespace == namespace))
                or 0
            )
            n_known = await connection.scalar(known.where(outcomes.c.reward.is_not(None))) or 0
        return LedgerCounts(n_cases, n_positive, n_cases - n_positive, n_events, n_events - n_known)

    async def fact(self, name: str) -> str | None:
        """A single remembered value."""
        async with self._ledger.reading() as connection:
            value: str | None = await connection.scalar(select(tables.facts.c.value).where(tables.facts.c.name == name))
        return value


def _all_ids(asked: Sequence[_CasesOf]) -> list[str]:
    return sorted({case_id for ids, _ in asked for case_id in ids})


def _leaves_out(body: ColumnElement[str], case_id: str) -> ColumnElement[bool]:
    """Whether an outcome says that the model was not shown the case; inside JSON strings quotes are never bare."""
    return body.like(f'%"left_out":[%"{case_id}"%]%')
