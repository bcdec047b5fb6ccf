"""Full scan of a ledger: checks every row, lists the damaged ones, repairs what repeats other rows.

Rows are otherwise checked when they are read, so that damage in a row that nobody reads stays unknown until a scan.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from memento.memory.event import RetrievalEvent
from memento.memory.ledger import schema
from memento.memory.ledger.audit import AuditViews
from memento.memory.ledger.case_heads import heads_differ, rebuild_heads
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.namespace_counts import drop_counts
from memento.memory.ledger.row_fields import slot_fields
from memento.memory.ledger.rows import EVENTS, KINDS, CheckedConnection, RowKind
from memento.memory.ledger.set_aside import DamagedRow, kept_key
from memento.memory.ledger.settings_versions import SETTINGS
from memento.memory.ledger.writes import LedgerWriter

_PAGE = 500


class LedgerScan(NamedTuple):
    """Result of a scan."""

    n_rows: dict[str, int]
    """Rows checked, by table."""
    set_aside: list[DamagedRow]
    """Every row that is left out now, by table and key."""
    cleared: list[DamagedRow]
    """Rows that were set aside, and pass now or are gone."""
    repaired: list[str]
    """Ids of events whose slots differed from the event's record and were written anew."""


async def scan_ledger(ledger: Ledger) -> LedgerScan:
    """Check every row; rows that fail are set aside, and rows that pass again are used again.

    Args:
        ledger: an open one. Where it can only be read, nothing is recorded, cleared or repaired.

    Raises:
        LedgerUnavailable: it cannot be read or written.
    """
    n_rows, damaged = dict[str, int](), set[tuple[str, str]]()
    for kind in (*KINDS, SETTINGS):
        n_checked, keys = await ledger.query(lambda connection, kind=kind: _check(connection, kind))  # type: ignore[misc]
        n_rows[kind.table.name] = n_checked
        damaged |= {(kind.table.name, kept_key(key)) for key in keys}
    odd = await ledger.query(_events_with_other_slots)
    listed = await AuditViews(ledger).set_aside()
    stale = [row for row in listed if row.table in n_rows and (row.table, row.key) not in damaged]
    if ledger.only_read_because:
        return LedgerScan(n_rows, listed, [], [])
    await ledger.transact(lambda writer: _mend(writer, stale, odd))
    ledger.set_aside.forget([(row.table, row.key) for row in stale])
    return LedgerScan(n_rows, await AuditViews(ledger).set_aside(), stale, [event.id for event in odd])


def _check(connection: CheckedConnection, kind: RowKind[Any]) -> tuple[int, list[str]]:
    """Number of rows of a table, and the keys of those that do not pass."""
    n_rows, damaged = 0, []
    for row in connection.execute(select(*kind.columns).execution_options(yield_per=_PAGE)):
        n_rows += 1
        if connection.checked(kind, row) is None:
            damaged.append(kind.key(row))
    return n_rows, damaged


def _events_with_other_slots(connection: CheckedConnection) -> list[RetrievalEvent]:
    """Readable events whose rows in `slots` differ from their bodies."""
    odd, after = list[RetrievalEvent](), 0
    offset, slots = schema.events.c.offset, schema.slots
    offset_at = schema.events.c.keys().index("offset")
    while True:
        query = select(*EVENTS.columns).where(offset > after).order_by(offset).limit(_PAGE)
        page = connection.found(EVENTS, query)
        if not page:
            return odd
        after = page[-1].row[offset_at]
        events = {found.record.id: found.record for found in page if found.record is not None}
        kept: dict[str, list[tuple[Any, ...]]] = {event_id: [] for event_id in events}
        for chunk in sequence_chunks(list(events)):
            for row in connection.execute(select(slots).where(slots.c.event_id.in_(chunk)).order_by(slots.c.slot)):
                kept[row[0]].append(tuple(row))
        for event_id, event in events.items():
            rows = [tuple(fields[column] for column in slots.c.keys()) for fields in slot_fields(event)]  # noqa: SIM118
            if sorted(map(repr, rows)) != sorted(map(repr, kept[event_id])):
                odd.append(event)


def _mend(writer: LedgerWriter, stale: Sequence[DamagedRow], odd: Sequence[RetrievalEvent]) -> None:
    listed = schema.set_aside.c
    for row in stale:
        writer.execute(delete(schema.set_aside).where(listed.table_name == row.table, listed.row_key == row.key))
        writer.note(row.namespace, "restored", f"{row.table} {row.key}", "its row passes its checks again")
    if heads_differ(writer):
        rebuild_heads(writer)
    drop_counts(writer)
    for event in odd:
        writer.execute(delete(schema.slots).where(schema.slots.c.event_id == event.id))
        if rows := slot_fields(event):
            writer.execute(insert(schema.slots), rows)
        writer.note(event.namespace, "repair", event.id, "its rows in `slots` differed from its record")
