"""The workflow as a tool of other agents: memento_tool."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.integrations.langchain import memento_tool
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.nodes.context import Context
from tests.node_parts import a_memory, always, answer, calling, plan, scripted, verdict
from tests.scripted import ScriptedChatModel

QUESTION = "Where was Columbus born?"
THREAD: Any = {"configurable": {"thread_id": "t"}}


def graph_of(memory: CaseMemory, planner: ScriptedChatModel, executor: ScriptedChatModel | None = None) -> MementoGraph:
    return build_graph(
        Deps(memory=memory, planner=planner, executor=executor or always("done"), judge=always(verdict("yes")))
    )


def human() -> dict[str, Any]:
    return {"messages": [HumanMessage(QUESTION)]}


async def test_an_agent_gives_it_a_task_and_gets_the_answer_with_an_artifact() -> None:
    lead = scripted(calling("memento", task=QUESTION), "In Genoa.")
    async with a_memory() as memory:
        tool = memento_tool(graph_of(memory, scripted(answer("Genoa"))))
        result = await create_agent(lead, [tool]).ainvoke(human())
        told = result["messages"][2]
        assert told.text == "Genoa"
        assert told.artifact["reward"] is None
        assert await memory.feedback(told.artifact["event_id"], 1.0)
    assert list(lead.calls[0].tools[0]["function"]["parameters"]["properties"]) == ["task"]
    assert lead.calls[0].tools[0]["function"]["parameters"]["required"] == ["task"]


async def test_it_can_be_called_without_an_agent() -> None:
    async with a_memory() as memory:
        tool = memento_tool(graph_of(memory, scripted(answer("Genoa"))), name="ask", description="Ask.")
        assert await tool.ainvoke({"task": QUESTION}) == "Genoa"
        assert (tool.name, tool.description) == ("ask", "Ask.")


async def test_an_interrupt_pauses_the_host_and_its_resume_goes_on() -> None:
    lead = scripted(calling("memento", task=QUESTION), "In Genoa.")
    planner = scripted(plan("look it up"), answer("Genoa"))
    async with a_memory() as memory:
        tool = memento_tool(graph_of(memory, planner), context=Context(approve_plan=True))
        host = create_agent(lead, [tool], checkpointer=InMemorySaver())
        stopped = await host.ainvoke(human(), THREAD)
        assert stopped["__interrupt__"]
        result = await host.ainvoke(Command(resume={"decision": "approve"}), THREAD)
        assert (await memory.views.counts(namespace="default")).events == 1
    assert [message.text for message in result["messages"][2:]] == ["Genoa", "In Genoa."]
    assert len(planner.calls) == 2


async def test_callbacks_and_tags_of_the_host_reach_the_run() -> None:
    class Seen(BaseCallbackHandler):
        def __init__(self) -> None:
            self.tags: set[str] = set()
            self.n_models = 0

        def on_chat_model_start(self, *_: Any, tags: list[str] | None = None, **__: Any) -> None:
            self.n_models += 1
            self.tags |= set(tags or [])

    seen = Seen()
    lead = scripted(calling("memento", task=QUESTION), "In Genoa.")
    async with a_memory() as memory:
        host = create_agent(lead, [memento_tool(graph_of(memory, scripted(answer("Genoa"))))])
        await host.ainvoke(human(), {"callbacks": [seen], "tags": ["ours"]})
    assert seen.n_models == 3, "the lead twice, the planner once"
    assert "ours" in seen.tags


async def test_the_namespace_is_the_hosts_and_never_the_models() -> None:
    lead = scripted(calling("memento", task=QUESTION), "In Genoa.")
    async with a_memory() as memory:
        graph = graph_of(memory, scripted(answer("Genoa"), answer("Genoa")))
        tool = memento_tool(graph, namespace=lambda runtime: runtime.context["user"])
        await create_agent(lead, [tool], context_schema=dict).ainvoke(human(), context={"user": "ann"})
        assert (await memory.views.counts(namespace="ann")).events == 1
        with pytest.raises(InvalidInput, match="runtime"):
            await tool.ainvoke({"task": QUESTION})
        await memento_tool(graph, namespace="bob").ainvoke({"task": QUESTION})
        assert (await memory.views.counts(namespace="bob")).events == 1
        assert (await memory.views.counts(namespace="default")).events == 0
    with pytest.raises(InvalidInput):
        memento_tool(graph, namespace="")


async def test_a_run_without_an_answer_says_why() -> None:
    async with a_memory() as memory:
        tool = memento_tool(graph_of(memory, always("no JSON at all")))
        said = await tool.ainvoke({"task": QUESTION})
    assert said.startswith("There is no answer: ")
    assert len(said) > len("There is no answer: ")


async def test_two_tasks_at_once_are_two_runs() -> None:
    both = (
        calling("memento", 1, task="first task of two").tool_calls
        + calling("memento", 2, task="second task of two").tool_calls
    )
    call = calling("memento", 1, task="x").model_copy(update={"tool_calls": both})
    lead = scripted(call, "done")

    def planned(messages: list[Any]) -> str:
        return answer("one" if "first task" in messages[-1].text else "two")

    async with a_memory() as memory:
        host = create_agent(
            lead, [memento_tool(graph_of(memory, ScriptedChatModel(planned)))], checkpointer=InMemorySaver()
        )
        result = await host.ainvoke(human(), THREAD)
    assert [message.text for message in result["messages"][2:4]] == ["one", "two"]
