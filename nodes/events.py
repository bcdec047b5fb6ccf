"""Events of a run, as `stream_mode="custom"` gives them: what clients show while it works. A public contract."""

from typing import Any, Literal, TypeAlias

from langgraph.runtime import Runtime
from typing_extensions import TypedDict  # pydantic checks none of typing's own before Python 3.12

from memento.nodes.context import Context
from memento.nodes.state import PromptCase
from memento.nodes.subtasks import Subtask, SubtaskResult


class CasesServed(TypedDict):
    """Cases were chosen for the planner; again, where a run reads cases between two plans."""

    event: Literal["cases"]
    event_id: str
    policy: str
    cases: list[PromptCase]


class SubtaskCasesServed(TypedDict):
    """Cases of earlier subtasks were chosen for the executor of a subtask, named by its id."""

    event: Literal["subtask_cases"]
    cycle: int
    subtask: str
    event_id: str
    policy: str
    cases: list[PromptCase]


class GuidesServed(TypedDict):
    """Skills and lessons were shown or withheld at random: the readings, and what is shown of them."""

    event: Literal["guides"]
    event_ids: list[str]
    guides: list[PromptCase]


class PlanMade(TypedDict):
    """The planner has made a plan."""

    event: Literal["plan"]
    cycle: int
    plan: list[Subtask]


class SubtaskBegun(TypedDict):
    """An executor begins a subtask."""

    event: Literal["subtask"]
    cycle: int
    subtask: Subtask


class ToolCalled(TypedDict):
    """An executor calls a tool for a subtask, named by its id."""

    event: Literal["tool"]
    cycle: int
    subtask: str
    name: str
    args: dict[str, Any]


class SubtaskEnded(TypedDict):
    """A subtask has its result."""

    event: Literal["result"]
    result: SubtaskResult


class RewardGiven(TypedDict):
    """The answer has its reward; None where it is not known."""

    event: Literal["reward"]
    reward: float | None
    evaluator: str


class AnswerWithdrawn(TypedDict):
    """What was streamed as the answer is not the answer after all: the reply that it began was broken off or wrong."""

    event: Literal["withdrawn"]
    message_id: str


class CaseWritten(TypedDict):
    """The run's outcome is in memory; without a case where its reward is not known."""

    event: Literal["written"]
    case_id: str | None
    event_id: str | None


class LessonWritten(TypedDict):
    """A lesson from the run is in memory, as a case of its own."""

    event: Literal["lesson"]
    case_id: str
    when: str
    advice: str


RunEvent: TypeAlias = (
    CasesServed
    | GuidesServed
    | PlanMade
    | SubtaskBegun
    | SubtaskCasesServed
    | ToolCalled
    | SubtaskEnded
    | AnswerWithdrawn
    | RewardGiven
    | CaseWritten
    | LessonWritten
)
"""Any of them, told apart by `event`. Later releases may add events and fields, and rename none."""


def emit(runtime: Runtime[Context], event: RunEvent) -> None:
    """Send an event to the clients that stream the run."""
    runtime.stream_writer(event)
