"""Recovers replies from exceptions of client libraries that could not parse them."""

import json
from typing import Any

from langchain_core.messages import AIMessage, InvalidToolCall
from langchain_core.messages.ai import UsageMetadata
from pydantic import ValidationError

from memento.nodes.provider_errors import holds_reply


def reply_within(error: Exception) -> AIMessage | None:
    """Return the reply that a client could not parse and raised (cut off, filtered, not JSON), or None."""
    if not holds_reply(error):
        return None
    if isinstance(error, ValidationError) and (calls := _unread_calls(error)):
        return AIMessage("", invalid_tool_calls=calls)
    completion, response = getattr(error, "completion", None), getattr(error, "response", None)
    try:
        body = completion.model_dump(warnings=False) if completion is not None else response.json()  # type: ignore[union-attr]
        choice, usage = body["choices"][0], body.get("usage")
        content, finish_reason = choice["message"].get("content") or "", choice.get("finish_reason")
        refusal = choice["message"].get("refusal")
    except Exception:  # noqa: BLE001  another SDK's shape: what it raised is all we know
        return AIMessage("")
    return AIMessage(
        content,
        additional_kwargs={"refusal": refusal} if refusal else {},
        usage_metadata=_counted(usage),
        response_metadata={"finish_reason": finish_reason},
    )


def _unread_calls(error: ValidationError) -> list[InvalidToolCall]:
    """Return the calls whose arguments are not a JSON object."""
    if not error.title.startswith("AIMessage"):
        return []
    return [
        InvalidToolCall(
            type="invalid_tool_call",
            name=None,
            args=json.dumps(fault["input"], default=str)[:1_000],
            id=None,
            error="the arguments are not a JSON object",
        )
        for fault in error.errors(include_url=False)
        if fault["loc"][:1] == ("tool_calls",)
    ]


def _counted(usage: Any) -> UsageMetadata | None:
    if not isinstance(usage, dict):
        return None
    read, written, total = (usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens", "total_tokens"))
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=total)
