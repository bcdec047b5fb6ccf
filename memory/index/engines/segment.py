"""An immutable part of the embedded index: HNSW graphs of large namespaces, mapped into memory and shared by processes.

    graph-3/
      segment.json        which namespaces, how many rows, how long every other file is; written last
      ids.bin             case id of each row, 16 bytes
      versions.bin        revision of the case that the row holds
      questions.bin       hash of its question, 8 bytes
      namespaces.bin      which graph it is in; -1 if the case is inactive, or has a later row
      vectors.bin         its unit vector, float32: what is found is scored with it
      known-ids.bin       ids that are still here, sorted, and known-rows.bin their rows: active and inactive cases
      graph-0.usearch     graph of the active rows of the first namespace, over 8-bit codes of their vectors

Every engine of the bank maps the same files, so a further process costs no memory and no disk. What changes afterwards
is kept in the engine's own shard, and hides the row here (see generation.py). The graph is searched without the GIL.

Of 300 questions, .9987 of the true 64 nearest among 4,670 recorded texts are found, and .993 among 30,000 clustered
vectors. What it costs: `python -m benchmarks.scale`.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from memento.memory.errors import EngineRejected, IndexDamaged
from memento.memory.index.engines.points import hit
from memento.memory.index.engines.port import Hit, Vector
from memento.memory.products import cosines, exact_cosines

if TYPE_CHECKING:
    from usearch.index import Index

LAYOUT = 1
"""Of the files; a segment with another number is built anew."""

CONNECTIVITY = 16
EXPANSION_ADD = 128
EXPANSION_SEARCH = 256
"""Candidates that a search of the graph keeps, at least."""

MORE = 64
"""Rows requested beyond the limit: their codes are coarse, so the nearest are chosen by their vectors."""

MAX_GRAPH = 4096
"""Rows requested of a graph at most; where so many are hidden, all vectors of the segment are looked at."""

_PART = 16_384
_DTYPES: Final = {
    "ids": np.dtype("S16"),
    "versions": np.dtype("<u4"),
    "questions": np.dtype("<u8"),
    "namespaces": np.dtype("<i4"),
    "known-ids": np.dtype("S16"),
    "known-rows": np.dtype("<i4"),
}
Array = NDArray[Any]


class Segment:
    """An open segment. Read-only; safe for one searching thread beside another that looks rows up.

    Args:
        path: its folder.
        dim: length of the vectors.

    Raises:
        IndexDamaged: files are missing, cut, or not of this layout.
    """

    def __init__(self, path: Path, *, dim: int) -> None:
        self.path = path
        self.number = int(path.name.removeprefix("graph-"))
        try:
            said = json.loads((path / "segment.json").read_text("utf-8"))
            if (said["layout"], said["dim"]) != (LAYOUT, dim):
                raise ValueError(f"its layout is {said['layout']}, for {said['dim']} dimensions")
            for name, size in said["sizes"].items():
                if (path / name).stat().st_size != size:
                    raise ValueError(f"{name} does not have the {size} bytes written")
            self._columns = {name: mapped(path / f"{name}.bin", dtype) for name, dtype in _DTYPES.items()}
            self.vectors: NDArray[np.float32] = mapped(path / "vectors.bin", np.dtype("<f4")).reshape(-1, dim)
            self.namespaces: list[str] = said["namespaces"]
            self._graphs = [_viewed(path / f"graph-{number}.usearch") for number in range(len(self.namespaces))]
            for graph in self._graphs:  # touches it, so that a broken one shows
                graph.search(codes(self.vectors[0]), 1, threads=1)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, IndexError) as error:
            raise IndexDamaged(f"the graph in {path} cannot be used: {error}") from error

    @property
    def n_rows(self) -> int:
        """Rows, those of cases that have changed since included."""
        return len(self._columns["ids"])

    @property
    def n_known(self) -> int:
        """Cases, active and inactive."""
        return len(self._columns["known-ids"])

    def column(self, name: str) -> Array:
        """One of the columns, as the module says."""
        return self._columns[name]

    def rows_of(self, case_ids: Sequence[str]) -> NDArray[np.int64]:
        """Row of each case, -1 where it is not here; shape (len(case_ids),).

        Raises:
            EngineRejected: an id is not a UUID.
        """
        known = self._columns["known-ids"]
        wanted = packed(case_ids)
        if not len(known):
            return np.full(len(wanted), -1, np.int64)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        rows = self._columns["known-rows"][places].astype(np.int64)
        return np.where(known[places] == wanted, rows, -1)

    def has(self, namespace: str) -> bool:
        """Whether a graph of the namespace is here."""
        return namespace in self.namespaces

    def search(
        self, vector: Vector, *, namespace: str, limit: int, hidden: NDArray[np.bool_], exclude_question: str | None
    ) -> list[Hit]:
        """Rows of a namespace by descending cosine, ties in any order.

        Args:
            vector: shape (dim,).
            namespace: one that `has` a graph.
            limit: how many.
            hidden: rows to leave out, shape (n_rows,).
            exclude_question: a question whose cases are left out.

        Raises:
            EngineRejected: the vector has the wrong length.
        """
        if vector.shape != self.vectors.shape[1:]:
            raise EngineRejected(f"the vector has shape {vector.shape}, not {self.vectors.shape[1:]}")
        number = self.namespaces.index(namespace)
        question = None if exclude_question is None else question_hash(exclude_question)
        asked = limit + MORE
        while True:
            rows = self._nearest(number, vector, asked)
            seen = self._shown(number, rows, hidden, question)
            if len(seen) >= limit or len(rows) < asked:
                break
            if asked >= MAX_GRAPH:
                seen = self._shown(number, np.flatnonzero(self._columns["namespaces"] == number), hidden, question)
                break
            asked *= 4
        return self._scored(seen, vector, limit)

    def _nearest(self, number: int, vector: Vector, count: int) -> NDArray[np.int64]:
        graph = self._graphs[number]
        graph.expansion_search = max(EXPANSION_SEARCH, count)  # type: ignore[misc]  # mypy overlooks its setter
        keys: NDArray[np.int64] = np.asarray(graph.search(codes(vector), count, threads=1).keys, np.int64)
        return keys

    def _shown(
        self, number: int, rows: NDArray[np.int64], hidden: NDArray[np.bool_], question: int | None
    ) -> NDArray[np.int64]:
        is_shown: NDArray[np.bool_] = ~hidden[rows] & (self._columns["namespaces"][rows] == number)
        if question is not None:
            is_shown &= self._columns["questions"][rows] != question
        return rows[is_shown]

    def _scored(self, rows: NDArray[np.int64], vector: Vector, limit: int) -> list[Hit]:
        parts = [
            cosines(self.vectors[rows[start : start + _PART]], vector) for start in range(0, max(len(rows), 1), _PART)
        ]
        cosine_R = np.concatenate(parts)
        best = np.argsort(-cosine_R, kind="stable")[:limit]
        exact = exact_cosines(self.vectors[rows[best]], vector).tolist()
        ids = self._columns["ids"][rows[best]]
        return [
            hit(uuid.UUID(bytes=one.ljust(16, b"\0")), cosine) for one, cosine in zip(ids.tolist(), exact, strict=True)
        ]


def mapped(path: Path, dtype: "np.dtype[Any]") -> Array:
    """A file as a read-only array; an empty file cannot be mapped."""
    if not path.stat().st_size:
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r").view(np.ndarray)


def codes(vectors: Array) -> NDArray[np.int8]:
    """8-bit codes of unit vectors, shape as given: four standard deviations of a coordinate fill the range."""
    scale = 127 * vectors.shape[-1] ** 0.5 / 4
    made: NDArray[np.int8] = np.clip(np.rint(vectors * scale), -127, 127).astype(np.int8)
    return made


def packed(case_ids: Sequence[str]) -> Array:
    """Case ids as 16 bytes each.

    Raises:
        EngineRejected: one is not a UUID.
    """
    try:
        return np.array([uuid.UUID(one).bytes for one in case_ids], _DTYPES["ids"])
    except ValueError as error:
        raise EngineRejected(f"a case id is not a UUID: {error}") from error


def question_hash(question: str) -> int:
    """8 bytes for a question."""
    return int.from_bytes(hashlib.blake2b(question.encode("utf-8"), digest_size=8).digest(), "little")


def new_graph(dim: int) -> "Index":
    """An empty graph."""
    from usearch.index import Index

    return Index(ndim=dim, metric="ip", dtype="i8", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD)


def _viewed(path: Path) -> "Index":
    from usearch.index import Index

    graph = Index.restore(str(path), view=True)
    if graph is None:
        raise ValueError(f"{path.name} is no graph")
    return graph
