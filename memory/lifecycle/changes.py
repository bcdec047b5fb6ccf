"""Batches of case changes, each in one transaction with audit lines, and their undo.

A change is a new revision. So undoing one is a new revision too, an undo can itself be undone, and the search index
follows as it follows everything else. Every function here runs inside one writing transaction of the ledger.
"""

import uuid
from collections.abc import Sequence
from typing import Literal, NamedTuple

from memento.memory.case import Case, CaseStatus
from memento.memory.errors import ErasedRecord, InvalidInput, UnknownBatch, UnknownCase, UnknownSnapshot
from memento.memory.ledger.batches import CaseChange, LedgerBatches
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.lifecycle.forgetting import ForgettingPlan, Retirement

StatusVerb = Literal["retire", "restore", "quarantine", "release"]

_REFUSED: dict[StatusVerb, tuple[CaseStatus, str]] = {
    "restore": ("quarantined", "it was not retired; `release` lets it out"),
    "quarantine": ("retired", "it is not served anyway; `restore` brings it back"),
    "release": ("retired", "it is not in quarantine; `restore` brings it back"),
}


_DAMAGED = "its stored row is damaged; `memento doctor` lists what is set aside"


class PlannedChange(NamedTuple):
    """Planned change of one case: before and after."""

    before: Case
    after: Case
    reason: str


class BatchReport(NamedTuple):
    """Result of a batch of changes."""

    batch_id: str | None
    """Give it to `undo`; None when nothing was to be changed."""
    changed: list[str]
    """Ids of the cases that were changed."""
    left_alone: dict[str, str]
    """Case id to the reason why it was not changed."""


def commit(
    writer: LedgerWriter, namespace: str, verb: str, changes: Sequence[PlannedChange], left_alone: dict[str, str]
) -> BatchReport:
    """Append the changes, whose `before` is the newest revision in this transaction."""
    if not changes:
        return BatchReport(None, [], left_alone)
    batch_id = uuid.uuid4().hex[:12]
    revisions = [change.after.model_copy(update={"version": change.before.version + 1}) for change in changes]
    writer.append_revisions(revisions)
    lines = [
        CaseChange(change.before.id, change.before.version, revision.version, change.reason)
        for change, revision in zip(changes, revisions, strict=True)
    ]
    LedgerBatches(writer).record(batch_id, namespace=namespace, verb=verb, changes=lines)
    return BatchReport(batch_id, [revision.id for revision in revisions], left_alone)


def set_status(writer: LedgerWriter, namespace: str, verb: StatusVerb, ids: Sequence[str], reason: str) -> BatchReport:
    """Retire, restore, quarantine or release cases.

    Raises:
        UnknownCase: one of them is not of this namespace; nothing was changed.
        InvalidInput: one of them is in a status that the verb does not apply to; nothing was changed.
    """
    newest = LedgerBatches(writer).newest(ids, namespace=namespace)
    changes, left_alone = list[PlannedChange](), dict[str, str]()
    for case_id in dict.fromkeys(ids):
        if case_id not in newest:
            raise UnknownCase(case_id, namespace)
        case = newest[case_id]
        status = _status_after(writer, verb, case)
        if status == case.status:
            left_alone[case_id] = f"is {status} already"
        else:
            changes.append(PlannedChange(case, case.model_copy(update={"status": status}), reason))
    return commit(writer, namespace, verb, changes, left_alone)


def forget(writer: LedgerWriter, namespace: str, plan: ForgettingPlan) -> BatchReport:
    """Retire the cases of a plan for which it still holds."""
    covers = [retirement.covered_by for retirement in plan.retirements if retirement.covered_by is not None]
    ids = [retirement.case_id for retirement in plan.retirements]
    newest = LedgerBatches(writer).newest([*ids, *covers], namespace=namespace)
    changes, left_alone = list[PlannedChange](), dict[str, str]()
    for retirement in plan.retirements:
        case = newest.get(retirement.case_id)
        if case is None:
            raise UnknownCase(retirement.case_id, namespace)
        if obstacle := _obstacle(retirement, newest):
            left_alone[case.id] = obstacle
        else:
            reason = f"{retirement.rule}: {retirement.reason}"
            changes.append(PlannedChange(case, case.model_copy(update={"status": "retired"}), reason))
    return commit(writer, namespace, "forget", changes, left_alone)


def undo(writer: LedgerWriter, namespace: str, batch_id: str) -> BatchReport:
    """Undo a batch: restore its cases to their former revision, unless they have changed since.

    Raises:
        UnknownBatch: no such batch in this namespace.
    """
    batches = LedgerBatches(writer)
    done = batches.changes(batch_id, namespace=namespace)
    if not done:
        raise UnknownBatch(batch_id, namespace)
    newest = batches.newest([change.case_id for change in done], namespace=namespace)
    before = batches.revisions([(change.case_id, change.version_before) for change in done], namespace=namespace)
    events = {case.provenance.event_id for case in before.values() if case.status == "active"} - {None}
    withdrawn = batches.withdrawn_among([event_id for event_id in events if event_id], namespace=namespace)
    changes, left_alone = list[PlannedChange](), dict[str, str]()
    for case_id, _, version_after, _ in done:
        then, now = before.get(case_id), newest.get(case_id)
        if then is None or now is None:
            left_alone[case_id] = _DAMAGED
        elif "erased" in (then.status, now.status):
            left_alone[case_id] = "was erased"
        elif then.status == "active" and then.provenance.event_id in withdrawn and not _has_others(now):
            left_alone[case_id] = "its reward has been withdrawn"
        elif now.version != version_after:
            left_alone[case_id] = "has changed since"
        else:
            changes.append(PlannedChange(now, _undone(then, now), f"undo of batch {batch_id}"))
    return commit(writer, namespace, "undo", changes, left_alone)


def rollback(writer: LedgerWriter, namespace: str, name: str) -> BatchReport:
    """Roll every case of the namespace back to a snapshot; cases written later are retired.

    Raises:
        UnknownSnapshot: no snapshot of this name.
    """
    batches = LedgerBatches(writer)
    snapshots = batches.snapshots(namespace=namespace)
    if name not in snapshots:
        raise UnknownSnapshot(name, namespace, list(snapshots))
    if (offset := snapshots[name]) is None:
        raise InvalidInput(f"the record of snapshot {name!r} is damaged; `memento doctor` lists what is set aside")
    moved, unreadable = batches.moved_since(offset, namespace=namespace)
    changes, left_alone = list[PlannedChange](), dict.fromkeys(unreadable, _DAMAGED)
    for then, now in moved:
        if now.status == "erased":
            left_alone[now.id] = "was erased"
        elif then is None or then.status == "erased":
            if now.status != "retired":
                retired = now.model_copy(update={"status": "retired"})
                changes.append(PlannedChange(now, retired, f"written after snapshot {name!r}"))
        elif then.content() != now.content():
            changes.append(PlannedChange(now, _again(then, now), f"as it was at snapshot {name!r}"))
    return commit(writer, namespace, "rollback", changes, left_alone)


def _again(then: Case, now: Case) -> Case:
    """A former revision as the next one: it counts none of the outcomes that came after it."""
    tally = then.tally and then.tally.without_versions(then.version + 1, now.version)
    return then.model_copy(update={"tally": tally})


def _undone(then: Case, now: Case) -> Case:
    """The revision before a batch as the next one; that of the batch itself counts where it is of the same attempt."""
    return then if then.provenance.event_id == now.provenance.event_id else _again(then, now)


def _has_others(case: Case) -> bool:
    """Whether a case whose newest attempt has no known reward any more has other outcomes."""
    return case.tally is not None and case.outcomes.n > 0


def _status_after(writer: LedgerWriter, verb: StatusVerb, case: Case) -> CaseStatus:
    if case.status == "erased":
        raise ErasedRecord(f"case {case.id}", case.namespace)
    if verb == "retire":
        return "retired"
    refused, way_out = _REFUSED[verb]
    if case.status == refused:
        raise InvalidInput(f"case {case.id} is {refused}: {way_out}")
    if verb == "restore":
        return case.status if case.status == "active" else _status_before_retirement(writer, case)
    return "quarantined" if verb == "quarantine" else "active"


def _status_before_retirement(writer: LedgerWriter, case: Case) -> CaseStatus:
    """Active, unless it was in quarantine, or its reward has been withdrawn while it was retired."""
    batches, event_id = LedgerBatches(writer), case.provenance.event_id
    if event_id is not None and not _has_others(case) and batches.withdrawn_among([event_id], namespace=case.namespace):
        return "quarantined"
    return batches.last_status_but_retired(case.id, namespace=case.namespace) or "active"


def _obstacle(retirement: Retirement, newest: dict[str, Case]) -> str:
    """Why a retirement no longer holds; empty when it does."""
    case, cover = newest[retirement.case_id], newest.get(retirement.covered_by or "")
    if case.version != retirement.version or case.status != "active":
        return "has changed since the plan was made"
    if retirement.covered_by is not None and (cover is None or cover.status != "active"):
        return f"case {retirement.covered_by}, which covered it, is not active any more"
    return ""
