"""Memories of LangMem: items of a LangGraph store, or extracted memories.

Item: `namespace`, `key`, `value` with `kind` and `content`, `created_at`. Extracted memory: `id` and `content`. JSON
lines, an array, or `{"items": [...]}` of the store's API.

A content in the form of LangMem's episodes (`observation`, `thoughts`, `action`, `result`) is an attempt: the
observation is the task, the action the action, the result the lesson. The result is told in words, which is no
outcome: it is unknown. Every other content is a fact: see `facts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import shown
from memento.integrations.importers.facts import fact_row
from memento.integrations.importers.json_rows import rows_within
from memento.integrations.importers.record import ImportedRecord, ImportedRow, ImportOptions, ImportSource


def _recognises(row: Mapping[str, Any]) -> bool:
    is_item = isinstance(row.get("value"), Mapping) and "namespace" in row and "key" in row
    is_extracted = "id" in row and _is_episode(row.get("content"))
    return is_item or is_extracted


def _is_episode(content: Any) -> bool:
    return isinstance(content, Mapping) and {"observation", "action"} <= content.keys()


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        for row in rows_within(path, "items", "memories"):
            yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
            if row.problem or not isinstance(row.value, Mapping):
                yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
            elif not _recognises(row.value) and "content" not in row.value:
                yield ImportedRow(path, row.number, problem="no `namespace`, `key` and `value`, and no `content`")
            else:
                yield _memory(path, row.number, row.value)


def _memory(path: Path, number: int, row: Mapping[str, Any]) -> ImportedRow:
    value = row.get("value")
    content = value.get("content", value) if isinstance(value, Mapping) else row.get("content")
    source_id, made_at = row.get("key") or row.get("id"), row.get("created_at")
    if not _is_episode(content) or not isinstance(content, Mapping):
        text = content.get("content", content) if isinstance(content, Mapping) else content
        return fact_row(path, number, shown(text), source_id=source_id, made_at=made_at)
    task, action = shown(content["observation"]).strip(), shown(content["action"]).strip()
    if not task or not action:
        return ImportedRow(path, number, problem="an episode without an observation or an action")
    record = ImportedRecord(
        source_id=source_id if isinstance(source_id, str) else "",
        state=task,
        action=action,
        lesson=shown(content.get("result")).strip(),
        made_at=made_at if isinstance(made_at, str) else "",
    )
    return ImportedRow(path, number, record)


SOURCE: Final = ImportSource(
    kind="langmem",
    shape="memories of LangMem: store items (`namespace`, `key`, `value`) or extracted memories (`id`, `content`)",
    recognises=_recognises,
    read=_read,
)
