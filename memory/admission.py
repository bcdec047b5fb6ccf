"""Admits judged attempts as cases: active or quarantined by confidence, counted with earlier outcomes of the same."""

from memento.memory.case import Case, CaseStatus, Provenance, case_id
from memento.memory.event import Attempt
from memento.memory.ledger.batches import LedgerBatches
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.plan_text import DIRECT_ACTION
from memento.memory.tally import Tally

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
            event_id=event_id,
            thread_id=attempt.thread_id,
            models=attempt.models,
            evaluator=evaluator,
            written_from=attempt.written_from,
        ),
        key=attempt.key,
        kind=attempt.kind,
        picture=attempt.picture,
    )


def judged_by_another(attempt: Attempt) -> Attempt:
    """The attempt with the reward that somebody else gave where the judge could not."""
    return attempt.model_copy(update={"error_class": None}) if attempt.error_class == "judge" else attempt


def admit(writer: LedgerWriter, case: Case, *, positive_from: float, replaced: float | None = None) -> Case:
    """Append a fresh case, unless a person's decision or better knowledge of the same case stands against it.

    Its reward is one more outcome of the same case, whose reward becomes the mean.

    Args:
        writer: the transaction.
        case: of one attempt, with the reward of that.
        positive_from: reward from which on an attempt worked; a lesson stands while outcomes are of its kind.
        replaced: the former outcome of this attempt, which the stored case counts; None where it counts none.

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
    if known is not None and not case.lesson and (case.reward >= positive_from) == (known.reward >= positive_from):
        update["lesson"] = known.lesson
    if known is not None and not case.picture:
        update["picture"] = known.picture
    if known is not None and case.outcomes.n:  # a lesson has no outcome to count
        case = counted_together(known, case, replaced=replaced)
    return writer.append_case(case.model_copy(update=update))


def counted_together(known: Case, case: Case, *, replaced: float | None = None) -> Case:
    """A further attempt of a known case, with the outcomes of both.

    What waits in quarantine is not believed, and what was erased is gone: then the further attempt begins anew. So it
    does where an attempt answered directly and the answer is another one: there the answer is what was done.

    Args:
        known: the newest revision.
        case: of one attempt, with the reward of that.
        replaced: the former outcome of this attempt, which the known case counts; None where it counts none.
    """
    is_another = case.action == DIRECT_ACTION and case.answer != known.answer
    if known.status in ("quarantined", "erased") or is_another:
        return case
    counted = recounted(known, case.reward, replaced=replaced)
    return case.model_copy(update={"reward": counted.reward, "tally": counted.tally})


def is_delivered(known: Case, case: Case) -> bool:
    """Whether an attempt without an event is the one that the case was written with: delivered again, not made again.

    A run that is repeated after a crash has its thread. What names neither an event nor a thread has no identity: each
    such write is an attempt of its own.
    """
    tally, now, before = known.tally, case.provenance, known.provenance
    newest = known.reward if tally is None or tally.newest is None else tally.newest
    return (
        now.event_id is None
        and now.thread_id is not None
        and (before.event_id, before.thread_id, before.evaluator) == (None, now.thread_id, now.evaluator)
        and (known.answer, newest) == (case.answer, case.reward)
    )


def recounted(known: Case, reward: float | None, *, replaced: float | None) -> Case:
    """The case with another outcome in place of the replaced one, or in addition; None only takes the former away.

    A case whose last known outcome is taken away keeps its reward, which then says nothing.
    """
    tally = known.tally
    if tally is None or not tally.agrees(known.reward):
        only = known.reward
        tally = Tally(n=1, total=only, squares=only * only, newest=only, since=known.version)
    if replaced is not None:
        tally = tally.minus(replaced)
    if reward is not None:
        tally = tally.plus(reward)
    mean = tally.outcomes.mean
    is_plain = tally.n == 1 and known.tally is None
    return known.model_copy(
        update={"reward": known.reward if mean is None else mean, "tally": None if is_plain else tally}
    )


def corrected(
    case: Case,
    reward: float | None,
    confidence: float,
    evaluator: str,
    lesson: str,
    *,
    replaced: float | None,
    min_confidence: float,
) -> Case:
    """The case after feedback on the attempt that gave it its texts.

    A reward of None (withdrawn) quarantines it, unless it is retired or has other outcomes.

    Args:
        case: the newest revision.
        reward: of the attempt from now on.
        confidence: of the evaluator.
        evaluator: who says so.
        lesson: replaces the former one if there is one.
        replaced: the attempt's former outcome; None where it was not known.
        min_confidence: below it the case is quarantined.
    """
    counted = recounted(case, reward, replaced=case.reward if case.tally is None else replaced)
    doubtful = counted.outcomes.n == 0 or (reward is not None and confidence < min_confidence)
    # What was retired stays retired: feedback says what the case was worth, not that it is wanted again.
    status: CaseStatus = "retired" if case.status == "retired" else "quarantined" if doubtful else "active"
    if reward is None:
        return counted.model_copy(update={"status": status if doubtful else case.status})
    return counted.model_copy(
        update={
            "confidence": confidence,
            "status": status,
            "lesson": lesson or case.lesson,
            "error_class": None if case.error_class == "judge" else case.error_class,
            "provenance": case.provenance.model_copy(update={"evaluator": evaluator}),
        }
    )
