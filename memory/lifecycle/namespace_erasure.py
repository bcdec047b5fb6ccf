"""Erases what one namespace holds, and what was ranked for it, by several conditions. Part of `Lifecycle`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from memento.memory.arguments import checked_instance, checked_text, checked_texts
from memento.memory.case import storable
from memento.memory.ledger.erasure_targets import ErasureScope
from memento.memory.lifecycle.erasure import Erasing, ErasureReport, RemoveThreads, combined, finish_erasures
from memento.memory.namespaces import documents_of
from memento.memory.storage import Storage


class NamespaceErasure:
    """Erasures of one namespace."""

    _storage: Storage
    _namespace: str

    async def plan_erasure(
        self,
        *,
        cases: Sequence[str] = (),
        events: Sequence[str] = (),
        matching: str = "",
        is_all: bool = False,
        before: datetime | None = None,
    ) -> ErasureReport:
        """Say what `erase` would erase; nothing is changed. The arguments and errors are those of `erase`."""
        scopes = await self._scopes(self._scope(cases, events, matching, before, is_all=is_all))
        return combined([await Erasing(self._storage).plan(scope) for scope in scopes])

    async def erase(
        self,
        *,
        cases: Sequence[str] = (),
        events: Sequence[str] = (),
        matching: str = "",
        is_all: bool = False,
        before: datetime | None = None,
        on_step: Callable[[str], None] = lambda _: None,
        remove_threads: RemoveThreads | None = None,
    ) -> ErasureReport:
        """Erase texts and vectors of this namespace for good: nothing brings them back. See docs/erasure.md.

        What belongs together goes together: a case with the runs that wrote it and the skills that were written from
        it, a run with its cases and all its readings. Ids, offsets, rewards and times stay, as tombstones. Several
        conditions erase what fits any of them.
        Documents that were ranked for this namespace, and their rankings, are erased by the same conditions.

        Args:
            cases: ids of cases.
            events: ids of readings.
            matching: part of a text of a case, reading, outcome, audit line or snapshot, in whatever letters.
            is_all: everything of the namespace.
            before: cases last written, and readings made, before this time.
            on_step: told what is going on, for progress.
            remove_threads: removes conversations by their ids or by those of readings; else the report names them.

        Raises:
            InvalidInput: no condition, or one of another type.
            UnknownCase, UnknownEvent: not of this namespace; nothing was erased.
            LedgerUnavailable: it cannot be written now; what was begun is finished at the next open.
        """
        scopes = await self._scopes(self._scope(cases, events, matching, before, is_all=is_all))
        return await Erasing(self._storage).erase(*scopes, on_step=on_step, remove_threads=remove_threads)

    async def finish_erasures(self, *, remove_threads: RemoveThreads | None = None) -> list[str]:
        """Finish erasures of any namespace that were cut short; opening a memory does so, but for threads.

        Returns:
            What could not be done yet, and why.
        """
        return await finish_erasures(self._storage, remove_threads=remove_threads)

    def _scope(
        self, cases: Sequence[str], events: Sequence[str], matching: str, before: datetime | None, *, is_all: bool
    ) -> ErasureScope:
        if before is not None:
            checked_instance("`before`", before, datetime)
        return ErasureScope(
            namespace=self._namespace,
            is_all=is_all,
            case_ids=tuple(map(storable, checked_texts("`cases`", cases))),
            event_ids=tuple(map(storable, checked_texts("`events`", events))),
            matching=storable(checked_text("`matching`", matching)),
            before="" if before is None else before.astimezone(UTC).isoformat(timespec="milliseconds"),
        )

    async def _scopes(self, scope: ErasureScope) -> list[ErasureScope]:
        """The scope in this namespace, and in that of its documents where there are any."""
        place, views = documents_of(self._namespace), self._storage.views
        counts = await views.counts(namespace=place)
        if not counts.cases and not counts.events:
            return [scope]
        ranked = set(await views.cases(scope.case_ids, namespace=place)) if scope.case_ids else set[str]()
        ranked |= {one for one in scope.event_ids if await views.event(one, namespace=place) is not None}
        own, theirs = (
            replace(
                scope,
                namespace=name,
                case_ids=tuple(one for one in scope.case_ids if (one in ranked) is is_theirs),
                event_ids=tuple(one for one in scope.event_ids if (one in ranked) is is_theirs),
            )
            for name, is_theirs in ((self._namespace, False), (place, True))
        )
        return [one for one in (own, theirs) if one.says_something] or [own]
