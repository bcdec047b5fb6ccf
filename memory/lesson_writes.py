"""Writes the lesson of a run in the run's transaction, and tells it of feedback on the run."""

from collections.abc import Sequence

from memento.memory.admission import admit
from memento.memory.case import Case, CaseStatus, Provenance, case_id
from memento.memory.event import Outcome
from memento.memory.experience import Experience
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lessons import LESSON, NO_CLAIM, Reflection
from memento.memory.tally import Tally

_NO_OUTCOMES = Tally(n=0, total=0.0, squares=0.0)


def append_lesson(
    writer: LedgerWriter, run: Experience, namespace: str, *, min_confidence: float, positive_from: float
) -> None:
    """Append the lesson of a run, where it has one and the outcome is the one that it was written after.

    Feedback that came before the run may say otherwise: then there is no lesson. The same lesson of a further run is
    the same case, which then stands on that run's outcome.

    Args:
        writer: the transaction.
        run: with the reward, confidence and evaluator that count for it.
        namespace: of the run.
        min_confidence: of an evaluator; below it the lesson waits in quarantine, as the run's own case does.
        positive_from: the memory's line of success.
    """
    lesson = run.reflection
    if lesson is None or run.reward is None or not lesson.ground.holds(run.reward):
        return
    models = dict(run.models or {})
    if lesson.model:
        models[LESSON] = lesson.model
    case = Case(
        id=_id(lesson, run, namespace),
        namespace=namespace,
        state=lesson.when,
        action=lesson.advice,
        reward=NO_CLAIM,
        confidence=run.confidence,
        status="quarantined" if run.confidence < min_confidence else "active",
        provenance=Provenance(
            event_id=run.event_id,
            thread_id=run.thread_id,
            models=models,
            evaluator=run.evaluator,
            ground=lesson.ground,
        ),
        key=run.question,
        kind=LESSON,
        tally=_NO_OUTCOMES,
    )
    admit(writer, case, positive_from=positive_from)


def lesson_of(writer: LedgerWriter, run: Experience, namespace: str) -> str | None:
    """Return the id of the lesson that was written with a run's event; None where it has none, or another text."""
    if run.reflection is None:
        return None
    head = writer.head(_id(run.reflection, run, namespace), namespace=namespace)
    case = None if head is None else head.case
    return case.id if case is not None and case.provenance.event_id == run.event_id else None


def _id(lesson: Reflection, run: Experience, namespace: str) -> str:
    """Id of a lesson's case: its key is the identity of the run's task."""
    return case_id(namespace, lesson.when, lesson.advice, key=run.question, kind=LESSON)


def apart(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the cases that say what a run did, and its lessons."""
    return [case for case in cases if case.kind != LESSON], [case for case in cases if case.kind == LESSON]


def tell_lessons(writer: LedgerWriter, lessons: Sequence[Case], outcome: Outcome, *, min_confidence: float) -> None:
    """Quarantine lessons whose ground is gone by an outcome, and bring back those whose ground has returned.

    Args:
        writer: the transaction.
        lessons: of the outcome's event.
        outcome: of the run from now on.
        min_confidence: below it a lesson is quarantined.
    """
    reward, confidence = outcome.reward, outcome.confidence
    for case in lessons:
        ground = case.provenance.ground
        stands = reward is not None and confidence >= min_confidence and (ground is None or ground.holds(reward))
        # what was retired stays retired
        status: CaseStatus = "retired" if case.status == "retired" else "active" if stands else "quarantined"
        update = {"confidence": confidence, "status": status}
        provenance = case.provenance.model_copy(update={"evaluator": outcome.evaluator})
        writer.append_case(case.model_copy(update=update | {"provenance": provenance}))
