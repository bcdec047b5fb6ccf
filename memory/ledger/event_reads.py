"""Queries for events, their outcomes, both as observations to learn from, and what they say of a case."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from memento.memory.event import Observation, Outcome, OutcomeRange, RetrievalEvent
from memento.memory.ledger import schema
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.rows import EVENTS, OUTCOMES, CheckedConnection, is_set_aside

_N_OUTCOME_COLUMNS = len(OUTCOMES.columns)
_OFFSET = schema.outcomes.c.keys().index("offset")


class CaseUsage(NamedTuple):
    """How often a case was served, with which outcomes; derived from events and their newest outcomes."""

    exposures: int
    known_outcomes: int
    mean_reward: float | None


class EventViews:
    """Queries of one ledger's events and outcomes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def event(self, event_id: str, *, namespace: str) -> RetrievalEvent | None:
        """The event of this id in this namespace, or None."""
        events = schema.events.c
        query = select(*EVENTS.columns).where(events.event_id == event_id, events.namespace == namespace)
        return await self._ledger.query(lambda connection: connection.first(EVENTS, query))

    async def outcome(self, event_id: str, *, namespace: str) -> Outcome | None:
        """Newest outcome of an event of this namespace, which counts; None where it cannot be read."""
        outcomes = schema.outcomes.c  # not by namespace: that is a column which may be damaged
        query = select(*OUTCOMES.columns).where(outcomes.event_id == event_id).order_by(outcomes.offset.desc())

        def look(connection: CheckedConnection) -> Outcome | None:
            told = (one.record for one in connection.found(OUTCOMES, query))
            return next((outcome for outcome in told if outcome is None or outcome.namespace == namespace), None)

        return await self._ledger.query(look)

    async def usage(self, case_id: str, *, namespace: str) -> CaseUsage:
        """Exposures and outcomes of one case, each event counted once with its newest outcome."""
        events, outcomes, slots = schema.events, schema.outcomes, schema.slots
        newest = (
            select(func.max(outcomes.c.offset))
            .where(outcomes.c.event_id == slots.c.event_id, outcomes.c.namespace == namespace)
            .correlate(slots)
            .scalar_subquery()
        )
        query = (
            select(*EVENTS.columns, *OUTCOMES.columns)
            .select_from(
                slots.join(events, events.c.event_id == slots.c.event_id).outerjoin(
                    outcomes, outcomes.c.offset == newest
                )
            )
            .where(slots.c.case_id == case_id, events.c.namespace == namespace)
        )
        n_columns = len(EVENTS.columns)

        def look(connection: CheckedConnection) -> CaseUsage:
            n_exposures, rewards = 0, []
            for row in connection.execute(query).all():
                event, told = connection.checked(EVENTS, row[:n_columns]), row[n_columns:]
                if event is None or case_id not in event.case_ids:
                    continue
                outcome = None if told[0] is None else connection.checked(OUTCOMES, told)
                if outcome is not None and case_id in outcome.left_out:
                    continue
                n_exposures += 1
                if outcome is not None and outcome.reward is not None:
                    rewards.append(outcome.reward)
            return CaseUsage(n_exposures, len(rewards), sum(rewards) / len(rewards) if rewards else None)

        return await self._ledger.query(look)

    async def observations(
        self, *, namespace: str, after: int, limit: int, skipped: Sequence[OutcomeRange] = ()
    ) -> list[Observation]:
        """Outcomes after an offset with the cases served, in order, without those of degraded events.

        An outcome whose reward is None says that the event's earlier ones, if any, are withdrawn; one that cannot be
        read says the same, for what was believed before may be what it corrected. Outcomes in the `skipped` ranges are
        treated as if they had never come.

        Returns:
            At most `limit`; empty only when there are none after the offset.
        """
        offset = schema.outcomes.c.offset

        def look(connection: CheckedConnection) -> list[Observation]:
            start = after
            while True:
                query = _served(namespace).where(offset > start, *_outside(skipped, schema.outcomes))
                rows = connection.execute(query.order_by(offset).limit(limit)).all()
                found = _observations(connection, rows)
                if found or len(rows) < limit:
                    return found
                start = rows[-1][_OFFSET]

        return await self._ledger.query(look)

    async def newest_observations(
        self, *, namespace: str, until: int, limit: int, skipped: Sequence[OutcomeRange] = ()
    ) -> list[Observation]:
        """Newest known outcome of each event at an offset; the last `limit`, in order."""
        outcomes, later = schema.outcomes, aliased(schema.outcomes)
        is_replaced = exists().where(
            later.c.event_id == outcomes.c.event_id,
            later.c.namespace == outcomes.c.namespace,
            later.c.offset > outcomes.c.offset,
            later.c.offset <= until,
            *_outside(skipped, later),
        )
        query = _served(namespace).where(
            outcomes.c.offset <= until, outcomes.c.reward.is_not(None), ~is_replaced, *_outside(skipped, outcomes)
        )
        query = query.order_by(outcomes.c.offset.desc()).limit(limit)

        def look(connection: CheckedConnection) -> list[Observation]:
            return _observations(connection, connection.execute(query).all())[::-1]

        return [one for one in await self._ledger.query(look) if one.reward is not None]

    async def newest_outcome_offset(self) -> int:
        """Offset of the newest outcome of any namespace, 0 when there is none."""
        query = select(func.max(schema.outcomes.c.offset))
        return await self._ledger.query(lambda connection: connection.scalar(query)) or 0

    async def n_known_outcomes(self, *, namespace: str) -> int:
        """Number of known outcomes that estimates rest on: of reads that were not degraded, corrections included."""
        outcomes, events = schema.outcomes, schema.events
        query = (
            select(func.count())
            .select_from(outcomes.join(events, _is_of_event()))
            .where(outcomes.c.namespace == namespace, outcomes.c.reward.is_not(None), events.c.is_degraded.is_(False))
            .where(~is_set_aside(outcomes), ~is_set_aside(events))
        )
        return await self._ledger.query(lambda connection: connection.scalar(query)) or 0


def _observations(connection: CheckedConnection, rows: Sequence[Sequence[Any]]) -> list[Observation]:
    found = []
    for row in rows:
        event = connection.checked(EVENTS, row[_N_OUTCOME_COLUMNS:])
        outcome = connection.checked(OUTCOMES, row[:_N_OUTCOME_COLUMNS])
        if event is None or (outcome is not None and outcome.namespace != event.namespace):
            continue
        if outcome is None:
            found.append(Observation(row[_OFFSET], None, 1.0, event))
            continue
        shown = event.without(outcome.left_out)
        is_partial = shown is not event
        found.append(Observation(row[_OFFSET], outcome.reward, outcome.confidence, shown, is_partial=is_partial))
    return found


def _served(namespace: str) -> Select[Any]:
    """Outcomes with their events; the namespace is the event's, because a damaged outcome's may be another."""
    outcomes, events = schema.outcomes, schema.events
    return (
        select(*OUTCOMES.columns, *EVENTS.columns)
        .join_from(outcomes, events, events.c.event_id == outcomes.c.event_id)
        .where(events.c.namespace == namespace, events.c.is_degraded.is_(False))
    )


def _is_of_event() -> ColumnElement[bool]:
    """Whether an outcome and its event are of the same namespace, whatever a row contains."""
    outcomes, events = schema.outcomes.c, schema.events.c
    return (events.event_id == outcomes.event_id) & (events.namespace == outcomes.namespace)


def _outside(ranges: Sequence[OutcomeRange], outcomes: FromClause) -> list[ColumnElement[bool]]:
    return [or_(outcomes.c.offset <= after, outcomes.c.offset > until) for after, until in ranges]
