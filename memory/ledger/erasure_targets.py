"""Finds what an erasure takes: the rows that it names, and what belongs to them (runs, cycles, threads)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select

from memento.memory.case import ERASED
from memento.memory.errors import UnknownCase, UnknownEvent
from memento.memory.folding import folded
from memento.memory.ledger import schema
from memento.memory.ledger.erasure_links import Links
from memento.memory.ledger.rows import CheckedConnection

_REVISIONS, _EVENTS, _OUTCOMES = schema.case_revisions, schema.events, schema.outcomes
_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class ErasureScope:
    """What to erase in one namespace; several conditions erase what fits any of them."""

    namespace: str
    is_all: bool = False
    case_ids: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    matching: str = ""
    """Part of a text, whatever its letters' case and Unicode form."""
    before: str = ""
    """ISO 8601, UTC: what was written before, each case and event by itself; empty for whatever age."""

    @property
    def says_something(self) -> bool:
        """Whether it has a condition."""
        return bool(self.is_all or self.case_ids or self.event_ids or self.matching or self.before)

    def as_json(self) -> str:
        """The scope as a text, for `from_json`."""
        return json.dumps(self.__dict__)

    @classmethod
    def from_json(cls, text: str) -> "ErasureScope":
        """Parse the result of `as_json`."""
        fields: dict[str, Any] = json.loads(text)
        fields |= {name: tuple(fields[name]) for name in ("case_ids", "event_ids")}
        return cls(**fields)


@dataclass
class ErasureTargets:
    """Rows to erase."""

    cases: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    threads: set[str] = field(default_factory=set)
    """Conversations that the events and cases came from."""
    audit: list[tuple[int, bool]] = field(default_factory=list)
    """Offset of an audit line, and whether its subject is a text that goes, too."""
    snapshots: list[int] = field(default_factory=list)
    settings: list[int] = field(default_factory=list)


def check_ids(connection: CheckedConnection, scope: ErasureScope) -> None:
    """Raise unless the namespace has all cases and events that a scope names.

    Raises:
        UnknownCase, UnknownEvent: it has not.
    """
    revisions, events = _REVISIONS.c, _EVENTS.c
    for case_id in scope.case_ids:
        query = select(revisions.case_id).where(revisions.case_id == case_id, revisions.namespace == scope.namespace)
        if connection.scalar(query.limit(1)) is None:
            raise UnknownCase(case_id, scope.namespace)
    for event_id in scope.event_ids:
        query = select(events.event_id).where(events.event_id == event_id, events.namespace == scope.namespace)
        if connection.scalar(query) is None:
            raise UnknownEvent(event_id, scope.namespace)


def find_targets(connection: CheckedConnection, scope: ErasureScope) -> ErasureTargets:
    """Find the rows of a scope with what belongs to them.

    The runs that wrote a case, the cases and cycles of a run; and the guides that were written from a case of the same
    task, since a model may have copied its texts.

    What was erased before is left alone.
    """
    needle = _folded(scope.matching)
    targets, links = ErasureTargets(), Links()
    newest = _find_cases(connection, scope, needle, targets, links)
    erased = _find_events(connection, scope, needle, targets, links)
    _find_outcomes(connection, scope, needle, targets, links)
    if scope.before:
        targets.cases |= {case_id for case_id, at in newest.items() if at < scope.before}
        targets.cases |= links.same(targets.cases)
        targets.events |= links.same(targets.events)
    else:
        targets.cases, targets.events = links.closed(targets.cases, targets.events)
    targets.cases &= newest.keys()
    targets.events -= erased
    for one in targets.cases | targets.events:
        targets.threads |= links.threads[one]
    _find_rest(connection, scope, needle, targets)
    return targets


def _find_cases(
    connection: CheckedConnection, scope: ErasureScope, needle: str, targets: ErasureTargets, links: Links
) -> dict[str, str]:
    """Add the cases of a scope; returns the time of every living case's newest revision."""
    newest: dict[str, str] = {}
    for row in raw_rows(connection, _REVISIONS, scope.namespace):
        if row.status == "erased":
            continue
        body = raw_body(row.body)
        newest[row.case_id] = str(body.get("created_at", ""))
        links.add_case(row, body)
        if scope.is_all or row.case_id in scope.case_ids or _holds(row.body, body, needle):
            targets.cases.add(row.case_id)
    return newest


def _find_events(
    connection: CheckedConnection, scope: ErasureScope, needle: str, targets: ErasureTargets, links: Links
) -> set[str]:
    """Add the events of a scope; returns those that were erased before."""
    erased: set[str] = set()
    for row in raw_rows(connection, _EVENTS, scope.namespace):
        body = raw_body(row.body)
        if body.get("erased_at"):
            erased.add(row.event_id)
            continue
        links.add_event(row.event_id, body)
        is_old = bool(scope.before) and str(body.get("created_at", "")) < scope.before
        if scope.is_all or is_old or row.event_id in scope.event_ids or _holds(row.body, body, needle):
            targets.events.add(row.event_id)
    return erased


def _find_outcomes(
    connection: CheckedConnection, scope: ErasureScope, needle: str, targets: ErasureTargets, links: Links
) -> None:
    """Add the events whose outcomes are of a scope."""
    for row in raw_rows(connection, _OUTCOMES, scope.namespace):
        body = raw_body(row.body)
        links.add_outcome(row.event_id, body)
        if (scope.is_all and body.get("evaluator") != "erased") or _holds(row.body, body, needle):
            targets.events.add(row.event_id)


def _find_rest(connection: CheckedConnection, scope: ErasureScope, needle: str, targets: ErasureTargets) -> None:
    ids = targets.cases | targets.events
    for row in raw_rows(connection, schema.audit, scope.namespace):
        is_text = bool(needle) and needle in _folded(row.subject)
        is_name = scope.is_all and row.verb in ("snapshot", "rollback")
        is_about = scope.is_all or row.subject in ids or (bool(needle) and needle in _folded(row.detail))
        if (is_about and row.detail != ERASED and row.verb != "erase") or is_text:
            targets.audit.append((row.offset, is_text or is_name))
    for row in raw_rows(connection, schema.snapshots, scope.namespace):
        if scope.is_all or (needle and needle in _folded(row.name)):
            targets.snapshots.append(row.offset)
    for row in raw_rows(connection, schema.settings_versions, scope.namespace):
        if _holds(row.body, raw_body(row.body), needle):
            targets.settings.append(row.offset)


def raw_rows(connection: CheckedConnection, table: Table, namespace: str | None) -> Iterator[Any]:
    """Rows of a namespace as they are stored, damaged ones too, by offset; of every namespace where it is None."""
    after = 0
    while True:
        query = select(table).where(table.c.offset > after).order_by(table.c.offset).limit(_PAGE)
        rows = connection.execute(query if namespace is None else query.where(table.c.namespace == namespace)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].offset


def raw_body(body: Any) -> dict[str, Any]:
    """The JSON object of a body; empty where it is damaged."""
    try:
        found = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(raw: Any, body: Mapping[str, Any], needle: str) -> bool:
    """Whether a text of a body contains the needle; of a damaged one, what is left of it."""
    if not needle:
        return False
    return any(needle in _folded(text) for text in (_texts(body) if body else [str(raw)]))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _folded(text: str) -> str:
    return folded(text).casefold()
