"""The data export of ChatGPT: `conversations.json`, or its folder with `message_feedback.json` beside it.

`conversations.json` is an array of conversations: `id`, `title`, `create_time`, `current_node` and `mapping`, a tree
of nodes with `message` (`id`, `author.role`, `content.parts`, `metadata.model_slug`), `parent` and `children`. The
conversation is the branch that ends in `current_node`; regenerated and edited branches are left out.
`message_feedback.json` has the thumbs of the person: the message (`message_id`, or `id`), `conversation_id` and
`rating` (thumbs_up, thumbs_down).

An attempt is a person's message with the reply. Its outcome is the thumb on the reply; without one it is unknown.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import ChatTurn, shown, turn_row, turns
from memento.integrations.importers.json_rows import as_text, json_rows
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource
from memento.integrations.importers.scores import ScoredOutcome, outcome_of
from memento.integrations.importers.side_table import SideTable, SourceScore, side_table

_THUMBS: Final = {"thumbs_up": 1.0, "thumbsup": 1.0, "thumbs_down": 0.0, "thumbsdown": 0.0}
_KEY: Final = "rating"


def _is_rating(row: Mapping[str, Any]) -> bool:
    return _KEY in row and "conversation_id" in row


def _recognises(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("mapping"), Mapping) or _is_rating(row)


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    with side_table() as table:
        for path in files:
            for row in json_rows(path):
                yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
                if isinstance(row.value, Mapping) and _is_rating(row.value):
                    _add_rating(table, row.value)
        for path in files:
            for row in json_rows(path):
                yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
                value = row.value
                if row.problem or not isinstance(value, Mapping):
                    yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
                elif isinstance(value.get("mapping"), Mapping):
                    yield from _conversation(path, row.number, value, table, options)
                elif not _is_rating(value):
                    problem = "neither a conversation (`mapping`) nor feedback (`conversation_id`, `rating`)"
                    yield ImportedRow(path, row.number, problem=problem)


def _add_rating(table: SideTable, row: Mapping[str, Any]) -> None:
    message_id = as_text(row.get("message_id")) or as_text(row.get("id"))
    value = _THUMBS.get(as_text(row.get(_KEY)).lower())
    if message_id and value is not None:
        comment = _comment(row.get("content"))
        table.add_score(SourceScore(f"{message_id}:{_KEY}", message_id, _KEY, value, comment=comment))


def _comment(content: Any) -> str:
    """What the person wrote with the thumb: JSON in a text, with `text`."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return ""
    return as_text(content.get("text")) if isinstance(content, Mapping) else ""


def _conversation(
    path: Path, number: int, value: Mapping[str, Any], table: SideTable, options: ImportOptions
) -> Iterator[ImportedRow]:
    conversation = as_text(value.get("id")) or as_text(value.get("conversation_id"))
    for place, turn in enumerate(turns(_branch(value))):
        turn.source_id = turn.source_id or f"{conversation}:{place}"
        outcome = _outcome(turn, table, options)
        if outcome.problem or outcome.skipped:
            yield ImportedRow(path, number, problem=outcome.problem, skipped=outcome.skipped)
        else:
            yield turn_row(path, number, turn, **outcome.fields())


def _outcome(turn: ChatTurn, table: SideTable, options: ImportOptions) -> ScoredOutcome:
    scores = [score for message_id in turn.reply_ids for score in table.scores(message_id)]
    return outcome_of(scores, options, table.spans())


def _branch(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Messages from the root to the current node, in the form of the chat API."""
    mapping = value["mapping"]
    at, seen, found = value.get("current_node"), set(), []
    if not isinstance(at, str):
        parents = {node.get("parent") for node in mapping.values() if isinstance(node, Mapping)}
        at = next((name for name in reversed(list(mapping)) if name not in parents), None)
    while isinstance(at, str) and at not in seen and isinstance(node := mapping.get(at), Mapping):
        seen.add(at)
        if isinstance(node.get("message"), Mapping):
            found.append(_message(node["message"]))
        at = node.get("parent")
    return found[::-1]


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    author, metadata, content = (message.get(name) for name in ("author", "metadata", "content"))
    role = author.get("role") if isinstance(author, Mapping) else None
    recipient = as_text(message.get("recipient"))
    fields = {
        "id": message.get("id"),
        "role": role,
        "content": content,
        "created_at": shown(message.get("create_time")),
        "model": metadata.get("model_slug") if isinstance(metadata, Mapping) else None,
    }
    if role == "assistant" and recipient not in ("", "all"):  # said to a tool
        text = content.get("text") or content.get("parts") if isinstance(content, Mapping) else content
        fields |= {"content": "", "tool_calls": [{"name": recipient, "arguments": text}]}
    is_thought = isinstance(content, Mapping) and content.get("content_type") in ("thoughts", "reasoning_recap")
    is_hidden = isinstance(metadata, Mapping) and metadata.get("is_visually_hidden_from_conversation") is True
    return fields | {"role": "system"} if is_thought or is_hidden else fields


SOURCE: Final = ImportSource(
    kind="chatgpt",
    shape="the data export of ChatGPT: conversations.json (`mapping`) and message_feedback.json (`rating`)",
    recognises=_recognises,
    read=_read,
    n_passes=2,
)
