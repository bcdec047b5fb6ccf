"""Vectors of small namespaces in memory: one product over their rows answers in a tenth of a filtered scan's time.

The shard stays what decides: the rows are read from it, and after each write read again. A namespace is cached once it
has been searched some times, so that a process which searches once or twice never pays for it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memento.memory.index.engines.points import StoredPoint, hit
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.shard import Shard
from memento.memory.products import cosines, exact_cosines

MAX_ROWS: Final = 20_000
"""Maximum number of a namespace's active cases; above, the shard's quantised scan is as fast."""

MAX_CACHED_ROWS: Final = 60_000
"""Maximum number of rows of all namespaces: 92 MB where a vector has 384 numbers."""

FROM_SEARCH: Final = 16
"""Searches of a namespace until it is cached: reading its rows costs what some dozen scans do."""

IDLE_AFTER: Final = 1_000
"""Searches of other namespaces after which one may be dropped for another; else they would take turns for ever."""

_MAX_COUNTED: Final = 10_000
"""Namespaces whose searches are counted."""


class CachedRows:
    """Active points of one namespace."""

    def __init__(self, dim: int) -> None:
        """Start empty.

        Args:
            dim: length of the vectors.
        """
        self._vector_ND: NDArray[np.float32] = np.empty((256, dim), np.float32)
        self._ids: list[str] = []
        self._questions: list[str] = []
        self._row_of: dict[str, int] = {}
        self._of_question: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """Number of points."""
        return len(self._ids)

    def __contains__(self, case_id: str) -> bool:
        """Whether the point of a case is there."""
        return case_id in self._row_of

    def put(self, point: StoredPoint) -> None:
        """Add a point, or replace it."""
        self.drop(point.case_id)
        row = len(self._ids)
        if row == len(self._vector_ND):
            self._vector_ND = np.concatenate([self._vector_ND, np.empty_like(self._vector_ND)])
        self._vector_ND[row] = point.vector
        self._ids.append(point.case_id)
        self._questions.append(point.question)
        self._row_of[point.case_id] = row
        self._of_question.setdefault(point.question, set()).add(point.case_id)

    def drop(self, case_id: str) -> None:
        """Remove a point, if it is there; the last row takes its place."""
        row = self._row_of.pop(case_id, None)
        if row is None:
            return
        of_question = self._of_question[self._questions[row]]
        of_question.remove(case_id)
        if not of_question:
            del self._of_question[self._questions[row]]
        last_id, last_question = self._ids.pop(), self._questions.pop()
        if last_id != case_id:
            self._vector_ND[row] = self._vector_ND[len(self._ids)]
            self._ids[row], self._questions[row], self._row_of[last_id] = last_id, last_question, row

    def search(self, vector: Vector, *, limit: int, exclude_question: str | None) -> list[Hit]:
        """The nearest points by descending cosine, without those of the question given."""
        excluded = () if exclude_question is None else self._of_question.get(exclude_question, ())
        own = [self._row_of[case_id] for case_id in excluded]
        n_found = min(limit, len(self._ids) - len(own))
        if n_found < 1:
            return []
        product_N = cosines(self._vector_ND[: len(self._ids)], vector)  # whatever its length, which ranks alike
        product_N[own] = -np.inf
        row_K = np.argpartition(product_N, len(product_N) - n_found)[-n_found:]
        exact_K = exact_cosines(self._vector_ND[row_K], vector)
        order_K = np.argsort(-exact_K, kind="stable")
        nearest = zip(row_K[order_K].tolist(), exact_K[order_K].tolist(), strict=True)
        return [hit(self._ids[row], cosine) for row, cosine in nearest]


class VectorCache:
    """The cached namespaces of one shard. Blocking; in the shard's own thread, but for `wanted`.

    Args:
        shard: whose points.
        dim: length of the vectors.
        max_rows: of a namespace.
        max_cached_rows: of all namespaces.
        from_search: which search of a namespace makes it `wanted`.
        idle_after: searches of others after which a namespace may be dropped for another.
    """

    def __init__(
        self,
        shard: Shard,
        *,
        dim: int,
        max_rows: int = MAX_ROWS,
        max_cached_rows: int = MAX_CACHED_ROWS,
        from_search: int = FROM_SEARCH,
        idle_after: int = IDLE_AFTER,
    ) -> None:
        self._shard, self._dim = shard, dim
        self._max_rows, self._max_cached_rows = max_rows, max_cached_rows
        self._from_search, self._idle_after = from_search, idle_after
        self._cached: OrderedDict[str, CachedRows] = OrderedDict()
        self._last_search: dict[str, int] = {}
        self._n_searches = 0
        self._searched: OrderedDict[str, int] = OrderedDict()
        self._filling: tuple[str, CachedRows] | None = None
        self._after: Any = None
        self._is_too_large: set[str] = set()
        self.wanted = ""
        """A namespace that is worth caching: call `fill` until it is done."""

    @property
    def n_rows(self) -> dict[str, int]:
        """Rows of each namespace that is cached."""
        return {name: len(rows) for name, rows in self._cached.items()}

    def may_hold(self, namespace: str) -> bool:
        """Whether a namespace is small enough: then a scan of it must give the digits that the cache would give."""
        return namespace not in self._is_too_large

    def search(self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None) -> list[Hit] | None:
        """As `Shard.search`; None where the namespace is not cached."""
        self._n_searches += 1
        rows = self._cached.get(namespace)
        if rows is None:
            self._count(namespace)
            return None
        self._cached.move_to_end(namespace)
        self._last_search[namespace] = self._n_searches
        return rows.search(vector, limit=limit, exclude_question=exclude_question)

    def fill(self) -> bool:
        """Read some of the rows of the wanted namespace; whether there are more.

        Raises:
            EngineError: the shard cannot be read; the namespace is not cached.
        """
        if self._filling is None:
            if not self.wanted or not self._has_room(self._shard.n_active_in(self.wanted)):
                return self._filled(None)
            self._filling, self._after = (self.wanted, CachedRows(self._dim)), None
        namespace, rows = self._filling
        try:
            points, self._after = self._shard.active_page(namespace, after=self._after)
        except BaseException:
            self._filled(None)
            raise
        for point in points:
            rows.put(point)
        if len(rows) > self._max_rows:  # it has grown meanwhile
            self._is_too_large.add(namespace)
            return self._filled(None)
        return self._after is not None or self._filled(rows)

    def follow(self, points: Sequence[BankPoint]) -> None:
        """Read again what was just written of namespaces that are cached, or about to be."""
        known = dict(self._cached)
        if self._filling is not None:
            known |= dict([self._filling])
        caches = known.values()
        followed = [one for one in points if one.namespace in known or any(one.case_id in rows for rows in caches)]
        ids = list(dict.fromkeys(one.case_id for one in followed))
        if not ids:
            return
        try:
            now = {point.case_id: point for point in self._shard.retrieved(ids)}
        except BaseException:  # what is cached may be out of date
            self.forget()
            raise
        for case_id in ids:
            for rows in known.values():
                rows.drop(case_id)
            point = now.get(case_id)
            if point is not None and point.is_active and point.namespace in known:
                known[point.namespace].put(point)
        for name in [name for name, rows in self._cached.items() if len(rows) > self._max_rows]:
            self._drop(name)
            self._is_too_large.add(name)

    def forget(self) -> None:
        """Cache nothing any more until it is asked for again."""
        self._cached.clear()
        self._last_search.clear()
        self._filled(None)

    def _count(self, namespace: str) -> None:
        if namespace in self._is_too_large:
            return
        n = self._searched.pop(namespace, 0) + 1
        if n == 1 and self._shard.n_active_in(namespace) > self._max_rows:
            self._is_too_large.add(namespace)
            return
        self._searched[namespace] = n
        if len(self._searched) > _MAX_COUNTED:
            self._searched.popitem(last=False)
        if n >= self._from_search and self._filling is None:  # who was wanted before may never be searched again
            del self._searched[namespace]
            self.wanted = namespace

    def _has_room(self, n: int) -> bool:
        """Make room for a namespace of so many rows, if it is small and others are idle."""
        if n > self._max_rows:
            self._is_too_large.add(self.wanted)
            return False
        used = sum(map(len, self._cached.values()))
        for name in list(self._cached):
            if used + n <= self._max_cached_rows:
                break
            if self._n_searches - self._last_search[name] < self._idle_after:
                return False
            used -= len(self._cached[name])
            self._drop(name)
        return used + n <= self._max_cached_rows

    def _filled(self, rows: CachedRows | None) -> bool:
        if rows is not None:
            self._cached[self.wanted] = rows
            self._last_search[self.wanted] = self._n_searches
        self.wanted, self._filling, self._after = "", None, None
        return False

    def _drop(self, namespace: str) -> None:
        del self._cached[namespace], self._last_search[namespace]
