"""The write side of the memory: records experiences and feedback, each exactly once."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from memento.memory.admission import admit, is_delivered, judged, judged_by_another
from memento.memory.arguments import check_share
from memento.memory.errors import AnotherAttempt, InvalidInput
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.experience import Experience
from memento.memory.feedback_limits import FeedbackLimits
from memento.memory.feedback_writes import GivenFeedback, append_feedback
from memento.memory.forks import Written, fork_of
from memento.memory.guide_writes import append_guides
from memento.memory.index.engines.port import Vector
from memento.memory.ledger.picture_rows import save_picture
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lesson_writes import apart, append_lesson, lesson_of
from memento.memory.namespaces import checked_namespace, documents_of
from memento.memory.plan_text import encoded_action
from memento.memory.run_cycles import earlier_events, open_event, shared_outcome
from memento.memory.storage import Storage
from memento.memory.subtask_writes import append_subtasks, delivered_outcome
from memento.memory.success import SuccessLine


class Recorder:
    """Write side of the memory: write, feedback. When a method returns, the ledger has committed."""

    def __init__(self, *, storage: Storage, min_confidence: float, success: SuccessLine) -> None:
        """Wire the parts.

        Args:
            storage: where cases are kept.
            min_confidence: of an evaluator; below it a case goes into quarantine.
            success: which rewards count as success.
        """
        self._storage = storage
        self._min_confidence = min_confidence
        self._success = success

    async def write(self, experiences: Sequence[Experience], *, namespace: str) -> list[str | None]:
        """Record experiences, all or none; with an event, as its outcome and that of those it follows.

        Args:
            experiences: what was tried.
            namespace: of those that name none.

        Returns:
            The cases' ids; None where the reward is None.
        """
        placed = [(one, checked_namespace(one.namespace or namespace)) for one in experiences]
        vectors = await self._encoded(experiences)
        lines = {place: await self._success.of(place) for place in dict.fromkeys(place for _, place in placed)}

        def append(writer: LedgerWriter) -> list[str | None]:
            writer.look_up(
                events=[one.event_id for one in experiences if one.event_id is not None],
                cases=[one.id_in(place) for one, place in placed],
                namespaces=list(dict.fromkeys(place for _, place in placed)),
            )
            ids = [self._append(writer, one, place, lines[place]) for one, place in placed]
            written = [one for one, id_ in zip(experiences, ids, strict=True) if id_ is not None]
            kept = {text: vectors[text] for one in written for text in _encoded_texts(one)}
            writer.save_vectors(self._storage.texts.encoder.name, kept)
            return ids

        return await self._storage.ledger.transact(append)

    async def write_attempt(self, experience: Experience, *, namespace: str) -> Written:
        """Record an experience; where its event has another attempt's outcome already, with a fork of the event."""
        place, event_id = checked_namespace(experience.namespace or namespace), experience.event_id
        vectors, line = await self._encoded([experience]), await self._success.of(place)

        def append(writer: LedgerWriter) -> Written:
            kept = experience
            try:
                id_ = self._append(writer, kept, place, line)
            except AnotherAttempt as error:  # nothing is written yet
                fork = fork_of(_event_in(writer, error.event_id, place), experience)
                writer.append_event(fork)
                kept = replace(experience, event_id=fork.id)
                id_ = self._append(writer, kept, place, line)
            if id_ is not None:
                writer.save_vectors(self._storage.texts.encoder.name, vectors)
            told = writer.outcomes_of(kept.event_id, namespace=place) if kept.event_id else []
            lesson = lesson_of(writer, _keyed(writer, kept, place), place)
            return Written(id_, kept.event_id, told[-1] if told else None, lesson)

        if event_id is None:
            (id_,) = await self.write([experience], namespace=namespace)
            return Written(id_, None, None)
        return await self._storage.ledger.transact(append)

    def _append(self, writer: LedgerWriter, experience: Experience, namespace: str, line: float) -> str | None:
        experience = _keyed(writer, experience, namespace)
        reward, confidence, evaluator = experience.reward, experience.confidence, experience.evaluator
        attempt, event_id = experience.attempt, experience.event_id
        append = partial(self._append, writer, namespace=namespace, line=line)
        if event_id is None and experience.parts:
            stands = Outcome(
                key="", event_id="", namespace=namespace, reward=reward, confidence=confidence, evaluator=evaluator
            )
            append_subtasks(writer, experience, stands, append)
        if event_id is not None:
            event = _event_in(writer, event_id, namespace)
            past = writer.outcomes_of(event_id, namespace=namespace)
            if (delivered := delivered_outcome(past, event_id)) is not None:
                return _delivered_before(writer, delivered, experience, namespace)
            if past:  # feedback was faster than the run: it knows better
                reward, confidence, evaluator = past[-1].reward, past[-1].confidence, past[-1].evaluator
                attempt = judged_by_another(attempt) if reward is not None else attempt
            outcome = Outcome(
                key=f"{event_id}:write",
                event_id=event_id,
                namespace=namespace,
                reward=reward,
                confidence=confidence,
                evaluator=evaluator,
                attempt=attempt,
                left_out=tuple(experience.left_out),
            )
            if experience.parts:
                links = append_subtasks(writer, experience, outcome, append)
                outcome = outcome.model_copy(update={"subtasks": links})
            if experience.guides:
                outcome = outcome.model_copy(update={"guides": append_guides(writer, experience.guides, outcome)})
            for earlier in earlier_events(writer, event):
                if not writer.outcomes_of(earlier.id, namespace=namespace):
                    writer.append_outcome(shared_outcome(outcome, earlier, key=f"{earlier.id}:run"))
            writer.append_outcome(outcome)
        if experience.checked_picture is not None and (event_id is not None or reward is not None):
            save_picture(writer, experience.checked_picture, namespace=namespace)
        if reward is None:
            return None
        floor = self._min_confidence
        case = judged(
            namespace, experience.state, attempt, reward, confidence, evaluator, event_id, min_confidence=floor
        )
        head = None if event_id is not None else writer.head(case.id, namespace=namespace)
        if head is None or head.case is None or not is_delivered(head.case, case):
            admit(writer, case, positive_from=line)
            if experience.reflection is not None:
                known = replace(experience, reward=reward, confidence=confidence, evaluator=evaluator)
                append_lesson(writer, known, namespace, min_confidence=floor, positive_from=line)
        return case.id

    async def _encoded(self, experiences: Sequence[Experience]) -> dict[str, Vector]:
        """Vectors of the texts that reads compare, in one request to the encoder."""
        texts = list(dict.fromkeys(text for one in experiences for text in _encoded_texts(one)))
        return dict(zip(texts, await self._storage.texts.rows(texts), strict=True))

    async def feedback(
        self,
        event_id: str,
        reward: float | None,
        *,
        namespace: str,
        confidence: float,
        evaluator: str,
        lesson: str,
        limits: FeedbackLimits | None = None,
    ) -> tuple[str | None, str]:
        """Replace the outcome of an event and of those it follows; the case of its run follows, or is written now.

        Returns:
            The id of the case that stands for the run now, or None; and the namespace that has an outcome to learn.
        """
        check_share("reward", reward, is_optional=True)
        check_share("confidence", confidence)
        ranked, line = documents_of(namespace), await self._success.of(namespace)
        given = GivenFeedback(reward, confidence, evaluator, lesson)

        def append(writer: LedgerWriter) -> tuple[str | None, str]:
            event = writer.event(event_id, namespace=namespace) or writer.event(event_id, namespace=ranked)
            event = open_event(event, event_id, namespace)
            case_id = append_feedback(
                writer, event, given, limits=limits, min_confidence=self._min_confidence, positive_from=line
            )
            return case_id, event.namespace

        return await self._storage.ledger.transact(append)


def _encoded_texts(experience: Experience) -> list[str]:
    """Texts whose vectors reads compare: its state and, where it becomes a case now, the beginning of its plan."""
    is_case = experience.reward is not None
    texts = [experience.state, *([encoded_action(experience.action)] if is_case else [])]
    if experience.reflection is not None:
        texts += [experience.reflection.when, encoded_action(experience.reflection.advice)]
    for one in experience.parts:
        texts += [one.state, *([encoded_action(one.action)] if is_case and one.is_known else [])]
    return texts


def _event_in(writer: LedgerWriter, event_id: str, namespace: str) -> RetrievalEvent:
    event = writer.event(event_id, namespace=namespace)
    if event is None and writer.has_event(event_id, namespace=documents_of(namespace)):
        raise InvalidInput(
            f"event {event_id!r} is a ranking of documents: give its reward to `feedback`; what was tried is written "
            "with the event id of a read, or with none"
        )
    return open_event(event, event_id, namespace)


def _keyed(writer: LedgerWriter, experience: Experience, namespace: str) -> Experience:
    """The experience with the key of its event's reading, where it gives none: the task is the same."""
    if experience.event_id is None or (experience.key and not experience.is_keyed_by_picture):
        return experience
    event = writer.event(experience.event_id, namespace=namespace)
    key = "" if event is None else event.key
    return replace(experience, key=key) if key and key != experience.key else experience


def _delivered_before(writer: LedgerWriter, delivered: Outcome, experience: Experience, namespace: str) -> str | None:
    """Answer to a repeated delivery: the id of the existing case, with its later corrections.

    Raises:
        AnotherAttempt: the event has the outcome of another attempt.
        InvalidInput: it has that of one which cannot be read.
    """
    first, tried = delivered.attempt, experience.attempt
    if first is not None and (first.action, first.answer) != (tried.action, tried.answer):
        raise AnotherAttempt(delivered.event_id)
    own = experience.id_in(namespace)
    if writer.head(own, namespace=namespace) is not None:
        return own
    if first is None:
        raise InvalidInput(
            f"event {experience.event_id!r} has an outcome whose stored row is damaged; `memento doctor` lists "
            "what is set aside, and `feedback` gives it a new outcome"
        )
    cases, _ = apart(writer.cases_of_event(delivered.event_id, namespace=namespace))
    return cases[-1].id if cases else None
