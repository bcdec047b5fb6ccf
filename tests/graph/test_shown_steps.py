"""Steps in the chat as tool messages: the standard shape, told from what was said, and in no prompt."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage, convert_to_openai_messages
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento.nodes.conversation import open_question, said_before
from memento.nodes.shown_steps import STEP_MARK, is_step
from tests.graph.test_workflow import graph_of, multiply, on
from tests.node_parts import a_memory, answer, calling, plan, scripted

TASK: Any = {"task": "six times seven?", "reference": "42"}
SHOWN: Any = {"show_steps": True}


def check_pairs(messages: Sequence[AnyMessage]) -> None:
    """As providers want it: each call has its result right behind its message, under an id of its own."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in open_calls
            open_calls.remove(message.tool_call_id)
            assert message.content
            continue
        assert not open_calls, "every call has its result before anything else is said"
        if isinstance(message, AIMessage):
            open_calls = [str(call["id"]) for call in message.tool_calls]
            assert not seen.intersection(open_calls)
            seen.update(open_calls)
            assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", name) for name in open_calls)
            assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["name"]) for call in message.tool_calls)
    assert not open_calls
    assert convert_to_openai_messages(list(messages))


def names(messages: Sequence[AnyMessage]) -> list[str]:
    """Who says what: the calls of a message, or its text."""
    return [
        ",".join(call["name"] for call in getattr(message, "tool_calls", [])) or message.text
        for message in messages
        if not isinstance(message, ToolMessage)
    ]


async def test_a_run_shows_its_steps_in_their_order() -> None:
    planner = scripted(plan("multiply", ("2", "check", ["1"])), answer("42"))
    executor = scripted(calling("multiply", a=6, b=7), "42", "it is right")
    async with a_memory() as memory:
        await memory.write(state="six times eight?", action="multiply", reward=1.0, lesson="use the tool")
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        result = await graph.ainvoke(TASK, context=SHOWN)
    messages = result["messages"]
    check_pairs(messages)
    assert names(messages) == [
        "six times seven?",
        "recall_cases",
        "make_plan",
        "multiply",
        "carry_out_subtask",
        "carry_out_subtask",
        "42",
    ]
    results = {message.name: message.text for message in messages if isinstance(message, ToolMessage)}
    assert "six times eight? (reward 1)" in results["recall_cases"]
    assert "use the tool" in results["recall_cases"]
    assert results["make_plan"] == "1. multiply\n2. check (after 1)"
    assert (results["multiply"], results["carry_out_subtask"]) == ("42", "it is right")
    assert [is_step(message) for message in messages] == [False, *[True] * 10, False]
    assert {message.additional_kwargs[STEP_MARK] for message in messages[1:-1]} == {"cases", "plan", "tools", "subtask"}


async def test_nothing_is_shown_unless_it_is_asked_for() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("multiply"), answer("42")), executor=scripted("42"))
        result = await graph.ainvoke(TASK)
    assert names(result["messages"]) == ["six times seven?", "42"]


async def test_steps_are_in_no_prompt_of_a_later_turn_and_close_no_question() -> None:
    planner = scripted(plan("multiply"), answer("42"), '{"task": "six times eight?"}', answer("48"))
    executor = scripted("found the secret word")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=InMemorySaver())
        asked: Any = {"messages": [HumanMessage("six times seven?")]}
        await graph.ainvoke(asked, on("t"), context=SHOWN)
        asked = {"messages": [HumanMessage("And times eight?")]}
        result = await graph.ainvoke(asked, on("t"), context=SHOWN)
    check_pairs(result["messages"])
    assert result["answer"] == "48"
    for call in planner.calls[2:]:
        assert "secret word" not in call.text
        assert "carry_out_subtask" not in call.text
    assert "six times seven?" in planner.calls[2].text
    messages = result["messages"]
    assert open_question(messages) is None
    assert open_question(messages[:-1]) is not None, "steps alone are no answer"
    question = next(message for message in messages if message.text == "And times eight?")
    assert isinstance(question, HumanMessage)
    assert [one["text"] for one in said_before(messages, question)] == ["six times seven?", "42", "48"]


async def test_steps_of_subtasks_side_by_side_are_not_mixed_up() -> None:
    steps = [f"multiply {number}" for number in range(6)]
    planner, executor = scripted(plan(*steps), answer("42")), lambda messages: "done: " + messages[-1].text[-60:]
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=scripted(*[executor] * 6))
        result = await graph.ainvoke(TASK, context=SHOWN)
    check_pairs(result["messages"])
    assert names(result["messages"]).count("carry_out_subtask") == 6


async def test_a_plan_that_takes_anothers_place_is_shown_in_its_place() -> None:
    planner = scripted(plan("guess"), plan("multiply"), answer("42"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=scripted("42"), checkpointer=InMemorySaver())
        await graph.ainvoke(TASK, on("t"), context=SHOWN | {"approve_plan": True})
        await graph.ainvoke(Command(resume={"decision": "reject", "reason": "no guesses"}), on("t"))
        edited = {"subtasks": [{"id": "1", "description": "multiply well", "depends_on": []}]}
        result = await graph.ainvoke(Command(resume={"decision": "edit", "plan": edited}), on("t"))
    check_pairs(result["messages"])
    plans = [message.text for message in result["messages"] if message.text and message.name == "make_plan"]
    assert plans == ["1. multiply well"]


async def test_long_and_odd_texts_are_bounded_and_storable() -> None:
    async def odd(text: str) -> str:
        """Say it."""
        return "\ud800" + "x" * 100_000

    planner = scripted(plan("say it"), answer("42"))
    executor = scripted(calling("odd", text="y" * 50_000), "z" * 90_000)
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[odd], checkpointer=InMemorySaver())
        result = await graph.ainvoke(TASK, on("t"), context=SHOWN)
    check_pairs(result["messages"])
    shown = [message for message in result["messages"] if is_step(message)]
    assert max(len(message.text) for message in shown) < 3_000
    for message in shown:
        message.model_dump_json()
