"""Erases texts from the ledger's rows by putting tombstones in their place.

A tombstone keeps its row's offset, ids, version, reward and time, and says `[erased]` where texts were. Each erased
case gets one more revision that says so, which the search index follows as it follows everything else.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Table, delete, func, insert, select, update

from memento.memory.case import ERASED, text_hash, utc_now
from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.erasure_targets import ErasureTargets, raw_body, raw_rows
from memento.memory.ledger.namespace_counts import drop_counts
from memento.memory.ledger.picture_rows import drop_unnamed_pictures
from memento.memory.ledger.prepared import unindexed
from memento.memory.ledger.rows import AUDIT, SNAPSHOTS, CheckedConnection
from memento.memory.ledger.tombstones import erased_case, erased_event, erased_outcome, last_word
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.plan_text import encoded_action

_REVISIONS, _EVENTS, _OUTCOMES = schema.case_revisions, schema.events, schema.outcomes


class ErasedCounts(NamedTuple):
    """How many rows were erased, or would be."""

    cases: int = 0
    events: int = 0
    outcomes: int = 0
    audit_lines: int = 0
    vectors: int = 0
    pictures: int = 0


def count_targets(connection: CheckedConnection, targets: ErasureTargets) -> ErasedCounts:
    """How many rows would be erased; vectors and pictures are counted only when they are."""
    n_outcomes = 0
    for chunk in sequence_chunks(sorted(targets.events)):
        query = select(func.count()).select_from(_OUTCOMES).where(_OUTCOMES.c.event_id.in_(chunk))
        n_outcomes += connection.scalar(query) or 0
    return ErasedCounts(len(targets.cases), len(targets.events), n_outcomes, len(targets.audit))


def erase_rows(writer: LedgerWriter, namespace: str, targets: ErasureTargets) -> ErasedCounts:
    """Replace rows by tombstones, and delete their pictures and vectors where no living row has the same."""
    at, hashes = utc_now(), set[str]()
    for chunk in sequence_chunks(sorted(targets.cases)):
        last: dict[str, Mapping[str, Any]] = {}
        query = select(_REVISIONS).where(
            _REVISIONS.c.case_id.in_(chunk), unindexed(_REVISIONS.c.namespace) == namespace
        )
        for row in writer.execute(query.order_by(_REVISIONS.c.version)).all():
            hashes |= _hashes(raw_body(row.body)) | {row.state_hash}
            last[row.case_id] = fields = row._mapping if row.status == "erased" else erased_case(row)
            if row.status != "erased":
                writer.execute(update(_REVISIONS).where(_REVISIONS.c.offset == row.offset).values(fields))
                _no_longer_set_aside(writer, _REVISIONS, row.offset)
        writer.execute(insert(_REVISIONS), [last_word(fields) for fields in last.values()])
    n_outcomes = 0
    for chunk in sequence_chunks(sorted(targets.events)):
        query = select(_EVENTS).where(_EVENTS.c.event_id.in_(chunk), unindexed(_EVENTS.c.namespace) == namespace)
        asked: dict[str, str] = {}
        for row in writer.execute(query).all():
            body = raw_body(row.body)
            hashes |= _hashes(body)
            asked[row.event_id] = str(body.get("task") or body.get("query") or "")
            writer.execute(update(_EVENTS).where(_EVENTS.c.offset == row.offset).values(erased_event(row, at)))
            _no_longer_set_aside(writer, _EVENTS, row.offset)
        query = select(_OUTCOMES).where(_OUTCOMES.c.event_id.in_(chunk), unindexed(_OUTCOMES.c.namespace) == namespace)
        for row in writer.execute(query).all():
            attempt = raw_body(row.body).get("attempt")
            hashes |= _hashes({"state": asked.get(row.event_id), **(attempt if isinstance(attempt, dict) else {})})
            writer.execute(update(_OUTCOMES).where(_OUTCOMES.c.offset == row.offset).values(erased_outcome(row)))
            _no_longer_set_aside(writer, _OUTCOMES, row.offset)
            n_outcomes += 1
    _erase_rest(writer, targets)
    drop_counts(writer)  # a tombstone is no longer set aside
    n_pictures = drop_unnamed_pictures(writer, namespace=namespace)
    n_vectors = _drop_vectors(writer, hashes)
    counted = (len(targets.cases), len(targets.events), n_outcomes, len(targets.audit))
    return ErasedCounts(*counted, vectors=n_vectors, pictures=n_pictures)


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
        body = json.dumps({**raw_body(row["body"]), "reason": ERASED, "report": {}})
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
        for row in raw_rows(writer, table, None):
            body = raw_body(row.body)
            if table is _EVENTS:
                asked[row.event_id] = str(body.get("task") or body.get("query") or "")
            if table is _OUTCOMES:
                attempt = body.get("attempt")
                body = {"state": asked.get(row.event_id), **(attempt if isinstance(attempt, dict) else {})}
            living |= _hashes(body) & hashes
    return living


def _hashes(body: Mapping[str, Any]) -> set[str]:
    """Content addresses of a record's picture, and of its texts in every form in which they are encoded."""
    state, action = body.get("state"), body.get("action")
    texts = [state, action, body.get("query"), body.get("task")]
    if isinstance(action, str):
        texts.append(encoded_action(action))
    if isinstance(state, str) and isinstance(action, str):
        texts.append(f"{state}\n{action}")
    picture = body.get("picture")
    hashes = {picture} if isinstance(picture, str) and picture else set[str]()
    return hashes | {text_hash(text) for text in texts if isinstance(text, str) and text != ERASED}


def _no_longer_set_aside(writer: LedgerWriter, table: Table, offset: int) -> None:
    rows = schema.set_aside.c
    writer.execute(delete(schema.set_aside).where(rows.table_name == table.name, rows.row_key == str(offset)))
