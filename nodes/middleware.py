"""What keeps an executor's agent steady: a budget that ends in a real answer, failures the model can act on."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ModelRetryMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from memento.nodes.errors import ModelUnavailable, as_model_error

BUDGET_SPENT = "The budget of model calls is spent: no tool can be called any more. Give the best result you have."
EMPTY_REPLY = "That reply was empty. Call a tool, or give the result."
UNREADABLE_CALL = (
    "That tool call could not be read: its arguments must be one JSON object. Call again, or give the result."
)
REPORT = "__memento_report"
"""Key of the agent's configurable: a function that is told each tool call's name and arguments.

An agent is shared by subtasks that run at the same time, and writes to a stream of its own: so the workflow's stream
comes with the call. Keys with two underscores stay out of checkpoints and traces.
"""

CUT_SHORT = {"memento_cut_short": True}
"""Metadata of a reply that ended a subtask before it was done."""

_ERROR_CHARS = 1000

ModelCall: TypeAlias = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
ToolRun: TypeAlias = Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]


class ModelCallBudget(AgentMiddleware[Any]):
    """At most `max_calls` model calls; the last one is without tools, so that it is an answer."""

    def __init__(self, max_calls: int) -> None:
        """Set the budget, at least 1."""
        super().__init__()
        self._max_calls = max_calls

    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelCall) -> ModelResponse[Any]:
        """Ask; and once more, within the budget, when nothing can be made of the reply."""
        response = await self._ask(request, handler)
        complaint = _complaint(response.result)
        if not complaint or self._is_last(request):
            return response
        # The roles keep alternating, and what cannot be read is not sent back: providers refuse it.
        spent: list[Any] = [*(_without_calls(m, empty="(nothing)") for m in response.result), HumanMessage(complaint)]
        again = await self._ask(request.override(messages=[*request.messages, *spent]), handler)
        return ModelResponse(result=[*spent, *again.result], structured_response=again.structured_response)

    async def _ask(self, request: ModelRequest[Any], handler: ModelCall) -> ModelResponse[Any]:
        """One call; the last one without tools, and without whatever calls the model makes up all the same."""
        if not request.tools or not self._is_last(request):
            return await handler(request)
        told = [*request.messages, HumanMessage(BUDGET_SPENT)] if _n_made(request) else request.messages
        response = await handler(request.override(tools=[], messages=told))
        replies = [_marked(_without_calls(message)) for message in response.result]
        return ModelResponse(result=replies, structured_response=response.structured_response)

    def _is_last(self, request: ModelRequest[Any]) -> bool:
        return _n_made(request) + 1 >= self._max_calls


class ToolFailures(AgentMiddleware[Any]):
    """Each call is reported before it is made; one that fails tells the model why, instead of ending the run."""

    async def awrap_tool_call(self, request: ToolCallRequest, handler: ToolRun) -> ToolMessage | Command[Any]:
        """Turn an exception into a tool message with status `error`."""
        call = request.tool_call
        if report := request.runtime.config.get("configurable", {}).get(REPORT):
            report(call["name"], call["args"])
        try:
            return await handler(request)
        except GraphBubbleUp:  # interrupts and such: control flow, not failures
            raise
        except Exception as error:  # noqa: BLE001  a tool may raise anything; the model decides what to do about it
            return ToolMessage(
                f"{type(error).__name__}: {error}"[:_ERROR_CHARS],
                tool_call_id=call["id"] or "",
                name=call["name"],
                status="error",
            )


def asking_again() -> ModelRetryMiddleware:
    """Asks a model that did not answer up to three times, without repeating the tool calls made so far."""
    return ModelRetryMiddleware(
        max_retries=2, retry_on=_is_unavailable, on_failure="error", initial_delay=0.5, backoff_factor=2.0
    )


def is_cut_short(message: BaseMessage) -> bool:
    """Whether this reply is the best there was, and not the result that was wanted."""
    return CUT_SHORT.items() <= message.response_metadata.items()


def _is_unavailable(error: Exception) -> bool:
    return isinstance(as_model_error(error), ModelUnavailable)


def _n_made(request: ModelRequest[Any]) -> int:
    return sum(isinstance(message, AIMessage) for message in request.messages)


def _complaint(replies: list[BaseMessage]) -> str:
    """What is wrong with a reply of which nothing can be made; empty for all others."""
    last = replies[-1] if replies else AIMessage("")
    if not isinstance(last, AIMessage) or last.tool_calls:
        return ""
    if last.invalid_tool_calls:
        return UNREADABLE_CALL
    return "" if last.text.strip() else EMPTY_REPLY


def _without_calls(message: BaseMessage, *, empty: str = "") -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message
    return AIMessage(
        message.text.strip() or empty,
        id=message.id,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
    )


def _marked(message: BaseMessage) -> BaseMessage:
    return message.model_copy(update={"response_metadata": {**message.response_metadata, **CUT_SHORT}})
