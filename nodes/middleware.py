"""What keeps an executor's agent steady: a budget that ends in a real answer, tool failures it can act on."""

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

BUDGET_SPENT = "The budget of model calls is spent: no tool can be called any more. Give the best result you have."
_MARK = "memento_budget_spent"


class ModelCallBudget(AgentMiddleware):
    """At most `max_calls` model calls; the last one is without tools, so that it is an answer."""

    def __init__(self, max_calls: int) -> None:
        """Set the budget, at least 1."""
        super().__init__()
        self._max_calls = max_calls

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Take the tools away from the last call, and whatever calls the model makes up all the same."""
        n_made = sum(isinstance(message, AIMessage) for message in request.messages)
        if n_made + 1 < self._max_calls:
            return await handler(request)
        told = [*request.messages, HumanMessage(BUDGET_SPENT)] if n_made else request.messages
        response = await handler(request.override(tools=[], messages=told))
        replies = [_without_calls(m) if isinstance(m, AIMessage) else m for m in response.result]
        return ModelResponse(result=replies, structured_response=response.structured_response)


class ToolFailures(AgentMiddleware):
    """A tool that fails tells the model why, instead of ending the run."""

    def __init__(self, report: Callable[[str, dict[str, Any]], None]) -> None:
        """Set who is told of each call, before it is made: with the tool's name and arguments."""
        super().__init__()
        self._report = report

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Turn an exception into a tool message with status `error`."""
        self._report(request.tool_call["name"], request.tool_call["args"])
        try:
            return await handler(request)
        except GraphBubbleUp:  # interrupts and such: control flow, not failures
            raise
        except Exception as error:  # noqa: BLE001  a tool may raise anything; the model decides what to do about it
            return ToolMessage(
                f"{type(error).__name__}: {error}"[:1000],
                tool_call_id=request.tool_call["id"] or "",
                name=request.tool_call["name"],
                status="error",
            )


def is_cut_short(message: AIMessage) -> bool:
    """Whether this reply is the last one of a spent budget."""
    return bool(message.response_metadata.get(_MARK))


def _without_calls(message: AIMessage) -> AIMessage:
    metadata = {**message.response_metadata, _MARK: True}
    return AIMessage(message.text, id=message.id, response_metadata=metadata, usage_metadata=message.usage_metadata)
