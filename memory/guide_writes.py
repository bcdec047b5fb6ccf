"""Writes a run's outcome to its readings of guides, in the transaction of the run: once, and again with feedback."""

from collections.abc import Sequence

from memento.memory.event import Outcome
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.subtask_writes import DIRECT


def append_guides(writer: LedgerWriter, event_ids: Sequence[str], outcome: Outcome) -> tuple[str, ...]:
    """Append a run's outcome to the events of its readings of guides, unless another attempt has done so.

    What is no trial, is not of this namespace or was erased since is left out.

    Args:
        writer: the transaction.
        event_ids: of the readings.
        outcome: of the run, which may be unknown.

    Returns:
        The events whose outcome follows from that of this run.
    """
    linked = []
    for event_id in dict.fromkeys(event_ids):
        event = writer.event(event_id, namespace=outcome.namespace)
        if event is None or event.erased_at is not None or not event.is_trial:
            continue
        past = writer.outcomes_of(event_id, namespace=outcome.namespace)
        if any(DIRECT not in one.key for one in past):
            continue
        if not past:  # else feedback on the reading itself came before, and stands
            writer.append_outcome(_of_guide(outcome, event_id, key=f"{event_id}:write"))
        linked.append(event_id)
    return tuple(linked)


def guides_told(past: Sequence[Outcome]) -> tuple[str, ...]:
    """The readings of guides of an event's run, by all outcomes that the event has; a damaged one knows none."""
    return next((one.guides for one in reversed(past) if one.guides), ())


def tell_guides(writer: LedgerWriter, outcome: Outcome) -> None:
    """Pass feedback on a run on to its readings of guides, but for those that were given feedback of their own.

    Args:
        writer: the transaction.
        outcome: of the run from now on.
    """
    for event_id in outcome.guides:
        event = writer.event(event_id, namespace=outcome.namespace)
        past = writer.outcomes_of(event_id, namespace=outcome.namespace)
        if event is None or event.erased_at is not None or (past and DIRECT in past[-1].key):
            continue
        said = (outcome.reward, outcome.confidence, outcome.evaluator)
        if not past or (past[-1].reward, past[-1].confidence, past[-1].evaluator) != said:
            writer.append_outcome(_of_guide(outcome, event_id, key=f"{event_id}:run:{len(past)}"))


def _of_guide(outcome: Outcome, event_id: str, *, key: str) -> Outcome:
    return Outcome(
        key=key,
        event_id=event_id,
        namespace=outcome.namespace,
        reward=outcome.reward,
        confidence=outcome.confidence,
        evaluator=outcome.evaluator,
    )
