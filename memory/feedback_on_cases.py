"""Passes feedback on an event on to the cases that count its outcome: it replaces the former one, never adds to it."""

from collections.abc import Sequence
from typing import NamedTuple

from memento.memory.admission import admit, corrected, judged, judged_by_another, recounted
from memento.memory.case import Case
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.ledger.writes import LedgerWriter


class EventFeedback(NamedTuple):
    """Feedback on an event."""

    event: RetrievalEvent
    outcome: Outcome
    """What counts for the event now."""
    replaced: float | None
    """The reward that counted before; None where it was not known."""


def passed_on(
    writer: LedgerWriter,
    given: EventFeedback,
    cases: Sequence[Case],
    *,
    lesson: str,
    min_confidence: float,
    positive_from: float,
) -> list[Case]:
    """Recount the cases of an event's run, or write its case now where it had no known reward.

    Args:
        writer: the transaction; it has the outcome already.
        given: the feedback.
        cases: those whose texts are of this run.
        lesson: replaces the former one if there is one.
        min_confidence: below it a case is quarantined.
        positive_from: reward from which on an attempt worked.

    Returns:
        The newest revisions.
    """
    event, outcome, replaced = given
    reward, confidence, evaluator = outcome.reward, outcome.confidence, outcome.evaluator
    if cases:
        said = reward, confidence, evaluator, lesson
        recounted_cases = [corrected(case, *said, replaced=replaced, min_confidence=min_confidence) for case in cases]
        return [writer.append_case(case) for case in recounted_cases]
    counting = writer.other_cases_counting(event.id, namespace=outcome.namespace)
    attempt = outcome.attempt
    if reward is None or attempt is None:
        return [writer.append_case(recounted(case, reward, replaced=replaced)) for case in counting]
    tried = judged_by_another(attempt), reward, confidence, evaluator, event.id
    if not counting:
        fresh = judged(outcome.namespace, event.asked, *tried, min_confidence=min_confidence)
        return [admit(writer, fresh, positive_from=positive_from)]
    told = []
    for case in counting:
        fresh = judged(outcome.namespace, case.state, *tried, min_confidence=min_confidence)
        if case.status == "active" and fresh.status == "quarantined":  # doubted: its texts are not taken up
            told.append(writer.append_case(recounted(case, reward, replaced=replaced)))
        else:
            told.append(admit(writer, fresh, positive_from=positive_from, replaced=replaced))
    return told
