"""What can be read from the ledger about reads: events, their outcomes, and both as experiences to learn from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from memento.memory import tables
from memento.memory.event import Experience, Outcome, OutcomeRange, RetrievalEvent
from memento.memory.ledger import Ledger


class EventViews:
    """Read side of one ledger's events."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def event(self, event_id: str, *, namespace: str) -> RetrievalEvent | None:
        """The event of this id in this namespace, or None."""
        query = select(tables.events.c.body).where(
            tables.events.c.event_id == event_id, tables.events.c.namespace == namespace
        )
        async with self._ledger.reading() as connection:
            body = await connection.scalar(query)
        return None if body is None else RetrievalEvent.model_validate_json(body)

    async def outcome(self, event_id: str) -> Outcome | None:
        """The outcome that counts for an event: its newest."""
        outcomes = tables.outcomes
        query = select(outcomes.c.body).where(outcomes.c.event_id == event_id).order_by(outcomes.c.offset.desc())
        async with self._ledger.reading() as connection:
            body = await connection.scalar(query.limit(1))
        return None if body is None else Outcome.model_validate_json(body)

    async def experiences(
        self, *, namespace: str, after: int, limit: int, skipped: Sequence[OutcomeRange] = ()
    ) -> list[Experience]:
        """Outcomes after an offset with what was served, in order, without those of degraded events.

        An outcome whose reward is None says that the event's earlier ones, if any, are withdrawn. Outcomes in the
        `skipped` ranges are treated as if they had never come.
        """
        query = _experiences(namespace).where(tables.outcomes.c.offset > after, *_outside(skipped, tables.outcomes))
        return await self._parse_experiences(query.order_by(tables.outcomes.c.offset).limit(limit))

    async def newest_experiences(
        self, *, namespace: str, until: int, limit: int, skipped: Sequence[OutcomeRange] = ()
    ) -> list[Experience]:
        """What was believed at an offset: the newest outcome of each event, if known; the last `limit`, in order."""
        outcomes, later = tables.outcomes, aliased(tables.outcomes)
        is_replaced = exists().where(
            later.c.event_id == outcomes.c.event_id,
            later.c.offset > outcomes.c.offset,
            later.c.offset <= until,
            *_outside(skipped, later),
        )
        query = _experiences(namespace).where(
            outcomes.c.offset <= until, outcomes.c.reward.is_not(None), ~is_replaced, *_outside(skipped, outcomes)
        )
        return (await self._parse_experiences(query.order_by(outcomes.c.offset.desc()).limit(limit)))[::-1]

    async def newest_outcome_offset(self) -> int:
        """Offset of the newest outcome of any namespace, 0 when there is none."""
        async with self._ledger.reading() as connection:
            return await connection.scalar(select(func.max(tables.outcomes.c.offset))) or 0

    async def n_known_outcomes(self, *, namespace: str) -> int:
        """Number of known outcomes that estimates rest on: of reads that were not degraded, corrections included."""
        outcomes, events = tables.outcomes, tables.events
        query = (
            select(func.count())
            .select_from(outcomes.join(events, events.c.event_id == outcomes.c.event_id))
            .where(outcomes.c.namespace == namespace, outcomes.c.reward.is_not(None), events.c.is_degraded.is_(False))
        )
        async with self._ledger.reading() as connection:
            return await connection.scalar(query) or 0

    async def _parse_experiences(self, query: Select[Any]) -> list[Experience]:
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query)).all()
        parsed = [(row, Outcome.model_validate_json(row.outcome)) for row in rows]
        return [
            _experience(row.offset, outcome, RetrievalEvent.model_validate_json(row.event)) for row, outcome in parsed
        ]


def _experience(offset: int, outcome: Outcome, event: RetrievalEvent) -> Experience:
    shown = event.without(outcome.left_out)
    return Experience(offset, outcome.reward, outcome.confidence, shown, is_partial=shown is not event)


def _experiences(namespace: str) -> Select[Any]:
    outcomes, events = tables.outcomes, tables.events
    return (
        select(outcomes.c.offset, outcomes.c.body.label("outcome"), events.c.body.label("event"))
        .join(events, events.c.event_id == outcomes.c.event_id)
        .where(outcomes.c.namespace == namespace, events.c.is_degraded.is_(False))
    )


def _outside(ranges: Sequence[OutcomeRange], outcomes: FromClause) -> list[ColumnElement[bool]]:
    return [or_(outcomes.c.offset <= after, outcomes.c.offset > until) for after, until in ranges]
