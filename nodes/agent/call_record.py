"""The record of an agent's tool calls (tool memory), made from its messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages import ToolCall as LangChainToolCall

from memento.nodes.agent.failures import OUTAGE
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
    away = {message.tool_call_id for message in told if message.response_metadata.get(OUTAGE)}
    calls = (call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls)
    known = known or {}

    def record(call: LangChainToolCall) -> ToolCall:
        of = call["id"] or ""
        if of in known:
            return known[of]
        kept: ToolCall = {"name": call["name"], "args": _kept(call["args"]), "result": results.get(of, "")}
        if of in failed:
            kept["is_error"] = True
        if of in away:
            kept["is_outage"] = True
        return kept

    return list(map(record, calls))


def _kept(args: dict[str, Any]) -> dict[str, Any]:
    return {name: value if len(str(value)) <= KEPT_CHARS else str(value)[:KEPT_CHARS] for name, value in args.items()}
