"""Deep agents (the package deepagents) with case memory: middleware, tools, and the workflow as a sub-agent."""

import asyncio
from typing import Any

from deepagents import create_deep_agent
from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.integrations.langchain import CaseMiddleware, case_tools, memento_tool
from memento.nodes.context import Context
from tests.node_parts import a_memory, always, answer, calling, plan, scripted, verdict

QUESTION = "Where was Columbus born?"
THREAD: Any = {"configurable": {"thread_id": "t"}}


def human(text: str = QUESTION) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


async def deep_agent(*given: Any, **named: Any) -> Any:
    """Made in a thread: the first one reads the entry points of all packages."""
    return await asyncio.to_thread(create_deep_agent, *given, **named)


async def test_a_deep_agent_is_shown_cases_and_its_attempt_is_written() -> None:
    model = scripted(calling("write_file", file_path="/notes.txt", content="Genoa"), "In Genoa.")
    async with a_memory() as memory:
        await memory.write(state="Where was Vespucci born?", action="look at the notes", reward=1.0)
        agent = await deep_agent(model, middleware=[CaseMiddleware(memory, reward=lambda _: 1.0)])
        result = await agent.ainvoke(human())
        event_id = result["messages"][-1].response_metadata["case_event_id"]
        event = await memory.views.event(event_id, namespace="default")
        cases = [case async for case in memory.views.walk(namespace="default")]
    assert event is not None
    assert event.query == QUESTION
    assert {case.action for case in cases} == {
        "look at the notes",
        '1. write_file(file_path="/notes.txt", content="Genoa")',
    }
    for call in model.calls:
        assert isinstance(call.messages[0], SystemMessage)
        assert "Vespucci" not in call.messages[0].text
        assert "Vespucci" in call.messages[1].text
    assert "case_run" not in result


async def test_sub_agents_with_a_memory_of_their_own_do_not_mix_with_their_parent() -> None:
    both = calling("task", 1, description="Find the town", subagent_type="finder")
    more = calling("task", 2, description="Find the year", subagent_type="finder")
    call = both.model_copy(update={"tool_calls": [*both.tool_calls, *more.tool_calls]})
    lead, finder = scripted(call, "In Genoa, in 1451."), always("found")
    async with a_memory() as memory:
        remembering = CaseMiddleware(memory, reward=lambda _: 1.0)
        spec: Any = {
            "name": "finder",
            "description": "Finds.",
            "system_prompt": "Find.",
            "model": finder,
            "tools": [],
            "middleware": [CaseMiddleware(memory, namespace="finder", reward=lambda _: 1.0)],
        }
        agent = await deep_agent(lead, middleware=[remembering], subagents=[spec], checkpointer=InMemorySaver())
        await agent.ainvoke(human(), THREAD)
        run = agent.get_state(THREAD).values["case_run"]
        found = {case.state async for case in memory.views.walk(namespace="finder")}
        own = [case.state async for case in memory.views.walk(namespace="default")]
    assert (run["task"], run["is_recorded"]) == (QUESTION, True)
    assert found == {"Find the town", "Find the year"}
    assert own == [QUESTION]


async def test_the_workflow_is_a_sub_agent_that_is_handed_a_task() -> None:
    lead = scripted(calling("task", description=QUESTION, subagent_type="memento"), "In Genoa.")
    async with a_memory() as memory:
        graph = build_graph(
            Deps(memory=memory, planner=scripted(answer("Genoa")), executor=always("x"), judge=always(verdict("yes")))
        )
        spec: Any = {"name": "memento", "description": "Plans and remembers.", "runnable": graph}
        result = await (await deep_agent(lead, subagents=[spec])).ainvoke(human())
        counts = await memory.views.counts(namespace="default")
    assert result["messages"][2].text == "Genoa"
    assert counts.events == 1


async def test_an_interrupt_of_the_workflow_as_a_tool_pauses_the_deep_agent() -> None:
    lead = scripted(calling("memento", task=QUESTION), "In Genoa.")
    planner = scripted(plan("look it up"), answer("Genoa"))
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=planner, executor=always("x"), judge=always(verdict("yes"))))
        tool = memento_tool(graph, context=Context(approve_plan=True))
        agent = await deep_agent(lead, [tool], checkpointer=InMemorySaver())
        stopped = await agent.ainvoke(human(), THREAD)
        assert stopped["__interrupt__"]
        result = await agent.ainvoke(Command(resume={"decision": "approve"}), THREAD)
    assert result["messages"][-1].text == "In Genoa."


async def test_a_deep_agent_decides_itself_what_to_recall() -> None:
    lead = scripted(calling("recall_cases", task=QUESTION), "In Genoa.")
    async with a_memory() as memory:
        await memory.write(state="Where was Vespucci born?", action="look at the notes", reward=1.0)
        result = await (await deep_agent(lead, case_tools(memory))).ainvoke(human())
    assert "look at the notes" in result["messages"][2].text
