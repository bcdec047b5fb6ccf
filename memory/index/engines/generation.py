"""What one generation of an embedded index holds: a shard of its own and, in a large bank, a segment shared by all.

A case is in the shard, in the segment, or in both: then it has changed since the segment was built, and the shard's
point hides the segment's row.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.segment import Segment
from memento.memory.index.engines.shard import Shard
from memento.memory.index.engines.vector_cache import VectorCache


class Generation:
    """An open generation. Blocking; one thread at a time, but `search_segment` may run beside it.

    Raises:
        EngineRejected, EngineUnavailable, IndexDamaged: from every method, as `shard.named_errors` tells.
    """

    def __init__(self, shard: Shard, segment: Segment | None = None, *, dim: int) -> None:
        self.shard = shard
        self.cache = VectorCache(shard, dim=dim)
        self.segment = segment
        self._hidden: NDArray[np.bool_] = np.zeros(0 if segment is None else segment.n_rows, np.bool_)
        if segment is not None:
            for page in shard.pages():
                self._hide(segment.rows_of([case_id for case_id, _ in page]))

    @property
    def path(self) -> Path:
        """Directory of the shard."""
        return self.shard.path

    @property
    def graph(self) -> int:
        """Number of the segment; 0 without one."""
        return 0 if self.segment is None else self.segment.number

    @property
    def n_hidden(self) -> int:
        """Rows of the segment that the shard hides."""
        return int(self._hidden.sum())

    def lacks(self, page: Sequence[tuple[str, int]]) -> list[str]:
        """Those of a page of ids and versions that the segment does not have at that version or a later one."""
        if self.segment is None:
            return [case_id for case_id, _ in page]
        rows, versions = self.segment.rows_of([case_id for case_id, _ in page]), self.segment.column("versions")
        return [each[0] for each, row in zip(page, rows, strict=True) if row < 0 or versions[row] < each[1]]

    def take_over(self, old: "Generation", case_ids: Sequence[str]) -> None:
        """Insert points of another generation's shard, unless this one has later ones already."""
        old.shard.copy_to(self.shard, case_ids)
        if self.segment is not None:
            self._hide(self.segment.rows_of(case_ids))

    def write(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule (see points.py)."""
        if self.segment is not None:
            rows = self.segment.rows_of([point.case_id for point in points])
            versions = self.segment.column("versions")
            fit = [at for at, row in enumerate(rows) if row < 0 or versions[row] < points[at].version]
            points = [points[at] for at in fit]
            self._hide(rows[fit])
        try:
            self.shard.write(points)
        finally:  # a part of it may have been written
            self.cache.follow(points)

    def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points of the shard; the engine leaves what they were in its files."""
        self.cache.forget()
        self.shard.delete(case_ids)

    def has_any(self, case_ids: Sequence[str]) -> bool:
        """Whether a point of one of these cases is there, or was."""
        if self.segment is not None and (self.segment.rows_of(case_ids) >= 0).any():
            return True
        return self.shard.has_any(case_ids)

    def has_graph(self, namespace: str) -> bool:
        """Whether searches of the namespace are approximate."""
        return self.segment is not None and self.segment.has(namespace)

    def search_segment(self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None) -> list[Hit]:
        """The segment's part of a search; does not hold the GIL for long."""
        if self.segment is None or limit < 1:
            return []
        return self.segment.search(
            vector, namespace=namespace, limit=limit, hidden=self._hidden, exclude_question=exclude_question
        )

    def search(
        self,
        vector: Vector,
        *,
        namespace: str,
        limit: int,
        exclude_question: str | None,
        others: Sequence[Hit] = (),
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine.

        Args:
            vector: shape (dim,).
            namespace: whose.
            limit: how many.
            exclude_question: a question whose cases are left out.
            others: what `search_segment` found.
        """
        found = self.cache.search(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)
        if found is None:
            found = self.shard.search(
                vector,
                namespace=namespace,
                limit=limit,
                exclude_question=exclude_question,
                is_exact=self.cache.may_hold(namespace),
            )
        if self.segment is None or not others:
            return found
        rows = self.segment.rows_of([one.case_id for one in others])
        kept = [one for one, row in zip(others, rows, strict=True) if not self._hidden[row]]  # they may have changed
        return sorted([*found, *kept], key=lambda one: (-one.similarity, one.case_id))[:limit]

    def count(self) -> int:
        """All points."""
        return self.shard.count() + (0 if self.segment is None else self.segment.n_known - self.n_hidden)

    def _hide(self, rows: NDArray[np.int64]) -> None:
        self._hidden[rows[rows >= 0]] = True
