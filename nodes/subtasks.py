"""Subtasks of a plan, and what became of them, as the state keeps them."""

from collections.abc import Sequence
from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic draws no schema of typing's own before Python 3.12


class Subtask(TypedDict):
    """One step of a plan."""

    id: str
    description: str
    depends_on: list[str]


class ToolCall(TypedDict):
    """One tool call of a subtask (tool memory)."""

    name: str
    args: dict[str, Any]
    result: str
    is_error: NotRequired[bool]
    """Whether the tool failed; absent where it did not."""
    is_outage: NotRequired[bool]
    """Whether it failed because what it works with was away; absent where not."""
    score: NotRequired[float]
    """Of an action in an environment: the score after it."""


class StepTaken(TypedDict):
    """A step of an episode that the run remembers as a case of its own."""

    event_id: str
    """Of its reading."""
    state: str
    """The situation before it."""
    action: str
    seen: str
    """After it."""
    score_before: float
    gain: float
    """Of score from it on, later gains discounted."""
    score: float
    """At the episode's end."""
    n_after: int
    """Steps after it."""
    left_out: list[str]
    """Cases of its reading whose action was not taken, or that were not shown: its outcome says nothing of them."""


class SubtaskResult(TypedDict):
    """The result of a subtask (subtask memory)."""

    cycle: int
    id: str
    description: str
    result: str
    is_complete: bool
    """False when something ended it early and the result is the best there was."""
    ended_by: str
    """What ended it early: a budget by its name in `Context`, or a reason in `notes.WHY_ENDED`; empty when complete."""
    tool_calls: list[ToolCall]
    away: NotRequired[list[str]]
    """What did not answer: tools that met an outage and of which no call worked, the model. Absent where all did."""
    began_at: float
    """Unix time."""
    ended_at: float
    notices: NotRequired[list[str]]
    """What the user should know about it."""
    score: NotRequired[float | None]
    """Of an episode in an environment: its last score in [0, 1]; None where the environment failed or nothing was
    played. Absent where there is no environment."""
    actions: NotRequired[list[str]]
    """Of an episode: what its trajectory keeps (see `acting.trajectory`)."""
    steps: NotRequired[list[StepTaken]]
    """Of an episode with step cases: the steps that are remembered."""
    case_ids: NotRequired[list[str]]
    """Served cases that its executor was shown; absent where it was shown none."""
    subtask_event_id: NotRequired[str]
    """Of its own reading, of cases of earlier subtasks; absent where it had none."""
    subtask_case_ids: NotRequired[list[str]]
    """Cases of that reading that its executor was shown."""
    subtask_left_out: NotRequired[list[str]]
    """Cases of that reading that its executor was not shown."""


def merge_results(old: list[SubtaskResult] | None, new: list[SubtaskResult] | None) -> list[SubtaskResult]:
    """Reducer: results sorted by cycle and subtask, in whatever order they arrive. None resets."""
    if new is None:
        return []
    merged = {(result["cycle"], result["id"]): result for result in [*(old or []), *new]}
    return sorted(merged.values(), key=lambda result: (result["cycle"], _natural(result["id"])))


def _natural(text: str) -> Sequence[int | str]:
    return (0, int(text), text) if text.isdecimal() else (1, text)
