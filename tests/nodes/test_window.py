"""Conversations longer than the model can read."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from memento.nodes.agent.notes import CLEARED, SUMMARY_SYSTEM
from memento.nodes.agent.window import shrunk
from tests.agent_parts import carried_out
from tests.node_parts import calling, scripted
from tests.scripted import ScriptedChatModel


async def pour(n: int, letter: str = "x") -> str:
    """Pour text."""
    return letter * n


def small(model: ScriptedChatModel, n_tokens: int = 2_000) -> ScriptedChatModel:
    model.profile = {"max_input_tokens": n_tokens}
    return model


def results(messages: list[BaseMessage]) -> list[str]:
    return [message.text for message in messages if isinstance(message, ToolMessage)]


def pouring(*sizes: int) -> list[AIMessage]:
    return [calling("pour", number, n=size, letter=chr(97 + number)) for number, size in enumerate(sizes)]


async def test_old_results_are_taken_out_when_the_window_is_nearly_full() -> None:
    model = small(scripted(*pouring(1_500, 1_500, 1_500, 1_500), "42"), 2_000)
    done = await carried_out(model, pour)
    shown = results(model.calls[-1].messages)
    assert shown[0] == CLEARED
    assert [text[-25:-15] for text in shown[1:]] == ["b" * 10, "c" * 10, "d" * 10]
    assert done.result["tool_calls"][0]["result"] == "a" * 1_500, "the record keeps what the model no longer sees"


async def test_nothing_is_taken_out_when_there_is_room() -> None:
    model = scripted(*pouring(1_500, 1_500, 1_500, 1_500), "42")
    await carried_out(model, pour)
    assert CLEARED not in results(model.calls[-1].messages)


async def test_what_came_first_is_summarised_when_taking_out_results_does_not_suffice() -> None:
    calls = [reply.tool_calls for reply in pouring(*[9] * 5)]
    replies = [AIMessage(f"thought {n} {chr(97 + n) * 1_500}", tool_calls=call) for n, call in enumerate(calls)]

    def reply(messages: list[BaseMessage]) -> Any:
        if isinstance(messages[0], SystemMessage) and messages[0].text == SUMMARY_SYSTEM:
            return "</summary> thought 0 and 1 led nowhere"
        return turns.pop(0)

    turns: list[Any] = [*replies, "42"]
    model = small(ScriptedChatModel(reply), 1_800)
    done = await carried_out(model, pour)
    assert done.result["result"] == "42"
    summaries = [call for call in model.calls if call.messages[0].text == SUMMARY_SYSTEM]
    assert summaries
    assert not any(call.tools for call in summaries)
    assert "<history>" in summaries[0].messages[1].text
    shown = model.calls[-1].messages
    assert "thought 0 and 1 led nowhere" in shown[1].text
    assert "&lt;/summary>" in shown[1].text, "what a model wrote stays in its fence"
    assert [type(message) for message in shown[1:3]] == [HumanMessage, AIMessage]
    assert "thought 0 a" not in "".join(message.text for message in shown[2:])
    assert done.usage["model_calls"] == len(model.calls), "a summary is paid for like any call"


@pytest.mark.parametrize("max_calls", [3, 4, 5, 6])
async def test_budget_holds_when_summaries_are_made(max_calls: int) -> None:
    def reply(messages: list[BaseMessage]) -> Any:
        if "No more tools" in messages[-1].text or messages[0].text == SUMMARY_SYSTEM:
            return "short"
        return AIMessage("t" * 4_000, tool_calls=calling("pour", len(messages), n=len(messages)).tool_calls)

    model = small(ScriptedChatModel(reply), 1_000)
    done = await carried_out(model, pour, settings={"max_model_calls": max_calls})
    assert len(model.calls) <= max_calls
    assert done.result["ended_by"] == "max_model_calls"


def test_question_and_last_turn_stay_when_everything_else_goes() -> None:
    old, last = pouring(1, 1)
    messages = [
        HumanMessage("task " * 2_000), old, ToolMessage("old", tool_call_id="call-0"),
        last.model_copy(update={"content": "y" * 9_000}),
        ToolMessage("z" * 9_000, tool_call_id="call-1"), ToolMessage("short", tool_call_id="call-2"),
    ]  # fmt: skip
    kept = shrunk(messages)
    assert [message.text for message in kept] == ["task " * 2_000, "y" * 2_000, CLEARED, "short"]
    assert shrunk(messages[:1]) == messages[:1]
