"""A secret that a host or a file has brought into the memory is shown to no model, and stands in no state."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.integrations.langchain import CaseMiddleware, CaseRetriever, case_tools
from memento.integrations.memory_tools import MemoryTools
from memento.memory.case_memory import CaseMemory
from memento.nodes.redaction import make_redact
from tests.node_parts import a_memory, answer, plan, scripted

SECRET = "sk-very-secret-0123456789"
TASK, LOOK = "Boil a hard egg", "look up the time"


def secrets() -> list[str]:
    return [SECRET]


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    texts: Any = {name: f"{name} {SECRET}" for name in ("action", "answer", "lesson")}
    async with a_memory() as memory:
        await memory.write(state=f"Boil an egg with {SECRET}", reward=1.0, **texts)
        await memory.write(state=LOOK, reward=1.0, kind="subtask", key="another task", **texts)
        yield memory


async def test_no_prompt_event_or_checkpoint_of_a_run_has_it(memory: CaseMemory) -> None:
    model, on = scripted(plan(LOOK), "five minutes", answer("five")), {"configurable": {"thread_id": "1"}}
    deps = Deps(memory=memory, planner=model, executor=model, secrets=secrets)
    graph = build_graph(deps, checkpointer=InMemorySaver())
    given: Any = {"task": TASK, "reference": "five"}
    events = [one async for one in graph.astream(given, on, context={"subtask_k": 2}, stream_mode="custom")]
    states = [one.values async for one in graph.aget_state_history(on)]
    planned, carried_out = [call.text for call in model.calls[:2]]
    assert "Boil an egg with ***" in planned
    assert f"Subtask: {LOOK}\nHow:\naction ***" in carried_out
    assert SECRET not in f"{[call.text for call in model.calls]} {events} {states}"


async def test_no_agent_of_langchain_is_shown_it(memory: CaseMemory) -> None:
    model, recall = scripted("five"), case_tools(memory, secrets=secrets)[0]
    agent = create_agent(model, middleware=[CaseMiddleware(memory, secrets=secrets)])
    result = await agent.ainvoke({"messages": [HumanMessage(TASK)]})
    documents = await CaseRetriever(memory=memory, secrets=secrets).ainvoke(f"{TASK} {SECRET}")
    event = await memory.views.event(documents[0].metadata["event_id"], namespace="default")
    shown = [model.calls[0].text, await recall.ainvoke({"task": TASK}), documents[0].page_content]
    assert ["with ***" in text for text in shown] == [True] * 3
    assert SECRET not in f"{shown} {documents} {result} {event}"


async def test_no_memory_tool_tells_it(memory: CaseMemory) -> None:
    async def given() -> CaseMemory:
        return memory

    tools = MemoryTools(memory=given, redact=make_redact(secrets))
    (case,) = [one async for one in memory.views.walk(namespace="default") if one.kind == "plan"]
    told = [await tools.recall_cases(TASK), await tools.why_case(case.id)]
    assert ["with ***" in text for text in told] == [True] * 2
    assert SECRET not in str(told)
