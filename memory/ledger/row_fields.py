"""The columns of records, as they are stored: each row with its digest."""

from typing import Any

from memento.memory.case import Case, text_hash, utc_now
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.ledger.bodies import encode_body
from memento.memory.ledger.rows import AUDIT, CASES, EVENTS, OUTCOMES

_SLOT = ("slot", "case_id", "similarity", "score", "propensity", "is_randomised")


def case_fields(case: Case) -> dict[str, Any]:
    """The columns of a case revision."""
    row = {name: getattr(case, name) for name in ("version", "namespace", "status", "reward", "kind")}
    is_erased = case.status == "erased"  # hashes of short texts can be guessed
    return CASES.signed(
        row
        | {
            "case_id": case.id,
            "question": "" if is_erased else case.question,
            "state_hash": "" if is_erased else text_hash(case.state),
            "event_id": case.provenance.event_id,
            "body": encode_body(case),
        }
    )


def event_fields(event: RetrievalEvent) -> dict[str, Any]:
    """The columns of an event."""
    row = {"event_id": event.id, "namespace": event.namespace, "is_degraded": event.is_degraded}
    return EVENTS.signed({**row, "body": encode_body(event)})


def slot_fields(event: RetrievalEvent) -> list[dict[str, Any]]:
    """The columns of an event's slots."""
    return [{"event_id": event.id, **{name: getattr(slot, name) for name in _SLOT}} for slot in event.slots]


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """The columns of an outcome."""
    row = {name: getattr(outcome, name) for name in ("key", "event_id", "namespace", "reward")}
    return OUTCOMES.signed({**row, "body": encode_body(outcome)})


def audit_fields(namespace: str, verb: str, subject: str, detail: str) -> dict[str, Any]:
    """The columns of an audit line with the current time."""
    return AUDIT.signed({"at": utc_now(), "namespace": namespace, "verb": verb, "subject": subject, "detail": detail})
