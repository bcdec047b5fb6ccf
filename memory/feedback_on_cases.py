"""Passes feedback on an event on to the cases that count its outcome: it replaces the former one, never adds to it."""

from collections.abc import Sequence
from typing import NamedTuple

from memento.memory.admission import admit, corrected, judged, judged_by_another, recounted
from memento.memory.case import Case
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.ledger.writes import LedgerWriter


class Given(NamedTuple):
    """Feedback on an event."""

    event: RetrievalEvent
    outcome: Outcome
    """What counts for the event now."""
    replaced: float | None
    """The reward that counted before; None where it was not known."""


def passed_on(
    writer: LedgerWriter, given: Given, cases: Sequence[Case], *, lesson: str, min_confidence: float
) -> list[Case]:
    """Recount the cases of an event's run, or write its case now where it had no known reward.

    Args:
        writer: the transaction; it has the outcome already.
        given: the feedback.
        cases: those whose texts are of this run.
        lesson: replaces the former one if there is one.
        min_confidence: below it a case is quarantined.

    Returns:
        The newest revisions.
    """
    _, outcome, replaced = given
    event_id, reward, confidence, evaluator = (
        *(outcome.event_id, outcome.reward, outcome.confidence, outcome.evaluator),
    )
    if cases:
        return [
            writer.append_case(
                corrected(
                    *(case, reward, confidence, evaluator, lesson), replaced=replaced, min_confidence=min_confidence
                )
            )
            for case in cases
        ]
    counting = writer.other_cases_counting(event_id, namespace=outcome.namespace)
    if reward is None or outcome.attempt is None:
        return [writer.append_case(recounted(case, reward, replaced=replaced)) for case in counting]
    tried, floor = judged_by_another(outcome.attempt), min_confidence
    said = tried, reward, confidence, evaluator, event_id
    if not counting:
        return [admit(writer, judged(outcome.namespace, given.event.asked, *said, min_confidence=floor))]
    told = []
    for case in counting:
        fresh = judged(outcome.namespace, case.state, *said, min_confidence=floor)
        is_doubted = case.status == "active" and fresh.status == "quarantined"
        counted = recounted(case, reward, replaced=replaced)
        told.append(writer.append_case(counted) if is_doubted else admit(writer, fresh, replaced=replaced))
    return told
