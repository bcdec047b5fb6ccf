"""One subtask: an agent with tools and a budget. Several run in parallel; each gets only what it depends on."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime

from memento.nodes.context import Context
from memento.nodes.errors import InvalidReply, as_model_error
from memento.nodes.middleware import CUT_SHORT, REPORT, ModelCallBudget, ToolFailures, asking_again, is_cut_short
from memento.nodes.node import Node
from memento.nodes.prompts import EXECUTOR_SYSTEM, executor_messages
from memento.nodes.sources import ModelSource, ToolSource, model_name
from memento.nodes.state import SubtaskInput, SubtaskResult, ToolCall, Usage

_KEPT_CHARS = 2_000
_MAX_AGENTS = 16


def make_executor(models: ModelSource, tools: ToolSource) -> Node[SubtaskInput]:
    """Make the node.

    Args:
        models: gives the executor model.
        tools: gives the run's tools.
    """
    agents = _Agents()

    async def executor(state: SubtaskInput, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Carry out one subtask; ends within its budget, with the best result there is.

        Raises:
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        settings, subtask = Context.model_validate(state["run"]["settings"]), state["subtask"]
        runtime.stream_writer({"event": "subtask", "cycle": state["cycle"], "subtask": subtask})
        model = await models.get("executor", settings.executor)
        agent = agents.get(model, await tools(state["run"]), settings.max_model_calls)
        asked = executor_messages(run=state["run"], subtask=subtask, earlier=state["earlier"])

        def report(name: str, args: dict[str, Any]) -> None:
            where = {"cycle": state["cycle"], "subtask": subtask["id"]}
            runtime.stream_writer({"event": "tool", **where, "name": name, "args": args})

        # Two steps a call and some to spare: the budget ends the loop, not the recursion limit.
        limit = 4 * settings.max_model_calls + 10
        try:
            reply = await agent.ainvoke(
                {"messages": asked}, {"recursion_limit": limit, "configurable": {REPORT: report}}
            )
            messages: list[BaseMessage] = reply["messages"]
        except InvalidReply as error:  # a subtask that failed, not a run: the planner decides what to do about it
            messages = [*asked, AIMessage(f"(the executor failed: {error})", response_metadata=CUT_SHORT)]
        except Exception as error:
            refused = as_model_error(error)
            if refused is None:
                raise
            raise refused from error
        text = messages[-1].text.strip()
        result: SubtaskResult = {
            "cycle": state["cycle"],
            "id": subtask["id"],
            "description": subtask["description"],
            "result": text or "(no result)",
            "is_complete": bool(text) and not is_cut_short(messages[-1]),
            "tool_calls": _tool_calls(messages),
        }
        runtime.stream_writer({"event": "result", "result": result})
        return {"results": [result], "usage": _usage(messages), "models": {"executor": model_name(model)}}

    return executor


class _Agents:
    """Compiled agents, by what they are made of: compiling one takes as long as fifty steps of the workflow."""

    def __init__(self) -> None:
        # With each agent the objects it is made of, so that no id in a key is given to another object meanwhile.
        self._agents: OrderedDict[tuple[int, ...], tuple[Runnable[Any, Any], object]] = OrderedDict()

    def get(self, model: BaseChatModel, tools: Sequence[BaseTool], max_model_calls: int) -> Runnable[Any, Any]:
        key = (id(model), max_model_calls, *map(id, tools))
        if key not in self._agents:
            middleware = [ModelCallBudget(max_model_calls), ToolFailures(), asking_again()]
            made = create_agent(model, list(tools), system_prompt=EXECUTOR_SYSTEM, middleware=middleware)
            self._agents[key] = made, (model, *tools)
            if len(self._agents) > _MAX_AGENTS:
                self._agents.popitem(last=False)
        self._agents.move_to_end(key)
        return self._agents[key][0]


def _tool_calls(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    results = {m.tool_call_id: m.text[:_KEPT_CHARS] for m in messages if isinstance(m, ToolMessage)}
    return [
        {"name": call["name"], "args": call["args"], "result": results.get(call["id"] or "", "")}
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    ]


def _usage(messages: Sequence[BaseMessage]) -> Usage:
    replies = [message for message in messages if isinstance(message, AIMessage)]
    counted = [reply.usage_metadata for reply in replies if reply.usage_metadata]
    return {
        "input_tokens": sum(tokens["input_tokens"] for tokens in counted),
        "output_tokens": sum(tokens["output_tokens"] for tokens in counted),
        "model_calls": len(replies),
    }
