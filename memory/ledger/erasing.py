"""Erases texts from the ledger's rows: finds what belongs together, and puts tombstones in its place.

A tombstone keeps its row's offset, ids, version, reward and time, and says `[erased]` where texts were. Each erased
case gets one more revision that says so, which the search index follows as it follows everything else.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Table, delete, func, insert, select, update

from memento.memory.case import ERASED, text_hash, utc_now
from memento.memory.folding import folded
from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.rows import AUDIT, SNAPSHOTS, CheckedConnection
from memento.memory.ledger.tombstones import erased_case, erased_event, erased_outcome, last_word
from memento.memory.ledger.writes import LedgerWriter

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


class ErasedCounts(NamedTuple):
    """How many rows were erased, or would be."""

    cases: int = 0
    events: int = 0
    outcomes: int = 0
    audit_lines: int = 0
    vectors: int = 0


class _Links(NamedTuple):
    """Links between cases, events and threads of one namespace."""

    events_of_case: dict[str, set[str]]
    cases_of_event: dict[str, set[str]]
    related: dict[str, set[str]]
    """Event to the one that it follows, and those that follow it."""
    threads: dict[str, set[str]]
    """Case or event to the threads that it came from."""
    same: dict[str, set[str]]
    """Id of a row's column to the one of its body and back, where damage made them differ."""


def find_targets(connection: CheckedConnection, scope: ErasureScope) -> ErasureTargets:
    """The rows of a scope with what belongs to them: the runs that wrote a case, the cases and cycles of a run.

    What was erased before is left alone.
    """
    needle = _folded(scope.matching)
    targets, links = ErasureTargets(), _Links(*[defaultdict[str, set[str]](set) for _ in _Links._fields])
    newest: dict[str, str] = {}
    for row in _rows(connection, _REVISIONS, scope.namespace):
        if row.status == "erased":
            continue
        body = _parsed(row.body)
        newest[row.case_id] = str(body.get("created_at", ""))
        _link_same(links, row.case_id, body.get("id"))
        if row.event_id:
            links.events_of_case[row.case_id].add(row.event_id)
            links.cases_of_event[row.event_id].add(row.case_id)
        links.threads[row.case_id].update(_thread(body.get("provenance")))
        if scope.is_all or row.case_id in scope.case_ids or _holds(row.body, body, needle):
            targets.cases.add(row.case_id)
    erased: set[str] = set()
    for row in _rows(connection, _EVENTS, scope.namespace):
        body = _parsed(row.body)
        if body.get("erased_at"):
            erased.add(row.event_id)
            continue
        if follows := body.get("follows"):
            links.related[row.event_id].add(follows)
            links.related[follows].add(row.event_id)
        is_old = bool(scope.before) and str(body.get("created_at", "")) < scope.before
        if scope.is_all or is_old or row.event_id in scope.event_ids or _holds(row.body, body, needle):
            targets.events.add(row.event_id)
    for row in _rows(connection, _OUTCOMES, scope.namespace):
        body = _parsed(row.body)
        links.threads[row.event_id].update(_thread(body.get("attempt")))
        _link_same(links, row.event_id, body.get("event_id"))
        if (scope.is_all and body.get("evaluator") != "erased") or _holds(row.body, body, needle):
            targets.events.add(row.event_id)
    if scope.before:
        targets.cases |= {case_id for case_id, at in newest.items() if at < scope.before}
        targets.cases |= {other for one in targets.cases for other in links.same.get(one, ())}
        targets.events |= {other for one in targets.events for other in links.same.get(one, ())}
    else:
        _close(targets, links)
    targets.cases &= newest.keys()
    targets.events -= erased
    for one in targets.cases | targets.events:
        targets.threads |= links.threads[one]
    _find_rest(connection, scope, needle, targets)
    return targets


def count_targets(connection: CheckedConnection, targets: ErasureTargets) -> ErasedCounts:
    """How many rows would be erased; vectors are counted only when they are."""
    n_outcomes = 0
    for chunk in sequence_chunks(sorted(targets.events)):
        query = select(func.count()).select_from(_OUTCOMES).where(_OUTCOMES.c.event_id.in_(chunk))
        n_outcomes += connection.scalar(query) or 0
    return ErasedCounts(len(targets.cases), len(targets.events), n_outcomes, len(targets.audit))


def erase_rows(writer: LedgerWriter, namespace: str, targets: ErasureTargets) -> ErasedCounts:
    """Replace rows by tombstones, and delete the vectors of their texts where no living row has the same."""
    at, hashes = utc_now(), set[str]()
    for chunk in sequence_chunks(sorted(targets.cases)):
        last: dict[str, Mapping[str, Any]] = {}
        query = select(_REVISIONS).where(_REVISIONS.c.case_id.in_(chunk), _REVISIONS.c.namespace == namespace)
        for row in writer.execute(query.order_by(_REVISIONS.c.version)).all():
            hashes |= _hashes(_parsed(row.body)) | {row.state_hash}
            last[row.case_id] = fields = row._mapping if row.status == "erased" else erased_case(row)
            if row.status != "erased":
                writer.execute(update(_REVISIONS).where(_REVISIONS.c.offset == row.offset).values(fields))
                _no_longer_set_aside(writer, _REVISIONS, row.offset)
        writer.execute(insert(_REVISIONS), [last_word(fields) for fields in last.values()])
    n_outcomes = 0
    for chunk in sequence_chunks(sorted(targets.events)):
        query = select(_EVENTS).where(_EVENTS.c.event_id.in_(chunk), _EVENTS.c.namespace == namespace)
        asked: dict[str, str] = {}
        for row in writer.execute(query).all():
            body = _parsed(row.body)
            hashes |= _hashes(body)
            asked[row.event_id] = str(body.get("task") or body.get("query") or "")
            writer.execute(update(_EVENTS).where(_EVENTS.c.offset == row.offset).values(erased_event(row, at)))
            _no_longer_set_aside(writer, _EVENTS, row.offset)
        query = select(_OUTCOMES).where(_OUTCOMES.c.event_id.in_(chunk), _OUTCOMES.c.namespace == namespace)
        for row in writer.execute(query).all():
            attempt = _parsed(row.body).get("attempt")
            hashes |= _hashes({"state": asked.get(row.event_id), **(attempt if isinstance(attempt, dict) else {})})
            writer.execute(update(_OUTCOMES).where(_OUTCOMES.c.offset == row.offset).values(erased_outcome(row)))
            _no_longer_set_aside(writer, _OUTCOMES, row.offset)
            n_outcomes += 1
    _erase_rest(writer, targets)
    n_vectors = _drop_vectors(writer, hashes)
    return ErasedCounts(len(targets.cases), len(targets.events), n_outcomes, len(targets.audit), n_vectors)


def _link_same(links: _Links, column: str, in_body: Any) -> None:
    if isinstance(in_body, str) and in_body != column:
        links.same[column].add(in_body)
        links.same[in_body].add(column)


def _close(targets: ErasureTargets, links: _Links) -> None:
    """Add what belongs to the targets, until nothing is new."""
    cases, events = set(targets.cases), set(targets.events)
    while cases or events:
        new_events = {one for case_id in cases for one in links.events_of_case.get(case_id, ())}
        new_events |= {one for event_id in events for one in links.related.get(event_id, ())}
        new_events |= {one for event_id in events for one in links.same.get(event_id, ())}
        new_cases = {one for event_id in events for one in links.cases_of_event.get(event_id, ())}
        new_cases |= {one for case_id in cases for one in links.same.get(case_id, ())}
        cases, events = new_cases - targets.cases, new_events - targets.events
        targets.cases |= cases
        targets.events |= events


def _find_rest(connection: CheckedConnection, scope: ErasureScope, needle: str, targets: ErasureTargets) -> None:
    ids = targets.cases | targets.events
    for row in _rows(connection, schema.audit, scope.namespace):
        is_text = bool(needle) and needle in _folded(row.subject)
        is_name = scope.is_all and row.verb in ("snapshot", "rollback")
        is_about = scope.is_all or row.subject in ids or (bool(needle) and needle in _folded(row.detail))
        if (is_about and row.detail != ERASED and row.verb != "erase") or is_text:
            targets.audit.append((row.offset, is_text or is_name))
    for row in _rows(connection, schema.snapshots, scope.namespace):
        if scope.is_all or (needle and needle in _folded(row.name)):
            targets.snapshots.append(row.offset)
    for row in _rows(connection, schema.settings_versions, scope.namespace):
        if _holds(row.body, _parsed(row.body), needle):
            targets.settings.append(row.offset)


def _erase_rest(writer: LedgerWriter, targets: ErasureTargets) -> None:
    for offset, is_subject_text in targets.audit:
        row = _row(writer, schema.audit, offset)
        row |= {"detail": ERASED} | ({"subject": ERASED} if is_subject_text else {})
        _replace(writer, schema.audit, AUDIT.signed(row))
    for offset in targets.snapshots:
        row = _row(writer, schema.snapshots, offset) | {"name": f"erased-{offset}"}
        _replace(writer, schema.snapshots, SNAPSHOTS.signed(row))
    for offset in targets.settings:
        row = _row(writer, schema.settings_versions, offset)
        body = json.dumps({**_parsed(row["body"]), "reason": ERASED, "report": {}})
        _replace(writer, schema.settings_versions, _signed_version({**row, "body": body}))


def _row(writer: LedgerWriter, table: Table, offset: int) -> dict[str, Any]:
    return dict(writer.execute(select(table).where(table.c.offset == offset)).one()._mapping)


def _replace(writer: LedgerWriter, table: Table, row: dict[str, Any]) -> None:
    writer.execute(update(table).where(table.c.offset == row["offset"]).values(row))


def _signed_version(row: dict[str, Any]) -> dict[str, Any]:
    covered = DIGEST_COLUMNS[schema.settings_versions.name]
    return row | {"digest": row_digest(schema.settings_versions.name, [row[name] for name in covered])}


def _drop_vectors(writer: LedgerWriter, hashes: set[str]) -> int:
    """Delete the vectors under these hashes, of every encoder, but those that a living row may need."""
    hashes -= _living_hashes(writer, hashes)
    n_deleted = 0
    for chunk in sequence_chunks(sorted(hashes)):
        n_deleted += writer.execute(delete(schema.vectors).where(schema.vectors.c.text_hash.in_(chunk))).rowcount
    return n_deleted


def _living_hashes(writer: LedgerWriter, hashes: set[str]) -> set[str]:
    """Those of the hashes that are of a text of a row of any namespace which was not erased."""
    living, asked = set[str](), dict[str, str]()
    for table in (_REVISIONS, _EVENTS, _OUTCOMES):
        for row in _rows(writer, table, None):
            body = _parsed(row.body)
            if table is _EVENTS:
                asked[row.event_id] = str(body.get("task") or body.get("query") or "")
            if table is _OUTCOMES:
                attempt = body.get("attempt")
                body = {"state": asked.get(row.event_id), **(attempt if isinstance(attempt, dict) else {})}
            living |= _hashes(body) & hashes
    return living


def _hashes(body: Mapping[str, Any]) -> set[str]:
    """Content addresses of the texts of a record, in every form in which they are encoded."""
    state, action = body.get("state"), body.get("action")
    texts = [state, action, body.get("query"), body.get("task")]
    if isinstance(state, str) and isinstance(action, str):
        texts.append(f"{state}\n{action}")
    return {text_hash(text) for text in texts if isinstance(text, str) and text != ERASED}


def _rows(connection: CheckedConnection, table: Table, namespace: str | None) -> Iterator[Any]:
    """Rows of a namespace as they are stored, damaged ones too, by offset; of every namespace where it is None."""
    after = 0
    while True:
        query = select(table).where(table.c.offset > after).order_by(table.c.offset).limit(_PAGE)
        rows = connection.execute(query if namespace is None else query.where(table.c.namespace == namespace)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].offset


def _parsed(body: Any) -> dict[str, Any]:
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


def _thread(record: Any) -> set[str]:
    found = record.get("thread_id") if isinstance(record, dict) else None
    return {found} if isinstance(found, str) else set()


def _no_longer_set_aside(writer: LedgerWriter, table: Table, offset: int) -> None:
    rows = schema.set_aside.c
    writer.execute(delete(schema.set_aside).where(rows.table_name == table.name, rows.row_key == str(offset)))
