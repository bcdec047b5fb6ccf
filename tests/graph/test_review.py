"""People in the loop: a plan waits for approval, an answer for its reward, and nothing they type loses the thread."""

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command
from pydantic import ValidationError

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


@pytest.mark.parametrize("reply", [{}, "maybe", 42, {"decision": "edit"}, {"decison": "approve"}, ["approve"]])
async def test_thread_still_waits_when_the_reply_is_no_review(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), checkpointer=saver())
        await stopped(graph, APPROVE)
        if reply:  # an empty object resumes nothing at all
            with pytest.raises(ValidationError):
                await replied(graph, reply)
        assert (await graph.aget_state(on("t"))).interrupts
        result = await replied(graph, "approve")
    assert result["answer"] == "42"


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
    assert interrupt.value == {"kind": "reward", "task": "six times seven?", "answer": "42", "references": ["42"]}
    assert result["reward"] == reward
    assert outcome is not None
    assert (outcome.reward, outcome.evaluator) == (reward, "human")


async def test_reward_stays_unknown_when_the_person_does_not_know() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        await stopped(graph, {"evaluator": "human"})
        result = await replied(graph, {"reward": None})
    assert (result["answer"], result["reward"], result["case_id"]) == ("42", None, None)


@pytest.mark.parametrize("reply", [7, "good", {"rewrad": 1}])
async def test_thread_still_waits_when_the_reply_is_no_reward(reply: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=saver())
        await stopped(graph, {"evaluator": "human"})
        with pytest.raises(ValidationError):
            await replied(graph, reply)
        result = await replied(graph, 0.5)
    assert result["reward"] == 0.5
