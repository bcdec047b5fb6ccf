"""Turns chat messages of any provider into attempts: a person's message, the tools used for it, the reply.

Messages are read as OpenAI, Anthropic and LangChain write them: a role (`role` or `type`), a content (a text, or
blocks with a text), tool calls in `tool_calls`, `function_call` or `tool_use` blocks. A later turn's task is told
with what the person had asked before it, because "and the second one?" is no task by itself.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.json_rows import as_text
from memento.integrations.importers.record import NO_REPLY, NO_TASK, ImportedRecord, ImportedRow
from memento.nodes.secret_shapes import without_secret_shapes

MAX_STEPS: Final = 200
"""Tool calls of an action that are written out; the rest are counted."""
MAX_STEP_CHARS: Final = 500
_MAX_DEPTH: Final = 8
_MAX_LOOKED_AT: Final = 20_000
MAX_EARLIER: Final = 2
"""Messages before it that a task is told with."""
_MAX_EARLIER_CHARS: Final = 160
_ROLES: Final = {
    "human": "user",
    "HumanMessage": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "model": "assistant",
    "function": "tool",
    "ToolMessage": "tool",
    "FunctionMessage": "tool",
    "SystemMessage": "system",
    "developer": "system",
}
_TEXT_BLOCKS: Final = ("text", "input_text", "output_text", "refusal", "")
_OTHER_BLOCKS: Final = ("document", "file", "input_file", "audio", "input_audio", "video", "media")


@dataclass
class ChatTurn:
    """One message of a person and everything up to the next one."""

    task: str
    """The message."""
    source_id: str = ""
    earlier: Sequence[str] = ()
    """Messages of the person before it, oldest first."""
    steps: list[str] = field(default_factory=list)
    """Tool calls, in order."""
    n_steps: int = 0
    answer: str = ""
    """Text of the last reply."""
    reply_ids: list[str] = field(default_factory=list)
    """Ids of the replies, for scores that name one."""
    made_at: str = ""
    model: str = ""

    def add_step(self, name: str, arguments: Any) -> None:
        """Add a tool call."""
        self.n_steps += 1
        if self.n_steps <= MAX_STEPS:
            self.steps.append(step_text(name, arguments))

    @property
    def state(self) -> str:
        """The task, with what was asked before it."""
        if not self.earlier:
            return self.task
        before = "\n".join(f"- {on_one_line(one, _MAX_EARLIER_CHARS)}" for one in self.earlier[-MAX_EARLIER:])
        return f"{self.task}\n\nAsked before:\n{before}"

    @property
    def action(self) -> str:
        """The tool calls, numbered, or the reply where there are none."""
        return numbered(self.steps, self.n_steps) or self.answer

    @property
    def final_answer(self) -> str:
        """The reply, where it is not the action itself."""
        return self.answer if self.steps else ""

    @property
    def gap(self) -> str:
        """Why this is no attempt; empty where it is one."""
        if not self.task.strip():
            return NO_TASK
        return "" if self.action.strip() else NO_REPLY


def turns(messages: Iterable[Any]) -> Iterator[ChatTurn]:
    """Group a conversation into turns. System messages and what is not a message are left out."""
    turn: ChatTurn | None = None
    asked: list[str] = []
    for message in messages:
        if not isinstance(message, Mapping):
            continue
        role, fields = role_of(message)
        if role == "user":
            text = text_of(fields.get("content"))
            if not text.strip() or is_tool_result(fields.get("content")):
                continue
            if turn is not None:
                asked.append(turn.task)
                yield turn
            turn = ChatTurn(text, earlier=tuple(asked[-MAX_EARLIER:]), source_id=as_text(fields.get("id")))
            turn.made_at = as_text(fields.get("created_at") or fields.get("timestamp"))
        elif role == "assistant":
            turn = turn or ChatTurn("")
            add_reply(turn, fields)
    if turn is not None:
        yield turn


def turn_row(path: Path, number: int, turn: ChatTurn, **outcome: Any) -> ImportedRow:
    """The row of a turn: its attempt, or the reason why there is nothing to import.

    Args:
        path: the file.
        number: of its row.
        turn: a finished one.
        outcome: fields of the record that say how it went; unknown by default.
    """
    if turn.gap:
        return ImportedRow(path, number, skipped=turn.gap)
    record = ImportedRecord(
        source_id=turn.source_id,
        state=turn.state,
        action=turn.action,
        answer=turn.final_answer,
        made_at=turn.made_at,
        models={"executor": turn.model} if turn.model else {},
        **outcome,
    )
    return ImportedRow(path, number, record)


def add_reply(turn: ChatTurn, message: Mapping[str, Any]) -> None:
    """Add a message of the assistant: its tool calls and its text."""
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, Mapping) and block.get("type") == "tool_use":
            turn.add_step(as_text(block.get("name")), block.get("input"))
    calls = message.get("tool_calls")
    is_function = isinstance(message.get("function_call"), Mapping)
    for call in calls if isinstance(calls, list) else [message["function_call"]] if is_function else ():
        if isinstance(call, Mapping):
            function = call["function"] if isinstance(call.get("function"), Mapping) else call
            arguments = function.get("arguments", function.get("args", function.get("input")))
            turn.add_step(as_text(function.get("name")), arguments)
    turn.answer = text_of(content).strip() or turn.answer
    turn.model = as_text(message.get("model")) or turn.model
    if one := as_text(message.get("id")):
        turn.reply_ids.append(one)


def role_of(message: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Role of a message (user, assistant, tool, system, or as it is written) and its fields."""
    fields: Mapping[str, Any] = message
    role = message.get("role") or message.get("type")
    if message.get("lc") == 1 and isinstance(message.get("kwargs"), Mapping):  # LangChain's serialised form
        fields = message["kwargs"]
        path = message.get("id")
        role = path[-1] if isinstance(path, list) and path else fields.get("type")
    elif isinstance(message.get("data"), Mapping) and "content" in message["data"]:  # of `messages_to_dict`
        fields = message["data"]
    return _ROLES.get(as_text(role), as_text(role)), fields


def text_of(content: Any, *, depth: int = 0) -> str:
    """Text of a message's content; of other blocks only that they were there."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping) and depth < _MAX_DEPTH:
        parts = content.get("parts")
        inner = parts if isinstance(parts, list) else content.get("text", content.get("content"))
        return text_of(inner, depth=depth + 1)
    if not isinstance(content, list):
        return ""
    parts, has_text = [], False
    for block in content:
        kind = as_text(block.get("type")) if isinstance(block, Mapping) else ""
        if isinstance(block, str):
            parts.append(block)
        elif isinstance(block, Mapping) and kind in _TEXT_BLOCKS:
            parts.append(as_text(block.get("text") or block.get("refusal")))
        elif "image" in kind or kind in _OTHER_BLOCKS:
            parts.append(f"[{kind}]")
            continue
        has_text = has_text or bool(parts and parts[-1].strip())
    return "\n".join(one for one in parts if one) if has_text else ""


def is_tool_result(content: Any) -> bool:
    """Whether a user message of Anthropic's form brings tool results and is nobody's prompt."""
    blocks = content if isinstance(content, list) else ()
    return any(isinstance(block, Mapping) and block.get("type") == "tool_result" for block in blocks)


def step_text(name: str, arguments: Any) -> str:
    """One tool call on one line, shortened."""
    text = on_one_line(shown(arguments), MAX_STEP_CHARS)
    return f"{name or 'tool'}: {text}" if text else name or "tool"


def on_one_line(text: str, max_chars: int) -> str:
    """The beginning of a text on one line, without secrets: half of one would have no shape any more."""
    line = " ".join(without_secret_shapes(text[:_MAX_LOOKED_AT]).split())
    if len(line) <= max_chars:
        return line
    words, space, _ = line[: max_chars + 1].rpartition(" ")  # between words, so that no secret without a shape is cut
    return f"{words}{space}…"


def numbered(steps: Sequence[str], n_steps: int | None = None) -> str:
    """Steps as numbered lines, with how many are left out; empty without any."""
    lines = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    left_out = (len(steps) if n_steps is None else n_steps) - len(steps)
    return "\n".join([*lines, f"… and {left_out} more" if left_out > 0 else ""]).rstrip()


def shown(value: Any) -> str:
    """A JSON value as text: texts as they are, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "[a value that is nested too deeply]"
