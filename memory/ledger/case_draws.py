"""Queries of `case_heads`: active cases, uniform draws of them, and how many cases an index must hold."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
from sqlalchemy import bindparam, exists, func, select

from memento.memory.case import PLAN, CaseKind
from memento.memory.ledger import schema
from memento.memory.ledger.namespace_counts import WHOLE_LEDGER, counted, counts_of
from memento.memory.ledger.prepared import Among, Prepared
from memento.memory.ledger.rows import CheckedConnection

_HEADS, _REVISIONS = schema.case_heads, schema.case_revisions
_EARLIER = _REVISIONS.alias("earlier")

_LISTED_UP_TO: Final = 2_000
"""Up to so many active cases, draws are made from their list; from more, by ordinal."""

_LEAST_SHARE: Final = 1 / 16
"""Where fewer of the ordinals are of active cases, draws are made from the list, too."""

_ROUNDS: Final = 64
"""Rounds of draws after which the list is asked: each of them draws twice what is wanted."""

_OF_ORDINALS = Prepared(
    select(_HEADS.c.ordinal, _HEADS.c.case_id).where(
        _HEADS.c.namespace == bindparam("namespace"),
        _HEADS.c.kind == bindparam("kind"),
        _HEADS.c.status == "active",
        Among(_HEADS.c.ordinal, "ordinals"),
    )
)
_ACTIVE = Prepared(
    select(_HEADS.c.case_id, _HEADS.c.question)
    .where(
        _HEADS.c.namespace == bindparam("namespace"), _HEADS.c.kind == bindparam("kind"), _HEADS.c.status == "active"
    )
    .order_by(_HEADS.c.case_id)
)
_OF_QUESTION = Prepared(
    select(_HEADS.c.case_id).where(
        _HEADS.c.namespace == bindparam("namespace"),
        Among(_HEADS.c.question, "keys"),
        _HEADS.c.status == "active",
        _HEADS.c.kind == bindparam("kind"),
    )
)
_NEW_SINCE = Prepared(
    select(func.count(func.distinct(_REVISIONS.c.case_id)))
    .join_from(_REVISIONS, _HEADS, _HEADS.c.case_id == _REVISIONS.c.case_id)
    .where(
        _REVISIONS.c.offset > bindparam("offset"),
        ~exists().where(_EARLIER.c.case_id == _REVISIONS.c.case_id, _EARLIER.c.offset <= bindparam("offset")),
    )
)


def active_heads(connection: CheckedConnection, namespace: str, kind: CaseKind = PLAN) -> list[tuple[str, str]]:
    """Id and question of every active case of a namespace and kind, by id."""
    return [(row[0], row[1]) for row in _ACTIVE.rows(connection, namespace=namespace, kind=kind)]


def heads_of_question(
    connection: CheckedConnection, namespace: str, keys: Sequence[str], kind: CaseKind = PLAN
) -> list[str]:
    """Ids of the active cases of a kind that are kept under one of these hashes of a question."""
    return [row[0] for row in _OF_QUESTION.rows(connection, namespace=namespace, keys=list(keys), kind=kind)]


def draw_heads(
    connection: CheckedConnection,
    n: int,
    *,
    namespace: str,
    own: AbstractSet[str],
    rng: np.random.Generator,
    kind: CaseKind = PLAN,
) -> tuple[list[str], int]:
    """Draw active cases of a kind uniformly without replacement, without `own`.

    Ordinals are dense: drawn again and again until they are of active cases, they draw those uniformly.

    Returns:
        Ids in random order, and the number of cases that they were drawn from.
    """
    counts = counts_of(connection, namespace, kind) or counted(connection, namespace, kind)
    n_cases = counts.active - len(own)
    drawn = dict[str, None]()
    if n_cases > max(_LISTED_UP_TO, n) and n_cases >= _LEAST_SHARE * counts.ordinals:
        for _ in range(_ROUNDS):
            ordinals = rng.integers(1, counts.ordinals + 1, size=2 * n).tolist()
            known = dict(_OF_ORDINALS.rows(connection, namespace=namespace, kind=kind, ordinals=ordinals))
            drawn |= dict.fromkeys(known[one] for one in ordinals if one in known and known[one] not in own)
            if len(drawn) >= n:
                return list(drawn)[:n], n_cases
    ids = [case_id for case_id, _ in active_heads(connection, namespace, kind) if case_id not in own]
    places: list[int] = rng.choice(len(ids), size=min(n, len(ids)), replace=False).tolist() if ids else []
    return [ids[place] for place in places], len(ids)


def n_heads_until(connection: CheckedConnection, offset: int) -> int:
    """Number of living cases whose first revision is not after an offset; costs what came after it."""
    if offset <= 0:
        return 0
    kept = counts_of(connection, WHOLE_LEDGER) or counted(connection, WHOLE_LEDGER)
    new: int = _NEW_SINCE.scalar(connection, offset=offset)
    return kept.heads - new
