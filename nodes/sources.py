"""What nodes close over: opened on first use by whoever composes the graph, never put into state or context."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from memento.memory.case_memory import CaseMemory
from memento.nodes.state import Run, SubtaskResult

Role = Literal["planner", "executor", "judge"]

MemorySource = Callable[[], Awaitable[CaseMemory]]
"""Gives the open memory; called by every node that needs it."""

ToolSource = Callable[[Run], Awaitable[Sequence[BaseTool]]]
"""Gives the tools of one run."""


AnswerFromResults = Callable[[Sequence[SubtaskResult]], str | None]
"""Makes the answer from the results of a finished plan, or None when the planner is to be asked."""


def model_name(model: BaseChatModel) -> str:
    """What a model calls itself, for provenance."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return name if isinstance(name, str) else model._llm_type


class ModelSource(Protocol):
    """Gives the chat model of a role."""

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        """The model for a role, or the one named by `override` as provider:model.

        Raises:
            ModelError: there is none, or it cannot be made.
        """
        ...
