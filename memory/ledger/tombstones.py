"""Tombstones: the columns of rows whose texts were erased. Made from columns, so that damaged rows can be erased."""

import json
from collections.abc import Mapping
from typing import Any

from memento.memory.case import CASE_KINDS, ERASED, PLAN, Case, Provenance, utc_now
from memento.memory.event import Candidate, Outcome, RetrievalEvent, Slot
from memento.memory.ledger.row_fields import case_fields, event_fields, outcome_fields
from memento.memory.ledger.rows import CASES, EVENTS, OUTCOMES, RowKind, Unreadable


def erased_case(row: Any) -> dict[str, Any]:
    """Columns of a case revision without its texts and key: id, version, kind, reward, event and time stay.

    Args:
        row: all columns, by name.
    """
    case: Case | None = _record(CASES, row)
    return case_fields(
        Case(
            id=row.case_id,
            namespace=row.namespace,
            state=ERASED,
            action=ERASED,
            reward=_share(row.reward) or 0.0,
            confidence=1.0 if case is None else case.confidence,
            error_class=None if case is None else case.error_class,
            trust=1.0 if case is None else case.trust,
            status="erased",
            provenance=Provenance(event_id=row.event_id),
            version=row.version,
            created_at=utc_now() if case is None else case.created_at,
            kind=row.kind if row.kind in CASE_KINDS else PLAN,
        )
    )


def last_word(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The revision that tells readers of the change feed that a case was erased.

    Args:
        fields: columns of the case's newest tombstone.
    """
    body = json.loads(fields["body"])
    body.pop("schema", None)
    return case_fields(Case.model_validate({**body, "version": fields["version"] + 1, "created_at": utc_now()}))


def erased_event(row: Any, at: str) -> dict[str, Any]:
    """Columns of an event without its texts and key: ids, kind, slots with scores and propensities, and times stay.

    Args:
        row: all columns, by name.
        at: the time now.
    """
    event: RetrievalEvent | None = _record(EVENTS, row)
    candidates, slots = list[Candidate](), list[Slot]()
    if event is not None:
        candidates = [Candidate(one.case_id, one.similarity) for one in event.candidates]
        slots = [Slot.model_validate({name: getattr(one, name) for name in Slot.model_fields}) for one in event.slots]
    return event_fields(
        RetrievalEvent(
            id=row.event_id,
            namespace=row.namespace,
            query=ERASED,
            follows=None if event is None else event.follows,
            fork_of=None if event is None else event.fork_of,
            policy="" if event is None else event.policy,
            n_outcomes=0 if event is None else event.n_outcomes,
            settings_version=0 if event is None else event.settings_version,
            bank_version=0 if event is None else event.bank_version,
            is_degraded=True,  # its vectors are gone: it never trains
            candidates=candidates,
            slots=slots,
            created_at=at if event is None else event.created_at,
            erased_at=at,
            kind=PLAN if event is None else event.kind,
            part_of=None if event is None else event.part_of,
            k=None if event is None else event.k,
            max_tokens=None if event is None else event.max_tokens,
        )
    )


def erased_outcome(row: Any) -> dict[str, Any]:
    """Columns of an outcome without its texts: key, event, reward and confidence stay.

    Args:
        row: all columns, by name.
    """
    outcome: Outcome | None = _record(OUTCOMES, row)
    return outcome_fields(
        Outcome(
            key=row.key,
            event_id=row.event_id,
            namespace=row.namespace,
            reward=_share(row.reward),
            confidence=1.0 if outcome is None else outcome.confidence,
            evaluator="erased",
            left_out=() if outcome is None else outcome.left_out,
        )
    )


def _record(kind: RowKind[Any], row: Any) -> Any:
    """The record of a row; None where it fails its checks."""
    try:
        return kind.parsed(tuple(row))
    except Unreadable:
        return None


def _share(value: Any) -> float | None:
    """A reward as its column has it; None where that is no reward."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
