"""How many cases, events and known outcomes a namespace has: a row for each kind of case, kept by `case_heads.follow`.

Events and their outcomes are counted in the row of plans, whatever kind they asked for.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import ClauseElement, bindparam, case, delete, func, select

from memento.memory.case import PLAN, POSITIVE_FROM
from memento.memory.ledger import schema
from memento.memory.ledger.prepared import Prepared, inserting
from memento.memory.ledger.rows import CheckedConnection, is_set_aside

WHOLE_LEDGER: Final = ""
"""Name of the row that counts the heads of all namespaces; none of them has an empty name."""

_COUNTS, _HEADS = schema.namespace_counts, schema.case_heads
_EVENTS, _OUTCOMES = schema.events, schema.outcomes


class NamespaceCounts(NamedTuple):
    """Counts of one namespace and kind."""

    heads: int = 0
    """Living cases: active, in quarantine or retired."""
    cases: int = 0
    """Those that are active or in quarantine."""
    positive: int = 0
    """Those of `cases` whose reward is at least `POSITIVE_FROM`."""
    active: int = 0
    ordinals: int = 0
    """Highest ordinal that a case has had."""
    events: int = 0
    """Of all kinds, in the row of plans."""
    known: int = 0
    """Events whose newest outcome has a reward."""

    def plus(self, change: Mapping[str, int]) -> "NamespaceCounts":
        """These counts after a change, by name."""
        return self._replace(**{name: getattr(self, name) + change[name] for name in self._fields if name in change})


def _upsert(database: str) -> ClauseElement:
    new = inserting(_COUNTS, database)
    upsert: ClauseElement = new.on_conflict_do_update(
        index_elements=[_COUNTS.c.namespace, _COUNTS.c.kind],
        set_={name: new.excluded[name] for name in NamespaceCounts._fields},
    )
    return upsert


_READ = Prepared(
    select(*(_COUNTS.c[name] for name in NamespaceCounts._fields)).where(
        _COUNTS.c.namespace == bindparam("namespace"), _COUNTS.c.kind == bindparam("kind")
    )
)
_SAVE = Prepared(_upsert, columns=_COUNTS.c.keys())
_DROP_ALL = Prepared(delete(_COUNTS))
_ALL_HEADS = Prepared(select(func.count()).select_from(_HEADS))
_IS_SERVABLE = _HEADS.c.status != "retired"
_COUNT_HEADS = Prepared(
    select(
        func.count(),
        func.count(case((_IS_SERVABLE, 1))),
        func.count(case((_IS_SERVABLE & (_HEADS.c.reward >= POSITIVE_FROM), 1))),
        func.count(case((_HEADS.c.status == "active", 1))),
        func.coalesce(func.max(_HEADS.c.ordinal), 0),
    ).where(_HEADS.c.namespace == bindparam("namespace"), _HEADS.c.kind == bindparam("kind"))
)
_COUNT_EVENTS = Prepared(
    select(func.count())
    .select_from(_EVENTS)
    .where(_EVENTS.c.namespace == bindparam("namespace"), ~is_set_aside(_EVENTS))
)
_NEWEST_TOLD = (
    select(func.max(_OUTCOMES.c.offset).label("offset"))
    .join_from(_OUTCOMES, _EVENTS, _EVENTS.c.event_id == _OUTCOMES.c.event_id)
    .where(_EVENTS.c.namespace == bindparam("namespace"), ~is_set_aside(_EVENTS))
    .group_by(_OUTCOMES.c.event_id)
    .subquery()
)
_COUNT_KNOWN = Prepared(
    select(func.count())
    .select_from(_NEWEST_TOLD.join(_OUTCOMES, _OUTCOMES.c.offset == _NEWEST_TOLD.c.offset))
    .where(_OUTCOMES.c.reward.is_not(None), ~is_set_aside(_OUTCOMES))
)


def counts_of(connection: CheckedConnection, namespace: str, kind: str = PLAN) -> NamespaceCounts | None:
    """The counts that are kept; None where they are not, and `counted` must look."""
    rows = _READ.rows(connection, namespace=namespace, kind=kind)
    return NamespaceCounts(*rows[0]) if rows else None


def counted(connection: CheckedConnection, namespace: str, kind: str = PLAN) -> NamespaceCounts:
    """Count the rows themselves, which takes its time; of `WHOLE_LEDGER`, the heads alone."""
    if namespace == WHOLE_LEDGER:
        return NamespaceCounts(heads=_ALL_HEADS.scalar(connection))
    events = known = 0
    if kind == PLAN:
        events, known = (query.scalar(connection, namespace=namespace) for query in (_COUNT_EVENTS, _COUNT_KNOWN))
    heads, cases, positive, active, ordinals = _COUNT_HEADS.rows(connection, namespace=namespace, kind=kind)[0]
    return NamespaceCounts(heads, cases, positive, active, ordinals, events, known)


def kept_counts(connection: CheckedConnection, namespace: str, kind: str = PLAN) -> NamespaceCounts:
    """The counts, made and kept where they are not; inside a transaction."""
    known = counts_of(connection, namespace, kind)
    if known is None:
        known = counted(connection, namespace, kind)
        save_counts(connection, namespace, kind, known)
    return known


def save_counts(connection: CheckedConnection, namespace: str, kind: str, counts: NamespaceCounts) -> None:
    """Keep counts, inside a transaction."""
    _SAVE.write(connection, [{"namespace": namespace, "kind": kind, **counts._asdict()}])


def drop_counts(connection: CheckedConnection) -> None:
    """Forget what is kept of every namespace: rows were set aside, or pass again. It is counted when next needed."""
    _DROP_ALL.write(connection, [{}])
