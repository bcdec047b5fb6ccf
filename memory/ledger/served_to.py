"""Finds the readings that served a case: conversations that read them hold its texts."""

from collections.abc import Collection

from sqlalchemy import select

from memento.memory.ledger import schema
from memento.memory.ledger.connections import sequence_chunks
from memento.memory.ledger.prepared import unindexed
from memento.memory.ledger.rows import CheckedConnection


def readings_that_served(connection: CheckedConnection, case_ids: Collection[str], *, namespace: str) -> set[str]:
    """Ids of the events of a namespace that served one of these cases.

    Args:
        connection: to the ledger.
        case_ids: of the namespace; erased ones, too, because slots keep their ids.
        namespace: whose events.
    """
    slots, events = schema.slots, schema.events
    found: set[str] = set()
    for chunk in sequence_chunks(sorted(case_ids)):
        query = select(slots.c.event_id).join_from(slots, events, events.c.event_id == slots.c.event_id)
        found.update(
            connection.scalars(query.where(slots.c.case_id.in_(chunk), unindexed(events.c.namespace) == namespace))
        )
    return found
