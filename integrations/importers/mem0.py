"""Memories of mem0: answers of `get_all` and `search`, exports, JSON lines of memories.

`{"results": [...]}`, an array, or JSON lines of objects with `id`, `memory`, `user_id`, `metadata`, `created_at`. A
memory is a fact, without a task and an outcome: see `facts`. What mem0 keeps of graphs (`relations`) is not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.facts import fact_row
from memento.integrations.importers.json_rows import rows_within
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource


def _recognises(row: Mapping[str, Any]) -> bool:
    return "memory" in row and isinstance(row["memory"], str) and ("id" in row or "user_id" in row)


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        for row in rows_within(path, "results", "memories"):
            yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
            value = row.value
            if row.problem or not isinstance(value, Mapping):
                yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
            elif not _recognises(value):
                yield ImportedRow(path, row.number, problem="no `memory` with an `id` or a `user_id`")
            else:
                made_at = value.get("created_at")
                yield fact_row(path, row.number, value["memory"], source_id=value.get("id"), made_at=made_at)


SOURCE: Final = ImportSource(
    kind="mem0",
    shape="memories of mem0: `id`, `memory`, `user_id`, in `results` or one a line",
    recognises=_recognises,
    read=_read,
)
