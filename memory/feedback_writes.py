"""Writes feedback on a run: its outcome, its case, and what follows for subtasks, steps, lessons and guides."""

from typing import NamedTuple

from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.feedback_limits import FeedbackLimits
from memento.memory.feedback_on_cases import EventFeedback, passed_on
from memento.memory.guide_writes import guides_told, tell_guides
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lesson_writes import apart, tell_lessons
from memento.memory.run_cycles import earlier_events, said_of, shared_outcome
from memento.memory.subtask_writes import subtasks_told, tell_subtasks


class GivenFeedback(NamedTuple):
    """What somebody says of a run."""

    reward: float | None
    """None: it is not known."""
    confidence: float
    evaluator: str
    lesson: str
    """Kept with the run's case; empty keeps the one that it has."""


def append_feedback(
    writer: LedgerWriter,
    event: RetrievalEvent,
    given: GivenFeedback,
    *,
    limits: FeedbackLimits | None,
    min_confidence: float,
    positive_from: float,
) -> str | None:
    """Replace the outcome of an event and of those it follows; the case of its run follows, or is written now.

    Args:
        writer: the transaction.
        event: that the feedback is on, of a namespace or of its documents.
        given: the feedback.
        limits: of how often an evaluator may replace an outcome.
        min_confidence: below it a case is quarantined.
        positive_from: reward from which on an attempt worked.

    Returns:
        The id of the case that stands for the run now, or None.
    """
    namespace = event.namespace
    past = writer.outcomes_of(event.id, namespace=namespace)
    cases, lessons = apart(writer.cases_of_event(event.id, namespace=namespace))
    attempt = next((outcome.attempt for outcome in reversed(past) if outcome.attempt), None)
    if attempt is not None and given.lesson:
        attempt = attempt.model_copy(update={"lesson": given.lesson})
    if past and said_of(past[-1]) == (*given[:3], attempt):  # delivered before
        return cases[-1].id if cases else None
    if limits is not None:
        limits.check(past, given.evaluator)
    outcome = Outcome(
        key=f"{event.id}:feedback:{len(past)}",
        event_id=event.id,
        namespace=namespace,
        reward=given.reward,
        confidence=given.confidence,
        evaluator=given.evaluator,
        attempt=attempt,
        left_out=past[-1].left_out if past else (),
        subtasks=subtasks_told(past),
        guides=guides_told(past),
    )
    for earlier in earlier_events(writer, event):
        told = writer.outcomes_of(earlier.id, namespace=namespace)
        if not told or said_of(told[-1])[:3] != said_of(outcome)[:3]:
            writer.append_outcome(shared_outcome(outcome, earlier, key=f"{earlier.id}:feedback:{len(told)}"))
    writer.append_outcome(outcome)
    change = EventFeedback(event, outcome, replaced=past[-1].reward if past else None)
    lines = {"min_confidence": min_confidence, "positive_from": positive_from}
    changed = passed_on(writer, change, cases, lesson=given.lesson, **lines)
    tell_subtasks(writer, outcome, **lines)
    tell_lessons(writer, lessons, outcome, min_confidence=min_confidence)
    tell_guides(writer, outcome)
    writer.note(namespace, "feedback", event.id, f"reward={given.reward} by {given.evaluator}")
    return changed[-1].id if changed else None
