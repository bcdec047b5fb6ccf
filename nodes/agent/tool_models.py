"""Counts the model calls that tools make (such as looking at a picture), which no agent message records."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler, Callbacks
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import merge_configs

_TOOLS: Final = "tools"
"""The agent's node that runs tools; calls made below it carry its name."""


class ToolModelCalls(AsyncCallbackHandler):
    """Counts replies of chat models called by tools, built-in or custom."""

    ignore_agent = ignore_chain = ignore_custom_event = ignore_retriever = True

    def __init__(self, count: Callable[[AIMessage], None]) -> None:
        """Start with nothing counted.

        Args:
            count: is told every such reply.
        """
        self._count = count
        self._open: set[UUID] = set()

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note a call that a tool makes."""
        if (metadata or {}).get("langgraph_node") == _TOOLS:
            self._open.add(run_id)

    async def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Count its reply."""
        if run_id not in self._open:
            return
        self._open.remove(run_id)
        for generation in response.generations[0]:
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                self._count(generation.message)

    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget a call that failed."""
        self._open.discard(run_id)


def beside(callbacks: Callbacks, handler: AsyncCallbackHandler) -> Callbacks:
    """Add a handler to the existing ones, so that the host's tracers still see everything."""
    return merge_configs({"callbacks": callbacks}, {"callbacks": [handler]})["callbacks"]
