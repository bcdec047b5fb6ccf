"""Dependencies of a graph. Nodes close over them; none of them enters state or context."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from memento.graph.models import ChatModels
from memento.graph.settings import environment_secrets, read_settings
from memento.memory.case_memory import CaseMemory
from memento.memory.sync_case_memory import SyncCaseMemory
from memento.nodes.acting.actor import Actor
from memento.nodes.acting.environment import EnvironmentSource
from memento.nodes.acting.episode_run import Acting
from memento.nodes.acting.fixed_plan import episode_answer, one_episode
from memento.nodes.acting.step_cases import StepCases
from memento.nodes.acting.trajectory import plan_action, trajectory
from memento.nodes.attachments import run_folder
from memento.nodes.context import Context
from memento.nodes.plan import FixedPlan, Plan
from memento.nodes.prompts import PlannerPrompt, planner_messages
from memento.nodes.run_bounds import CeilingsOf, NamespaceOf, RunBounds
from memento.nodes.run_drain import RunDrain
from memento.nodes.scoring.custom import Scorer
from memento.nodes.sources import (
    AnswerFromResults,
    CaseAction,
    MemorySource,
    ModelSource,
    Price,
    Role,
    RunMemory,
    Secrets,
    Toolbox,
    ToolSource,
)
from memento.nodes.state import Run
from memento.nodes.structured import StructuredCaller
from memento.nodes.tool_binding import bound_tool
from memento.tools.workspace import Workspace

ToolLike = BaseTool | Callable[..., Awaitable[str]]
"""A LangChain tool, or a typed async function with a docstring."""


@dataclass(frozen=True, kw_only=True)
class Deps:
    """Dependencies of one graph. Only the memory is required."""

    memory: CaseMemory | SyncCaseMemory | MemorySource
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
    """Folder that attachments lie in, and in which each run has a folder of its own; without one there are neither."""
    price: Price | None = None
    """Says what model calls cost; without it, budgets of money cannot be kept."""
    secrets: Secrets = environment_secrets
    """Texts that are taken out of what tools and providers say: the environment's keys and passwords."""
    plan_schema: type[Plan] = Plan
    """`Plan`, or a subclass that only allows what the executors can do."""
    planner_prompt: PlannerPrompt = planner_messages
    fixed_plan: FixedPlan | None = None
    """Makes the first plan without asking the planner, or returns None to ask it. Of runs in an environment: one
    subtask, which is one episode."""
    answer_from_results: AnswerFromResults | None = None
    """Makes the answer of a finished plan without asking the planner again, or returns None to ask it. Of runs
    in an environment: how the episode ended."""
    environment: EnvironmentSource | None = None
    """Gives each subtask an environment to act in: step by step instead of tools, or by tools (`Context.acting`)."""
    actor: Actor | None = None
    """Chooses the actions in the environment; without one, the executor's model does."""
    case_action: CaseAction | None = None
    """Makes the action of a run's case: its plans, or, of runs in an environment, what was done there. There is
    `plan_and_trajectory`, too."""
    context_schema: type[Context] = Context
    """`Context`, or a subclass with a host's own settings, which its tools find in `ToolRuntime.context`."""
    namespace_of: NamespaceOf | None = None
    """Tells whose cases a run uses by its runtime, such as its authenticated user's, whatever input and context say:
    `lambda runtime: runtime.server_info.user.identity`. `AS_GIVEN` leaves it to input and context, for runs without a
    user; anything else that is no name refuses the run."""
    ceilings: CeilingsOf | None = None
    """Gives the most that a run's settings may be, by its runtime; without it `Context`'s own bounds hold."""
    drain: RunDrain | None = None
    """Of a server that lets its runs end before it stops."""
    scorer: Scorer | None = None
    """Gives the reward where a run's evaluator is `custom`; `load_scorer` finds one by name."""

    def memory_source(self) -> MemorySource:
        """Return the memory as a source."""
        memory = self.memory.memory if isinstance(self.memory, SyncCaseMemory) else self.memory
        if not isinstance(memory, CaseMemory):
            return memory

        async def given() -> RunMemory:
            return memory

        return given

    def first_plan(self) -> FixedPlan | None:
        """Return what makes the first plan without a model."""
        return self.fixed_plan or (one_episode if self.environment else None)

    def made_answer(self) -> AnswerFromResults | None:
        """Return what makes the answer without a model."""
        return self.answer_from_results or (episode_answer if self.environment else None)

    def made_action(self) -> CaseAction:
        """Return what makes the action of a case."""
        return self.case_action or (trajectory if self.environment else plan_action)

    def acting(self, models: ModelSource, caller: StructuredCaller, step_cases: StepCases) -> Acting | None:
        """Return what plays episodes, where there is an environment.

        Args:
            models: gives the executor's model.
            caller: asks it for actions.
            step_cases: reads cases of steps where a run wants them.
        """
        if self.environment is None:
            return None
        return Acting(
            environment=self.environment,
            actor=self.actor,
            models=models,
            caller=caller,
            price=self.price,
            step_cases=step_cases,
        )

    def run_bounds(self) -> RunBounds:
        """Return what every run is kept to."""
        return RunBounds(namespace_of=self.namespace_of, ceilings=self.ceilings)

    def model_source(self) -> ModelSource:
        """Return the models as a source."""
        return self.models or _ConfiguredModels(self)

    def known_tools(self) -> list[BaseTool]:
        """Return the tools that all runs have; empty where each run has its own."""
        tools = () if callable(self.tools) else self.tools
        return [tool if isinstance(tool, BaseTool) else bound_tool(tool) for tool in tools]

    def tool_source(self) -> ToolSource:
        """Return the tools as a source."""
        if callable(self.tools):
            return self.tools
        bound = self.known_tools()

        async def given(run: Run) -> Toolbox:
            root = self.workspace() if callable(self.workspace) else self.workspace
            own = run.get("folder")  # a thread that began with an earlier release has none
            return Toolbox(bound, Workspace(run_folder(root, own)) if root and own else None)

        return given


class _ConfiguredModels:
    """The given models, and the environment's for other roles; settings are read on first use."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @cached_property
    def _models(self) -> ChatModels:
        deps = self._deps
        return ChatModels.configured(read_settings(), planner=deps.planner, executor=deps.executor, judge=deps.judge)

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        named: BaseChatModel | str | None = getattr(self._deps, role)
        if override is None and isinstance(named, BaseChatModel):
            return named
        return await self._models.get(role, override)
