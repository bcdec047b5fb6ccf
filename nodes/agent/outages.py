"""Outages while subtasks are carried out: what did not answer, so that the run says nothing of the cases shown."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from memento.nodes.subtasks import SubtaskResult, ToolCall

NO_ANSWER: Final = "no_answer"
"""Ended a subtask whose model did not answer in time, not even its last call, or was gone by then."""
NOT_READY: Final = "not_ready"
"""Ended a subtask whose model and tools could not be made in time."""
_ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {NO_ANSWER: "the executor's model", NOT_READY: "what makes the executor's model and tools"}
)


def what_was_away(ended_by: str, calls: Sequence[ToolCall] = ()) -> list[str]:
    """Return what did not answer: the model, and tools that met an outage, and of which no call worked.

    That a call was refused, for its arguments or by a budget, does not say that the tool was there.

    Args:
        ended_by: what ended the subtask early.
        calls: of the subtask.
    """
    worked = {call["name"] for call in calls if not call.get("is_error")}
    tools = [call["name"] for call in calls if call.get("is_outage") and call["name"] not in worked]
    return list(dict.fromkeys([*filter(None, [_ENDINGS.get(ended_by)]), *tools]))


def away_in(results: Sequence[SubtaskResult]) -> list[str]:
    """Return what did not answer while a run's last plan was carried out, each once.

    Where a budget of the run ended that plan, earlier plans count, too: what hung in them may have spent it.

    Args:
        results: of the run's subtasks, of all plans.
    """
    last = [result for result in results if result["cycle"] == results[-1]["cycle"]]  # they are in the order of cycles
    is_spent = any(result.get("ended_by", "").startswith("run_max_") for result in last)
    return list(dict.fromkeys(one for result in (results if is_spent else last) for one in result.get("away", [])))
