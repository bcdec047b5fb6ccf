"""Restores records whose row can no longer be found: the column that it is looked up by is damaged, the body is not.

Without it an earlier revision of the case, or an earlier outcome of the event, would be the newest one that is found,
and would be believed again. The digest proves the body: it matches once the columns are made from it. The record is
added anew, because followers of the feed have passed the damaged row already.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select

from memento.memory.case import Case
from memento.memory.event import Outcome
from memento.memory.ledger import schema
from memento.memory.ledger.bodies import decode_body
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.row_fields import case_fields, outcome_fields
from memento.memory.ledger.rows import CASES, OUTCOMES, CheckedConnection, RowKind
from memento.memory.ledger.set_aside import DamagedRow

RESTORED: Final = ":restored"
"""Suffix of the key of an outcome that was added anew."""


class _Proof(NamedTuple):
    kind: RowKind[Any]
    record: type[Case | Outcome]
    fields: Callable[[Any], dict[str, Any]]
    looked_up_by: str


_PROOFS: Final[Mapping[str, _Proof]] = MappingProxyType(
    {
        schema.case_revisions.name: _Proof(CASES, Case, case_fields, "case_id"),
        schema.outcomes.name: _Proof(OUTCOMES, Outcome, outcome_fields, "event_id"),
    }
)


def lost_record(connection: CheckedConnection, damaged: DamagedRow) -> Case | Outcome | None:
    """The record of a damaged row that cannot be found by its own id, if it is proven and still the newest; or None."""
    proof = _PROOFS.get(damaged.table)
    if proof is None or not damaged.key.isdecimal():
        return None
    columns = proof.kind.table.c
    found = connection.execute(select(*proof.kind.columns).where(columns.offset == int(damaged.key))).first()
    if found is None:
        return None
    row = dict(zip(columns.keys(), found, strict=True))
    try:
        record = decode_body(proof.record, row["body"])
        proven = proof.fields(record) | {"body": row["body"]}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    own_id = proven[proof.looked_up_by]
    digest = row_digest(damaged.table, [proven[name] for name in DIGEST_COLUMNS[damaged.table]])
    if digest != row["digest"] or own_id == row[proof.looked_up_by]:
        return None
    newest = connection.scalar(select(func.max(columns.offset)).where(columns[proof.looked_up_by] == own_id)) or 0
    return record if newest < row["offset"] else None
