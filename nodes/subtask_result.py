"""The result of one subtask, and what else its executor adds to the state."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage

from memento.nodes.agent.call_record import recorded_calls
from memento.nodes.agent.model_calls import ended_by
from memento.nodes.agent.notes import WHY_ENDED, best_so_far
from memento.nodes.agent.outages import what_was_away
from memento.nodes.agent.work import Work
from memento.nodes.state import PromptCase, SubtaskInput
from memento.nodes.subtasks import SubtaskResult


class SubtaskDone(NamedTuple):
    """A subtask's result, and the rest of the state's update."""

    result: SubtaskResult
    update: dict[str, Any]


def agent_result(
    state: SubtaskInput, messages: Sequence[BaseMessage], shown: Sequence[PromptCase], work: Work, began_at: float
) -> SubtaskResult:
    """Return the result of a subtask that an agent has carried out.

    Args:
        state: of the executor.
        messages: of the agent.
        shown: cases that it was shown.
        work: its notices are the result's.
        began_at: Unix time.
    """
    replies = [message for message in messages if isinstance(message, AIMessage)]
    why = ended_by(replies[-1]) or ("" if replies[-1].text.strip() else "reply")
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": replies[-1].text.strip() or best_so_far(replies, why),
        "is_complete": not why,
        "ended_by": why,
        "tool_calls": recorded_calls(messages),
        "began_at": began_at,
        "ended_at": time.time(),
    }
    if away := what_was_away(why, result["tool_calls"]):
        result["away"] = away
    if work.notices:
        result["notices"] = work.notices
    if shown:
        result["case_ids"] = [case["id"] for case in shown]
    return result


def not_begun(state: SubtaskInput, why: str, *, is_episode: bool) -> SubtaskResult:
    """Return the result of a subtask for which a budget has nothing left, or that had no model or tools in time.

    Args:
        state: of the executor.
        why: the budget, or `NOT_READY`.
        is_episode: whether it would have had a score.
    """
    now = time.time()
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": f"(not begun: {WHY_ENDED[why]})",
        "is_complete": False,
        "ended_by": why,
        "tool_calls": [],
        "began_at": now,
        "ended_at": now,
    }
    if away := what_was_away(why):
        result["away"] = away
    return {**result, "score": None} if is_episode else result
