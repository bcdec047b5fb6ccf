"""Transcripts of Claude Code: `~/.claude/projects/<project>/<session>.jsonl`, or a folder of them.

One JSON object a line. Lines of the types `user` and `assistant` carry `uuid`, `parentUuid`, `sessionId`,
`timestamp`, `isSidechain` and a `message` in the form of Anthropic's Messages API; all other types (`summary`,
`system`, `attachment`, `file-history-snapshot`, ...) keep books and are passed over. The format is not documented by
its maker and changes.

An attempt is a prompt with the tool calls and replies up to the next prompt. What a sub-agent did (`isSidechain`,
files in `subagents/`), what the program wrote itself (`isMeta`, summaries of a compacted session, output of slash
commands) and interruptions are no prompts. A resumed session repeats earlier lines with the same text, which is the
same attempt. A transcript says nothing about whether the task was solved: the outcome is unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import (
    MAX_EARLIER,
    ChatTurn,
    add_reply,
    is_tool_result,
    text_of,
    turn_row,
)
from memento.integrations.importers.json_rows import as_text, json_rows
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource

_COMMAND: Final = re.compile(r"\s*<(?:command-(?:name|message|args|contents)|local-command-\w+|bash-\w+)>")
_WRITTEN_BY_THE_PROGRAM: Final = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_INTERRUPTED: Final = "[Request interrupted by user"
_SYNTHETIC: Final = "<synthetic>"
"""Model of replies that the program writes itself, such as the error of an outage."""
_BOOKS: Final = ("summary", "system", "attachment", "file-history-snapshot", "queue-operation")
_SIDE_FILES: Final = ("subagents", "tool-results", "workflows")


def _recognises(row: Mapping[str, Any]) -> bool:
    is_message = row.get("type") in ("user", "assistant") and isinstance(row.get("message"), Mapping)
    is_kept_book = row.get("type") in _BOOKS and bool(row.keys() & {"leafUuid", "messageId", "sessionId"})
    return (is_message and "uuid" in row and "sessionId" in row) or is_kept_book


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        if not set(path.parts).intersection(_SIDE_FILES):
            yield from _session(path)


def _session(path: Path) -> Iterator[ImportedRow]:
    turn: ChatTurn | None = None
    asked: list[str] = []
    begun = 0
    for row in json_rows(path):
        if row.problem or not isinstance(row.value, Mapping):
            yield ImportedRow(path, row.number, problem=row.problem or "not a JSON object", n_bytes=row.n_bytes)
            continue
        line, message = row.value, row.value.get("message")
        yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
        if not isinstance(message, Mapping) or line.get("isSidechain") is True or line.get("isMeta") is True:
            continue
        if line.get("isApiErrorMessage") is True or message.get("model") == _SYNTHETIC:
            continue
        if line.get("type") == "assistant" and turn is not None:
            add_reply(turn, message)
        elif line.get("type") == "user" and (prompt := _prompt(line, message)):
            if turn is not None:
                yield turn_row(path, begun, turn)
                asked.append(turn.task)
            turn, begun = (
                ChatTurn(prompt, source_id=as_text(line.get("uuid")), earlier=tuple(asked[-MAX_EARLIER:])),
                row.number,
            )
            turn.made_at = as_text(line.get("timestamp"))
    if turn is not None:
        yield turn_row(path, begun, turn)


def _prompt(line: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """What the person typed; empty for a line that is no prompt."""
    content = message.get("content")
    if line.get("isCompactSummary") is True or "toolUseResult" in line or is_tool_result(content):
        return ""
    text = _WRITTEN_BY_THE_PROGRAM.sub("", text_of(content)).strip()
    return "" if _COMMAND.match(text) or text.startswith(_INTERRUPTED) else text


SOURCE: Final = ImportSource(
    kind="claude-code",
    shape="session transcripts of Claude Code: JSON lines with `type`, `uuid`, `sessionId` and `message`",
    recognises=_recognises,
    read=_read,
)
