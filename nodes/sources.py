"""Protocols of the nodes' dependencies (memory, models, tools), opened on first use and kept out of the state."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata
from langchain_core.tools import BaseTool

from memento.memory.case import PLAN, CaseKind
from memento.memory.experience import Experience
from memento.memory.reading import Reading, Recall
from memento.nodes.state import MementoState, Run
from memento.nodes.subtasks import SubtaskResult
from memento.tools.workspace import Workspace

Role = Literal["planner", "executor", "judge"]


class RunMemory(Protocol):
    """The memory as nodes use it: a `CaseMemory`, or a wrapper."""

    namespace: str

    async def recall(
        self,
        query: str,
        *,
        policy: str | None = None,
        namespace: str | None = None,
        task: str | None = None,
        follows: str | None = None,
        key: str = "",
        kind: CaseKind = PLAN,
        picture: bytes | str = b"",
    ) -> Recall:
        """Recall candidates; see `CaseMemory.recall`. A memory whose tasks have no keys need not take `key`.

        One that does not take `kind` serves no cases of subtasks and steps, skills and lessons: a run that wants them
        says so. One that does not take `picture` serves none to a run whose task has one (`Context.pictures`).
        """
        ...

    async def select(self, recall: Recall, *, k: int = 4, max_tokens: int | None = None) -> Reading:
        """Choose among candidates; see `CaseMemory.select`.

        A memory that does not take `max_tokens` serves no run whose `Context.case_budget` is `choose`.
        """
        ...

    async def write(self, experience: Experience, /) -> str | None:
        """Store an experience; see `CaseMemory.write`.

        A memory that has `write_attempt` too, as `CaseMemory` has, keeps the attempts of forked runs apart by that.
        """
        ...


MemorySource = Callable[[], Awaitable[RunMemory]]
"""Gives the open memory; called by every node that needs it."""


class Toolbox(NamedTuple):
    """Tools and workspace of one run's subtasks."""

    tools: Sequence[BaseTool]
    workspace: Workspace | None = None
    """The run's own folder; without one, no tool can use files, and long results are cut."""
    notices: Sequence[str] = ()
    """Which tools are missing, and why."""
    away: Sequence[str] = ()
    """How the names of tools begin that are missing because their server did not answer."""


ToolSource = Callable[[Run], Awaitable[Toolbox]]
"""Gives the toolbox of one run; asked once per subtask."""

Secrets = Callable[[], Iterable[str]]
"""Gives the texts that must be shown to nobody: keys, passwords."""

AnswerFromResults = Callable[[Sequence[SubtaskResult]], str | None]
"""Makes the answer from the results of a finished plan, or None when the planner is to be asked."""


CaseAction = Callable[[MementoState], str]
"""Makes the action of a run's case from its state: what a later run is shown as having been tried."""


def model_name(model: BaseChatModel) -> str:
    """Return the model's own name, for provenance."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return name if isinstance(name, str) else model._llm_type


class Price(Protocol):
    """Computes the cost of a model call."""

    def __call__(self, model: str, usage: UsageMetadata, /) -> float | None:
        """Return the US dollars of one call, by the model's name and its tokens; None when the price is unknown."""
        ...


class ModelSource(Protocol):
    """Provides the chat model of a role."""

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        """Return the model for a role, or the one named by `override` as provider:model.

        Raises:
            ModelError: no model is configured, or it cannot be made.
        """
        ...
