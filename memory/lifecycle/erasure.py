"""Erases rows, vectors, index and weights, and compacts the database; finished at the next open if interrupted.

The intent is committed first, as a fact of the ledger that lists the steps still to do; the last step drops it:

    rows       texts become tombstones, their vectors go, an audit line says how many (one transaction)
    index      free slots are emptied, this engine's index is rebuilt from the ledger
    weights    what was learned in the namespace is deleted, and learned again without what was erased
    files      old copies of the ledger beside it are deleted, and the database's files are written anew, so that no
               page or log holds the texts
    threads    whoever keeps conversations removes those of the erased runs, if they said that they would
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from memento.memory.case import text_hash
from memento.memory.errors import InvalidInput, LedgerUnavailable, MementoError
from memento.memory.ledger.connections import sqlite_path
from memento.memory.ledger.erasing import ErasedCounts, count_targets, erase_rows
from memento.memory.ledger.erasure_intents import ErasureIntent, erasure_intents, load_intent, save_intent
from memento.memory.ledger.erasure_targets import ErasureScope, ErasureTargets, check_ids, find_targets
from memento.memory.ledger.reads import erasures_fact
from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.served_to import readings_that_served
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lifecycle.old_copies import delete_old_copies, find_old_copies
from memento.memory.storage import Storage

_LOG = logging.getLogger(__name__)
_STEPS: Final = ("rows", "index", "weights", "files")
_DOING: Final = {
    "rows": "erasing texts in the ledger",
    "index": "rebuilding the search index",
    "weights": "deleting what was learned from them",
    "files": "rewriting the ledger's files",
    "threads": "removing the threads of the erased runs",
}

RemoveThreads = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
"""Removes conversations by their ids, and those that hold one of the readings whose ids come second."""


class ErasureReport(NamedTuple):
    """Report of an erasure, or of its plan."""

    erasure_id: str | None
    """In the audit trail; None when nothing was erased."""
    counts: ErasedCounts
    thread_ids: list[str]
    """Conversations of the erased runs: whoever keeps them must remove them, unless `erase` was told how."""
    unfinished: list[str]
    """Steps that failed so far, with reasons; each is tried again at the next open. Empty when all is gone."""
    copies: tuple[str, ...] = ()
    """Old copies of the ledger in its folder, and indexes and weights of ledgers that it replaced: deleted whole."""


class Erasing:
    """Erases texts from one ledger and everything beside it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def plan(self, scope: ErasureScope) -> ErasureReport:
        """Count what `erase` would remove; nothing is changed.

        Raises:
            InvalidInput: the scope says nothing.
            UnknownCase, UnknownEvent: not of this namespace.
        """
        _check(scope)

        def look(connection: CheckedConnection) -> tuple[ErasedCounts, list[str]]:
            check_ids(connection, scope)
            targets = find_targets(connection, scope)
            return count_targets(connection, targets), sorted(targets.threads)

        counts, threads = await self._storage.ledger.query(look)
        return ErasureReport(None, counts, threads, [], await self._copies())

    async def erase(
        self,
        *scopes: ErasureScope,
        on_step: Callable[[str], None] = lambda _: None,
        remove_threads: RemoveThreads | None = None,
    ) -> ErasureReport:
        """Erase, whole: once the intents are committed, a process that dies has it finished by the next one that opens.

        Args:
            scopes: what, at least one; all of them or none.
            on_step: told what is going on.
            remove_threads: removes conversations by their ids; without it they are reported only.

        Raises:
            InvalidInput, UnknownCase, UnknownEvent: as `plan`; nothing was erased.
            LedgerUnavailable: the ledger cannot be written now.
        """
        planned = [await self.plan(scope) for scope in scopes]
        to_do = [scope for scope, plan in zip(scopes, planned, strict=True) if any(plan.counts)]
        if not to_do and not planned[0].copies:
            return combined(planned)
        threads_too = None if remove_threads is None else list[str]()
        intents = {
            uuid.uuid4().hex[:12]: ErasureIntent(scope.namespace, list(_STEPS), scope.as_json(), threads_too)
            for scope in to_do or scopes[:1]
        }

        def save(writer: LedgerWriter) -> None:
            for erasure_id, intent in intents.items():
                save_intent(writer, erasure_id, intent)

        await self._storage.ledger.transact(save)
        reports = []
        for erasure_id in intents:
            counts, threads = await self._erase_rows(erasure_id, on_step)
            unfinished = await self._finish(erasure_id, on_step, remove_threads)
            reports.append(ErasureReport(erasure_id, counts, threads, unfinished, planned[0].copies))
        return combined(reports)

    async def resume(self, *, remove_threads: RemoveThreads | None = None) -> list[str]:
        """Finish erasures that were cut short.

        Returns:
            What could not be done yet, and why.
        """
        found = await self._storage.ledger.query(erasure_intents)
        unfinished = []
        for erasure_id, intent in found.items():
            if intent.todo[:1] == ["threads"] and remove_threads is None:
                continue
            _LOG.warning("an erasure that was cut short is finished now (%s)", ", ".join(intent.todo))
            if "rows" in intent.todo:
                await self._erase_rows(erasure_id, lambda _: None)
            unfinished += await self._finish(erasure_id, lambda _: None, remove_threads)
        return unfinished

    async def _erase_rows(self, erasure_id: str, on_step: Callable[[str], None]) -> tuple[ErasedCounts, list[str]]:
        on_step(_DOING["rows"])

        def append(writer: LedgerWriter) -> tuple[ErasedCounts, list[str]]:
            intent = load_intent(writer, erasure_id)
            if intent is None or "rows" not in intent.todo:  # another process was faster
                return ErasedCounts(), []
            scope = ErasureScope.from_json(intent.scope)
            targets: ErasureTargets = find_targets(writer, scope)
            counts = erase_rows(writer, scope.namespace, targets)
            said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts._asdict().items())
            writer.note(scope.namespace, "erase", erasure_id, said)
            number = erasures_fact(scope.namespace)
            writer.set_fact(number, str(int(writer.fact(number) or 0) + 1))
            threads = sorted(targets.threads)
            todo = [step for step in intent.todo if step != "rows"]
            left, events = ErasureIntent(scope.namespace, todo), targets.events
            if not scope.before:  # conversations that are not old themselves stay when a case expires
                events = events | readings_that_served(writer, targets.cases, namespace=scope.namespace)
            if intent.threads is not None and (threads or events):
                todo += ["threads", "files"]
                left.threads, left.events = threads, sorted(events)
            save_intent(writer, erasure_id, left)
            return counts, threads

        return await self._storage.ledger.transact(append)

    async def _finish(
        self, erasure_id: str, on_step: Callable[[str], None], remove_threads: RemoveThreads | None
    ) -> list[str]:
        """Do the steps that are left, each that can be done."""
        intent = await self._storage.ledger.query(lambda connection: erasure_intents(connection).get(erasure_id))
        if intent is None:
            return []
        kept, unfinished = list[str](), list[str]()
        for at, step in enumerate(intent.todo):
            problem = ""
            if "threads" in kept:  # what is left of the intent names them: it is written away after they are gone
                kept.append(step)
                continue
            on_step(_DOING[step])
            try:
                problem = await self._do(step, intent, remove_threads)
            except (MementoError, OSError, TimeoutError) as error:
                problem = str(error) or type(error).__name__
            if problem:
                kept.append(step)
                unfinished.append(f"{_DOING[step]}: {problem}")
            elif step == "threads":
                intent.threads = intent.events = None
            todo = [*kept, *intent.todo[at + 1 :]]
            left = ErasureIntent(intent.namespace, todo, threads=intent.threads, events=intent.events)
            await self._storage.ledger.transact(partial(save_intent, erasure_id=erasure_id, intent=left))
        return unfinished

    async def _do(self, step: str, intent: ErasureIntent, remove_threads: RemoveThreads | None) -> str:
        """Do one step; return the reason why it failed, or an empty text."""
        if step == "index":
            return await self._clear_index()
        if step == "weights":
            await asyncio.to_thread(_remove_weights, self._storage.weights, intent.namespace)
        elif step == "files":
            await asyncio.to_thread(delete_old_copies, *self._places())
            is_done = await self._storage.ledger.compact()
            return "" if is_done else "another process is reading the ledger"
        elif step == "threads":
            if remove_threads is None:
                return "they are kept elsewhere"
            await remove_threads(intent.threads or [], intent.events or [])
        return ""

    def _places(self) -> tuple[Path | None, Path | None]:
        return self._storage.index_folder, sqlite_path(self._storage.ledger.url)

    async def _copies(self) -> tuple[str, ...]:
        try:
            return tuple(str(path) for path in await asyncio.to_thread(find_old_copies, *self._places()))
        except OSError as error:
            raise LedgerUnavailable(f"the folder of the ledger cannot be read: {error}") from error

    async def _clear_index(self) -> str:
        from memento.memory.index.engines.purging import purge_slots

        self._storage.texts.forget()
        folder = self._storage.index_folder
        n_held = 0
        if folder is not None and await asyncio.to_thread(folder.is_dir):
            n_held = await asyncio.to_thread(purge_slots, folder)
        await self._storage.bank.rebuild()
        n_held = max(0, n_held - (self._storage.bank.engine_name == "edge"))
        n_held += await self._storage.empty_picture_indexes()
        if n_held:
            _LOG.warning("another process has the index open: it rebuilds its own copy at its next read")
        return ""


def combined(reports: Sequence[ErasureReport]) -> ErasureReport:
    """One report of erasures that were asked for together, at least one; with the id of the first that erased."""
    return ErasureReport(
        next((report.erasure_id for report in reports if report.erasure_id is not None), None),
        ErasedCounts(*map(sum, zip(*(report.counts for report in reports), strict=True))),
        sorted({name for report in reports for name in report.thread_ids}),
        list(dict.fromkeys(one for report in reports for one in report.unfinished)),
        tuple(dict.fromkeys(one for report in reports for one in report.copies)),
    )


def _check(scope: ErasureScope) -> None:
    if scope.matching and not scope.matching.strip():
        raise InvalidInput("the text to erase is blank")
    if not scope.says_something:
        raise InvalidInput("say what to erase: everything, cases, events, a text, or what is older than a time")


def _remove_weights(folder: Path | None, namespace: str) -> None:
    for path in () if folder is None else folder.glob(f"{text_hash(namespace)}.*"):
        path.unlink(missing_ok=True)


async def finish_erasures(storage: Storage, **options: Any) -> list[str]:
    """Finish what an earlier process began to erase, as far as it can be done now; never raises."""
    try:
        return await Erasing(storage).resume(**options)
    except LedgerUnavailable as error:
        _LOG.warning("an erasure that was cut short is finished later: %s", error)
        return [str(error)]
