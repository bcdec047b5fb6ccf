"""Sessions and facts of Zep: answers of its API, or what they hold, one a line.

Messages: `{"messages": [...]}` of a session or thread, each with `uuid`, `role` (or `role_type`, where `role` is a
name), `content`, `created_at`. Facts: `{"edges": [...]}` or objects with `uuid` and `fact`, `valid_at`, `invalid_at`;
`{"facts": [...]}` of earlier releases.

An attempt is a person's message with the reply; its outcome is unknown. An edge is a fact: see `facts`. One that Zep
has marked as no longer valid (`invalid_at`) is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import turn_row, turns
from memento.integrations.importers.facts import fact_row
from memento.integrations.importers.json_rows import json_rows
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource

_INVALID: Final = "facts that are no longer valid"
_ROLES: Final = ("user", "assistant", "system", "tool", "function")


def _is_session(row: Mapping[str, Any]) -> bool:
    messages = row.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return isinstance(first, Mapping) and "content" in first and ("uuid" in first or "role_type" in first)


def _recognises(row: Mapping[str, Any]) -> bool:
    has_facts = any(isinstance(row.get(name), list) for name in ("edges", "facts"))
    return _is_session(row) or has_facts or ("fact" in row and "uuid" in row)


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        for row in json_rows(path):
            yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
            if row.problem or not isinstance(row.value, Mapping):
                yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
            elif not _recognises(row.value):
                yield ImportedRow(path, row.number, problem="no `messages` of Zep, no `edges` and no `fact`")
            else:
                yield from _found(path, row.number, row.value)


def _found(path: Path, number: int, value: Mapping[str, Any]) -> Iterator[ImportedRow]:
    if _is_session(value):
        for turn in turns(map(_message, value["messages"])):
            yield turn_row(path, number, turn)
    if "fact" in value:
        yield _fact(path, number, value)
    for name in ("edges", "facts"):
        for fact in value[name] if isinstance(value.get(name), list) else ():
            yield _fact(path, number, fact if isinstance(fact, Mapping) else {"fact": fact})


def _fact(path: Path, number: int, edge: Mapping[str, Any]) -> ImportedRow:
    if edge.get("invalid_at") or edge.get("expired_at"):
        return ImportedRow(path, number, skipped=_INVALID)
    return fact_row(path, number, edge.get("fact"), source_id=edge.get("uuid"), made_at=edge.get("created_at"))


def _message(message: Any) -> Any:
    """A message in the form of the chat API: `role` may be the person's name."""
    if not isinstance(message, Mapping):
        return message
    role = message.get("role_type") if message.get("role_type") in _ROLES else message.get("role")
    return {**message, "role": role, "id": message.get("uuid")}


SOURCE: Final = ImportSource(
    kind="zep",
    shape="sessions of Zep (`messages` with `uuid`, `role`, `content`) and facts (`edges` with `fact`)",
    recognises=_recognises,
    read=_read,
)
