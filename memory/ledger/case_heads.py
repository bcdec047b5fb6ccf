"""One row per living case, its newest revision, made of the feed in the transaction that extends it; and draws from it.

Whatever appends revisions, events or outcomes: the end of its transaction looks at what is new since its beginning.
Heads and counts can be lost: no case is believed on their word, and `rebuild_heads` makes them from the revisions.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, bindparam, delete, func, insert, select

from memento.memory.case import PLAN, POSITIVE_FROM
from memento.memory.ledger import schema
from memento.memory.ledger.namespace_counts import (
    WHOLE_LEDGER,
    counted,
    counts_of,
    drop_counts,
    save_counts,
)
from memento.memory.ledger.newest_cases import IS_NEWEST
from memento.memory.ledger.prepared import Among, Prepared, inserting
from memento.memory.ledger.rows import CheckedConnection, is_set_aside

_REVISIONS, _EVENTS, _OUTCOMES, _HEADS = schema.case_revisions, schema.events, schema.outcomes, schema.case_heads
_NEW = _OUTCOMES.alias("new")

_Place = tuple[str, str]
"""Namespace and kind."""
_Change = dict[_Place, Counter[str]]
"""How much each count changes."""
_WHOLE: _Place = (WHOLE_LEDGER, PLAN)


class FeedEnds(NamedTuple):
    """Newest offsets of the three feeds; 0 where there is nothing."""

    revision: int
    event: int
    outcome: int


class _Revision(NamedTuple):
    offset: int
    case_id: str
    namespace: str
    status: str
    question: str
    reward: float
    kind: str

    def counts(self) -> Counter[str]:
        return _counts(self.status, self.reward)


def _upsert(database: str) -> ClauseElement:
    new = inserting(_HEADS, database)
    changed = ("revision_offset", "status", "question", "reward")
    upsert: ClauseElement = new.on_conflict_do_update(
        index_elements=[_HEADS.c.case_id], set_={name: new.excluded[name] for name in changed}
    )
    return upsert


_OF_REVISION = (
    *(_REVISIONS.c.offset, _REVISIONS.c.case_id, _REVISIONS.c.namespace),
    *(_REVISIONS.c.status, _REVISIONS.c.question, _REVISIONS.c.reward, _REVISIONS.c.kind),
)
_ENDS = Prepared(
    select(
        *(
            select(func.coalesce(func.max(table.c.offset), 0)).scalar_subquery()
            for table in (_REVISIONS, _EVENTS, _OUTCOMES)
        )
    )
)
_NEW_REVISIONS = Prepared(
    select(*_OF_REVISION).where(_REVISIONS.c.offset > bindparam("after")).order_by(_REVISIONS.c.offset)
)
_BY_ID = Prepared(
    select(_HEADS.c.case_id, _HEADS.c.ordinal, _HEADS.c.status, _HEADS.c.reward).where(Among(_HEADS.c.case_id, "ids"))
)
_SAVE = Prepared(_upsert, columns=_HEADS.c.keys())
_EXPECTED = select(
    *(_REVISIONS.c.case_id, _REVISIONS.c.namespace, _REVISIONS.c.offset),
    *(_REVISIONS.c.status, _REVISIONS.c.question, _REVISIONS.c.reward, _REVISIONS.c.kind),
).where(IS_NEWEST, _REVISIONS.c.status != "erased", ~is_set_aside(_REVISIONS))
_ORDINAL = func.row_number().over(
    partition_by=[_REVISIONS.c.namespace, _REVISIONS.c.kind], order_by=_REVISIONS.c.offset
)
_FILL = Prepared(
    insert(_HEADS).from_select(
        [*(one.name for one in _HEADS.c if one.name != "ordinal"), "ordinal"], _EXPECTED.add_columns(_ORDINAL)
    )
)
_SAID = select(*(one for one in _HEADS.c if one.name != "ordinal"))
_DIFFERENCE = [Prepared(one.except_(other).limit(1)) for one, other in ((_EXPECTED, _SAID), (_SAID, _EXPECTED))]
_DROP = Prepared(delete(_HEADS).where(_HEADS.c.case_id == bindparam("id")))
_DROP_ALL = Prepared(delete(_HEADS))
_DROP_AT = Prepared(delete(_HEADS).where(_HEADS.c.revision_offset == bindparam("offset")))
_NEW_EVENTS = Prepared(
    select(_EVENTS.c.namespace).where(_EVENTS.c.offset > bindparam("after")).order_by(_EVENTS.c.offset)
)
_TOLD = Prepared(
    select(
        *(_OUTCOMES.c.event_id, _OUTCOMES.c.offset, _OUTCOMES.c.reward, _EVENTS.c.namespace),
        is_set_aside(_OUTCOMES) | is_set_aside(_EVENTS),
    )
    .join_from(_OUTCOMES, _EVENTS, _EVENTS.c.event_id == _OUTCOMES.c.event_id)
    .where(_OUTCOMES.c.event_id.in_(select(_NEW.c.event_id).where(_NEW.c.offset > bindparam("after"))))
    .order_by(_OUTCOMES.c.offset)
)


def feed_ends(connection: CheckedConnection) -> FeedEnds:
    """The newest offsets."""
    return FeedEnds(*_ENDS.rows(connection)[0])


def follow(connection: CheckedConnection, since: FeedEnds) -> None:
    """Bring heads and counts up to date with what this transaction has appended.

    Args:
        connection: in the transaction, before it is committed.
        since: the ends at its beginning.
    """
    now, change = feed_ends(connection), _Change()
    if now.revision > since.revision:
        _follow_revisions(connection, since.revision, change)
    if now.event > since.event:
        for (namespace,) in _NEW_EVENTS.rows(connection, after=since.event):
            change.setdefault((namespace, PLAN), Counter())["events"] += 1
    if now.outcome > since.outcome:
        _follow_outcomes(connection, since.outcome, change)
    for place, changed in change.items():
        before = counts_of(connection, *place)
        save_counts(connection, *place, counted(connection, *place) if before is None else before.plus(changed))


def heads_differ(connection: CheckedConnection) -> bool:
    """Whether the heads are not those of the revisions. Looks at every case."""
    return any(query.rows(connection) for query in _DIFFERENCE)


def rebuild_heads(connection: CheckedConnection) -> None:
    """Make all heads anew from the revisions, inside a transaction; counts are made when next needed."""
    _DROP_ALL.write(connection, [{}])
    _FILL.write(connection, [{}])
    drop_counts(connection)


def set_aside_heads(connection: CheckedConnection, offsets: Sequence[int]) -> None:
    """Drop the heads of damaged revisions, and all counts: what was counted may be among what is left out now."""
    if offsets:
        _DROP_AT.write(connection, [{"offset": offset} for offset in offsets])
    drop_counts(connection)


def _follow_revisions(connection: CheckedConnection, after: int, change: _Change) -> None:
    newest = {(one := _Revision(*row)).case_id: one for row in _NEW_REVISIONS.rows(connection, after=after)}
    before = {row[0]: row[1:] for row in _BY_ID.rows(connection, ids=list(newest))}
    ordinals: dict[_Place, int] = {}
    saved, dropped = list[dict[str, Any]](), list[dict[str, Any]]()
    for one in newest.values():
        place = one.namespace, one.kind
        of_place = change.setdefault(place, Counter())
        ordinal, *said = before.get(one.case_id, (None,))
        if said:
            of_place.subtract(_counts(*said))
        if one.status == "erased":
            dropped.append({"id": one.case_id})
            continue
        of_place.update(one.counts())
        if ordinal is None:
            if place not in ordinals:
                known = counts_of(connection, *place) or counted(connection, *place)
                ordinals[place] = known.ordinals
            ordinal = ordinals[place] = ordinals[place] + 1
            of_place["ordinals"] += 1
        saved.append(
            {
                "case_id": one.case_id,
                "namespace": one.namespace,
                "ordinal": ordinal,
                "revision_offset": one.offset,
                "status": one.status,
                "question": one.question,
                "reward": one.reward,
                "kind": one.kind,
            }
        )
    if saved:
        _SAVE.write(connection, saved)
    if dropped:
        _DROP.write(connection, dropped)
    whole = change.setdefault(_WHOLE, Counter())
    whole["heads"] = sum(counts["heads"] for place, counts in change.items() if place != _WHOLE)


def _follow_outcomes(connection: CheckedConnection, after: int, change: _Change) -> None:
    was_known, is_known, namespaces = dict[str, bool](), dict[str, bool](), dict[str, str]()
    for event_id, offset, reward, namespace, is_left_out in _TOLD.rows(connection, after=after):
        is_known[event_id] = reward is not None and not is_left_out
        namespaces[event_id] = namespace
        if offset <= after:
            was_known[event_id] = is_known[event_id]
    for event_id, namespace in namespaces.items():
        change.setdefault((namespace, PLAN), Counter())["known"] += is_known[event_id] - was_known.get(event_id, False)


def _counts(status: str, reward: float) -> Counter[str]:
    """What one head of this status and reward counts for."""
    is_servable = status != "retired"
    return Counter(
        heads=1,
        cases=int(is_servable),
        positive=int(is_servable and reward >= POSITIVE_FROM),
        active=int(status == "active"),
    )
