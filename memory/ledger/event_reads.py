"""Queries for events, their outcomes, both as observations to learn from, and what they say of a case."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, func, or_, select

from memento.memory.case import CaseKind
from memento.memory.event import ObservedOutcome, Outcome, OutcomeRange, RetrievalEvent
from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.prepared import unindexed
from memento.memory.ledger.rows import EVENTS, OUTCOMES, CheckedConnection, is_set_aside

_N_OUTCOME_COLUMNS = len(OUTCOMES.columns)
_OFFSET = schema.outcomes.c.keys().index("offset")
_EVENT_ID = schema.outcomes.c.keys().index("event_id")
_PAGE = 500


class CaseUsage(NamedTuple):
    """How often a case was served, with which outcomes; derived from events and their newest outcomes."""

    exposures: int
    known_outcomes: int
    mean_reward: float | None


class EventViews:
    """Queries of one ledger's events and outcomes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def ledger(self) -> Ledger:
        """The ledger that is asked."""
        return self._ledger

    async def event(self, event_id: str, *, namespace: str) -> RetrievalEvent | None:
        """The event of this id in this namespace, or None."""
        events = schema.events.c
        query = select(*EVENTS.columns).where(events.event_id == event_id, events.namespace == namespace)
        return await self._ledger.query(lambda connection: connection.first(EVENTS, query))

    async def outcome(self, event_id: str, *, namespace: str) -> Outcome | None:
        """Newest outcome of an event of this namespace, which counts; None where it cannot be read."""
        return await self._ledger.query(
            lambda connection: _newest_outcomes(connection, [event_id], namespace).get(event_id)
        )

    async def usage(self, case_id: str, *, namespace: str) -> CaseUsage:
        """Exposures and outcomes of one case, each event counted once with its newest outcome."""
        events, slots = schema.events.c, schema.slots.c
        query = select(*EVENTS.columns).join(schema.slots, slots.event_id == events.event_id)
        query = query.where(slots.case_id == case_id, unindexed(events.namespace) == namespace)

        def look(connection: CheckedConnection) -> CaseUsage:
            served = [event for event in connection.records(EVENTS, query) if case_id in event.case_ids]
            newest = _newest_outcomes(connection, [event.id for event in served], namespace)
            shown = [one for event in served if (one := newest.get(event.id)) is None or case_id not in one.left_out]
            rewards = [one.reward for one in shown if one is not None and one.reward is not None]
            return CaseUsage(len(shown), len(rewards), sum(rewards) / len(rewards) if rewards else None)

        return await self._ledger.query(look)

    async def observations(
        self, *, namespace: str, after: int, limit: int, skipped: Sequence[OutcomeRange] = ()
    ) -> list[ObservedOutcome]:
        """Outcomes after an offset with the cases served, in order, without those of degraded events.

        An outcome whose reward is None says that the event's earlier ones, if any, are withdrawn; one that cannot be
        read says the same, for what was believed before may be what it corrected. Outcomes in the `skipped` ranges are
        treated as if they had never come.

        Returns:
            At most `limit`; empty only when there are none after the offset.
        """
        offset = schema.outcomes.c.offset

        def look(connection: CheckedConnection) -> list[ObservedOutcome]:
            start = after
            while True:
                query = _served(namespace).where(offset > start, *outside(skipped, schema.outcomes))
                rows = connection.execute(query.order_by(offset).limit(limit)).all()
                found = observations_of(connection, rows)
                if found or len(rows) < limit:
                    return found
                start = rows[-1][_OFFSET]

        return await self._ledger.query(look)

    async def newest_observations(
        self,
        *,
        namespace: str,
        until: int,
        limit: int,
        skipped: Sequence[OutcomeRange] = (),
        kind: CaseKind | None = None,
    ) -> list[ObservedOutcome]:
        """Newest known outcome of each event at an offset, of one kind or all; the last `limit`, in order."""
        offset = schema.outcomes.c.offset

        def look(connection: CheckedConnection) -> list[ObservedOutcome]:
            told, found, before = set[str](), list[ObservedOutcome](), until + 1
            while True:
                query = _served(namespace).where(offset < before, *outside(skipped, schema.outcomes))
                rows = connection.execute(query.order_by(offset.desc()).limit(_PAGE)).all()
                for row in rows:
                    one = None if row[_EVENT_ID] in told else _observation(connection, row)
                    if one is None:
                        continue
                    told.add(row[_EVENT_ID])  # a damaged one too: what it replaced is not believed again
                    if one.reward is not None and kind in (None, one.event.kind):
                        found.append(one)
                    if len(found) == limit:
                        return found[::-1]
                if len(rows) < _PAGE:
                    return found[::-1]
                before = rows[-1][_OFFSET]

        return await self._ledger.query(look)

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


def observations_of(connection: CheckedConnection, rows: Sequence[Sequence[Any]]) -> list[ObservedOutcome]:
    """The observations of rows of outcomes with their events, without those that count for nothing."""
    found = (_observation(connection, row) for row in rows)
    return [one for one in found if one is not None]


def _observation(connection: CheckedConnection, row: Sequence[Any]) -> ObservedOutcome | None:
    """The observation of an outcome and its event, unknown where the outcome is damaged; None where there is none."""
    event = connection.checked(EVENTS, row[_N_OUTCOME_COLUMNS:])
    outcome = connection.checked(OUTCOMES, row[:_N_OUTCOME_COLUMNS])
    if event is None or (outcome is not None and outcome.namespace != event.namespace):
        return None
    if outcome is None:
        return ObservedOutcome(row[_OFFSET], None, 1.0, event)
    shown = event.without(outcome.left_out)
    return ObservedOutcome(row[_OFFSET], outcome.reward, outcome.confidence, shown, is_partial=shown is not event)


def _newest_outcomes(
    connection: CheckedConnection, event_ids: Sequence[str], namespace: str
) -> dict[str, Outcome | None]:
    """The newest outcome of each of these events of a namespace, by event; None where that cannot be read."""
    outcomes, newest = schema.outcomes.c, dict[str, Outcome | None]()
    for chunk in sequence_chunks(list(dict.fromkeys(event_ids))):
        # not by namespace: that is a column which may be damaged, and the older outcome would be believed again
        query = select(*OUTCOMES.columns).where(outcomes.event_id.in_(chunk)).order_by(outcomes.offset)
        for row, outcome in connection.found(OUTCOMES, query):
            if outcome is None or outcome.namespace == namespace:
                newest[row[_EVENT_ID]] = outcome
    return newest


def _served(namespace: str) -> Select[Any]:
    """Outcomes with their events; the namespace is the event's, because a damaged outcome's may be another."""
    outcomes, events = schema.outcomes, schema.events
    return (
        select(*OUTCOMES.columns, *EVENTS.columns)
        .join_from(outcomes, events, events.c.event_id == outcomes.c.event_id)
        .where(unindexed(events.c.namespace) == namespace, events.c.is_degraded.is_(False))
    )


def _is_of_event() -> ColumnElement[bool]:
    """Whether an outcome and its event are of the same namespace, whatever a row contains."""
    outcomes, events = schema.outcomes.c, schema.events.c
    return (events.event_id == outcomes.event_id) & (events.namespace == outcomes.namespace)


def outside(ranges: Sequence[OutcomeRange], outcomes: FromClause) -> list[ColumnElement[bool]]:
    """Conditions that an outcome is in none of these ranges."""
    return [or_(outcomes.c.offset <= after, outcomes.c.offset > until) for after, until in ranges]
