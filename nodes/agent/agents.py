"""Cache of compiled agents, shared by all runs with the same model and tools; per-run state comes with the call."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, NoReturn, cast

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, tool
from langgraph.pregel.protocol import PregelProtocol

from memento.nodes.agent.model_calls import ModelCalls, asking_again
from memento.nodes.agent.offer import ToolOffer
from memento.nodes.agent.offered_tools import OfferedTools
from memento.nodes.agent.tool_calls import ToolCalls
from memento.nodes.prompts import EXECUTOR_SYSTEM

_MAX_AGENTS: Final = 64
"""Each event loop has models of its own."""


class Agents:
    """Caches agents by model, tools and system message: compiling one takes as long as fifty steps of the workflow."""

    def __init__(self) -> None:
        # With each agent the objects it is made of, so that no id in a key is given to another object meanwhile.
        self._agents: OrderedDict[tuple[int | str, ...], tuple[Runnable[Any, Any], object]] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, model: BaseChatModel, tools: Sequence[BaseTool], system: str = EXECUTOR_SYSTEM) -> Runnable[Any, Any]:
        """Return the agent of a model, tools and system message; every call to it needs a `Work`."""
        with self._changing:  # runs of several event loops may ask
            return self._found(model, tools, system)

    def _found(self, model: BaseChatModel, tools: Sequence[BaseTool], system: str) -> Runnable[Any, Any]:
        key: tuple[int | str, ...] = (system, id(model), *map(id, tools))
        if key not in self._agents:
            offer = ToolOffer(tools)
            middleware = [ModelCalls(), ToolCalls(offer), asking_again(), OfferedTools(offer)]
            made = create_agent(model, offer.tools, system_prompt=system, middleware=middleware)
            self._agents[key] = made, (model, *tools)
            if len(self._agents) > _MAX_AGENTS:
                self._agents.popitem(last=False)
        self._agents.move_to_end(key)
        return self._agents[key][0]


def drawn_agent(tools: Sequence[BaseTool]) -> PregelProtocol[Any, Any, Any, Any]:
    """Return an agent's graph for those who look at one: it is drawn, and states of threads are read by it.

    LangGraph finds a graph below a node by the node's code. An executor's agents are made when it is known which model
    and tools a run has, so that one is named to it; this one never runs.

    Args:
        tools: those of all runs, where they are known before.
    """
    agent = Agents().get(_UnknownModel(), [*tools] or [_unknown_tools])
    return cast("PregelProtocol[Any, Any, Any, Any]", agent)


class _UnknownModel(BaseChatModel):
    """Stands for the model that a run has."""

    @property
    def _llm_type(self) -> str:
        return "the executor's model"

    def _generate(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("the agent that is drawn is never run")

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, Any]:
        return self


@tool("tools_of_the_run")
async def _unknown_tools() -> NoReturn:
    """Stands for the tools that a run has."""
    raise AssertionError("the agent that is drawn is never run")
