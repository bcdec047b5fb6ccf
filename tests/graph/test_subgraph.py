"""The executor's agent is a graph below the workflow: drawn with xray, streamed, and read with the thread's state."""

from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.sources import Toolbox
from memento.nodes.state import Run
from tests.graph.test_workflow import graph_of, multiply, not_to_be_opened, on
from tests.node_parts import a_memory, answer, calling, plan, scripted

TASK: Any = {"task": "six times seven?", "reference": "42"}


async def each_its_own(run: Run) -> Toolbox:
    raise AssertionError("a graph that is drawn asks for no tools")


@pytest.mark.parametrize("tools", [[multiply], [], each_its_own])
async def test_xray_shows_the_agent(tools: Any) -> None:
    graph = build_graph(Deps(memory=not_to_be_opened, tools=tools))
    for drawn in (graph.get_graph(xray=True), await graph.aget_graph(xray=True)):
        assert {"executor:model", "executor:tools"} <= set(drawn.nodes)
        assert "executor" not in drawn.nodes
        assert drawn.draw_mermaid().count("subgraph executor") == 1
    assert set(graph.get_graph().nodes) >= {"executor", "planner"}
    assert [name for name, _ in graph.get_subgraphs()] == ["executor"]


def test_the_tools_of_all_runs_are_named() -> None:
    graph = build_graph(Deps(memory=not_to_be_opened, tools=[multiply]))
    assert "multiply" in graph.get_graph(xray=True).draw_mermaid()


async def ask(question: str) -> str:
    """Ask a person."""
    return str(interrupt({"question": question}))


async def test_a_waiting_subtask_is_read_and_goes_on() -> None:
    planner = scripted(plan("ask"), answer("42"))
    executor = scripted(calling("ask", question="how much?"), "42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[ask], checkpointer=InMemorySaver())
        await graph.ainvoke(TASK, on("t"))
        waiting = await graph.aget_state(on("t"), subgraphs=True)
        (task,) = waiting.tasks
        assert (task.name, task.state.next) == ("executor", ("tools",))
        assert task.state.values["messages"][-1].tool_calls[0]["args"] == {"question": "how much?"}
        assert waiting.interrupts[0].value == {"question": "how much?"}
        result = await graph.ainvoke(Command(resume="42"), on("t"))
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert len(executor.calls) == 2, "what was done before the question is not done again"


async def test_steps_of_the_agent_are_streamed_below_their_subtask() -> None:
    planner = scripted(plan("multiply"), answer("42"))
    executor = scripted(calling("multiply", a=6, b=7), "42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        parts = [part async for part in graph.astream(TASK, stream_mode="updates", subgraphs=True)]
    below = [(place, update) for place, update in parts if place]
    assert {place[0].split(":")[0] for place, _ in below} == {"executor"}
    assert [next(iter(update)) for _, update in below] == ["model", "tools", "model"]
    (result,) = [update["tools"]["messages"][0] for _, update in below if "tools" in update]
    assert isinstance(result, ToolMessage)
