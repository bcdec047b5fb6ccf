"""Where a run goes after the planner."""

from typing import Any

from langgraph.types import Send

from memento.graph.routing import route_after_planner
from tests.node_parts import a_run, begun

ONE = {"id": "1", "description": "first", "depends_on": []}
TWO = {"id": "2", "description": "second", "depends_on": ["1"]}
DONE = {"cycle": 1, "id": "1", "description": "first", "result": "r", "is_complete": True, "tool_calls": []}


def sent(state: Any) -> list[Any]:
    sends = route_after_planner(state)
    assert isinstance(sends, list)
    assert all(isinstance(send, Send) and send.node == "executor" for send in sends)
    return [send.arg for send in sends]


def test_to_the_executors_when_subtasks_are_ready() -> None:
    (given,) = sent(begun(cycle=1, plan=[ONE, TWO]))
    assert (given["subtask"], given["cycle"], given["earlier"]) == (ONE, 1, [])
    assert given["run"]["task"] == "What is six times seven?"


def test_dependents_get_the_results_they_need_when_their_turn_comes() -> None:
    older = DONE | {"cycle": 0, "result": "of another plan"}
    (given,) = sent(begun(cycle=1, plan=[ONE, TWO], results=[older, DONE]))
    assert (given["subtask"], given["earlier"]) == (TWO, [DONE])


def test_to_the_evaluation_when_there_is_an_answer_or_an_error() -> None:
    assert route_after_planner(begun(answer="42")) == "evaluate"
    assert route_after_planner(begun(error="no valid plan")) == "evaluate"


def test_back_to_the_planner_when_a_person_must_look() -> None:
    run = a_run(settings={"approve_plan": True})
    assert route_after_planner(begun(run, cycle=1, plan=[ONE])) == "planner"
    assert sent(begun(run, cycle=1, plan=[ONE], is_plan_approved=True))
    assert route_after_planner(begun(run, rejection="too long")) == "planner"
