"""Normalises replies so that any provider, checkpointer and tool accepts them back."""

import json
import re
import uuid
from collections.abc import Collection
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import ToolCall

from memento.memory.case import storable

MAX_CALLS: Final = 64
"""Tool calls of one reply; those beyond are as if they had not been made."""

UNREADABLE: Final = "unreadable-"
"""What the id of a call begins with whose arguments were not a JSON object."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_ID_CHARS: Final = 200
_MAX_DEPTH: Final = 40


def sanitised(reply: AIMessage, taken: Collection[str]) -> AIMessage:
    """Return the reply itself, or a normalised copy when it cannot be sent back as it is.

    Names of tools that providers refuse, arguments that are not JSON, calls without an id of their own and halves of
    surrogate pairs are replaced; calls that could not be read become calls that fail.

    Args:
        reply: the model's.
        taken: ids of the messages and calls before it.
    """
    text, ids = reply.text, set(taken)
    calls = [_usable_call(call, ids) for call in reply.tool_calls[:MAX_CALLS]]
    broken = reply.invalid_tool_calls[: MAX_CALLS - len(calls)]
    calls += [_call(call.get("name"), {}, _new_id(UNREADABLE)) for call in broken]
    if calls == reply.tool_calls and storable(text) == text and (reply.id is None or reply.id not in taken):
        return reply
    # Without the provider's own form of content: it holds the calls a second time.
    return without_calls(reply).model_copy(update={"tool_calls": calls, "id": None, "content": storable(text)})


def unreadable(reply: AIMessage) -> AIMessage:
    """Turn the reply's truncated last call into one that fails."""
    if reply.invalid_tool_calls:  # which is the one that was cut off
        return reply
    *whole, last = reply.tool_calls
    calls = [*whole, _call(last["name"], {}, _new_id(UNREADABLE))]
    # Without the provider's own form of content, as below.
    return without_calls(reply).model_copy(update={"tool_calls": calls})


def without_calls(reply: AIMessage, *, empty: str = "") -> AIMessage:
    """Return the reply without its tool calls."""
    return AIMessage(
        storable(reply.text.strip()) or empty,
        id=reply.id,
        response_metadata=reply.response_metadata,
        usage_metadata=reply.usage_metadata,
    )


def ids_of(messages: Collection[BaseMessage]) -> set[str]:
    """Return the ids of messages and of their calls."""
    ids = {message.id for message in messages if message.id}
    return ids | {call["id"] or "" for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}


def _usable_call(call: ToolCall, ids: set[str]) -> ToolCall:
    args, call_id = call["args"], call["id"]
    if not _is_json(args):
        return _call(call["name"], {}, _new_id(UNREADABLE))
    if not call_id or call_id in ids or len(call_id) > _MAX_ID_CHARS or not call_id.isprintable():
        call_id = _new_id("call-")
    ids.add(call_id)
    if call_id == call["id"] and _NAME.fullmatch(call["name"]):
        return call
    return _call(call["name"], args, call_id)


def _call(name: str | None, args: dict[str, Any], call_id: str) -> ToolCall:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name or "")[:64] or "unnamed"
    return {"name": plain, "args": args, "id": call_id, "type": "tool_call"}


def _new_id(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex[:16]}"


def _is_json(args: Any) -> bool:
    """Whether arguments can be serialised and sent: finite, not too deep, no lone surrogates."""
    try:
        json.dumps(args, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(args, dict) and _depth(args) <= _MAX_DEPTH


def _depth(value: Any, above: int = 1) -> int:
    if above > _MAX_DEPTH or not isinstance(value, dict | list):
        return above
    children = value.values() if isinstance(value, dict) else value
    return max((_depth(child, above + 1) for child in children), default=above)
