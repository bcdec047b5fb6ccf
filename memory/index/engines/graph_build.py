"""Builds a segment of the embedded index in a process of its own, which ends when the one that started it does.

`python -m memento.memory.index.engines.graph_build '{"slot": ..., "graph": 0, "dim": 384, "namespaces": [...],
"target": ...}'`: rows of the old segment keep their places and their graphs are added to, unless too many of them are
out of date; points of the slot that the segment lacks follow. Takes 0.2-0.5 ms a new case.
"""

import contextlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memento.memory.index.engines.seeding import copy_live
from memento.memory.index.engines.segment import (
    LAYOUT,
    Array,
    Segment,
    codes,
    mapped,
    new_graph,
    packed,
    question_hash,
)
from memento.memory.index.engines.shard import Shard
from memento.memory.index.engines.slot_files import graph_folder, sync_tree
from memento.private_files import make_private, make_private_folder

MAX_STALE = 0.3
"""Share of an old segment's rows that may be out of date before its graphs are built anew."""

_PART = 4096


def build(*, slot: Path, graph: int, dim: int, namespaces: Sequence[str], target: Path) -> None:
    """Build a segment of a slot's points and its current segment in `target`, which does not exist.

    Args:
        slot: folder of the slot.
        graph: number of the segment that completes it; 0 for none.
        dim: length of the vectors.
        namespaces: those that get a graph; those of the current segment keep theirs.
        target: folder of the new segment.

    Raises:
        RuntimeError: the slot has changed to another segment, or was erased.
    """
    make_private_folder(target)
    copy = target / "copy"
    record = copy_live(slot, copy)
    if record is None or record.graph != graph:
        raise RuntimeError(f"{slot} has changed")
    old = Segment(graph_folder(slot.parent, graph), dim=dim) if graph else None
    names = list(dict.fromkeys([*(old.namespaces if old else []), *namespaces]))
    shard = Shard.load(copy, dim=dim, at_least=record.count)
    try:
        added = _collected(shard, names, target / "added.bin")
    finally:
        shard.close()
    shutil.rmtree(copy)
    write_segment(old, added, target, dim=dim, names=names, n_threads=max(1, (os.cpu_count() or 1) // 2))


def write_segment(
    old: Segment | None, added: dict[str, Array], target: Path, *, dim: int, names: Sequence[str], n_threads: int
) -> None:
    """Write a segment of an old one's rows and of new ones.

    Args:
        old: None for none.
        added: columns of the new rows: `ids`, `versions`, `questions`, `namespaces`.
        target: folder, with the new rows' vectors in `added.bin`.
        dim: length of the vectors.
        names: of the namespaces by their numbers; those of the old segment first.
        n_threads: that build.
    """
    n_old, is_compact = _write_rows(old, added, target, dim=dim)
    _write_graphs(None if is_compact else old, target, dim=dim, names=names, n_old=n_old, n_threads=n_threads)
    sizes = {path.name: path.stat().st_size for path in target.iterdir()}
    sync_tree(target)
    said = {"layout": LAYOUT, "dim": dim, "namespaces": names, "sizes": sizes}
    (target / "segment.json").write_text(json.dumps(said), "utf-8")
    make_private(target)
    sync_tree(target)


def _collected(shard: Shard, names: Sequence[str], file: Path) -> dict[str, Array]:
    """Columns of those points that go into the segment; their vectors are written to `file`."""
    ids: list[str] = []
    versions, questions, namespaces = list[int](), list[int](), list[int]()
    with file.open("wb") as vectors:
        for page in shard.stored():
            for point in page:
                if point.namespace in names:
                    ids.append(point.case_id)
                    versions.append(point.version)
                    questions.append(question_hash(point.question))
                    namespaces.append(names.index(point.namespace) if point.is_active else -1)
                    vectors.write(point.vector.tobytes())
    return {
        "ids": packed(ids),
        "versions": np.array(versions, np.uint32),
        "questions": np.array(questions, np.uint64),
        "namespaces": np.array(namespaces, np.int32),
    }


def _write_rows(old: Segment | None, added: dict[str, Array], target: Path, *, dim: int) -> tuple[int, bool]:
    """Write columns and vectors: those of the old segment, then what was added.

    Returns:
        How many rows are of the old one, and whether those that are out of date were left out.
    """
    is_compact, kept, live = False, np.empty(0, np.int64), np.empty(0, np.int64)
    columns = added
    if old is not None:
        known = old.column("known-rows").astype(np.int64)
        live = known[~np.isin(old.column("known-ids"), added["ids"])]
        is_compact = len(live) < (1 - MAX_STALE) * old.n_rows
        kept = np.sort(live) if is_compact else np.arange(old.n_rows)
        columns = {name: np.concatenate([old.column(name)[kept], new]) for name, new in added.items()}
        if not is_compact:
            is_stale = np.ones(old.n_rows, np.bool_)
            is_stale[live] = False
            columns["namespaces"][: old.n_rows][is_stale] = -1
    current = np.concatenate([np.arange(len(kept)) if is_compact else live, len(kept) + np.arange(len(added["ids"]))])
    order = np.argsort(columns["ids"][current], kind="stable")
    columns["known-rows"] = current[order].astype(np.int32)
    columns["known-ids"] = columns["ids"][columns["known-rows"]]
    for name, column in columns.items():
        column.tofile(target / f"{name}.bin")
    if old is None:
        (target / "added.bin").rename(target / "vectors.bin")
        return 0, False
    with (target / "vectors.bin").open("wb") as vectors:
        for start in range(0, len(kept), _PART):
            vectors.write(old.vectors[kept[start : start + _PART]].tobytes())
        with (target / "added.bin").open("rb") as new:
            shutil.copyfileobj(new, vectors)
    (target / "added.bin").unlink()
    return len(kept), is_compact


def _write_graphs(
    old: Segment | None, target: Path, *, dim: int, names: Sequence[str], n_old: int, n_threads: int
) -> None:
    """Write the graphs: those of the old segment with what was added, or, without one, of all rows."""
    vectors = mapped(target / "vectors.bin", np.dtype("<f4")).reshape(-1, dim)
    namespaces = mapped(target / "namespaces.bin", np.dtype("<i4"))
    for number, name in enumerate(names):
        graph, first = new_graph(dim), 0
        if old is not None and old.has(name):
            graph.load(str(old.path / f"graph-{number}.usearch"))
            first = n_old
        rows = first + np.flatnonzero(namespaces[first:] == number)
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            graph.add(part, codes(vectors[part]), threads=n_threads)
        graph.save(str(target / f"graph-{number}.usearch"))


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        os.read(0, 1)  # nothing is ever written there: it returns when the other end is gone
    os._exit(1)


def main() -> None:
    """Command line; see the module."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)
    os.umask(0o077)
    job: dict[str, Any] = json.loads(sys.argv[1])
    build(**{**job, "slot": Path(job["slot"]), "target": Path(job["target"])})


if __name__ == "__main__":
    main()
