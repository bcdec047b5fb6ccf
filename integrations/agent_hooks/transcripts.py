"""Reads the last turn of a Claude Code transcript (JSON lines): the tools that were called, and the final message.

The format is the agent's own and changes between releases, so that every record is taken for what it shows: lines that
do not parse, unknown records and sub-agents' records are skipped. Only the end of a file is read. Blocking.
"""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from memento.integrations.agent_hooks.hook_input import prompt_hash

_FIRST_BYTES: Final = 1_000_000
_MAX_BYTES: Final = 16_000_000
"""Bytes read of the end of a transcript; a longer turn is known by its last part."""
_OF_THE_AGENT: Final = ("<command-", "<local-command", "<task-notification", "<system-reminder", "<bash-")


class ToolStep(NamedTuple):
    """One tool call of a turn."""

    name: str
    arguments: dict[str, Any]
    output: str | None
    """Text of the result; None where none was recorded."""
    is_error: bool
    is_finished: bool
    """Whether it ran to its end: not interrupted, and not in the background."""


class TranscriptTurn(NamedTuple):
    """What an agent did for one prompt."""

    steps: list[ToolStep]
    final_message: str
    is_whole: bool
    """Whether the prompt itself was found; otherwise the turn began before what was read."""


def read_turn(path: Path, prompt: str) -> TranscriptTurn:
    """Read the turn that a prompt began.

    Args:
        path: the transcript.
        prompt: its `prompt_hash`; where it is not found, the newest prompt counts.

    Raises:
        OSError: there is no such file, or it is not a regular one.
    """
    records: list[dict[str, Any]] = []
    size = _FIRST_BYTES
    while True:
        content, is_all = _tail(path, size)
        records = list(_records(content, is_all=is_all))
        start = _start(records, prompt)
        if start is not None or is_all or size >= _MAX_BYTES:
            break
        size = _MAX_BYTES
    if start is None:
        start = next((n for n in range(len(records) - 1, -1, -1) if _prompt(records[n]) is not None), None)
    after = records if start is None else records[start + 1 :]
    return TranscriptTurn(_steps(after), _final_message(after), is_whole=start is not None)


def _tail(path: Path, size: int) -> tuple[bytes, bool]:
    """The end of a file, and whether that is all of it."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        file.seek(max(0, status.st_size - size))
        return file.read(size), status.st_size <= size


def _records(content: bytes, *, is_all: bool) -> Iterator[dict[str, Any]]:
    lines = content.split(b"\n")
    for line in lines if is_all else lines[1:]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and not record.get("isSidechain"):
            yield record


def _start(records: list[dict[str, Any]], prompt: str) -> int | None:
    for number in range(len(records) - 1, -1, -1):
        text = _prompt(records[number])
        if text is not None and prompt_hash(text) == prompt:
            return number
    return None


def _prompt(record: dict[str, Any]) -> str | None:
    """The text of a record that is a person's prompt."""
    if record.get("type") != "user" or record.get("isMeta"):
        return None
    blocks = _blocks(record)
    if any(block.get("type") == "tool_result" for block in blocks):
        return None
    text = _joined(blocks)
    return text if text.strip() and not text.lstrip().startswith(_OF_THE_AGENT) else None


def _blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _joined(blocks: list[dict[str, Any]]) -> str:
    texts = (block.get("text") for block in blocks if block.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _steps(records: list[dict[str, Any]]) -> list[ToolStep]:
    results: dict[str, tuple[dict[str, Any], Any]] = {}
    calls: list[dict[str, Any]] = []
    for record in records:
        for block in _blocks(record):
            if record.get("type") == "assistant" and block.get("type") == "tool_use":
                calls.append(block)
            elif block.get("type") == "tool_result" and isinstance(block.get("tool_use_id"), str):
                results[block["tool_use_id"]] = (block, record.get("toolUseResult"))
    return [_step(call, results.get(str(call.get("id")))) for call in calls if isinstance(call.get("name"), str)]


def _step(call: dict[str, Any], result: tuple[dict[str, Any], Any] | None) -> ToolStep:
    given = call.get("input")
    arguments: dict[str, Any] = given if isinstance(given, dict) else {}
    if result is None:
        return ToolStep(call["name"], arguments, None, is_error=False, is_finished=False)
    block, details = result
    content = block.get("content")
    output = content if isinstance(content, str) else _joined(_blocks({"message": block}))
    is_cut = isinstance(details, dict) and bool(details.get("interrupted") or details.get("backgroundTaskId"))
    is_cut = is_cut or bool(arguments.get("run_in_background"))
    return ToolStep(call["name"], arguments, output, is_error=block.get("is_error") is True, is_finished=not is_cut)


def _final_message(records: list[dict[str, Any]]) -> str:
    for record in reversed(records):
        if record.get("type") == "assistant" and (text := _joined(_blocks(record)).strip()):
            return text
    return ""
