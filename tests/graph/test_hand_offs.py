"""Hosts that hand a conversation over to the graph: the real ones, with scripted models."""

import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph_supervisor import create_supervisor
from langgraph_swarm import create_handoff_tool, create_swarm

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from tests.node_parts import a_memory, always, answer, calling, scripted, verdict
from tests.scripted import ScriptedChatModel

pytestmark = pytest.mark.filterwarnings("ignore:create_react_agent has been moved")  # the supervisor's own call

QUESTION = "Where was Columbus born?"


def asked(planner: ScriptedChatModel) -> list[str]:
    """The task that each call of the planner was shown."""
    return [call.text.split("<task>\n")[1].split("\n</task>")[0] for call in planner.calls if "<task>\n" in call.text]


def graph_of(memory: CaseMemory, planner: ScriptedChatModel) -> MementoGraph:
    models = {"executor": always("done"), "judge": always(verdict("yes"))}
    return build_graph(Deps(memory=memory, planner=planner, **models))


def last_text(result: dict[str, Any]) -> str:
    return str(result["messages"][-1].text)


@pytest.mark.parametrize("output_mode", ["last_message", "full_history"])
async def test_a_supervisor_hands_over_and_reports_the_answer(output_mode: Any) -> None:
    planner, lead = scripted(answer("Genoa")), scripted(calling("transfer_to_memento"), "In Genoa.")
    async with a_memory() as memory:
        team = create_supervisor([graph_of(memory, planner)], model=lead, output_mode=output_mode).compile()
        result = await team.ainvoke({"messages": [HumanMessage(QUESTION)]})
    assert asked(planner) == [QUESTION]
    assert "Genoa" in lead.calls[1].text, "the supervisor was told the answer"
    assert last_text(result) == "In Genoa."


@pytest.mark.slow
async def test_a_supervisor_hands_over_twice_for_one_question() -> None:
    planner = scripted(answer("Genoa"), answer("Genoa, in 1451"))
    lead = scripted(calling("transfer_to_memento", 1), calling("transfer_to_memento", 2), "In Genoa, in 1451.")
    async with a_memory() as memory:
        team = create_supervisor([graph_of(memory, planner)], model=lead).compile()
        result = await team.ainvoke({"messages": [HumanMessage(QUESTION)]})
    assert asked(planner) == [QUESTION, QUESTION]
    assert last_text(result) == "In Genoa, in 1451."


async def test_a_supervisors_conversation_goes_on_with_the_next_question() -> None:
    condensed = "In which year was Columbus born?"
    planner = scripted(answer("Genoa"), json.dumps({"task": condensed}), answer("1451"))
    lead = scripted(calling("transfer_to_memento", 1), "In Genoa.", calling("transfer_to_memento", 2), "In 1451.")
    thread: Any = {"configurable": {"thread_id": "t"}}
    async with a_memory() as memory:
        team = create_supervisor([graph_of(memory, planner)], model=lead).compile(checkpointer=InMemorySaver())
        await team.ainvoke({"messages": [HumanMessage(QUESTION)]}, thread)
        result = await team.ainvoke({"messages": [HumanMessage("In which year was he born?")]}, thread)
    assert asked(planner) == [QUESTION, "In which year was he born?", condensed]
    assert last_text(result) == "In 1451."


async def test_an_agent_of_a_swarm_hands_over() -> None:
    planner = scripted(answer("Genoa"))
    over = create_handoff_tool(agent_name="memento")
    first = create_agent(scripted(calling("transfer_to_memento")), [over], name="first")
    async with a_memory() as memory:
        swarm = create_swarm([first, graph_of(memory, planner)], default_active_agent="first").compile()
        result = await swarm.ainvoke({"messages": [HumanMessage(QUESTION)]})
    assert asked(planner) == [QUESTION]
    assert last_text(result) == "Genoa"


async def test_a_graph_that_has_routed_by_a_tool_call_hands_over() -> None:
    def route(_: MessagesState) -> dict[str, Any]:
        call = calling("route", to="memento")
        return {"messages": [call, ToolMessage("routed", tool_call_id=call.tool_calls[0]["id"])]}

    planner = scripted(json.dumps({"task": QUESTION}), answer("Genoa"))
    async with a_memory() as memory:
        builder = StateGraph(MessagesState).add_node("route", route).add_node("memento", graph_of(memory, planner))
        parent = builder.add_edge(START, "route").add_edge("route", "memento").compile()
        result = await parent.ainvoke(
            {"messages": [HumanMessage("old"), AIMessage("answered"), HumanMessage(QUESTION)]}
        )
    assert asked(planner) == [QUESTION, QUESTION]
    assert last_text(result) == "Genoa"
