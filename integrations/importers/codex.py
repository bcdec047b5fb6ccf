"""Transcripts of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`, or a folder of them.

One JSON object a line, `{"timestamp", "type", "payload"}`. `session_meta` opens a session; `response_item` is an item
of OpenAI's Responses API (`message`, `function_call`, `custom_tool_call`, `local_shell_call`, `web_search_call`,
their outputs, `reasoning`); `event_msg` with the type `user_message` is what the person typed; `turn_context` names
the model. Rollouts of 2025's first releases have the bare items as lines, without the wrapping.

An attempt is a prompt with the calls and replies up to the next prompt. Where a session has `user_message` events
they are the prompts; without them, messages of the role user that are not instructions or environment put there by
the program. A rollout says nothing about whether the task was solved, an aborted turn neither: the outcome is
unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import MAX_EARLIER, ChatTurn, text_of, turn_row
from memento.integrations.importers.json_rows import as_text, json_rows
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource

_WRAPPERS: Final = ("session_meta", "response_item", "event_msg", "turn_context", "compacted")
_BARE: Final = ("message", "function_call", "function_call_output", "reasoning", "local_shell_call")
_PUT_THERE: Final = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|turn_aborted|permissions[ \w]*|skill|subagent\w*)>"
    r"|<user_shell_command>"
    r"|# AGENTS\.md instructions)"
)


def _recognises(row: Mapping[str, Any]) -> bool:
    if row.get("type") in _WRAPPERS:
        return isinstance(row.get("payload"), Mapping)
    return _is_bare_meta(row) or (row.get("type") in _BARE and ("call_id" in row or _is_bare_message(row)))


def _is_bare_meta(row: Mapping[str, Any]) -> bool:
    return {"id", "timestamp", "instructions"} <= row.keys() and "type" not in row


def _is_bare_message(row: Mapping[str, Any]) -> bool:
    content = row.get("content")
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, Mapping) and first.get("type") in ("input_text", "output_text")


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        yield from _Session(path).rows()


class _Session:
    """One rollout while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn: ChatTurn | None = None
        self._begun = 0
        self._asked: list[str] = []
        self._session = path.stem
        self._model = ""
        self._has_events = False

    def rows(self) -> Iterator[ImportedRow]:
        """Everything in the file."""
        self._has_events = any(_is_prompt_event(row.value) for row in json_rows(self._path))
        for row in json_rows(self._path):
            if row.problem or not isinstance(row.value, Mapping):
                problem = row.problem or "not a JSON object"
                yield ImportedRow(self._path, row.number, problem=problem, n_bytes=row.n_bytes)
                continue
            yield ImportedRow(self._path, row.number, n_bytes=row.n_bytes)
            yield from self._line(row.number, row.value)
        yield from self._finished()

    def _line(self, number: int, line: Mapping[str, Any]) -> Iterator[ImportedRow]:
        payload = line.get("payload")
        kind, item = (line.get("type"), payload) if isinstance(payload, Mapping) else ("response_item", line)
        if kind == "session_meta" or _is_bare_meta(line):
            self._session = as_text(item.get("id")) or self._session
        elif kind == "turn_context":
            self._model = as_text(item.get("model")) or self._model
        elif kind == "event_msg" and item.get("type") == "user_message":
            yield from self._prompt(number, as_text(item.get("message")), as_text(line.get("timestamp")))
        elif kind == "response_item":
            is_prompt = item.get("type") == "message" and item.get("role") == "user"
            if is_prompt and not self._has_events:
                text = text_of(item.get("content"))
                yield from self._prompt(number, text, as_text(line.get("timestamp")))
            elif self._turn is not None and not is_prompt:
                _add(self._turn, item)

    def _prompt(self, number: int, text: str, made_at: str) -> Iterator[ImportedRow]:
        if not text.strip() or _PUT_THERE.match(text):
            return
        yield from self._finished()
        source_id = f"{self._session}:{len(self._asked)}"
        self._turn = ChatTurn(
            text.strip(), source_id=source_id, earlier=tuple(self._asked[-MAX_EARLIER:]), made_at=made_at
        )
        self._begun = number
        self._asked.append(text.strip())

    def _finished(self) -> Iterator[ImportedRow]:
        if (turn := self._turn) is None:
            return
        turn.model = self._model
        yield turn_row(self._path, self._begun, turn)
        self._turn = None


def _is_prompt_event(line: Any) -> bool:
    payload = line.get("payload") if isinstance(line, Mapping) and line.get("type") == "event_msg" else None
    return isinstance(payload, Mapping) and payload.get("type") == "user_message"


def _add(turn: ChatTurn, item: Mapping[str, Any]) -> None:
    """Add a reply or a call to the turn."""
    kind = item.get("type")
    if kind == "message" and item.get("role") == "assistant":
        turn.answer = text_of(item.get("content")).strip() or turn.answer
    elif kind in ("function_call", "custom_tool_call"):
        turn.add_step(as_text(item.get("name")), item.get("arguments", item.get("input")))
    elif kind in ("local_shell_call", "web_search_call"):
        action = item.get("action")
        command = action.get("command", action.get("query")) if isinstance(action, Mapping) else None
        is_words = isinstance(command, list) and all(isinstance(word, str) for word in command)
        turn.add_step(kind.removesuffix("_call"), " ".join(command or ()) if is_words else command)


SOURCE: Final = ImportSource(
    kind="codex",
    shape="rollouts of Codex: JSON lines with `timestamp`, `type` (session_meta, response_item, ...) and `payload`",
    recognises=_recognises,
    read=_read,
)
