"""The whole graph with scripted models: what a run returns, where it stops, how it goes on. People: test_review.py."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from pydantic import ValidationError

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.nodes.errors import InvalidTask
from tests.node_parts import a_memory, always, answer, calling, names, plan, scripted, verdict
from tests.scripted import ScriptedChatModel

NODES = ["retrieve_case", "score_case", "planner", "executor", "evaluate", "write_case"]
FINAL = '{"answer": "42"}'


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


def graph_of(memory: Any, *, checkpointer: Any = None, **parts: Any) -> MementoGraph:
    models = {"planner": always(answer("42")), "executor": always("42"), "judge": always(verdict("no"))}
    return build_graph(Deps(memory=memory, **(models | parts)), checkpointer=checkpointer)


def on(thread: str, **config: Any) -> Any:
    return {"configurable": {"thread_id": thread}, **config}


async def state_of(graph: MementoGraph, thread: str) -> dict[str, Any]:
    return dict((await graph.aget_state(on(thread))).values)


async def not_to_be_opened() -> CaseMemory:
    raise AssertionError("opened")


def test_six_nodes_have_the_papers_names_when_built() -> None:
    graph = graph_of(not_to_be_opened)
    assert [name for name in graph.nodes if not name.startswith("__")] == NODES
    assert graph.name == "memento"
    assert graph.get_graph().draw_mermaid()


def test_schemas_are_narrow_when_asked_for() -> None:
    graph = graph_of(not_to_be_opened)
    assert set(graph.get_input_jsonschema()["properties"]) == {
        "task",
        "messages",
        "reference",
        "attachments",
        "namespace",
        "key",
    }
    assert set(graph.get_output_jsonschema()["properties"]) == {
        "answer",
        "reward",
        "case_id",
        "event_id",
        "error",
        "notices",
        "artefacts",
        "messages",
    }


async def test_run_returns_answer_reward_and_ids_when_it_ends() -> None:
    planner = scripted(plan("multiply"), answer("42"))
    executor = scripted(calling("multiply", a=6, b=7), "42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        result = await graph.ainvoke({"task": "six times seven?", "reference": "42"})
    assert set(result) == {"answer", "reward", "case_id", "event_id", "error", "notices", "artefacts", "messages"}
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert result["case_id"]
    assert result["event_id"]
    assert [(type(message), message.text) for message in result["messages"]] == [
        (HumanMessage, "six times seven?"),
        (AIMessage, "42"),
    ]


async def test_cases_of_earlier_runs_reach_the_planner_when_they_are_similar() -> None:
    planner = always(answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner)
        first = await graph.ainvoke({"task": "six times seven?", "reference": "42"})
        await graph.ainvoke({"task": "six times eight?", "reference": "48"})
    assert first["case_id"]
    assert "six times seven?" in planner.calls[-1].text
    assert 'outcome="worked"' in planner.calls[-1].text


async def test_namespaces_do_not_see_each_other_when_runs_name_them() -> None:
    planner = always(answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner)
        await graph.ainvoke({"task": "six times seven?", "reference": "42", "namespace": "a"})
        await graph.ainvoke({"task": "six times eight?", "reference": "42", "namespace": "b"})
    assert "seven" not in planner.calls[-1].text


async def test_keys_tell_tasks_of_one_text_apart_when_runs_have_them() -> None:
    planner, task = always(answer("42")), "Cook the meal."
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        first = await graph.ainvoke({"task": task, "reference": "42", "key": "game/1"}, on("t"))
        assert (await state_of(graph, "t"))["run"]["key"] == "game/1"
        await graph.ainvoke({"task": task, "reference": "42", "key": "game/1"}, on("t"))
        assert 'outcome="worked"' not in planner.calls[-1].text, "its own case"
        second = await graph.ainvoke({"task": task, "reference": "42", "key": "game/2"}, on("t"))
        assert 'outcome="worked"' in planner.calls[-1].text
        third = await graph.ainvoke({"task": task, "reference": "42"}, on("t"))
        assert (await state_of(graph, "t"))["run"]["key"] == "", "an input is for one run"
        kept = {case.id: case.key async for case in memory.views.walk(namespace="default")}
    assert kept == {first["case_id"]: "game/1", second["case_id"]: "game/2", third["case_id"]: ""}


async def test_run_has_no_reward_and_no_case_when_nothing_can_be_compared() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory).ainvoke({"task": "six times seven?"})
        counts = await memory.views.counts(namespace="default")
    assert (result["answer"], result["reward"], result["case_id"]) == ("42", None, None)
    assert (counts.cases, counts.unknown) == (0, 1)


async def test_failure_becomes_a_negative_case_when_the_judge_says_no() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory).ainvoke({"task": "six times seven?", "reference": "41"})
        counts = await memory.views.counts(namespace="default")
    assert (result["reward"], counts.negative) == (0.0, 1)


async def test_nothing_is_held_against_anyone_when_the_judge_fails() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, judge=always(ConnectionError("down")), checkpointer=InMemorySaver())
        result = await graph.ainvoke({"task": "six times seven?", "reference": "41"}, on("t"))
        state = await state_of(graph, "t")
        outcome = await memory.views.outcome(result["event_id"], namespace="default")
        counts = await memory.views.counts(namespace="default")
    assert (result["answer"], result["reward"], result["case_id"]) == ("42", None, None)
    assert state["error_class"] == "judge"
    assert outcome is not None
    assert outcome.reward is None
    assert counts.negative == 0


async def test_run_ends_with_error_and_no_case_when_no_plan_is_valid() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=always("I cannot"), checkpointer=InMemorySaver())
        result = await graph.ainvoke({"task": "six times seven?", "reference": "42"}, on("t"))
        state = await state_of(graph, "t")
        counts = await memory.views.counts(namespace="default")
    assert (result["answer"], result["reward"], result["case_id"]) == (None, None, None)
    assert "no valid plan" in state["error"]
    assert counts.cases == 0
    assert [message.type for message in result["messages"]] == ["human"]


@pytest.mark.parametrize("max_cycles", [1, 2, 10])
async def test_loop_ends_with_the_best_answer_when_the_planner_never_has_enough(max_cycles: int) -> None:
    planner = ScriptedChatModel(lambda messages: FINAL if "No more plans" in messages[-1].text else plan("again"))
    executor = always("nothing yet")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor)
        result = await graph.ainvoke({"task": "six times seven?"}, context={"max_cycles": max_cycles})  # type: ignore[arg-type]
    assert result["answer"] == "42"
    assert len(planner.calls) == max_cycles + 1
    assert len(executor.calls) == max_cycles


async def test_recursion_limit_is_ours_when_the_caller_sets_none() -> None:
    rows = [(str(n), f"step {n}", [str(n - 1)] if n > 1 else []) for n in range(1, 21)]
    planner = ScriptedChatModel(lambda messages: FINAL if "No more plans" in messages[-1].text else plan(*rows))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner)
        result = await graph.ainvoke({"task": "longest possible"}, context={"max_cycles": 10})  # type: ignore[arg-type]
        assert result["answer"] == "42", "ten cycles of twenty subtasks in a row are within it"
        with pytest.raises(GraphRecursionError):
            await graph.ainvoke({"task": "longest possible"}, {"recursion_limit": 5})


async def test_independent_subtasks_run_at_once_and_stay_in_order_when_there_are_twenty() -> None:
    asked = [0]  # how many at once, after each beginning and end

    class Slow(ScriptedChatModel):
        """Takes a moment, as a server would."""

        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            asked.append(asked[-1] + 1)
            await asyncio.sleep(0.1)
            asked.append(asked[-1] - 1)
            return self._generate(*args, **kwargs)

    executor = Slow(lambda messages: messages[-1].text.split("<subtask>\n")[1].split("\n")[0])
    planner = scripted(plan(*(f"step {n}" for n in range(20))), answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=InMemorySaver())
        await graph.ainvoke({"task": "many"}, on("t"))
        state = await state_of(graph, "t")
    assert max(asked) == 8
    assert [row["result"] for row in state["results"]] == [f"step {n}" for n in range(20)]


async def test_subtasks_wait_for_what_they_depend_on_when_carried_out() -> None:
    executor = ScriptedChatModel(lambda messages: f"saw {messages[-1].text.count('<result ')}")
    steps = [("a", "first", []), ("b", "second", []), ("c", "both", ["a", "b"]), ("d", "last", ["c"])]
    async with a_memory() as memory:
        graph = graph_of(
            memory, planner=scripted(plan(*steps), answer("42")), executor=executor, checkpointer=InMemorySaver()
        )
        await graph.ainvoke({"task": "ordered"}, on("t"))
        state = await state_of(graph, "t")
    assert [(row["id"], row["result"]) for row in state["results"]] == [
        ("a", "saw 0"),
        ("b", "saw 0"),
        ("c", "saw 2"),
        ("d", "saw 1"),
    ]


async def test_run_ends_before_it_starts_when_there_is_no_task() -> None:
    async with a_memory() as memory:
        with pytest.raises(InvalidTask):
            await graph_of(memory).ainvoke({"task": ""})


@pytest.mark.parametrize("context", [{"k": 99}, {"polcy": "none"}])
async def test_run_is_refused_when_context_is_out_of_bounds(context: Any) -> None:
    with pytest.raises(ValidationError):
        await graph_of(not_to_be_opened).ainvoke({"task": "a"}, context=context)


async def test_events_have_their_names_when_a_run_is_streamed() -> None:
    planner = scripted(plan("multiply"), answer("42"))
    executor = scripted(calling("multiply", a=6, b=7), "42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        given: Any = {"task": "six times seven?", "reference": "42"}
        events = [event async for event in graph.astream(given, stream_mode="custom")]
    assert names(events) == ["cases", "plan", "subtask", "tool", "result", "reward", "written"]
    assert events[3] == {"event": "tool", "cycle": 1, "subtask": "1", "name": "multiply", "args": {"a": 6, "b": 7}}
