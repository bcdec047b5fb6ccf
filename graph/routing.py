"""Routing functions of the workflow: pure functions of the state."""

from typing import Literal

from langgraph.types import Send

from memento.nodes.costs import spent_of
from memento.nodes.planner import needs_approval
from memento.nodes.reread import needs_reread, reread_input
from memento.nodes.state import MementoState, SubtaskInput, ready
from memento.nodes.trace_labels import case_ids

Route = list[Send] | Literal["planner", "evaluate"]


def route_to_episodes(state: MementoState) -> Route:
    """Route as `route_after_planner` in a graph with an environment, whose actor is shown the cases."""
    return route_after_planner(state, is_acting=True)


def route_after_planner(state: MementoState, *, is_acting: bool = False) -> Route:
    """Route to the review, the ready executors, the memory (to read cases again) or the evaluation."""
    if needs_approval(state) or state.get("rejection"):
        return "planner"
    if subtasks := ready(state):
        done = {result["id"]: result for result in state["results"] if result["cycle"] == state["cycle"]}
        spent, shown = spent_of(state), case_ids(state)
        is_for_executors = is_acting or state["run"]["settings"].get("cases_for", "planner") != "planner"
        cases = [*(state.get("cases") or []), *(state.get("guides") or [])] if is_for_executors else []
        inputs: list[SubtaskInput] = [
            {
                "run": state["run"],
                "cycle": state["cycle"],
                "subtask": subtask,
                "earlier": [done[name] for name in subtask["depends_on"]],
                "spent": spent,
                "event_id": state.get("event_id"),
                "case_ids": shown,
                "policy": state.get("policy", "none"),
                "cases": cases,
            }
            for subtask in subtasks
        ]
        return [Send("executor", subtask_input) for subtask_input in inputs]
    if needs_reread(state):
        return [Send("retrieve_case", reread_input(state))]
    return "evaluate"
