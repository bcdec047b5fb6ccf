"""Prepares tool results for the model: fenced, secrets redacted, long ones truncated with the full text in a file."""

import asyncio
import hashlib
from typing import Any, Final, NamedTuple

from langchain_core.messages import ToolMessage

from memento.memory.case import storable
from memento.nodes.agent.failures import OUTAGE
from memento.nodes.agent.work import Work
from memento.nodes.fences import fence
from memento.tools.errors import ToolError
from memento.tools.text import without_middle
from memento.tools.workspace import SPILL_FOLDER

MAX_CHARS: Final = 20_000
"""Of a result that is shown whole."""

KEPT_CHARS: Final = 2_000
"""Of a result, for the run's record of tool calls."""

_LEAST_CHARS: Final = 2_000
_MAX_BLOCKS: Final = 8
_READERS: Final = ("read_file", "run_python", "run_shell")


class ResultLimits(NamedTuple):
    """Limits of what a model is shown of one result."""

    max_chars: int
    tools: frozenset[str]
    """Names of the tools there are."""


def shown_chars(window_tokens: int) -> int:
    """Return the maximal length of a result for a context window: at most an eighth of it."""
    return max(_LEAST_CHARS, min(MAX_CHARS, window_tokens // 2))


async def as_shown(message: ToolMessage, work: Work, shown: ResultLimits) -> ToolMessage:
    """Build the message that the model reads.

    Args:
        message: as the tool gave it: text, or blocks of text and pictures.
        work: its workspace takes what is too long.
        shown: what the model may be shown.
    """
    name = message.name or "tool"
    blocks = message.content if isinstance(message.content, list) else []
    text = work.redact(storable(_text_of(message.content)))
    content: str | list[Any] = await _fenced(name, text, message.status, work, shown)
    others = [block for block in blocks if isinstance(block, dict) and block.get("type") != "text"]
    if others:
        content = [{"type": "text", "text": content}, *others[:_MAX_BLOCKS]]
    # The artifact is not sent to the model; whatever a tool put there stays with the tool.
    return ToolMessage(
        content,
        tool_call_id=message.tool_call_id,
        name=name,
        status=message.status,
        artifact=text[:KEPT_CHARS],
        response_metadata={OUTAGE: True} if message.response_metadata.get(OUTAGE) else {},
    )


async def _fenced(name: str, text: str, status: str, work: Work, shown: ResultLimits) -> str:
    marks = {"name": name[:64]} | ({"status": "error"} if status == "error" else {})
    if len(text) <= shown.max_chars:
        return fence("tool_result", text, **marks)
    part = fence("tool_result", without_middle(text, shown.max_chars), **marks)
    note = f"The result has {len(text):,} characters; its beginning and its end are shown."
    return f"{part}\n{note} {await _spilt(name, text, work, shown)}"


async def _spilt(name: str, text: str, work: Work, shown: ResultLimits) -> str:
    """Say where the full result is, or what else to do."""
    if work.workspace is None:
        return "The rest is lost; ask for less at once."
    # By its content: the same result again is the same file.
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = f"{SPILL_FOLDER}/{name[:64]}-{digest}.txt"
    try:
        await asyncio.to_thread(work.workspace.write, path, text.encode())
    except (ToolError, OSError):
        return "The rest is lost, because there is no more room for files; ask for less at once."
    reader = next((tool for tool in _READERS if tool in shown.tools), None)
    return f"All of it is in the file {path}" + (f"; {reader} reads more of it." if reader else ".")


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = (block if isinstance(block, str) else _text_block(block) for block in content)
    return "\n".join(part for part in parts if part)


def _text_block(block: Any) -> str:
    text = block.get("text", "") if isinstance(block, dict) and block.get("type") == "text" else ""
    return text if isinstance(text, str) else str(text)
