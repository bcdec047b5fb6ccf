"""What keeps an agent steady, seen from the model's side: see also test_executor.py."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from memento.nodes.middleware import EMPTY_REPLY, REPORT, ModelCallBudget, ToolFailures, asking_again, is_cut_short
from memento.nodes.tool_binding import bound_tool
from tests.node_parts import always, calling, scripted


async def ask_person(question: str) -> str:
    """Ask a person."""
    return str(interrupt(question))


async def cancelled(query: str) -> str:
    """Fail with an error that carries much text."""
    raise KeyError("x" * 5_000)


def agent_of(model: Any, *tools: Any, max_calls: int = 5, **options: Any) -> Any:
    middleware = [ModelCallBudget(max_calls), ToolFailures()]
    return create_agent(model, [bound_tool(tool) for tool in tools], middleware=middleware, **options)


async def test_interrupt_reaches_the_person_when_a_tool_raises_one() -> None:
    agent = agent_of(
        scripted(calling("ask_person", question="sure?"), "done"), ask_person, checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "1"}}
    stopped = await agent.ainvoke({"messages": [HumanMessage("go")]}, config)
    assert stopped["__interrupt__"][0].value == "sure?"
    done = await agent.ainvoke(Command(resume="yes"), config)
    assert [message.text for message in done["messages"] if isinstance(message, ToolMessage)] == ["yes"]


async def test_error_is_cut_when_it_is_long() -> None:
    reply = await agent_of(scripted(calling("cancelled", query="a"), "done"), cancelled).ainvoke({"messages": ["go"]})
    (told,) = [message for message in reply["messages"] if isinstance(message, ToolMessage)]
    assert told.status == "error"
    assert told.text.startswith("KeyError: ")
    assert len(told.text) == 1_000


async def test_tool_calls_are_reported_when_somebody_listens() -> None:
    heard: list[Any] = []
    agent = agent_of(scripted(calling("cancelled", query="a"), "done"), cancelled)
    config = {"configurable": {REPORT: lambda name, args: heard.append((name, args))}}
    await agent.ainvoke({"messages": [HumanMessage("go")]}, config)
    assert heard == [("cancelled", {"query": "a"})]


async def test_model_is_asked_again_without_repeating_tools_when_it_was_away() -> None:
    called: list[str] = []

    async def count(word: str) -> str:
        """Count."""
        called.append(word)
        return "counted"

    replies = [calling("count", word="a"), ConnectionError("refused"), TimeoutError(), "42"]
    agent = create_agent(scripted(*replies), [bound_tool(count)], middleware=[asking_again()])
    reply = await agent.ainvoke({"messages": [HumanMessage("go")]})
    assert reply["messages"][-1].text == "42"
    assert called == ["a"]


@pytest.mark.parametrize("max_calls", [1, 2, 3, 7])
async def test_model_is_never_asked_beyond_the_budget_when_it_always_calls(max_calls: int) -> None:
    model = always(calling("cancelled", query="a"))
    reply = await agent_of(model, cancelled, max_calls=max_calls).ainvoke({"messages": ["go"]}, {"recursion_limit": 99})
    assert len(model.calls) == max_calls
    assert is_cut_short(reply["messages"][-1])


@pytest.mark.parametrize("max_calls", [1, 2, 3])
async def test_model_is_never_asked_beyond_the_budget_when_it_is_silent(max_calls: int) -> None:
    model = always("")
    await agent_of(model, max_calls=max_calls).ainvoke({"messages": ["go"]})
    assert len(model.calls) == min(max_calls, 2)


async def test_roles_alternate_when_an_empty_reply_is_asked_for_again() -> None:
    model = scripted("", "42")
    await agent_of(model).ainvoke({"messages": [HumanMessage("go")]})
    roles = [type(message) for message in model.calls[1].messages]
    assert roles == [HumanMessage, AIMessage, HumanMessage]
    assert model.calls[1].messages[1].text, "providers refuse an empty turn"
    assert model.calls[1].messages[2].text == EMPTY_REPLY
