"""Writes what a run's outcome says of its subtasks and steps, in its transaction: once, and again with feedback."""

from collections.abc import Callable, Sequence

from memento.memory.event import Outcome, RetrievalEvent, SubtaskLink
from memento.memory.experience import Experience
from memento.memory.feedback_on_cases import EventFeedback, passed_on
from memento.memory.forks import fork_of
from memento.memory.ledger.lost_records import RESTORED
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.run_parts import Credit, RunPart
from memento.memory.steps import step_credit
from memento.memory.subtasks import credited

DIRECT = ":feedback:"
"""Part of the keys of outcomes that were given to an event by itself, not with its run."""


def delivered_outcome(past: Sequence[Outcome], event_id: str) -> Outcome | None:
    """The outcome that the attempt of an event was written with, among its outcomes; None where it was not written."""
    key = f"{event_id}:write"
    return next((one for one in past if one.key in (key, key + RESTORED)), None)


def append_subtasks(
    writer: LedgerWriter,
    run: Experience,
    stands: Outcome,
    append: Callable[[Experience], object],
) -> tuple[SubtaskLink, ...]:
    """Append the subtasks and steps of a run, each as the outcome of its own reading.

    What is not of this namespace or was erased since is left out. So is one that another attempt of the run has
    written: its outcome is that one's. Where it was carried out differently then, it gets a fork of its reading.

    Args:
        writer: the transaction.
        run: has the subtasks and steps.
        stands: what counts for the run, which may be feedback that came before it.
        append: appends an experience with the event of its reading.

    Returns:
        Those whose outcome follows from that of this run.
    """
    links = []
    parts = [(one, _experience(run, one, stands)) for one in run.parts]
    writer.look_up(
        events=[one.event_id for one, _ in parts],
        cases=[tried.id_in(stands.namespace) for _, tried in parts],
        namespaces=[stands.namespace],
    )
    for one, tried in parts:
        event = writer.event(one.event_id, namespace=stands.namespace)
        if event is None or event.erased_at is not None:
            continue
        past = writer.outcomes_of(event.id, namespace=stands.namespace)
        if (delivered := delivered_outcome(past, event.id)) is not None:
            fork = _forked(writer, event, delivered, tried)
            if fork is None:
                continue
            append(_experience(run, one, stands, event_id=fork.id))
            links.append(one.linked(fork.id))
            continue
        append(tried)
        links.append(one.linked(one.event_id))
    return tuple(links)


def subtasks_told(past: Sequence[Outcome]) -> tuple[SubtaskLink, ...]:
    """The subtasks and steps of an event's run, by all outcomes that the event has; a damaged one knows none."""
    return next((one.subtasks for one in reversed(past) if one.subtasks), ())


def tell_subtasks(writer: LedgerWriter, outcome: Outcome, *, min_confidence: float, positive_from: float) -> None:
    """Pass feedback on a run on to its subtasks and steps, but for those that were given feedback of their own.

    Args:
        writer: the transaction.
        outcome: of the run from now on.
        min_confidence: below it a case is quarantined.
        positive_from: reward from which on an attempt worked.
    """
    namespace = outcome.namespace
    for link in outcome.subtasks:
        event = writer.event(link.event_id, namespace=namespace)
        past = writer.outcomes_of(link.event_id, namespace=namespace)
        if event is None or event.erased_at is not None or (past and DIRECT in past[-1].key):
            continue
        credit = _credit(link, outcome)
        attempt = next((one.attempt for one in reversed(past) if one.attempt), None)
        said = (*credit, outcome.evaluator)
        if past and (past[-1].reward, past[-1].confidence, past[-1].evaluator) == said:
            continue
        told = Outcome(
            key=f"{link.event_id}:run:{len(past)}",
            event_id=link.event_id,
            namespace=namespace,
            reward=credit.reward,
            confidence=credit.confidence,
            evaluator=outcome.evaluator,
            attempt=attempt,
            left_out=past[-1].left_out if past else (),
        )
        cases = writer.cases_of_event(event.id, namespace=namespace)
        writer.append_outcome(told)
        given = EventFeedback(event, told, replaced=past[-1].reward if past else None)
        passed_on(writer, given, cases, lesson="", min_confidence=min_confidence, positive_from=positive_from)


def _credit(link: SubtaskLink, run: Outcome) -> Credit:
    """What a run's outcome says of one of its subtasks or steps."""
    if link.step is not None:
        return step_credit(run.reward, run.confidence, link.step)
    return credited(run.reward, run.confidence, link.blame)


def _experience(run: Experience, one: RunPart, stands: Outcome, *, event_id: str | None = None) -> Experience:
    """The experience of a part. Its key is the run's task: a task is never shown its own subtasks and steps."""
    credit = _credit(one.linked(one.event_id), stands)
    return Experience(
        state=one.state,
        action=one.action,
        reward=credit.reward,
        answer=one.answer,
        event_id=event_id or one.event_id,
        confidence=credit.confidence,
        evaluator=stands.evaluator,
        thread_id=run.thread_id,
        models=run.models,
        left_out=one.left_out,
        key=run.question,
        kind=one.kind,
    )


def _forked(
    writer: LedgerWriter, event: RetrievalEvent, delivered: Outcome, tried: Experience
) -> RetrievalEvent | None:
    """A fork of a subtask's reading for another way; None where the same way, or this very fork, has its outcome."""
    first = delivered.attempt
    if first is None or (first.action, first.answer) == (tried.action, tried.answer):
        return None
    fork = fork_of(event, tried)
    if delivered_outcome(writer.outcomes_of(fork.id, namespace=fork.namespace), fork.id) is not None:
        return None
    writer.append_event(fork)
    return fork
