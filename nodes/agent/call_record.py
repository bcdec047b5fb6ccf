"""The record of an agent's tool calls (tool memory), made from its messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages import ToolCall as LangChainToolCall

from memento.nodes.agent.long_results import KEPT_CHARS
from memento.nodes.subtasks import ToolCall


def recorded_calls(messages: Sequence[BaseMessage], known: Mapping[str, ToolCall] | None = None) -> list[ToolCall]:
    """Return the tool calls of an agent, oldest first.

    Args:
        messages: of the agent.
        known: records by the ids of their calls, for calls of which more is known than messages say.
    """
    # A result without its fence, as the agent's middleware keeps it beside the message.
    told = [message for message in messages if isinstance(message, ToolMessage)]
    results = {message.tool_call_id: message.artifact or "" for message in told}
    failed = {message.tool_call_id for message in told if message.status == "error"}
    calls = (call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls)
    known = known or {}
    return [
        known.get(call["id"] or "") or _record(call, results.get(call["id"] or "", ""), is_error=call["id"] in failed)
        for call in calls
    ]


def _record(call: LangChainToolCall, result: str, *, is_error: bool) -> ToolCall:
    kept: ToolCall = {"name": call["name"], "args": _kept(call["args"]), "result": result}
    return {**kept, "is_error": True} if is_error else kept


def _kept(args: dict[str, Any]) -> dict[str, Any]:
    return {name: value if len(str(value)) <= KEPT_CHARS else str(value)[:KEPT_CHARS] for name, value in args.items()}
