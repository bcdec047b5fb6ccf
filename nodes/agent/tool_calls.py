"""Middleware around an agent's tool calls: budgets, time limits, retries, and always a result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import ToolCall, ToolMessage
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.failures import (
    UNREADABLE_CALL,
    explained,
    failure,
    is_outage,
    is_worth_retrying,
    late_tool,
    misfit,
    server_away,
    unknown_tool,
    wanted,
)
from memento.nodes.agent.long_results import ResultLimits, as_shown
from memento.nodes.agent.notes import refused_call
from memento.nodes.agent.offer import ToolOffer
from memento.nodes.agent.work import Work, work_of
from memento.nodes.replies.sanitise import UNREADABLE

ToolOutput: TypeAlias = ToolMessage | Command[Any]
ToolRun: TypeAlias = Callable[[ToolCallRequest], Awaitable[ToolOutput]]

_BACKOFF_S: Final = (0.3, 1.0)


class ToolCalls(AgentMiddleware[Any]):
    """Runs tool calls; each is reported first, and a failure becomes a message instead of ending the run."""

    def __init__(self, offer: ToolOffer) -> None:
        """Keep the agent's offer of tools."""
        super().__init__()
        self._offer = offer

    async def awrap_tool_call(self, request: ToolCallRequest, handler: ToolRun) -> ToolOutput:
        """Run a call; its result is fenced."""
        work = work_of(request.runtime.config)
        async with work.turn(request.tool_call["name"]):
            return await self._result(request, handler, work)

    async def _result(self, request: ToolCallRequest, handler: ToolRun, work: Work) -> ToolOutput:
        call = request.tool_call
        work.catch_up(request.state.get("messages", []))
        work.report(call["name"], call["args"])
        tools = [tool.name for tool in request.runtime.tools]
        shown = ResultLimits(work.max_result_chars, frozenset(tools))
        if refused := _refused(request, work, tools, self._offer):
            return await as_shown(refused, work, shown)
        own: ToolCall = {**call, "args": self._offer.arguments(call["name"], call["args"])}
        request = request.override(tool_call=own)
        seconds = min(work.max_tool_seconds, work.seconds_left())
        met: list[Exception] = []
        try:
            output = await within(seconds, _tried(request, handler, self._offer, met))
        except GraphBubbleUp:  # interrupts and such: control flow, not failures
            raise
        except DeadlinePassed:
            output = failure(call, late_tool(seconds), is_outage=bool(met))
        except Abandoned:
            output = failure(call, "it was cancelled")
        except Exception as error:
            if is_invalid_resume(error):  # a person's reply that does not fit is given again
                raise
            output = failure(call, explained(error, work.redact), is_outage=is_outage(error))
        fenced: ToolOutput = await _shown(output, work, shown)
        return fenced


def _refused(request: ToolCallRequest, work: Work, tools: list[str], offer: ToolOffer) -> ToolMessage | None:
    """Return the message about a call that is refused; None where it is not."""
    call = request.tool_call
    if why := work.begin_tool_call():
        return failure(call, refused_call(why))
    if (call["id"] or "").startswith(UNREADABLE):
        known = f". {wanted(request.tool.name, offer.schema(request.tool.name))}" if request.tool else ""
        return failure(call, UNREADABLE_CALL + known)
    if request.tool is not None:
        return None
    if call["name"].startswith(tuple(work.away)):
        return failure(call, server_away(call["name"]), is_outage=True)
    return failure(call, unknown_tool(call["name"], tools))


async def _tried(request: ToolCallRequest, handler: ToolRun, offer: ToolOffer, met: list[Exception]) -> ToolOutput:
    """Run a call, and retry when the tool was unreachable, which `met` is told; the time limit is for all tries."""
    for pause_s in _BACKOFF_S:
        try:
            return _explained(request, await handler(request), offer)
        except Exception as error:
            if isinstance(error, GraphBubbleUp) or not is_worth_retrying(error):
                raise
            met.append(error)
        await asyncio.sleep(pause_s)
    return _explained(request, await handler(request), offer)


def _explained(request: ToolCallRequest, output: ToolOutput, offer: ToolOffer) -> ToolOutput:
    """Explain invalid arguments by naming those that do not fit, where LangGraph repeats them all."""
    if request.tool is None or not isinstance(output, ToolMessage) or output.status != "error":
        return output
    complaint = misfit(request.tool, request.tool_call["args"], offer.schema(request.tool.name))
    return failure(request.tool_call, complaint) if complaint else output


async def _shown(output: Any, work: Work, shown: ResultLimits) -> Any:
    """Fence every message in a tool's result, whatever its form."""
    if isinstance(output, ToolMessage):
        return await as_shown(output, work, shown)
    if isinstance(output, list):
        return [await _shown(part, work, shown) for part in output]
    if isinstance(output, Command) and isinstance(output.update, dict) and "messages" in output.update:
        messages = [await _shown(message, work, shown) for message in output.update["messages"]]
        return Command(
            graph=output.graph, update={**output.update, "messages": messages}, resume=output.resume, goto=output.goto
        )
    return output
