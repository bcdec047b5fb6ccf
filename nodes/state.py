"""The workflow's state: JSON values and LangChain messages only, so that every checkpointer can store it.

Input keys are ephemeral: they live until the first node has copied them into `run`. So a thread that is used again
never sees the task, reference or files of the run before.
"""

from typing import Annotated, Any, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.channels import EphemeralValue
from langgraph.graph.message import add_messages
from pydantic import Field
from typing_extensions import TypedDict  # pydantic draws no schema of typing's own before Python 3.12

from memento.memory.guides import GuideKind
from memento.nodes.subtasks import Subtask, SubtaskResult, merge_results
from memento.nodes.usage import Spent, Usage, add_usage


class EarlierMessage(TypedDict):
    """Something that was said in a conversation before the task."""

    by: str
    """`person` or `assistant`."""
    text: str


class Run(TypedDict):
    """The run's input and settings, copied at its start because neither survives a resume."""

    task: str
    references: list[str]
    """Accepted answers; empty when none is known."""
    attachments: list[str]
    """Files to work with, by their paths in the run's own folder."""
    folder: str
    """Name of the run's own folder below the workspace: what its tools make lies there."""
    inputs: list[str]
    """Files that lay in it when the run began."""
    id: str
    """Of this run; a thread may have many."""
    namespace: str
    """Whose cases; empty stands for the memory's own namespace."""
    settings: dict[str, Any]
    """The `Context` as JSON."""
    key: NotRequired[str]
    """The task's key, its identity, such as that of an environment's episode; empty or missing: its text is."""
    picture: NotRequired[str]
    """Hash of the picture of its situation, which is in a message; missing where it has none."""
    conversation: NotRequired[list[EarlierMessage]]
    """What was said before, oldest first, where the task came as a message."""


class PromptCase(TypedDict):
    """A served case as shown in prompts and to clients."""

    id: str
    state: str
    action: str
    answer: str
    lesson: str
    reward: float
    similarity: float
    score: float
    slot: int
    propensity: float
    positive_from: NotRequired[float]
    """Reward from which on it counts as one that worked, where that is not 0.5."""
    kind: NotRequired[GuideKind]
    """Of a guide; absent of other cases."""


def merge_artefacts(old: list[str] | None, new: list[str] | None) -> list[str]:
    """Reducer: the union, sorted. None resets."""
    return [] if new is None else sorted({*(old or []), *new})


def merge_models(old: dict[str, str] | None, new: dict[str, str] | None) -> dict[str, str]:
    """Reducer: the union. None resets."""
    return {} if new is None else {**(old or {}), **new}


def add_seconds(old: float | None, new: float | list[float] | None) -> float:
    """Reducer: the sum. None resets; a list of one starts afresh with that."""
    if isinstance(new, list):
        return new[0]
    return 0.0 if new is None else (old or 0.0) + new


class InputState(TypedDict, total=False):
    """The run's input: a `task`, or `messages` whose newest human one without an answer is the task."""

    # Descriptions are shown by Studio's form, and by servers that offer the graph as an MCP tool.
    task: Annotated[str, Field(description="What to do. Not needed beside messages."), EphemeralValue]
    messages: Annotated[list[AnyMessage], add_messages]
    reference: Annotated[
        str | list[str] | None,
        Field(description="The right answer, or the accepted ones, when known; the answer is then judged by it."),
        EphemeralValue,
    ]
    attachments: Annotated[list[str], Field(description="File paths inside the workspace."), EphemeralValue]
    namespace: Annotated[str, Field(description="Whose cases to use; empty for the usual ones."), EphemeralValue]
    key: Annotated[
        str,
        Field(description="Key of the task, where many tasks have the same text: its own cases are not shown to it."),
        EphemeralValue,
    ]


class MementoState(InputState, total=False):
    """The full state of a run."""

    run: Run
    recall: dict[str, Any]
    event_id: str | None
    cases: list[PromptCase]
    left_out: list[str]
    """Served cases that the planner was not shown: its model could not read so much, the run hides failed ones, or
    they are for executors only. They are credited with nothing, but for those that an executor was shown."""
    guides: list[PromptCase]
    """Skills and lessons that are shown beside the cases; those that their trials withheld are not among them."""
    guide_events: list[str]
    """Readings of guides, which have the run's outcome, too. Both lack in runs of earlier releases."""
    policy: str
    positive_from: float
    """Reward from which on an attempt counts as one that worked, as the last reading says; 0.5 if missing."""
    retrieval_degraded: bool
    cycle: int
    """How many plans have been made."""
    read_cycle: int
    """After which cycle the served cases were read; 0: when the run began."""
    plan: list[Subtask]
    """The plan being carried out; empty when there is none."""
    is_plan_approved: bool
    rejection: str
    """What a person said against the last plan, until there is another one; empty otherwise."""
    plans: list[list[Subtask]]
    """All accepted plans, first to last."""
    results: Annotated[list[SubtaskResult], merge_results]
    answer: str | None
    reward: float | None
    confidence: float
    evaluator: str
    lesson: str
    error: str | None
    """Why there is no answer, or why the reward is not known."""
    error_class: str | None
    case_id: str | None
    models: Annotated[dict[str, str], merge_models]
    """Role to the name of the model that played it."""
    usage: Annotated[Usage, add_usage]
    asked_seconds: Annotated[float, add_seconds]
    """In which models were asked outside of subtasks: for plans, for the reward, and for a lesson."""
    artefacts: Annotated[list[str], merge_artefacts]
    """Files that the run made, by their paths in its folder."""
    notices: list[str]
    """What the user should know about this run."""


class OutputState(TypedDict):
    """The run's output."""

    answer: str | None
    reward: float | None
    case_id: str | None
    event_id: str | None
    error: str | None
    """Why there is no answer, or why the reward is not known."""
    notices: list[str]
    """What the user should know about this run."""
    artefacts: Annotated[list[str], merge_artefacts]
    """Files that the run made, by their paths in its folder of the workspace."""
    messages: Annotated[list[AnyMessage], add_messages]


class SubtaskInput(TypedDict):
    """Input of one parallel executor."""

    run: Run
    cycle: int
    subtask: Subtask
    earlier: list[SubtaskResult]
    """Results of the subtasks it depends on."""
    cases: NotRequired[list[PromptCase]]
    """Served cases, where executors are shown them."""
    spent: NotRequired[Spent]
    """By the run, before this subtask and those beside it were handed out."""
    event_id: NotRequired[str | None]
    """Of the reading that gave the planner its cases."""
    case_ids: NotRequired[list[str]]
    policy: NotRequired[str]


class RereadInput(TypedDict):
    """Input of `retrieve_case` between two plans."""

    run: Run
    cycle: int
    found: str
    """Results so far, as a short text."""
    follows: str | None
    """The event of the cases served before."""
    is_degraded: bool
    """Whether an earlier read of this run was."""
    notices: list[str]
    question: NotRequired[AnyMessage]
    """The message with the run's picture; missing where it has none."""


def remaining(state: MementoState) -> list[Subtask]:
    """Return the subtasks of the current plan without a result."""
    done = {result["id"] for result in state.get("results", []) if result["cycle"] == state.get("cycle")}
    return [subtask for subtask in state.get("plan", []) if subtask["id"] not in done]


def ready(state: MementoState) -> list[Subtask]:
    """Return the remaining subtasks whose dependencies all have results."""
    waiting = {subtask["id"] for subtask in remaining(state)}
    return [subtask for subtask in remaining(state) if not waiting.intersection(subtask["depends_on"])]
