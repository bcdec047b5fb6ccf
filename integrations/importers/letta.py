"""Agents of Letta: agent files (`.af`), and memory that was exported.

Agent file: `agents` with `id` and `messages` (`role`, `content` as text blocks, `tool_calls`), and `blocks` with
`label` and `value`; files of the first form have `messages` and `core_memory` themselves. Archival memory: passages
with `text`.

An attempt is a person's message with the tool calls and the reply; Letta wraps a message as JSON (`{"type":
"user_message", "message": ...}`) and lets the agent reply by the tool `send_message`. Heartbeats, logins and other
events of the program are no prompts. The outcome is unknown. Memory blocks and passages are facts: see `facts`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import text_of, turn_row, turns
from memento.integrations.importers.facts import fact_row
from memento.integrations.importers.json_rows import json_rows
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource

_REPLY: Final = "send_message"


def _recognises(row: Mapping[str, Any]) -> bool:
    is_agents = isinstance(row.get("agents"), list) and ("blocks" in row or "tools" in row)
    is_first_form = "core_memory" in row and isinstance(row.get("messages"), list)
    return is_agents or is_first_form or _is_passage(row)


def _is_passage(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("text"), str) and ("embedding_config" in row or "archive_id" in row or "agent_id" in row)


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        for row in json_rows(path):
            yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
            if row.problem or not isinstance(row.value, Mapping):
                yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
            elif _is_passage(row.value):
                made_at = row.value.get("created_at")
                passage = row.value["text"]
                yield fact_row(path, row.number, passage, source_id=row.value.get("id"), made_at=made_at)
            elif not _recognises(row.value):
                yield ImportedRow(path, row.number, problem="no `agents`, no `core_memory` with `messages`, no passage")
            else:
                yield from _agents(path, row.number, row.value)


def _agents(path: Path, number: int, value: Mapping[str, Any]) -> Iterator[ImportedRow]:
    agents = value["agents"] if isinstance(value.get("agents"), list) else [value]
    for agent in agents:
        messages = agent.get("messages") if isinstance(agent, Mapping) else None
        for turn in turns(map(_message, messages if isinstance(messages, list) else ())):
            yield turn_row(path, number, turn)
    for name in ("blocks", "core_memory"):
        for block in value[name] if isinstance(value.get(name), list) else ():
            if isinstance(block, Mapping) and block.get("value"):
                yield fact_row(path, number, block["value"], source_id=block.get("id"))


def _message(message: Any) -> Any:
    """A message in the form of the chat API."""
    if not isinstance(message, Mapping):
        return message
    if message.get("role") == "user":
        wrapped = _json_object(text_of(message.get("content")))
        if wrapped.get("type") == "user_message":
            return {**message, "content": wrapped.get("message")}
        return {**message, "role": "system"} if "type" in wrapped and "time" in wrapped else message
    calls = message.get("tool_calls")
    if message.get("role") != "assistant" or not isinstance(calls, list):
        return message
    replies = [text for call in calls if (text := _reply(call)) is not None]
    others = [call for call in calls if _reply(call) is None]
    # beside tool calls, the text of a Letta agent is what it thinks
    return {**message, "tool_calls": others, "content": "\n".join(replies) if replies else ""}


def _reply(call: Any) -> str | None:
    """What the agent says by the tool that replies; None for another call."""
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or function.get("name") != _REPLY:
        return None
    said = _json_object(function.get("arguments")).get("message")
    return said if isinstance(said, str) else ""


def _json_object(text: Any) -> dict[str, Any]:
    if isinstance(text, str) and text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
    return {}


SOURCE: Final = ImportSource(
    kind="letta",
    shape="agent files of Letta (`agents` with `messages`, `blocks`), or passages of archival memory (`text`)",
    recognises=_recognises,
    read=_read,
)
