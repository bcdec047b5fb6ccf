"""Exact cosine search over the newest cases of the ledger: in place of an index, or beside one that lags."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.memory.case import Case, CaseKind
from memento.memory.index.case_vectors import CaseVectors
from memento.memory.index.engines.cosine_digits import rounded
from memento.memory.index.engines.port import Hit, Vector
from memento.memory.ledger.reads import LedgerViews
from memento.memory.products import exact_cosines

N_NEWEST = 2_000
"""Maximum number of cases, or changes of cases, that are searched."""


class UnindexedChanges(NamedTuple):
    """Changes of a namespace in the ledger that an index lacks."""

    cases: dict[str, Case]
    """Newest revisions of the cases that have changed, by id."""
    is_all: bool
    """Whether `cases` has everything that the index lacks."""
    n_behind: int
    """Changes of all namespaces that the index lacks, roughly."""
    bank_version: int
    """Ledger offset up to which index and cases together are complete."""


class ExactSearch:
    """Searches the ledger itself, without an index."""

    def __init__(self, *, views: LedgerViews, vectors: CaseVectors) -> None:
        self._views = views
        self._vectors = vectors

    async def newest(self, namespace: str, kind: CaseKind) -> tuple[list[Case], int]:
        """The newest active cases of a namespace and kind, and the ledger's newest offset."""
        newest = await self._views.newest_offset()
        walk = self._views.walk(namespace=namespace, status="active", newest_first=True, limit=N_NEWEST, kind=kind)
        return [case async for case in walk], newest

    async def newer(self, namespace: str, *, than: int) -> UnindexedChanges:
        """The cases of a namespace that have changed after a ledger offset."""
        newest = await self._views.newest_offset()
        changes = await self._views.newest_changes(namespace=namespace, after=than, limit=N_NEWEST + 1)
        cases: dict[str, Case] = {}
        for change in changes[:N_NEWEST]:
            if change.case is not None:
                cases.setdefault(change.case.id, change.case)
        is_all = len(changes) <= N_NEWEST
        return UnindexedChanges(cases, is_all, max(0, newest - than), max(newest, than) if is_all else than)

    async def hits(
        self, cases: Sequence[Case], vector: Vector, *, kind: CaseKind, exclude_question: str | None
    ) -> list[Hit]:
        """Cosines of the cases of a kind that may be served, in the order given."""
        fit = [
            case
            for case in cases
            if case.status == "active" and case.kind == kind and case.question != exclude_question
        ]
        row_of = {case.id: row for case, row in zip(fit, await self._vectors.of(fit), strict=True) if row is not None}
        if not row_of:
            return []
        cosine_C = exact_cosines(np.stack(list(row_of.values())), vector)
        return [Hit(case_id, float(cosine)) for case_id, cosine in zip(row_of, cosine_C, strict=True)]


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """Sort hits by descending cosine, ties by id: the same in every process and after every rebuild."""
    cosine_N = rounded([hit.similarity for hit in hits])
    order = sorted((-cosine, hit.case_id) for cosine, hit in zip(cosine_N, hits, strict=True))
    return [Hit(case_id, -negative) for negative, case_id in order]
