"""Reads cases again between two plans, with the results found so far as part of the query."""

from collections.abc import Sequence

from langchain_core.messages import HumanMessage

from memento.nodes.state import MementoState, RereadInput, remaining
from memento.nodes.subtasks import SubtaskResult

_RESULT_CHARS = 200
_FOUND_CHARS = 600
"""Of all results together: encoders look at a page of text at most, and the task comes first."""


def needs_reread(state: MementoState) -> bool:
    """Whether to read cases again before the planner is asked: a plan is finished and another may follow."""
    settings, cycle = state["run"]["settings"], state["cycle"]
    is_finished = bool(state.get("plan")) and not remaining(state)
    is_read = state.get("read_cycle", 0) >= cycle
    # Runs that began before this dial existed do not have it.
    return bool(settings.get("reread")) and is_finished and not is_read and cycle < settings["max_cycles"]


def reread_input(state: MementoState) -> RereadInput:
    """Build the input of `retrieve_case`."""
    given: RereadInput = {
        "run": state["run"],
        "cycle": state["cycle"],
        "found": found_text(state["results"]),
        "follows": state["event_id"],
        "is_degraded": state["retrieval_degraded"],
        "notices": state["notices"],
    }
    if state["run"].get("picture"):
        asked = [one for one in state["messages"] if isinstance(one, HumanMessage) and isinstance(one.content, list)]
        given |= {"question": asked[-1]} if asked else {}
    return given


def found_text(results: Sequence[SubtaskResult]) -> str:
    """Format the newest results as a few plain lines, oldest first."""
    lines: list[str] = []
    left = _FOUND_CHARS
    for result in reversed(results):
        line = " ".join(f"{result['description']}: {result['result']}".split())[: min(_RESULT_CHARS, left)]
        left -= len(line) + 1
        lines.insert(0, line)
        if left <= 0:
            break
    return "\n".join(lines)
