"""Outages while subtasks are carried out: what did not answer, so that the run says nothing of the cases shown."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from memento.nodes.agent.work import Work
from memento.nodes.subtasks import SubtaskResult, ToolCall

NO_ANSWER: Final = "no_answer"
"""Ended a subtask whose model did not answer in time, not even its last call, or was gone by then."""
NOT_READY: Final = "not_ready"
"""Ended a subtask whose model and tools could not be made in time."""
_ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {NO_ANSWER: "the executor's model", NOT_READY: "what makes the executor's model and tools"}
)


def what_was_away(ended_by: str, calls: Sequence[ToolCall] = (), work: Work | None = None) -> list[str]:
    """Return what did not answer: the model, servers of tools, and tools of which every call met an outage.

    A tool that answered once, be it with a refusal, was there.

    Args:
        ended_by: what ended the subtask early.
        calls: of the subtask.
        work: of the subtask; knows the servers of tools that were away when it began.
    """
    answered = {call["name"] for call in calls if not call.get("is_outage")}
    tools = [call["name"] for call in calls if call["name"] not in answered]
    servers = [f"the MCP server {name}" for name in work.away] if work else []
    return list(dict.fromkeys([*filter(None, [_ENDINGS.get(ended_by)]), *servers, *tools]))


def away_in(results: Sequence[SubtaskResult]) -> list[str]:
    """Return what did not answer while a run's last plan was carried out, each once.

    Args:
        results: of the run's subtasks, of all plans.
    """
    last = max((result["cycle"] for result in results), default=0)
    return list(dict.fromkeys(one for result in results if result["cycle"] == last for one in result.get("away", [])))
