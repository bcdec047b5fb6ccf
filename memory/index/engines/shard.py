"""One shard of the in-process Qdrant engine: its settings, writes and searches; `shard_reads` has its other reads.

Settings, measured with 100,000 clustered 384-d vectors in one namespace on two cores (top 64, p50):

    plain scan                                      11 ms   recall 1
    plain scan, three filter conditions             31 ms   recall 1
    4-bit TurboQuant, rescored from the originals  4-7 ms   recall@10 1.0, recall@64 1.0
    the same without a filter (see other_points.py)  2 ms   recall@10 1.0, recall@64 1.0

Quantised vectors are kept up to date as points arrive, so neither `optimize()` (minutes, holding the GIL) nor a graph
is needed. 1- and 2-bit codes are faster still but lose neighbours on unclustered data.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from memento.memory.errors import EngineUnavailable, IndexDamaged
from memento.memory.index.engines.cosine_digits import is_near_rounding
from memento.memory.index.engines.edge_errors import named_errors
from memento.memory.index.engines.other_points import OtherPoints
from memento.memory.index.engines.points import hit, later_versions, newest, searched_payload
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.shard_reads import BATCH, ShardReads, field_is
from memento.memory.index.engines.slot_files import sync_tree
from memento.memory.products import exact_cosines
from memento.private_files import make_private, make_private_folder

MAX_UNFLUSHED = 8_192
"""Points whose only durable place is the engine's log, at most: a flush holds the GIL for a tenth of a second, and
after a crash the log is applied again when the shard is loaded."""

RESCORED = 256
"""Candidates rescored with the original vectors, at least; four times the limit when that is more."""

MAX_OWN = 256
"""Cases of the asking question itself that are dropped after the search; with more, the engine filters them."""

MAX_DROPPED = 32
"""Points requested beyond the limit where some of other namespaces, or inactive ones, may be among the nearest."""


class Shard(ShardReads):
    """An open shard directory. Blocking; one thread at a time.

    Raises:
        EngineRejected, EngineUnavailable, IndexDamaged: from every method, as `named_errors` tells.
    """

    def __init__(self, path: Path, shard: edge.EdgeShard) -> None:
        super().__init__(shard)
        self.path = path
        self._others = OtherPoints(shard)
        self.n_unflushed = 0
        """Points written since the last flush, roughly: their only durable place is the log."""

    @classmethod
    def create(cls, path: Path, *, dim: int) -> "Shard":
        """Make an empty shard in a directory that does not exist yet."""
        codes = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=edge.Memory.Pinned)
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=dim, distance=edge.Distance.Cosine),
            quantization_config=codes,
            wal_enabled=True,
        )
        with named_errors(f"creating the index in {path}"):
            make_private_folder(path)
            shard = edge.EdgeShard.create(str(path), config)
            for field in ("active_in", "question"):
                shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
            make_private(path)
        return cls(path, shard)

    @classmethod
    def load(cls, path: Path, *, dim: int, at_least: int) -> "Shard":
        """Open an existing shard and check that it holds what was saved.

        Args:
            path: the shard's directory.
            dim: length of its vectors.
            at_least: points it had when it was last saved. Points are never deleted, so fewer mean damage: the
                engine skips a broken log or a missing segment without an error.

        Raises:
            IndexDamaged: it does not load, holds fewer points, or cannot be searched.
        """
        with named_errors(f"opening the index in {path}", otherwise=IndexDamaged):
            opened = cls(path, edge.EdgeShard.load(str(path)))
            try:
                if (found := opened.count()) < at_least:
                    raise IndexDamaged(f"the index in {path} holds {found} points of the {at_least} saved")
                opened._query(
                    np.ones(dim, np.float32), limit=1, condition=None
                )  # touches every code, so a cut file shows
            except BaseException:  # whatever stops the look, the engine lets go of its files
                opened.close()
                raise
        return opened

    def write(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule (see points.py)."""
        latest = newest(points)
        self.n_unflushed += len(latest)
        try:
            self._apply(latest)
        except BaseException:  # a part of it may have been written
            self._others.forget()
            raise
        self._others.follow([point.case_id for point in latest])

    def _apply(self, latest: Sequence[BankPoint]) -> None:
        with named_errors("writing to the index"):
            for batch in _batches(latest):
                self._insert(batch)
            for version, group in later_versions(latest):
                below = edge.Filter(must=[edge.FieldCondition(key="version", range=edge.RangeFloat(lt=version))])
                for batch in _batches(group):
                    self._shard.update(
                        edge.UpdateOperation.upsert_points(
                            batch, condition=below, update_mode=edge.UpdateMode.UpdateOnly
                        )
                    )

    def copy_to(self, other: "Shard", case_ids: Sequence[str]) -> None:
        """Insert points into another shard, unless it has some of these cases already."""
        other.n_unflushed += len(case_ids)
        other._others.forget()
        with named_errors("copying points of the index"):
            for start in range(0, len(case_ids), BATCH):
                part: list[edge.PointId] = [*case_ids[start : start + BATCH]]
                found = self._shard.retrieve(part, with_payload=True, with_vector=True)
                points = [edge.Point(one.id, one.vector, one.payload) for one in found if one.vector is not None]
                other._insert(points)

    def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points; the engine leaves what they were in its files."""
        self.n_unflushed += len(case_ids)
        self._others.forget()
        with named_errors("deleting from the index"):
            self._shard.update(edge.UpdateOperation.delete_points(list(case_ids)))

    def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None, is_exact: bool = True
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine, without those of the question given.

        The question is excluded by looking its few cases up first and asking for that many more: a second filter
        condition would make the engine check every point of the namespace (see `payload`).

        Args:
            vector: shape (dim,).
            namespace: whose.
            limit: how many.
            exclude_question: a question whose cases are left out.
            is_exact: all digits that count are right (see cosine_digits.py), which takes a millisecond.
        """
        if limit < 1:
            return []
        active = field_is("active_in", namespace)
        unwanted: set[object] = set()
        only, needs_filter = edge.Filter(must=[active]), is_exact
        with named_errors("searching the index"):
            if exclude_question is not None:
                question = field_is("question", exclude_question)
                unwanted = self._ids(edge.Filter(must=[active, question]))
                if len(unwanted) > MAX_OWN:
                    unwanted, only, needs_filter = set(), edge.Filter(must=[active], must_not=[question]), True
            n_asked = limit + len(unwanted)
            found = None if needs_filter else self._unfiltered(vector, namespace, limit=n_asked)
            if found is None:
                found = self._query(vector, limit=n_asked, condition=only)
        hits = [hit(point.id, point.score) for point in found if point.id not in unwanted][:limit]
        return self._without_error(hits, vector) if is_exact else hits

    def _unfiltered(self, vector: Vector, namespace: str, *, limit: int) -> list[edge.ScoredPoint] | None:
        """Active points of a namespace that has almost all points of the shard; None where a filter is needed."""
        others = self._others.of(namespace)
        if others is None:
            return None
        n_asked = limit + min(len(others), MAX_DROPPED)
        found = self._query(vector, limit=n_asked, condition=None)
        kept = [point for point in found if point.id not in others]
        return None if len(kept) < limit and len(found) == n_asked else kept[:limit]

    def save(self) -> None:
        """Make everything applied so far survive a power cut: in the engine's log, or, where that is long, for good."""
        if self.n_unflushed > MAX_UNFLUSHED:
            self.flush()
            return
        try:
            sync_tree(self.path / "wal")
            make_private(self.path)
        except OSError as error:
            raise EngineUnavailable(f"the log of {self.path} cannot be written: {error}") from error

    def flush(self) -> None:
        """Make everything applied so far survive a power cut, without the log. Holds the GIL."""
        with named_errors("flushing the index"):
            self._shard.flush()
            make_private(self.path)  # the engine makes its files, and makes them anew, as the umask has it
        self.n_unflushed = 0

    def close(self) -> None:
        """Let go of the files."""
        with named_errors("closing the index"):
            self._shard.close()
            make_private(self.path)

    def _insert(self, points: list[edge.Point]) -> None:
        """Add points of cases that have none yet."""
        self._shard.update(edge.UpdateOperation.upsert_points(points, update_mode=edge.UpdateMode.InsertOnly))

    def _without_error(self, hits: list[Hit], vector: Vector) -> list[Hit]:
        """Compute cosines anew that the engine's error could round to another value."""
        is_unsure_N = is_near_rounding([one.similarity for one in hits])
        ids = [one.case_id for one, is_unsure in zip(hits, is_unsure_N, strict=True) if is_unsure]
        if not ids:
            return hits
        points = list(self.retrieved(ids))
        exact = exact_cosines(np.stack([point.vector for point in points]), vector).tolist()
        known = {point.case_id: cosine for point, cosine in zip(points, exact, strict=True)}
        return [hit(one.case_id, known.get(one.case_id, one.similarity)) for one in hits]

    def _ids(self, condition: edge.Filter) -> set[object]:
        page = edge.ScrollRequest(limit=MAX_OWN + 1, filter=condition, with_payload=False, with_vector=False)
        return {record.id for record in self._shard.scroll(page)[0]}

    def _query(self, vector: Vector, *, limit: int, condition: edge.Filter | None) -> list[edge.ScoredPoint]:
        rescored = edge.QuantizationSearchParams(rescore=True, oversampling=max(4.0, RESCORED / limit))
        request = edge.QueryRequest(
            query=edge.Query.Nearest(vector.tolist()),
            limit=limit,
            filter=condition,
            params=edge.SearchParams(quantization=rescored),
            with_payload=False,
            with_vector=False,
        )
        return self._shard.query(request)


def _batches(points: Sequence[BankPoint]) -> Iterator[list[edge.Point]]:
    for start in range(0, len(points), BATCH):
        yield [
            edge.Point(point.case_id, _numbers(point.vector), searched_payload(point))
            for point in points[start : start + BATCH]
        ]


def _numbers(vector: Vector) -> Any:
    """What the binding reads as a list of numbers, without making one: that takes twice as long."""
    return vector.data
