"""Events of one run's planning cycles: each follows the one before, and has the outcome of the last."""

from memento.memory.errors import ErasedRecord, UnknownEvent
from memento.memory.event import Attempt, Outcome, RetrievalEvent
from memento.memory.ledger.writes import LedgerWriter


def open_event(event: RetrievalEvent | None, event_id: str, namespace: str) -> RetrievalEvent:
    """Return an event that was found, unless there is none or it was erased.

    Raises:
        UnknownEvent: there is none.
        ErasedRecord: it was erased.
    """
    if event is None:
        raise UnknownEvent(event_id, namespace)
    if event.erased_at is not None:
        raise ErasedRecord(f"event {event_id!r}", namespace, event.erased_at)
    return event


def earlier_events(writer: LedgerWriter, event: RetrievalEvent) -> list[RetrievalEvent]:
    """Events of the same run's earlier cycles, first to last."""
    found: list[RetrievalEvent] = []
    seen = {event.id}
    while event.follows is not None and event.follows not in seen:
        earlier = writer.event(event.follows, namespace=event.namespace)
        if earlier is None:
            raise UnknownEvent(event.follows, event.namespace)
        if earlier.erased_at is not None:  # by age: what came after it goes on without it
            break
        event = earlier
        seen.add(event.id)
        found.insert(0, event)
    return found


def shared_outcome(outcome: Outcome, event: RetrievalEvent, *, key: str) -> Outcome:
    """A run's outcome for one of its earlier events; the attempt, subtasks and guides stay with the last one."""
    update = {"key": key, "event_id": event.id, "attempt": None, "subtasks": (), "guides": ()}
    return outcome.model_copy(update=update)


def said_of(outcome: Outcome) -> tuple[float | None, float, str, Attempt | None]:
    """What an outcome says, without who delivered it."""
    return outcome.reward, outcome.confidence, outcome.evaluator, outcome.attempt
