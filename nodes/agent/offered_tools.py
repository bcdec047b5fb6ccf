"""Middleware that shows the model its tools in a portable form, and drops tools that the provider refuses."""

from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.tools import BaseTool
from langgraph.config import get_config

from memento.nodes.agent.offer import ToolOffer
from memento.nodes.agent.turn import ModelCall
from memento.nodes.agent.work import work_of


class OfferedTools(AgentMiddleware[Any]):
    """Keeps one unusable tool definition from failing the requests of all tools."""

    def __init__(self, offer: ToolOffer) -> None:
        """Keep the agent's offer of tools."""
        super().__init__()
        self._offer = offer

    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelCall) -> ModelResponse[Any]:
        """Call the model without tools known to be refused; retry without newly refused ones.

        Raises:
            Exception: whatever the model's client raises, when it is about no tool.
        """
        work = work_of(get_config())
        while True:
            shown = [tool for tool in request.tools if not self._is_left_out(tool)]
            if request.tools:
                for name, reason in self._offer.left_out.items():
                    work.notice(f"the tool {name} is left out: {work.redact(reason)}")
            try:
                return await handler(request.override(tools=[self._offer.definition(tool) for tool in shown]))
            except Exception as error:
                if not self._offer.leave_out_refused(error, shown):
                    raise

    def _is_left_out(self, tool: BaseTool | dict[str, Any]) -> bool:
        return isinstance(tool, BaseTool) and tool.name in self._offer.left_out
