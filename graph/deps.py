"""Everything a graph is built from. Nodes close over it; nothing of it enters state or context."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from memento.graph.models import ChatModels
from memento.memory.case_memory import CaseMemory
from memento.nodes.plan import Plan
from memento.nodes.prompts import PlannerPrompt, planner_messages
from memento.nodes.sources import AnswerFromResults, MemorySource, ModelSource, ToolSource
from memento.nodes.state import Run
from memento.nodes.tool_binding import bound_tool

ToolLike = BaseTool | Callable[..., Awaitable[str]]
"""A LangChain tool, or a typed async function with a docstring."""


@dataclass(frozen=True, kw_only=True)
class Deps:
    """The parts of one graph. Only the memory is required."""

    memory: CaseMemory | MemorySource
    """An open memory, which stays the caller's to close, or a function that gives one."""
    planner: BaseChatModel | str | None = None
    """A chat model, `"provider:model"`, or None for the configured or found one."""
    executor: BaseChatModel | str | None = None
    judge: BaseChatModel | str | None = None
    models: ModelSource | None = None
    """Gives the models of all roles, instead of the three above."""
    tools: Sequence[ToolLike] | ToolSource = ()
    """What executors can do; a function is asked once per subtask."""
    workspace: Path | Callable[[], Path] | None = None
    """Folder that attachments lie in; without one, none are accepted."""
    plan_schema: type[Plan] = Plan
    """`Plan`, or a subclass that only allows what the executors can do."""
    planner_prompt: PlannerPrompt = planner_messages
    answer_from_results: AnswerFromResults | None = None
    """Makes the answer of a finished plan without asking the planner again, or returns None to ask it."""

    def memory_source(self) -> MemorySource:
        """The memory as a source."""
        memory = self.memory
        if not isinstance(memory, CaseMemory):
            return memory

        async def given() -> CaseMemory:
            return memory

        return given

    def model_source(self) -> ModelSource:
        """The models as a source."""
        return self.models or ChatModels(planner=self.planner, executor=self.executor, judge=self.judge)

    def tool_source(self) -> ToolSource:
        """The tools as a source."""
        if callable(self.tools):
            return self.tools
        bound = [tool if isinstance(tool, BaseTool) else bound_tool(tool) for tool in self.tools]

        async def given(run: Run) -> Sequence[BaseTool]:
            del run
            return bound

        return given
