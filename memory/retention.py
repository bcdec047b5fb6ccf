"""The write side of the memory: keep what was tried and what came of it, exactly once, and correct it later."""

from collections.abc import Sequence

from memento.memory.case import Case, Provenance, case_id
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.event import Attempt, Outcome, RetrievalEvent
from memento.memory.ledger import LedgerWriter
from memento.memory.storage import Storage


class Retention:
    """Write and feedback. When a method returns, the ledger has committed."""

    def __init__(self, *, storage: Storage) -> None:
        """Wire the parts."""
        self._storage = storage

    async def write(
        self,
        *,
        namespace: str,
        state: str,
        attempt: Attempt,
        reward: float | None,
        confidence: float,
        evaluator: str,
        event_id: str | None,
    ) -> str | None:
        """Keep an attempt and its reward; with an event, as that event's outcome.

        Returns:
            The case's id; None when the reward is None.
        """
        check_reward(reward)
        if not state.strip():
            raise InvalidInput("the state is empty")
        case = None if reward is None else _case(namespace, state, attempt, reward, confidence, evaluator, event_id)
        vectors = {} if case is None else {state: await self._storage.texts.one(state)}
        async with self._storage.ledger.writing() as writer:
            if event_id is not None:
                key = f"{event_id}:write"
                if await writer.has_outcome(key):  # delivered before, perhaps corrected since: leave it alone
                    return None if case is None else case.id
                await _event_in(writer, event_id, namespace)
                await writer.append_outcome(
                    Outcome(
                        key=key,
                        event_id=event_id,
                        namespace=namespace,
                        reward=reward,
                        confidence=confidence,
                        evaluator=evaluator,
                        attempt=attempt,
                    )
                )
            if case is not None:
                await writer.append_case(case)
                await writer.save_vectors(self._storage.texts.encoder.name, vectors)
        return None if case is None else case.id

    async def keep(self, cases: Sequence[Case]) -> int:
        """Take over cases as they are, all or none; one that is already there, as new or newer, is left alone.

        Returns:
            How many were new.
        """
        states = [case.state for case in cases]
        vectors = dict(zip(states, await self._storage.texts.rows(states), strict=True))
        n_new = 0
        async with self._storage.ledger.writing() as writer:
            for case in cases:
                head = await writer.newest_case(case.id)
                if head is None or head.version < case.version:
                    await writer.append_case(case)
                    n_new += 1
            await writer.save_vectors(self._storage.texts.encoder.name, vectors)
        return n_new

    async def feedback(
        self, event_id: str, reward: float | None, *, namespace: str, confidence: float, evaluator: str, lesson: str
    ) -> str | None:
        """Replace an event's outcome; the case of its run follows, or is written now if there was none.

        Returns:
            The id of the case that stands for the run now, or None.
        """
        check_reward(reward)
        async with self._storage.ledger.writing() as writer:
            event = await _event_in(writer, event_id, namespace)
            past = await writer.outcomes_of(event_id)
            cases = await writer.cases_of_event(event_id)
            if past and (past[-1].reward, past[-1].evaluator) == (reward, evaluator) and not lesson:
                return cases[-1].id if cases else None
            attempt = next((outcome.attempt for outcome in reversed(past) if outcome.attempt), None)
            await writer.append_outcome(
                Outcome(
                    key=f"{event_id}:feedback:{len(past)}",
                    event_id=event_id,
                    namespace=namespace,
                    reward=reward,
                    confidence=confidence,
                    evaluator=evaluator,
                    attempt=attempt,
                )
            )
            if not cases and attempt is not None and reward is not None:
                cases = [_case(namespace, event.query, attempt, reward, confidence, evaluator, event_id)]
            changed = [_corrected(case, reward, confidence, evaluator, lesson) for case in cases]
            for case in changed:
                await writer.append_case(case)
            await writer.note(namespace, "feedback", event_id, f"reward={reward} by {evaluator}")
        return changed[-1].id if changed else None


def check_reward(reward: float | None) -> None:
    """Refuse what is no reward.

    Raises:
        InvalidInput: not in [0, 1] and not None.
    """
    if reward is not None and not 0 <= reward <= 1:
        raise InvalidInput(f"a reward lies in [0, 1] or is None, not {reward}")


async def _event_in(writer: LedgerWriter, event_id: str, namespace: str) -> RetrievalEvent:
    event = await writer.event(event_id)
    if event is None or event.namespace != namespace:
        raise UnknownEvent(event_id, namespace)
    return event


def _case(
    namespace: str,
    state: str,
    attempt: Attempt,
    reward: float,
    confidence: float,
    evaluator: str,
    event_id: str | None,
) -> Case:
    return Case(
        id=case_id(namespace, state, attempt.action),
        namespace=namespace,
        state=state,
        action=attempt.action,
        reward=reward,
        answer=attempt.answer,
        confidence=confidence,
        lesson=attempt.lesson,
        error_class=attempt.error_class,
        provenance=Provenance(
            event_id=event_id, thread_id=attempt.thread_id, models=attempt.models, evaluator=evaluator
        ),
    )


def _corrected(case: Case, reward: float | None, confidence: float, evaluator: str, lesson: str) -> Case:
    if reward is None:  # what was believed is withdrawn: served no more, but not forgotten
        return case.model_copy(update={"status": "quarantined"})
    return case.model_copy(
        update={
            "reward": reward,
            "confidence": confidence,
            "status": "active",
            "lesson": lesson or case.lesson,
            "provenance": case.provenance.model_copy(update={"evaluator": evaluator}),
        }
    )
