"""What a memory takes in: experiences, feedback on runs, and imports. Part of `CaseMemory`."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

from memento.memory.arguments import checked_instance, checked_items, checked_text
from memento.memory.case import PLAN, Case, CaseKind, ErrorClass, storable
from memento.memory.experience import Experience
from memento.memory.feedback_limits import FeedbackLimits
from memento.memory.forks import Written
from memento.memory.forwarding import runs_on_owner_loop
from memento.memory.lessons import Reflection
from memento.memory.memory_parts import MemoryParts
from memento.memory.pictures import CasePicture
from memento.memory.recorded_events import Kept, Selection
from memento.memory.steps import StepAttempt
from memento.memory.subtasks import SubtaskAttempt
from memento.memory.text_limits import MAX_LESSON_CHARS, bounded


@runs_on_owner_loop
class CaseWrites(MemoryParts):
    """Writes of a memory; what one returns is durable."""

    @overload
    async def write(self, experience: Experience, /) -> str | None: ...

    @overload
    async def write(
        self,
        *,
        state: str,
        action: str,
        reward: float | None,
        answer: str = "",
        event_id: str | None = None,
        confidence: float = 1.0,
        lesson: str = "",
        error_class: ErrorClass | None = None,
        evaluator: str = "unknown",
        thread_id: str | None = None,
        models: Mapping[str, str] | None = None,
        namespace: str | None = None,
        left_out: Sequence[str] = (),
        key: str = "",
        kind: CaseKind = PLAN,
        subtasks: Sequence[SubtaskAttempt] = (),
        reflection: Reflection | None = None,
        steps: Sequence[StepAttempt] = (),
        picture: bytes | str = b"",
        guides: Sequence[str] = (),
        written_from: Sequence[str] = (),
    ) -> str | None: ...

    async def write(  # type: ignore[misc]  # mypy does not see that `fields` takes every keyword
        self, experience: Experience | None = None, /, **fields: Any
    ) -> str | None:
        """Store an experience as a case, and with `event_id` as the outcome of the cases served.

        Once this returns, the experience is durable; it is searchable at once, or as soon as the search engine
        answers again. The same event written twice is written once; a further attempt with the same state and action is
        one more outcome of its case, whose reward is the mean. Without an event or a thread a write has no identity:
        each is an attempt of its own. Readings that this one follows have the same
        outcome, unless they were given one of their own.

        Args:
            experience: what was tried and what came of it.
            fields: those of an `Experience`, in its place.

        Returns:
            The case's id; None when the reward is None.

        Raises:
            InvalidInput: not an `Experience`.
            AnotherAttempt: the event has the outcome of another attempt; see `write_attempt`.
            UnknownEvent: no such event in this namespace.
            LedgerUnavailable: it was not kept.
        """
        if experience is None:
            experience = Experience(**fields)
        elif fields:
            raise TypeError("give an Experience or its fields, not both")
        return (await self.write_all([experience]))[0]

    async def write_attempt(self, experience: Experience) -> Written:
        """Store an experience like `write`; where its event has another attempt's outcome already, apart from that.

        For runs that can go back and on from there: a further attempt with the cases of one reading has an event of its
        own, whose id is in the result. It has its own outcome, case and feedback; the cases served are credited with
        the first attempt alone (see `memory.forks`). The same attempt written twice is written once.

        Raises:
            InvalidInput, UnknownEvent, LedgerUnavailable: as `write`.
        """
        checked_instance("the experience", experience, Experience)
        written = await self._recorder.write_attempt(experience, namespace=self.namespace)
        await self._retained(self._namespace(experience.namespace))
        return written

    async def write_all(self, experiences: Sequence[Experience]) -> list[str | None]:
        """Store experiences like repeated `write`, in one transaction: all or none.

        Returns:
            The cases' ids; None where the reward is None.

        Raises:
            InvalidInput, UnknownEvent, LedgerUnavailable: as `write`.
        """
        experiences = checked_items("`experiences`", experiences, Experience, "experiences")
        if not experiences:
            return []
        ids = await self._recorder.write(experiences, namespace=self.namespace)
        await self._retained(*dict.fromkeys(self._namespace(one.namespace) for one in experiences))
        return ids

    async def feedback(
        self,
        event_id: str,
        reward: float | None,
        *,
        confidence: float = 1.0,
        evaluator: str = "human",
        lesson: str = "",
        namespace: str | None = None,
        limits: FeedbackLimits | None = None,
    ) -> str | None:
        """Replace an event's outcome by a later reward; the case of that run is updated too.

        It is also the outcome of the readings that this one follows: give it the id of a run's last event. If the run
        ended without a known reward, its attempt becomes a case now. A reward of None withdraws what was believed: a
        case without other outcomes is quarantined and served no more. The same feedback twice is one feedback. The
        event may be a ranking's, which has no case: its documents are learned from then.

        Args:
            event_id: of the run's last reading.
            reward: in [0, 1]; None withdraws what was believed.
            confidence: how sure the evaluator is, in [0, 1].
            evaluator: who gives it.
            lesson: what worked, or why it failed; cut after 10,000 characters.
            namespace: the memory's own by default.
            limits: of an evaluator that is trusted less than the owner.

        Returns:
            The id of the case that stands for the run now, or None when the run left nothing to keep.

        Raises:
            UnknownEvent: no such event in this namespace.
            FeedbackRefused: the limits do not allow it.
            InvalidInput: a reward outside [0, 1].
            LedgerUnavailable: it was not kept.
        """
        case_id, learning = await self._recorder.feedback(
            storable(checked_text("the event's id", event_id)),
            reward,
            namespace=self._namespace(namespace),
            confidence=confidence,
            evaluator=storable(evaluator),
            lesson=bounded(storable(lesson), MAX_LESSON_CHARS),
            limits=limits,
        )
        await self._retained(learning)
        return case_id

    async def keep(
        self, cases: Sequence[Case], *, is_trusted: bool = True, pictures: Sequence[CasePicture] = ()
    ) -> int:
        """Import finished cases, all or none; those already stored are left unchanged.

        Args:
            cases: finished cases.
            is_trusted: if not, they wait in quarantine until `lifecycle.release`.
            pictures: of the cases; what is neither here nor kept in their namespace, a case is left without.

        Returns:
            How many were new.

        Raises:
            LedgerUnavailable: none was kept.
        """
        cases = checked_items("`cases`", cases, Case, "cases")
        pictures = checked_items("`pictures`", pictures, CasePicture, "pictures")
        n_new = await self._importer.keep(cases, is_trusted=is_trusted, pictures=pictures)
        await self._storage.project()
        return n_new

    async def keep_attempts(self, attempts: Sequence[Experience]) -> int:
        """Import attempts whose outcome is unknown, all or none: no case, nothing learned, until `feedback` says more.

        Attempts that are there already, waiting or as a case, are left unchanged. The event id to give feedback by is
        `importing.attempt_event_id` of namespace, state and action, with key and kind.

        Args:
            attempts: of this memory's namespace, without reward and event id.

        Returns:
            How many were new.

        Raises:
            InvalidInput: one of them has a reward or an event id.
            LedgerUnavailable: none was kept.
        """
        attempts = checked_items("`attempts`", attempts, Experience, "experiences")
        return await self._importer.keep_attempts(attempts, namespace=self.namespace)

    async def keep_recorded(self, selections: Sequence[Selection], *, is_trusted: bool = True) -> Kept:
        """Import a retrieval log (cases, events, outcomes), all or nothing.

        What is already there is left alone. Outcomes are learned from in the background.

        Args:
            selections: of one namespace; see `recorded_events.grouped`.
            is_trusted: if not, new cases wait in quarantine until `lifecycle.release`.

        Raises:
            LedgerUnavailable: nothing was kept.
        """
        selections = checked_items("`selections`", selections, Selection, "selections")
        kept = await self._importer.keep_recorded(selections, is_trusted=is_trusted)
        await self._retained(*{case.namespace for selection in selections for case in selection.cases})
        return kept

    async def _retained(self, *namespaces: str) -> None:
        """After the acknowledgement: searchable now if the engine answers, learned from in the background."""
        await self._storage.project()
        for namespace in namespaces:
            self._learning.catch_up_soon(namespace)
