"""Whole runs in an environment: scripted models and actors play a small real world, and remember how."""

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.nodes.acting.trajectory import plan_and_trajectory
from memento.nodes.errors import ModelRejected
from memento.nodes.plan import Plan
from tests.house_world import TASK, WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import a_memory, always, answer, calling, names, plan, scripted

NIGHT = f"{TASK} It is night."


def acts(*actions: str) -> list[str]:
    return [json.dumps({"action": action}) for action in actions]


def graph_of(memory: Any, world: HouseWorld, *, checkpointer: Any = None, **parts: Any) -> MementoGraph:
    return build_graph(Deps(memory=memory, environment=world.lent, **parts), checkpointer=checkpointer)


def on(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


async def case_of(memory: Any, case_id: str) -> Any:
    return (await memory.views.cases([case_id], namespace="default"))[case_id]


async def test_second_run_sees_what_the_first_did_when_its_model_acts(tmp_path: Path) -> None:
    world, model = HouseWorld(), scripted(*acts(*WALKTHROUGH), *acts(*WALKTHROUGH))
    async with a_memory() as memory, AsyncSqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
        graph = graph_of(memory, world, executor=model, checkpointer=saver)
        first = await graph.ainvoke({"task": TASK}, on("1"))
        events = [event async for event in graph.astream({"task": NIGHT}, on("2"), stream_mode="custom")]
        state = (await graph.aget_state(on("2"))).values
        case = await case_of(memory, first["case_id"])
    assert (first["answer"], first["reward"], first["error"]) == ("done: score 1 after 5 steps", 1.0, None)
    assert case.action == "go east\ntake key\ngo west\nunlock door\ngo north"
    assert case.action in model.calls[5].messages[1].text
    assert "Cases from memory that worked" in model.calls[5].messages[1].text
    assert "Cases from memory" not in model.calls[0].text
    assert names(events) == ["cases", "plan", "subtask", *["tool"] * 5, "result", "reward", "written"]
    assert [event["args"]["action"] for event in events if event["event"] == "tool"] == list(WALKTHROUGH)
    assert state["evaluator"] == "environment"
    assert state["left_out"] == state["results"][0]["case_ids"] == [first["case_id"]]
    assert (world.resets, world.n_released) == ([TASK, NIGHT], 2)


async def test_nothing_is_learned_when_the_environment_fails() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, HouseWorld(fails_at=3), actor=Walker())
        result = await graph.ainvoke({"task": TASK})
        counts = await memory.views.counts(namespace="default")
    assert (result["reward"], result["case_id"]) == (None, None)
    assert "the simulator crashed" in result["error"]
    assert "the environment failed, so the reward is not known: the simulator crashed" in result["notices"]
    assert (counts.cases, counts.unknown) == (0, 1)


async def test_lost_episode_is_a_failed_case_when_it_was_played_to_its_end() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory, HouseWorld(), actor=Walker(["wait"] * 3)).ainvoke(
            {"task": TASK}, context={"max_steps": 3}
        )
        case = await case_of(memory, result["case_id"])
    assert (result["answer"], result["reward"]) == (
        "ended early (the limit of steps is reached): score 0 after 3 steps",
        0,
    )
    assert (case.action, case.reward) == ("wait", 0.0)


async def test_episode_begins_anew_when_a_run_is_resumed_elsewhere(tmp_path: Path) -> None:
    path, first, *rest = str(tmp_path / "threads.sqlite"), *acts(*WALKTHROUGH)
    async with a_memory() as memory:
        world = HouseWorld()
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            graph = graph_of(memory, world, executor=scripted(first, ModelRejected("no key", 401)), checkpointer=saver)
            with pytest.raises(ModelRejected):
                await graph.ainvoke({"task": TASK}, on("1"))
        assert (world.resets, world.n_released) == ([TASK], 1)
        world = HouseWorld()
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            graph = graph_of(memory, world, executor=scripted(first, *rest), checkpointer=saver)
            result = await graph.ainvoke(None, on("1"))
    assert (result["reward"], world.resets, world.n_steps) == (1.0, [TASK], 5)


async def test_agents_actions_are_taken_again_when_a_run_is_resumed_elsewhere(tmp_path: Path) -> None:
    path, context = str(tmp_path / "threads.sqlite"), {"acting": "tools"}
    acted = [calling("act", number, action=action) for number, action in enumerate(WALKTHROUGH, 1)]
    async with a_memory() as memory:
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            model = scripted(*acted[:2], ModelRejected("no key", 401))
            graph = graph_of(memory, HouseWorld(), executor=model, checkpointer=saver)
            with pytest.raises(ModelRejected):
                await graph.ainvoke({"task": TASK}, on("1"), context=context)
        world, model = HouseWorld(), scripted(*acted[2:], "I am out.")
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            graph = graph_of(memory, world, executor=model, checkpointer=saver)
            result = await graph.ainvoke(None, on("1"))
        case = await case_of(memory, result["case_id"])
    assert (result["reward"], world.n_steps, len(model.calls)) == (1.0, 5, 4)
    assert case.action.splitlines() == list(WALKTHROUGH)


async def test_person_may_edit_the_fixed_plan_when_plans_are_approved(tmp_path: Path) -> None:
    world, model = HouseWorld(), scripted(*acts(*WALKTHROUGH))
    async with a_memory() as memory, AsyncSqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
        graph = graph_of(memory, world, executor=model, checkpointer=saver)
        waiting = await graph.ainvoke({"task": TASK}, on("1"), context={"approve_plan": True})
        assert waiting["__interrupt__"]
        assert world.resets == []
        edited = {"subtasks": [{"id": "1", "description": "Look for the key in the kitchen."}]}
        result = await graph.ainvoke(Command(resume={"decision": "edit", "plan": edited}), on("1"))
    assert result["reward"] == 1.0
    assert "Look for the key in the kitchen." in model.calls[0].messages[1].text


async def test_planner_is_asked_when_a_person_rejects_the_fixed_plan(tmp_path: Path) -> None:
    planner = scripted(plan("Look for the key."))
    async with a_memory() as memory, AsyncSqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
        graph = graph_of(memory, HouseWorld(), planner=planner, actor=Walker(), checkpointer=saver)
        await graph.ainvoke({"task": TASK}, on("1"), context={"approve_plan": True})
        waiting = await graph.ainvoke(Command(resume={"decision": "reject", "reason": "too vague"}), on("1"))
        assert waiting["__interrupt__"]
        result = await graph.ainvoke(Command(resume="approve"), on("1"))
    assert "too vague" in planner.calls[0].text
    assert result["reward"] == 1.0


@pytest.mark.parametrize("cases_for", ["planner", "executor", "both"])
async def test_cases_reach_those_they_are_for_when_executors_have_tools(cases_for: str) -> None:
    planner, executor = scripted(answer("42"), plan("multiply"), answer("56")), always("56")
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=planner, executor=executor))
        first = await graph.ainvoke({"task": "six times seven?", "reference": "42"})
        state = await graph.ainvoke(
            {"task": "seven times eight?", "reference": "56"},
            context={"cases_for": cases_for},
            output_keys=["results", "left_out", "event_id"],
        )
        event = await memory.views.event(state["event_id"], namespace="default")
    told = "Cases from memory that worked"
    assert (told in planner.calls[1].text) == (cases_for in ("planner", "both"))
    assert (told in executor.calls[0].text) == (cases_for in ("executor", "both"))
    assert state["left_out"] == ([first["case_id"]] if cases_for == "executor" else [])
    assert state["results"][0].get("case_ids") == (None if cases_for == "planner" else [first["case_id"]])
    assert first["case_id"] in [slot.case_id for slot in event.slots]


async def test_cases_count_as_not_served_when_nobody_was_shown_them() -> None:
    def fixed(_run: Any) -> Plan:
        return Plan.model_validate({"subtasks": [{"id": "1", "description": "multiply"}]})

    async with a_memory() as memory:
        graph = build_graph(
            Deps(
                memory=memory,
                planner=scripted(),
                executor=always("42"),
                fixed_plan=fixed,
                answer_from_results=lambda results: results[-1]["result"],
            )
        )
        first = await graph.ainvoke({"task": "six times seven?", "reference": "42"})
        await graph.ainvoke({"task": "seven times six?", "reference": "42"})
        assert (await memory.views.usage(first["case_id"], namespace="default"))[:2] == (0, 0)
        context = {"cases_for": "executor"}
        await graph.ainvoke({"task": "seven times six, then?", "reference": "42"}, context=context)
        assert (await memory.views.usage(first["case_id"], namespace="default"))[:2] == (1, 1)


async def test_action_of_a_case_is_the_hosts_when_it_makes_one() -> None:
    async def multiply(a: int, b: int) -> str:
        """Multiply two numbers."""
        return str(a * b)

    def broken(_state: Any) -> str:
        raise RuntimeError("no trace")

    async with a_memory() as memory:
        for case_action, wanted in (
            (plan_and_trajectory, "1. multiply\n\nWhat was done:\n- multiply(a=6, b=7)"),
            (broken, "1. multiply"),
        ):
            planner, executor = scripted(plan("multiply"), answer("42")), scripted(calling("multiply", a=6, b=7), "42")
            deps = Deps(memory=memory, planner=planner, executor=executor, tools=[multiply], case_action=case_action)
            result = await build_graph(deps).ainvoke({"task": "six times seven?", "reference": "42"})
            assert (await case_of(memory, result["case_id"])).action == wanted
    assert result["notices"] == ["the case keeps the plan, since `case_action` failed: RuntimeError: no trace"]


async def test_scorer_is_given_run_and_results_when_it_takes_them() -> None:
    def short(task: str, answer: str, references: Any, *, run: Any, results: Any) -> float:
        return 1.0 if run["task"] == task and len(results[-1]["tool_calls"]) == 5 else 0.0

    async with a_memory() as memory:
        graph = graph_of(memory, HouseWorld(), actor=Walker(), scorer=short)
        result = await graph.ainvoke({"task": TASK}, context={"evaluator": "custom"})
    assert result["reward"] == 1.0
