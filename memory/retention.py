"""The write side of the memory: keep what was tried and what came of it, exactly once, and correct it later."""

from collections.abc import Sequence

from memento.memory.admission import admit, corrected, judged, judged_by_another
from memento.memory.case import Case, case_id, storable, storable_record
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.event import Attempt, Outcome, RetrievalEvent
from memento.memory.ledger_batches import LedgerBatches
from memento.memory.ledger_writer import LedgerWriter
from memento.memory.recorded_events import Kept, Selection, append_selections
from memento.memory.storage import Storage
from memento.memory.text_limits import MAX_STATE_CHARS, bounded
from memento.memory.written import Tried, bounded_case, check_share

MAX_NAMESPACE = 200


class Retention:
    """Write and feedback. When a method returns, the ledger has committed."""

    def __init__(self, *, storage: Storage, min_confidence: float) -> None:
        """Wire the parts.

        Args:
            storage: where cases are kept.
            min_confidence: of an evaluator; below it a case goes into quarantine.
        """
        self._storage = storage
        self._min_confidence = min_confidence

    async def write(self, tried: Sequence[Tried]) -> list[str | None]:
        """Keep attempts and their rewards, all or none; with an event, as its outcome and that of those it follows.

        Returns:
            The cases' ids; None where the reward is None.
        """
        states = list(dict.fromkeys(one.state for one in tried))
        vectors = dict(zip(states, await self._storage.texts.rows(states), strict=True))
        async with self._storage.ledger.writing() as writer:
            await writer.look_up(
                events=[one.event_id for one in tried if one.event_id is not None],
                cases=[case_id(one.namespace, one.state, one.attempt.action) for one in tried],
            )
            ids = [await self._keep(writer, one) for one in tried]
            kept = {one.state: vectors[one.state] for one, id_ in zip(tried, ids, strict=True) if id_ is not None}
            await writer.save_vectors(self._storage.texts.encoder.name, kept)
        return ids

    async def _keep(self, writer: LedgerWriter, tried: Tried) -> str | None:
        namespace, state, attempt, reward, confidence, evaluator, event_id, left_out = tried
        if event_id is not None:
            key, past = f"{event_id}:write", await writer.outcomes_of(event_id)
            if any(outcome.key == key for outcome in past):  # delivered before, perhaps corrected since: leave it alone
                return None if reward is None else case_id(namespace, state, attempt.action)
            event = await _event_in(writer, event_id, namespace)
            if past:  # feedback was faster than the run: it knows better
                reward, confidence, evaluator = past[-1].reward, past[-1].confidence, past[-1].evaluator
                attempt = judged_by_another(attempt) if reward is not None else attempt
            outcome = Outcome(
                key=key,
                event_id=event_id,
                namespace=namespace,
                reward=reward,
                confidence=confidence,
                evaluator=evaluator,
                attempt=attempt,
                left_out=left_out,
            )
            for earlier in await _earlier(writer, event):
                if not await writer.outcomes_of(earlier.id):
                    await writer.append_outcome(_shared(outcome, earlier, key=f"{earlier.id}:run"))
            await writer.append_outcome(outcome)
        if reward is None:
            return None
        floor = self._min_confidence
        case = judged(namespace, state, attempt, reward, confidence, evaluator, event_id, min_confidence=floor)
        await admit(writer, case)
        return case.id

    async def keep(self, cases: Sequence[Case], *, is_trusted: bool) -> int:
        """Take over cases as they are, all or none; one that is already there, as new or newer, is left alone.

        Args:
            cases: finished cases.
            is_trusted: if not, they go into quarantine, and one that is already there is left alone, however old.

        Returns:
            How many were new.

        Raises:
            InvalidInput: a case whose id is not that of its namespace, state and action.
        """
        for case in cases:
            checked_namespace(case.namespace)
            if case.id != case_id(case.namespace, case.state, case.action):
                raise InvalidInput(f"{case.id!r} is not the id of its namespace, state and action; see `case_id`")
        cases = [bounded_case(storable_record(case)) for case in cases]
        states = [case.state for case in cases]
        vectors = dict(zip(states, await self._storage.texts.rows(states), strict=True))
        async with self._storage.ledger.writing() as writer:
            n_new = await writer.append_newer(cases if is_trusted else await _quarantined(writer, cases))
            await writer.save_vectors(self._storage.texts.encoder.name, vectors)
        return n_new

    async def keep_recorded(self, selections: Sequence[Selection], *, is_trusted: bool) -> Kept:
        """Take over what was served elsewhere and what came of it, all or nothing; see `keep`."""
        selections = [_kept_selection(selection) for selection in selections]
        cases = [case for selection in selections for case in selection.cases]
        texts = [selection.served.query for selection in selections] + [case.state for case in cases]
        vectors = dict(zip(texts, await self._storage.texts.rows(texts), strict=True))
        async with self._storage.ledger.writing() as writer:
            n_cases = await writer.append_newer(cases if is_trusted else await _quarantined(writer, cases))
            await writer.save_vectors(self._storage.texts.encoder.name, vectors)
            n_events, n_outcomes = await append_selections(writer, selections, vectors=vectors)
        return Kept(n_cases, n_events, n_outcomes)

    async def feedback(
        self, event_id: str, reward: float | None, *, namespace: str, confidence: float, evaluator: str, lesson: str
    ) -> str | None:
        """Replace the outcome of an event and of those it follows; the case of its run follows, or is written now.

        Returns:
            The id of the case that stands for the run now, or None.
        """
        check_share("reward", reward)
        check_share("confidence", confidence)
        async with self._storage.ledger.writing() as writer:
            event = await _event_in(writer, event_id, namespace)
            past = await writer.outcomes_of(event_id)
            cases = await writer.cases_of_event(event_id)
            attempt = next((outcome.attempt for outcome in reversed(past) if outcome.attempt), None)
            if attempt is not None and lesson:
                attempt = attempt.model_copy(update={"lesson": lesson})
            if past and _said(past[-1]) == (reward, confidence, evaluator, attempt):  # delivered before
                return cases[-1].id if cases else None
            outcome = Outcome(
                key=f"{event_id}:feedback:{len(past)}",
                event_id=event_id,
                namespace=namespace,
                reward=reward,
                confidence=confidence,
                evaluator=evaluator,
                attempt=attempt,
                left_out=past[-1].left_out if past else (),
            )
            for earlier in await _earlier(writer, event):
                told = await writer.outcomes_of(earlier.id)
                if not told or _said(told[-1])[:3] != _said(outcome)[:3]:
                    key = f"{earlier.id}:feedback:{len(told)}"
                    await writer.append_outcome(_shared(outcome, earlier, key=key))
            await writer.append_outcome(outcome)
            floor = self._min_confidence
            changed = [
                await writer.append_case(corrected(case, reward, confidence, evaluator, lesson, min_confidence=floor))
                for case in cases
            ]
            if not cases and attempt is not None and reward is not None:
                tried = judged_by_another(attempt)
                case = judged(
                    namespace, event.asked, tried, reward, confidence, evaluator, event_id, min_confidence=floor
                )
                changed = [await admit(writer, case)]
            await writer.note(namespace, "feedback", event_id, f"reward={reward} by {evaluator}")
        return changed[-1].id if changed else None


def checked_namespace(namespace: str) -> str:
    """The namespace, if it is one.

    Raises:
        InvalidInput: empty, longer than the ledger's column, or with characters that no database takes.
    """
    if not namespace.strip() or len(namespace) > MAX_NAMESPACE or not namespace.isprintable():
        raise InvalidInput(f"a namespace has 1 to {MAX_NAMESPACE} printable characters, not {namespace[:80]!r}")
    return namespace


def _kept_selection(selection: Selection) -> Selection:
    served = selection.served._replace(query=bounded(storable(selection.served.query), MAX_STATE_CHARS))
    cases = tuple(bounded_case(storable_record(case)) for case in selection.cases)
    return Selection(storable(selection.event_id), served, cases)


def _said(outcome: Outcome) -> tuple[float | None, float, str, Attempt | None]:
    return outcome.reward, outcome.confidence, outcome.evaluator, outcome.attempt


async def _event_in(writer: LedgerWriter, event_id: str, namespace: str) -> RetrievalEvent:
    event = await writer.event(event_id)
    if event is None or event.namespace != namespace:
        raise UnknownEvent(event_id, namespace)
    return event


async def _earlier(writer: LedgerWriter, event: RetrievalEvent) -> list[RetrievalEvent]:
    """The events of the same run's cycles before this one, first to last."""
    found: list[RetrievalEvent] = []
    while event.follows is not None:
        event = await _event_in(writer, event.follows, event.namespace)
        found.insert(0, event)
    return found


def _shared(outcome: Outcome, event: RetrievalEvent, *, key: str) -> Outcome:
    """A run's outcome as that of one of its earlier events; what was tried stays with the last one."""
    return outcome.model_copy(update={"key": key, "event_id": event.id, "attempt": None})


async def _quarantined(writer: LedgerWriter, cases: Sequence[Case]) -> list[Case]:
    """Those of the cases that are new, in quarantine, each with a line of audit."""
    fresh = {case.id: case for case in cases}
    for namespace in sorted({case.namespace for case in cases}):
        for known in await LedgerBatches(writer.connection).newest(list(fresh), namespace=namespace):
            del fresh[known]
    for case in fresh.values():
        await writer.note(case.namespace, "quarantine", case.id, "imported from an unknown source")
    return [
        case if case.status == "retired" else case.model_copy(update={"status": "quarantined"})
        for case in fresh.values()
    ]
