"""Cache of compiled agents, shared by all runs with the same model and tools; per-run state comes with the call."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from memento.nodes.agent.model_calls import ModelCalls, asking_again
from memento.nodes.agent.offer import ToolOffer
from memento.nodes.agent.offered_tools import OfferedTools
from memento.nodes.agent.tool_calls import ToolCalls
from memento.nodes.prompts import EXECUTOR_SYSTEM

_MAX_AGENTS: Final = 64
"""Each event loop has models of its own."""


class Agents:
    """Caches agents by model and tools: compiling one takes as long as fifty steps of the workflow."""

    def __init__(self) -> None:
        # With each agent the objects it is made of, so that no id in a key is given to another object meanwhile.
        self._agents: OrderedDict[tuple[int, ...], tuple[Runnable[Any, Any], object]] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, model: BaseChatModel, tools: Sequence[BaseTool]) -> Runnable[Any, Any]:
        """Return the agent of a model and tools; every call to it needs a `Work`."""
        key = (id(model), *map(id, tools))
        with self._changing:  # runs of several event loops may ask
            return self._found(key, model, tools)

    def _found(self, key: tuple[int, ...], model: BaseChatModel, tools: Sequence[BaseTool]) -> Runnable[Any, Any]:
        if key not in self._agents:
            offer = ToolOffer(tools)
            middleware = [ModelCalls(), ToolCalls(offer), asking_again(), OfferedTools(offer)]
            made = create_agent(model, offer.tools, system_prompt=EXECUTOR_SYSTEM, middleware=middleware)
            self._agents[key] = made, (model, *tools)
            if len(self._agents) > _MAX_AGENTS:
                self._agents.popitem(last=False)
        self._agents.move_to_end(key)
        return self._agents[key][0]
