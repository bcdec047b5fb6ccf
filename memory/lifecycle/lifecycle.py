"""Lifecycle of cases (`memory.lifecycle`): retire, quarantine, forget, undo, snapshot, roll back.

```python
report = await memory.lifecycle.retire(case_id, reason="the page it quotes is gone")
await memory.lifecycle.undo(report.batch_id)

plan = await memory.lifecycle.plan(ForgettingRules(capacity=5_000))  # proposes; `apply` does it
await memory.lifecycle.apply(plan)

await memory.lifecycle.snapshot("before the import")
await memory.lifecycle.rollback("before the import")  # itself a batch, which can be undone
```

Retired and quarantined cases are served no more. Events, outcomes and estimates stay what they were.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from memento.memory.arguments import checked_count, checked_instance, checked_text
from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect
from memento.memory.ledger.audit import AuditEntry, AuditViews, CaseSnapshot
from memento.memory.ledger.batches import LedgerBatches
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lifecycle import changes
from memento.memory.lifecycle.changes import BatchReport, StatusVerb
from memento.memory.lifecycle.forgetting import ForgettingPlan, ForgettingRules, crowded, plan_forgetting
from memento.memory.lifecycle.namespace_erasure import NamespaceErasure
from memento.memory.namespaces import checked_namespace
from memento.memory.storage import Storage
from memento.memory.success import SuccessLine

_ENCODED_AT_ONCE = 64
_MAX_NAME = 200


class Lifecycle(NamespaceErasure):
    """Lifecycle of one namespace's cases: retire, quarantine, forget, snapshot, undo."""

    def __init__(
        self,
        *,
        storage: Storage,
        namespace: str,
        effects: Callable[[str], Awaitable[list[CaseEffect]]],
        success: SuccessLine,
    ) -> None:
        """Wire the parts.

        Args:
            storage: where cases are.
            namespace: whose.
            effects: what serving each case of a namespace has done.
            success: which rewards count as success.
        """
        self._storage = storage
        self._namespace = namespace
        self._effects = effects
        self._success = success

    def within(self, namespace: str) -> Self:
        """The lifecycle of another namespace.

        Raises:
            InvalidInput: it is not a valid namespace.
        """
        return type(self)(
            storage=self._storage,
            namespace=checked_namespace(namespace),
            effects=self._effects,
            success=self._success,
        )

    async def retire(self, *ids: str, reason: str = "") -> BatchReport:
        """Stop serving cases. Their records stay, and they stay retired whatever feedback comes.

        Raises:
            UnknownCase: one of them is not of this namespace; nothing was changed.
            LedgerUnavailable: nothing was changed.
        """
        return await self._set_status("retire", ids, reason)

    async def restore(self, *ids: str, reason: str = "") -> BatchReport:
        """Restore retired cases to their former status: active or quarantined.

        Raises:
            UnknownCase, InvalidInput: one of them is not of this namespace, or in quarantine; nothing was changed.
            LedgerUnavailable: nothing was changed.
        """
        return await self._set_status("restore", ids, reason)

    async def quarantine(self, *ids: str, reason: str = "") -> BatchReport:
        """Stop serving cases until they are released or a known reward confirms them.

        Raises:
            UnknownCase, InvalidInput: one of them is not of this namespace, or retired; nothing was changed.
            LedgerUnavailable: nothing was changed.
        """
        return await self._set_status("quarantine", ids, reason)

    async def release(self, *ids: str, reason: str = "") -> BatchReport:
        """Release cases from quarantine.

        Raises:
            UnknownCase, InvalidInput: one of them is not of this namespace, or retired; nothing was changed.
            LedgerUnavailable: nothing was changed.
        """
        return await self._set_status("release", ids, reason)

    async def plan(
        self, rules: ForgettingRules | None = None, *, on_step: Callable[[str], None] = lambda _: None
    ) -> ForgettingPlan:
        """Propose what to forget; nothing is changed.

        Args:
            rules: the dials.
            on_step: told what is going on, for progress.

        Raises:
            EncoderUnavailable: a plan cannot be encoded in order to compare it.
            LedgerUnavailable: the cases cannot be read.
        """
        rules = checked_instance("the rules", rules or ForgettingRules(), ForgettingRules)
        on_step("asking what serving each case has done")
        effects = await self._effects(self._namespace)
        on_step("reading the cases")
        walk = self._storage.views.walk(namespace=self._namespace, status="active")
        cases = [case async for case in walk]
        state_CD = await self._storage.texts.rows([case.state for case in cases])
        on_step(f"comparing {len(cases)} tasks")
        line = await self._success.of(self._namespace)
        is_crowded_C = await asyncio.to_thread(
            crowded, cases, state_CD, near_state=rules.near_state, positive_from=line
        )
        actions = [case.action for case, is_crowded in zip(cases, is_crowded_C, strict=True) if is_crowded]
        action_CD = np.zeros_like(state_CD)
        action_CD[is_crowded_C] = await self._encoded(actions, on_step)
        on_step(f"choosing among {len(cases)} cases")
        return await asyncio.to_thread(
            plan_forgetting,
            cases,
            state_CD=state_CD,
            action_CD=action_CD,
            effects=effects,
            rules=rules,
            positive_from=line,
        )

    async def apply(self, plan: ForgettingPlan) -> BatchReport:
        """Retire the cases of a plan in one batch; cases changed since the plan was made are left alone.

        Raises:
            UnknownCase: the plan is another namespace's; nothing was changed.
            LedgerUnavailable: nothing was changed.
        """
        checked_instance("the plan", plan, ForgettingPlan)
        return await self._commit(lambda writer: changes.forget(writer, self._namespace, plan))

    async def undo(self, batch_id: str) -> BatchReport:
        """Undo a batch: restore its cases exactly; cases that have changed since are left alone.

        Raises:
            UnknownBatch: no such batch in this namespace.
            LedgerUnavailable: nothing was changed.
        """
        return await self._commit(lambda writer: changes.undo(writer, self._namespace, storable(batch_id)))

    async def snapshot(self, name: str) -> CaseSnapshot:
        """Create a named snapshot to roll back to.

        Raises:
            InvalidInput: an empty or long name, or one that is taken.
            LedgerUnavailable: it was not kept.
        """
        checked_text("a snapshot's name", name)
        if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
            raise InvalidInput(f"a snapshot's name has 1 to {_MAX_NAME} printable characters, not {name[:80]!r}")
        name = storable(name)

        def append(writer: LedgerWriter) -> None:
            batches = LedgerBatches(writer)
            if name in batches.snapshots(namespace=self._namespace):
                raise InvalidInput(f"the snapshot {name!r} exists already; choose another name")
            offset = batches.append_snapshot(name, namespace=self._namespace)
            writer.note(self._namespace, "snapshot", name, f"at case revision {offset}")

        await self._storage.ledger.transact(append)
        return next(found for found in await self.snapshots() if found.name == name)

    async def snapshots(self) -> list[CaseSnapshot]:
        """All snapshots, oldest first."""
        return await AuditViews(self._storage.ledger).snapshots(namespace=self._namespace)

    async def rollback(self, name: str) -> BatchReport:
        """Roll every case back to a snapshot; cases written later are retired. Can be undone like any batch.

        Raises:
            UnknownSnapshot: no snapshot of this name.
            LedgerUnavailable: nothing was changed.
        """
        return await self._commit(lambda writer: changes.rollback(writer, self._namespace, storable(name)))

    async def audit(self, *, limit: int = 20) -> list[AuditEntry]:
        """The newest entries of the audit trail, newest first.

        Raises:
            InvalidInput: the limit is no count.
        """
        n = checked_count("the limit", limit)
        return await AuditViews(self._storage.ledger).entries(namespace=self._namespace, limit=n)

    async def _set_status(self, verb: StatusVerb, ids: Sequence[str], reason: str) -> BatchReport:
        ids, reason = [storable(one) for one in ids], storable(reason)
        return await self._commit(lambda writer: changes.set_status(writer, self._namespace, verb, ids, reason))

    async def _commit(self, change: Callable[[LedgerWriter], BatchReport]) -> BatchReport:
        report = await self._storage.ledger.transact(change)
        await self._storage.bank.project()
        return report

    async def _encoded(self, texts: Sequence[str], on_step: Callable[[str], None]) -> NDArray[np.float32]:
        """Encode texts to rows; vectors are stored, so that an interruption loses little."""
        rows = [np.empty((0, self._storage.texts.encoder.dim), np.float32)]
        for start in range(0, len(texts), _ENCODED_AT_ONCE):
            on_step(f"encoding plan {start + 1} of {len(texts)}")
            rows.append(await self._storage.texts.rows(texts[start : start + _ENCODED_AT_ONCE], is_kept=True))
        return np.concatenate(rows)
