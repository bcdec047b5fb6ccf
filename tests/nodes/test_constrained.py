"""`ConstrainedChatModel` over a scripted inner model: what it shows it, and what it makes of the replies."""

import asyncio
import json
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from memento.nodes.bounded_schema import bounded_schema
from memento.nodes.constrained import ConstrainedChatModel
from memento.nodes.errors import InvalidReply, NoCompletion
from memento.nodes.replies.call_model import model_reply
from memento.nodes.structured import StructuredCaller
from tests import reply_shapes as shapes
from tests.provider_server import served
from tests.scripted import ScriptedChatModel, ScriptedServer

SEARCH = '{"action": "search", "arguments": {"query": "tallest tower"}}'
ANSWER = '{"action": "answer", "text": "Burj Khalifa"}'


class Subtask(BaseModel):
    """A step."""

    id: int = Field(ge=1, le=9)
    description: str
    kind: Literal["look", "think"] = "look"


class Plan(BaseModel):
    """A plan."""

    subtasks: list[Subtask]
    note: str | None = None


async def search(query: str) -> str:
    """Search the web."""
    return f"results for {query}"


async def answer(text: str) -> str:
    """Take the reserved name."""
    return text


def constrained(*replies: Any) -> tuple[ConstrainedChatModel, ScriptedChatModel]:
    inner = ScriptedChatModel(replies)
    return ConstrainedChatModel(inner=inner), inner


def actions_offered(inner: ScriptedChatModel) -> list[str]:
    schema = inner.calls[-1].kwargs["response_format"]["json_schema"]["schema"]
    return [option["properties"]["action"]["const"] for option in schema.get("anyOf", [schema])]


async def test_agent_ends_with_the_answer_when_model_has_no_tool_calls() -> None:
    model, inner = constrained(SEARCH, ANSWER)
    agent = create_agent(model, [search], system_prompt="Be brief.")
    result = await agent.ainvoke({"messages": [HumanMessage("What is the tallest tower?")]})
    assert [type(message).__name__ for message in result["messages"]] == [
        "HumanMessage",
        "AIMessage",
        "ToolMessage",
        "AIMessage",
    ]
    assert result["messages"][2].text == "results for tallest tower"
    assert result["messages"][-1].text == "Burj Khalifa"
    last = inner.calls[1].messages
    assert [message.type for message in last] == ["system", "human", "ai", "human"]
    assert not any(getattr(message, "tool_calls", None) for message in last)
    assert "The action search returned:\nresults for tallest tower" in last[-1].text
    assert "search(query: string): Search the web." in last[-1].text


def test_tool_call_comes_back_when_invoked_synchronously() -> None:
    model, inner = constrained(SEARCH)
    reply = model.bind_tools([search]).invoke("Which?")
    assert isinstance(reply, AIMessage)
    (call,) = reply.tool_calls
    assert (call["name"], call["args"]) == ("search", {"query": "tallest tower"})
    assert call["id"]
    assert reply.text == ""
    assert inner.calls[0].tools == []


async def test_call_ids_differ_when_the_same_action_is_chosen_twice() -> None:
    bound = constrained(SEARCH, SEARCH)[0].bind_tools([search])
    first, second = await bound.ainvoke("a"), await bound.ainvoke("b")
    assert first.tool_calls[0]["id"] != second.tool_calls[0]["id"]


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (None, ["search", "answer", "final_answer"]),
        ("auto", ["search", "answer", "final_answer"]),
        ("any", ["search", "answer"]),
        ("required", ["search", "answer"]),
        (True, ["search", "answer"]),
        ("search", ["search"]),
        ({"type": "function", "function": {"name": "search"}}, ["search"]),
    ],
)
async def test_only_allowed_actions_are_offered_when_tool_choice_is_given(choice: Any, offered: list[str]) -> None:
    model, inner = constrained(SEARCH)
    await model.bind_tools([search, answer], tool_choice=choice).ainvoke("Which?")
    assert actions_offered(inner) == offered


async def test_plain_text_is_asked_for_when_tool_choice_is_none() -> None:
    model, inner = constrained("Hello.")
    reply = await model.bind_tools([search], tool_choice="none").ainvoke("Hi")
    assert reply.text == "Hello."
    assert "response_format" not in inner.calls[0].kwargs


@pytest.mark.parametrize(
    "reply", ["", "I think so.", '{"action": "search", "argum', '{"action": "fly"}', '{"query": "tower"}']
)
async def test_invalid_reply_is_raised_when_reply_is_no_action(reply: str) -> None:
    model, _ = constrained(reply)
    with pytest.raises(InvalidReply) as caught:
        await model.bind_tools([search]).ainvoke("Which?")
    assert caught.value.raw == reply


async def test_invalid_reply_is_raised_when_server_cuts_the_action_off() -> None:
    async with ScriptedServer(lambda _: {"content": '{"action": "sea', "finish_reason": "length"}) as server:
        inner = ChatOpenAI(model="tiny", base_url=server.base_url, api_key="none", max_retries=0)
        with pytest.raises(InvalidReply, match="not a complete action"):
            await ConstrainedChatModel(inner=inner).bind_tools([search]).ainvoke("Which?")


@pytest.mark.parametrize("name", shapes.NO_COMPLETION)
async def test_the_server_is_unavailable_when_it_gives_no_completion(name: str) -> None:
    async with served(lambda request: shapes.NO_COMPLETION[name](request, "")) as url:
        inner = await asyncio.to_thread(lambda: ChatOpenAI(model="stub", base_url=url, api_key="none", max_retries=0))
        model = ConstrainedChatModel(inner=inner)
        for call in (model.ainvoke("hi"), model.bind_tools([search]).ainvoke("hi")):
            with pytest.raises(NoCompletion):
                await model_reply(call)


async def test_call_is_counted_once_when_server_reports_tokens() -> None:
    async with ScriptedServer(lambda _: ANSWER) as server:
        inner = ChatOpenAI(model="tiny", base_url=server.base_url, api_key="none", max_retries=0)
        with get_usage_metadata_callback() as counted:
            reply = await ConstrainedChatModel(inner=inner).bind_tools([search]).ainvoke("Which?")
    assert reply.text == "Burj Khalifa"
    assert [usage["total_tokens"] for usage in counted.usage_metadata.values()] == [10]
    assert server.requests[0]["response_format"]["json_schema"]["name"] == "action"


async def test_failed_tool_is_told_as_failed_when_history_holds_it() -> None:
    model, inner = constrained(ANSWER)
    calls = [{"name": "search", "args": {"query": "x"}, "id": "1", "type": "tool_call"}]
    history = [
        SystemMessage("Be brief."),
        HumanMessage("Which?"),
        AIMessage("", tool_calls=calls),
        ToolMessage("no network", tool_call_id="1", name="search", status="error"),
    ]
    await model.bind_tools([search]).ainvoke(history)
    shown = inner.calls[0].messages
    assert json.loads(shown[2].text) == {"action": "search", "arguments": {"query": "x"}}
    assert shown[3].text.startswith("The action search failed:\nno network")


async def test_every_string_and_list_is_bounded_when_output_is_structured() -> None:
    inner = ScriptedChatModel(['{"subtasks": [{"id": 1, "description": "look"}]}'])
    model = ConstrainedChatModel(inner=inner, max_text=50, max_items=3)
    reply = await StructuredCaller().ask(model, Plan, [HumanMessage("Plan it.")])
    assert reply.value.subtasks[0].description == "look"
    schema = inner.calls[0].kwargs["response_format"]["json_schema"]["schema"]
    subtasks = schema["properties"]["subtasks"]
    assert subtasks["maxItems"] == 3
    assert subtasks["items"]["properties"]["description"]["maxLength"] == 50
    assert subtasks["items"]["properties"]["id"] == {"type": "integer", "minimum": 1, "maximum": 9}
    assert subtasks["items"]["properties"]["kind"] == {"type": "string", "enum": ["look", "think"]}
    assert schema["properties"]["note"]["anyOf"][0]["maxLength"] == 50


async def test_raw_reply_and_error_are_given_when_structured_output_does_not_fit() -> None:
    model, _ = constrained('{"subtasks": 3}', '{"subtasks": 3}')
    got = await model.with_structured_output(Plan, include_raw=True).ainvoke("Plan it.")
    assert isinstance(got, dict)
    assert got["parsed"] is None
    assert got["raw"].text == '{"subtasks": 3}'
    assert "subtasks" in str(got["parsing_error"])
    with pytest.raises(ValueError, match="subtasks"):
        await model.with_structured_output(Plan).ainvoke("Plan it.")


async def test_dict_comes_back_when_schema_is_a_dict() -> None:
    model, _ = constrained('{"colour": "red"}')
    schema = {"title": "Pick", "type": "object", "properties": {"colour": {"type": "string"}}}
    assert await model.with_structured_output(schema).ainvoke("Pick.") == {"colour": "red"}


@pytest.mark.parametrize(
    ("schema", "bounded"),
    [
        ({"type": "string", "pattern": "^a+$", "format": "email"}, {"type": "string", "maxLength": 9}),
        ({"type": "string", "minLength": 20, "maxLength": 40}, {"type": "string", "minLength": 9, "maxLength": 9}),
        (
            {"type": "array"},
            {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 9}},
        ),
        ({}, {"type": "string", "maxLength": 9}),
        ({"type": ["integer", "null"]}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, {"anyOf": [{"const": 1}, {"const": 2}]}),
        ({"allOf": [{"$ref": "#/$defs/A"}], "default": 1}, {"$ref": "#/$defs/A"}),
        (
            {"properties": {"type": {"type": "string"}}},
            {
                "type": "object",
                "properties": {"type": {"type": "string", "maxLength": 9}},
                "additionalProperties": False,
            },
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 8},
        ),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string", "maxLength": 9}}},
        ),
    ],
)
def test_schema_is_bounded_when_it_has_this_form(schema: dict[str, Any], bounded: dict[str, Any]) -> None:
    assert bounded_schema(schema, max_text=9, max_items=2) == bounded
