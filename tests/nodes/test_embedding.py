"""Memento inside a host's LangGraph: as a node, behind a wrapper, as a tool, many at a time."""

import asyncio
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

from memento.nodes.context import Context
from tests.graph.test_workflow import graph_of, on
from tests.node_parts import a_memory, always, answer, calling, names, plan, scripted
from tests.scripted import ScriptedChatModel


class HostContext(BaseModel):
    """The host's own dials, of which Memento knows nothing."""

    user: str = "ada"


class HostState(TypedDict, total=False):
    question: str
    reply: str | None
    reward: float | None


def one_node(node: Any, schema: Any = HostState, *, checkpointer: Any = None) -> Any:
    builder = StateGraph(schema, context_schema=HostContext)
    builder.add_node("memento", node)
    builder.add_edge(START, "memento")
    builder.add_edge("memento", END)
    return builder.compile(checkpointer=checkpointer)


async def test_host_gets_the_answer_as_a_message_when_memento_is_a_node() -> None:
    async with a_memory() as memory:
        host = one_node(graph_of(memory), MessagesState, checkpointer=InMemorySaver())
        given = {"messages": [HumanMessage("six times seven?")]}
        result = await host.ainvoke(given, on("t"), context=HostContext(user="eve"))
        again = await host.ainvoke({"messages": [HumanMessage("and eight?")]}, on("t"), context=HostContext())
        drawn = host.get_graph(xray=True).draw_mermaid()
    assert [message.text for message in result["messages"]] == ["six times seven?", "42"]
    assert [message.text for message in again["messages"]] == ["six times seven?", "42", "and eight?", "42"]
    assert "score_case" in drawn


async def test_host_keeps_its_own_state_when_it_wraps_memento() -> None:
    async with a_memory() as memory:
        inner = graph_of(memory)

        async def ask(state: HostState) -> HostState:
            result = await inner.ainvoke({"task": state["question"], "reference": "42"}, context=Context(k=1))
            return {"reply": result["answer"], "reward": result["reward"]}

        result = await one_node(ask).ainvoke({"question": "six times seven?"}, context=HostContext())
    assert result == {"question": "six times seven?", "reply": "42", "reward": 1.0}


async def test_interrupt_reaches_the_host_when_a_wrapped_plan_waits() -> None:
    async with a_memory() as memory:
        planner = scripted(plan("multiply"), answer("42"))
        inner = graph_of(memory, planner=planner)

        async def ask(state: HostState) -> HostState:
            result = await inner.ainvoke({"task": state["question"]}, context=Context(approve_plan=True))
            return {"reply": result["answer"]}

        host = one_node(ask, checkpointer=InMemorySaver())
        stopped = await host.ainvoke({"question": "six times seven?"}, on("t"))
        result = await host.ainvoke(Command(resume="approve"), on("t"))
    assert stopped["__interrupt__"][0].value["kind"] == "approve_plan"
    assert result["reply"] == "42"
    assert len(planner.calls) == 2


async def test_agent_gets_the_answer_when_memento_is_its_tool() -> None:
    async with a_memory() as memory:
        inner = graph_of(memory)

        @tool
        async def memento(task: str) -> str:
            """Do a task with the help of remembered cases."""
            result = await inner.ainvoke({"task": task})
            return str(result["answer"])

        model = scripted(calling("memento", task="six times seven?"), "It is 42.")
        agent: Any = create_agent(model, [memento])
        result = await agent.ainvoke({"messages": [HumanMessage("please")]})
    assert [message.text for message in result["messages"] if isinstance(message, ToolMessage)] == ["42"]


async def test_events_reach_the_host_when_it_streams_subgraphs() -> None:
    async with a_memory() as memory:
        inner = graph_of(memory, planner=scripted(plan("multiply"), answer("42")))
        host = one_node(inner, MessagesState)
        given = {"messages": [HumanMessage("six times seven?")]}
        events = [event async for _, event in host.astream(given, stream_mode="custom", subgraphs=True)]
    assert names(events) == ["cases", "plan", "subtask", "result", "reward", "written"]


async def test_runs_do_not_mix_when_many_go_at_once() -> None:
    planner = ScriptedChatModel(lambda messages: answer(messages[-1].text.split("<task>\n")[1].split("\n")[0]))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        inputs: list[Any] = [{"task": f"say {n}", "reference": f"say {n}"} for n in range(12)]
        batch = await graph.abatch(inputs[:6], [on(f"b{n}") for n in range(6)])
        rest = await asyncio.gather(*(graph.ainvoke(inputs[n], on(f"g{n}")) for n in range(6, 12)))
        counts = await memory.views.counts(namespace="default")
    results = [*batch, *rest]
    assert [result["answer"] for result in results] == [f"say {n}" for n in range(12)]
    assert len({result["event_id"] for result in results}) == 12
    assert (counts.cases, counts.positive) == (12, 12)


async def test_contexts_do_not_mix_when_runs_share_one_graph() -> None:
    planner = always(answer("42"))
    async with a_memory() as memory:
        await memory.write(state="six times six?", action="multiply", reward=1.0)
        graph = graph_of(memory, planner=planner)
        await asyncio.gather(
            *(graph.ainvoke({"task": f"six times {k}?"}, context=Context(k=k, policy="similarity")) for k in (0, 1)),
            graph.ainvoke({"task": "six times 2?"}, context=Context(policy="none")),
        )
    shown = {
        task: "Cases from memory" in call.text
        for call in planner.calls
        for task in "012"
        if f"times {task}" in call.text
    }
    assert shown == {"0": False, "1": True, "2": False}
