"""People in the loop: a plan waits for approval, an answer for its reward, and nothing they type loses the thread."""

import json
from typing import Any

import pytest
from langchain.agents.middleware.human_in_the_loop import HITLRequest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command
from pydantic import TypeAdapter

from memento.graph.workflow import MementoGraph
from memento.nodes.errors import ModelUnavailable
from tests.graph.test_workflow import FINAL, graph_of, on, state_of
from tests.node_parts import a_memory, always, answer, plan, scripted

TASK: Any = {"task": "six times seven?", "reference": "42"}
APPROVE: Any = {"approve_plan": True}


async def stopped(graph: MementoGraph, context: Any, thread: str = "t") -> Any:
    """Starts a run and returns what it stops with."""
    result = await graph.ainvoke(TASK, on(thread), context=context)
    return result["__interrupt__"][0]


async def replied(graph: MementoGraph, reply: Any, thread: str = "t") -> dict[str, Any]:
    return dict(await graph.ainvoke(Command(resume=reply), on(thread)))


def saver() -> InMemorySaver:
    return InMemorySaver(serde=JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None))


async def test_plan_is_shown_with_a_form_when_it_waits_for_approval() -> None:
    executor = always("42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply")), executor=executor, checkpointer=saver())
        interrupt = await stopped(graph, APPROVE)
    assert interrupt.value["kind"] == "approve_plan"
    assert interrupt.value["plan"][0]["description"] == "multiply"
    assert set(interrupt.response_schema["properties"]) == {"decision", "plan", "reason"}
    assert executor.calls == [], "nothing is carried out before"


@pytest.mark.parametrize("reply", ["approve", {"decision": "approve"}])
async def test_plan_is_carried_out_when_approved(reply: Any) -> None:
    planner = scripted(plan("multiply"), answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=saver())
        await stopped(graph, APPROVE)
        result = await replied(graph, reply)
        state = await state_of(graph, "t")
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert [row["description"] for row in state["results"]] == ["multiply"]
    assert len(planner.calls) == 2, "the plan was not made again"


async def test_other_plan_is_carried_out_when_edited() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), checkpointer=saver())
        await stopped(graph, APPROVE)
        edited = {"subtasks": [{"id": "a", "description": "add", "depends_on": []}]}
        result = await replied(graph, {"decision": "edit", "plan": edited})
        case = (await memory.views.cases([result["case_id"]], namespace="default"))[result["case_id"]]
        state = await state_of(graph, "t")
    assert [row["description"] for row in state["results"]] == ["add"]
    assert case.action == "a. add", "the case keeps what was done"


async def test_planner_hears_the_reason_when_its_plan_is_rejected() -> None:
    planner = scripted(plan("guess"), plan("multiply"), answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=saver())
        await stopped(graph, APPROVE)
        second = await replied(graph, {"decision": "reject", "reason": "do not guess"})
        result = await replied(graph, "approve")
        state = await state_of(graph, "t")
    assert "do not guess" in planner.calls[1].text
    assert "1. guess" in planner.calls[1].text
    assert second["__interrupt__"][0].value["plan"][0]["description"] == "multiply"
    assert "do not guess" not in planner.calls[2].text, "that plan was approved"
    assert result["answer"] == "42"
    assert [[step["description"] for step in steps] for steps in state["plans"]] == [["multiply"]]


async def test_rejections_cost_no_cycle_when_cycles_are_few() -> None:
    planner = scripted(plan("a"), plan("b"), plan("c"), FINAL)
    executor = always("done")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=saver())
        await stopped(graph, APPROVE | {"max_cycles": 1})
        await replied(graph, "reject")
        await replied(graph, "reject")
        result = await replied(graph, "approve")
    assert result["answer"] == "42"
    assert "c" in executor.calls[0].text
    assert len(executor.calls) == 1


async def test_every_plan_waits_when_there_are_several_cycles() -> None:
    planner = scripted(plan("multiply"), plan("check"), answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=saver())
        await stopped(graph, APPROVE)
        second = await replied(graph, "approve")
        result = await replied(graph, "approve")
        state = await state_of(graph, "t")
    assert second["__interrupt__"][0].value["plan"][0]["description"] == "check"
    assert result["answer"] == "42"
    assert [(row["cycle"], row["description"]) for row in state["results"]] == [(1, "multiply"), (2, "check")]


@pytest.mark.parametrize(
    "reply",
    [
        {},
        42,
        [],
        {"decision": "edit"},
        {"decison": "approve"},
        {"decisions": []},
        {"decisions": [{"type": "approve"}, {"type": "approve"}]},
        {"decisions": [{"type": "perhaps"}]},
        {"decisions": [{"type": "edit"}]},
        [{"type": "edit", "args": {"action": "carry_out_plan", "args": {"subtasks": "[]"}}}],
        [{"type": "edit", "args": {"action": "carry_out_plan", "args": {"other": 1}}}],
        [42],
        " ",
    ],
)
async def test_thread_still_waits_and_says_why_when_the_reply_is_no_review(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), checkpointer=saver())
        first = await stopped(graph, APPROVE)
        if reply not in ({}, []):  # an empty object resumes nothing at all
            second = (await replied(graph, reply))["__interrupt__"][0]
            assert second.value["problem"] in second.value["description"]
            assert second.value["action_requests"][0]["args"] == first.value["action_requests"][0]["args"]
            await replied(graph, 42)
        snapshot = await graph.aget_state(on("t"))
        assert snapshot.interrupts
        assert not any(task.error for task in snapshot.tasks)
        result = await replied(graph, "approve")
        state = await state_of(graph, "t")
    assert result["answer"] == "42"
    assert [row["description"] for row in state["results"]] == ["multiply"]


async def test_rejection_is_not_lost_when_the_planner_is_down_after_it() -> None:
    down = scripted(plan("guess"), *[ConnectionError("refused")] * 3)
    up = scripted(plan("multiply"))
    checkpointer = saver()
    async with a_memory() as memory:
        graph = graph_of(memory, planner=down, checkpointer=checkpointer)
        await stopped(graph, APPROVE)
        with pytest.raises(ModelUnavailable):
            await replied(graph, {"decision": "reject", "reason": "do not guess"})
        graph = graph_of(memory, planner=up, checkpointer=checkpointer)
        await graph.ainvoke(None, on("t"))
        waiting = (await graph.aget_state(on("t"))).interrupts
    assert "do not guess" in up.calls[0].text
    assert waiting[0].value["plan"][0]["description"] == "multiply"


@pytest.mark.parametrize(("reply", "reward"), [(1, 1.0), ({"reward": 0.25, "reason": "partly"}, 0.25), (0, 0.0)])
async def test_reward_is_the_persons_when_a_person_evaluates(reply: Any, reward: float) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        interrupt = await stopped(graph, {"evaluator": "human"})
        result = await replied(graph, reply)
        outcome = await memory.views.outcome(result["event_id"], namespace="default")
    shown = {"kind": "reward", "task": "six times seven?", "answer": "42", "references": ["42"]}
    assert {name: interrupt.value[name] for name in shown} == shown
    assert result["reward"] == reward
    assert outcome is not None
    assert (outcome.reward, outcome.evaluator) == (reward, "human")


async def test_reward_stays_unknown_when_the_person_does_not_know() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        await stopped(graph, {"evaluator": "human"})
        result = await replied(graph, {"reward": None})
    assert (result["answer"], result["reward"], result["case_id"]) == ("42", None, None)


@pytest.mark.parametrize("reply", [7, "good", {"rewrad": 1}, {"decisions": [{"type": "edit"}]}, [{"type": "?"}]])
async def test_thread_still_waits_and_says_why_when_the_reply_is_no_reward(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        await stopped(graph, {"evaluator": "human"})
        again = await replied(graph, reply)
        assert again["__interrupt__"][0].value["problem"]
        result = await replied(graph, 0.5)
    assert result["reward"] == 0.5


STEPS = [{"id": "a", "description": "add", "depends_on": []}]
APPROVALS: list[Any] = [
    {"decisions": [{"type": "approve"}]},
    {"type": "approve"},
    [{"type": "accept", "args": None}],
    [{"type": "accept", "args": {"action": "carry_out_plan", "args": {}}}],
    True,
    ["approve"],
    *("yes", "Yes!", "ok", "OK.", "go on", "Yes, go ahead", "looks good", "approve", "LGTM", "y"),
    *('{"decisions": [{"type": "approve"}]}', ' {"decision": "approve"}', '[{"type": "accept"}]'),
]
EDITS: list[Any] = [
    {"decisions": [{"type": "edit", "edited_action": {"name": "carry_out_plan", "args": {"subtasks": STEPS}}}]},
    [{"type": "edit", "args": {"action": "carry_out_plan", "args": {"subtasks": STEPS}}}],
    [{"type": "edit", "args": {"action": "carry_out_plan", "args": {"subtasks": json.dumps(STEPS)}}}],
    {"type": "edit", "args": STEPS},
    {"type": "edit", "args": {"plan": {"subtasks": STEPS}}},
    json.dumps({"decision": "edit", "plan": {"subtasks": STEPS}}),
]
REJECTIONS: list[tuple[Any, str]] = [
    ({"decisions": [{"type": "reject", "message": "do not guess"}]}, "do not guess"),
    ({"decisions": [{"type": "reject"}]}, "none given"),
    ({"type": "respond", "message": "do not guess"}, "do not guess"),
    ([{"type": "response", "args": "do not guess"}], "do not guess"),
    ([{"type": "ignore", "args": None}], "none given"),
    (False, "none given"),
    ("No.", "none given"),
    ("do not guess", "do not guess"),
    ("yes, but do not guess", "yes, but do not guess"),
    ("no, look it up", "no, look it up"),
    ("approve nothing", "approve nothing"),
    ("{do not guess", "{do not guess"),
    ("42", "42"),
]


async def test_a_plan_that_waits_has_the_shape_that_chat_uis_have_buttons_for() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply")), checkpointer=saver())
        value = (await stopped(graph, APPROVE)).value
    request = TypeAdapter(HITLRequest).validate_python(value)
    steps = [{"id": "1", "description": "multiply", "depends_on": []}]
    assert [(one["name"], one["args"]) for one in request["action_requests"]] == [
        ("carry_out_plan", {"subtasks": steps})
    ]
    assert request["review_configs"] == [
        {"action_name": "carry_out_plan", "allowed_decisions": ["approve", "edit", "reject"]}
    ]
    assert value["action_request"] == {"action": "carry_out_plan", "args": {"subtasks": steps}}
    assert value["config"] == dict.fromkeys(("allow_accept", "allow_edit", "allow_respond"), True) | {
        "allow_ignore": False
    }
    assert "multiply" in value["description"]
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("reply", APPROVALS, ids=str)
async def test_plan_is_carried_out_however_a_ui_or_a_person_approves(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), checkpointer=saver())
        await stopped(graph, APPROVE)
        result = await replied(graph, reply)
    assert result.get("answer") == "42"


@pytest.mark.parametrize("reply", EDITS, ids=str)
async def test_other_plan_is_carried_out_however_a_ui_edits_it(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), checkpointer=saver())
        await stopped(graph, APPROVE)
        await replied(graph, reply)
        state = await state_of(graph, "t")
    assert [row["description"] for row in state["results"]] == ["add"]


@pytest.mark.parametrize(("reply", "reason"), REJECTIONS, ids=str)
async def test_planner_hears_the_reason_however_a_ui_or_a_person_rejects(reply: Any, reason: str) -> None:
    planner, executor = scripted(plan("guess"), plan("multiply")), always("42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=saver())
        await stopped(graph, APPROVE)
        second = await replied(graph, reply)
    assert f"Reason: {reason}" in planner.calls[1].text
    assert second["__interrupt__"][0].value["plan"][0]["description"] == "multiply"
    assert executor.calls == []


@pytest.mark.parametrize(
    ("reply", "reward"),
    [
        ({"decisions": [{"type": "approve"}]}, 1.0),
        ({"decisions": [{"type": "reject", "message": "it is 54"}]}, 0.0),
        ({"decisions": [{"type": "edit", "edited_action": {"name": "give_reward", "args": {"reward": 0.25}}}]}, 0.25),
        ([{"type": "accept", "args": None}], 1.0),
        ([{"type": "edit", "args": {"action": "give_reward", "args": {"reward": "0.25", "reason": ""}}}], 0.25),
        ([{"type": "response", "args": "0.25"}], 0.25),
        ([{"type": "response", "args": "it is 54"}], 0.0),
        ([{"type": "response", "args": "yes"}], 1.0),
        ([{"type": "response", "args": "unknown"}], None),
        ([{"type": "ignore", "args": None}], None),
        *((word, 1.0) for word in (True, "yes", "right", "Correct.", "1")),
        *((word, 0.0) for word in (False, "no", "Wrong!", "0")),
        *((word, None) for word in ("unknown", "?", "skip", "ignore")),
        ('{"reward": 0.25, "reason": "partly"}', 0.25),
    ],
    ids=str,
)
async def test_reward_is_the_persons_however_a_ui_or_a_person_gives_it(reply: Any, reward: float | None) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        interrupt = await stopped(graph, {"evaluator": "human"})
        result = await replied(graph, reply)
    TypeAdapter(HITLRequest).validate_python(interrupt.value)
    assert interrupt.value["config"]["allow_ignore"]
    assert "six times seven?" in interrupt.value["description"]
    assert "__interrupt__" not in result
    assert result["reward"] == reward
