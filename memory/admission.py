"""Admits judged attempts as cases: active or quarantined by confidence, and what they may replace."""

from memento.memory.case import POSITIVE_FROM, Case, CaseStatus, Provenance, case_id
from memento.memory.event import Attempt
from memento.memory.ledger.batches import LedgerBatches
from memento.memory.ledger.writes import LedgerWriter

_REVIVED = ("forget", "rollback")
"""Audit verbs that retire by rule, not by a person: fresh experience reactivates such a case."""


def judged(
    namespace: str,
    state: str,
    attempt: Attempt,
    reward: float,
    confidence: float,
    evaluator: str,
    event_id: str | None,
    *,
    min_confidence: float,
) -> Case:
    """Make the case of an attempt; quarantined where the judge failed or the confidence is low."""
    is_doubtful = attempt.error_class == "judge" or confidence < min_confidence
    return Case(
        id=case_id(namespace, state, attempt.action, key=attempt.key, kind=attempt.kind),
        namespace=namespace,
        state=state,
        action=attempt.action,
        reward=reward,
        answer=attempt.answer,
        confidence=confidence,
        lesson=attempt.lesson,
        error_class=attempt.error_class,
        status="quarantined" if is_doubtful else "active",
        provenance=Provenance(
            event_id=event_id, thread_id=attempt.thread_id, models=attempt.models, evaluator=evaluator
        ),
        key=attempt.key,
        kind=attempt.kind,
    )


def judged_by_another(attempt: Attempt) -> Attempt:
    """The attempt with the reward that somebody else gave where the judge could not."""
    return attempt.model_copy(update={"error_class": None}) if attempt.error_class == "judge" else attempt


def admit(writer: LedgerWriter, case: Case) -> Case:
    """Append a fresh case, unless a person's decision or better knowledge of the same case stands against it.

    Returns:
        The newest revision.
    """
    head = writer.head(case.id, namespace=case.namespace)
    if head is None:
        return writer.append_case(case)
    known = head.case
    if known is not None and known.status == "active" and case.status == "quarantined":
        doubt = f"reward={case.reward} by {case.provenance.evaluator}, confidence={case.confidence}: not believed"
        writer.note(case.namespace, "doubt", case.id, doubt)
        return known
    update: dict[str, str] = {}
    verb = LedgerBatches(writer).last_verb(case.id, namespace=case.namespace)
    # where its row is damaged, its column still says, or the audit trail does, that a person retired it
    is_retired = head.status == "retired" or (known is None and verb == "retire")
    if is_retired and verb not in _REVIVED:
        update["status"] = "retired"
    if known is not None and not case.lesson and (case.reward >= POSITIVE_FROM) == (known.reward >= POSITIVE_FROM):
        update["lesson"] = known.lesson
    return writer.append_case(case.model_copy(update=update))


def corrected(
    case: Case, reward: float | None, confidence: float, evaluator: str, lesson: str, *, min_confidence: float
) -> Case:
    """The case after feedback; a reward of None (withdrawn) quarantines it, unless it is retired."""
    doubtful = reward is None or confidence < min_confidence
    # What was retired stays retired: feedback says what the case was worth, not that it is wanted again.
    status: CaseStatus = "retired" if case.status == "retired" else "quarantined" if doubtful else "active"
    if reward is None:
        return case.model_copy(update={"status": status})
    return case.model_copy(
        update={
            "reward": reward,
            "confidence": confidence,
            "status": status,
            "lesson": lesson or case.lesson,
            "error_class": None if case.error_class == "judge" else case.error_class,
            "provenance": case.provenance.model_copy(update={"evaluator": evaluator}),
        }
    )
