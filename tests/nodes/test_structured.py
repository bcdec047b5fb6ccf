"""`StructuredCaller` against a scripted model (plain text) and a loopback server (the real OpenAI client)."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from memento.nodes.errors import InvalidReply, ModelFailed, ModelRejected, ModelUnavailable
from memento.nodes.replies.json_objects import json_objects
from memento.nodes.structured import StructuredCaller
from tests.scripted import Refusal, ScriptedChatModel, ScriptedServer

GOOD = '{"steps": ["look", "answer"]}'
TASK = [SystemMessage("You plan."), HumanMessage("What is the tallest tower?")]


class Plan(BaseModel):
    """A plan."""

    steps: list[str]
    note: str = ""


class Other(BaseModel):
    """Another schema."""

    steps: list[str]


def openai_at(server: ScriptedServer) -> ChatOpenAI:
    return ChatOpenAI(model="stub", base_url=server.base_url, api_key="none", max_retries=0)


def tool_call(arguments: str) -> dict[str, Any]:
    function = {"name": "Plan", "arguments": arguments}
    return {"tool_calls": [{"id": "call_1", "type": "function", "function": function}]}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure, {{here}} it is:\n{GOOD}\nAnything else?",
        f'<think>maybe {{"steps": []}}?</think>{GOOD}',
        f'{{"unrelated": 1}} {GOOD}',
        f'{{"name": "Plan", "arguments": {GOOD}}}',
        '{"steps": ["look", "answer"],\n"note": "two\nlines"}',
    ],
)
async def test_object_is_found_when_text_surrounds_it(text: str) -> None:
    reply = await StructuredCaller().ask(ScriptedChatModel([text]), Plan, TASK)
    assert reply.value.steps == ["look", "answer"]
    assert reply.attempts == 1


async def test_schema_goes_to_last_user_turn_when_asked_in_plain_text() -> None:
    model = ScriptedChatModel([GOOD])
    await StructuredCaller().ask(model, Plan, TASK)
    system, user = model.calls[0].messages
    assert system == TASK[0]
    assert user.text.startswith("What is the tallest tower?")
    assert '"steps"' in user.text


async def test_error_is_shown_when_first_reply_does_not_fit() -> None:
    model = ScriptedChatModel(['{"steps": 3}', GOOD])
    reply = await StructuredCaller().ask(model, Plan, TASK)
    assert (reply.value.steps, reply.attempts) == (["look", "answer"], 2)
    *_, said, complaint = model.calls[1].messages
    assert isinstance(said, AIMessage)
    assert said.text == '{"steps": 3}'
    assert "steps: Input should be a valid list" in complaint.text


@pytest.mark.parametrize(
    "text", ["", "I would look it up.", '{"steps": ["lo', '{"steps": [{"steps": []}', '{"note": "x"}']
)
async def test_invalid_reply_is_raised_when_second_reply_does_not_fit_either(text: str) -> None:
    with pytest.raises(InvalidReply) as caught:
        await StructuredCaller().ask(ScriptedChatModel([text, text]), Plan, TASK)
    assert caught.value.raw == text


async def test_raw_reply_is_cut_when_it_is_long() -> None:
    with pytest.raises(InvalidReply) as caught:
        await StructuredCaller().ask(ScriptedChatModel(["x" * 9000] * 2), Plan, TASK)
    assert len(caught.value.raw) == 500


async def test_tokens_of_both_attempts_are_counted_when_asked_twice() -> None:
    counted = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    model = ScriptedChatModel([AIMessage("no", usage_metadata=counted), AIMessage(GOOD, usage_metadata=counted)])
    reply = await StructuredCaller().ask(model, Plan, TASK)
    assert reply.usage is not None
    assert reply.usage["total_tokens"] == 14
    assert reply.raw.usage_metadata == counted


async def test_schema_is_enforced_when_server_knows_json_schema() -> None:
    async with ScriptedServer(lambda _: GOOD) as server:
        reply = await StructuredCaller().ask(openai_at(server), Plan, TASK)
    assert reply.value.steps == ["look", "answer"]
    assert reply.usage is not None
    assert server.requests[0]["response_format"]["type"] == "json_schema"


async def test_object_is_found_when_server_ignores_json_schema() -> None:
    async with ScriptedServer(lambda _: f"Sure!\n```json\n{GOOD}\n```") as server:
        reply = await StructuredCaller().ask(openai_at(server), Plan, TASK)
    assert (reply.value.steps, reply.attempts) == (["look", "answer"], 1)


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_tool_call_is_asked_for_and_remembered_when_server_rejects_json_schema(status: int) -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any] | Refusal:
        return Refusal(status, "unknown field") if "response_format" in request else tool_call(GOOD)

    async with ScriptedServer(answer) as server:
        caller, model = StructuredCaller(), openai_at(server)
        for _ in range(2):
            reply = await caller.ask(model, Plan, TASK)
            assert reply.value.steps == ["look", "answer"]
        assert ["tools" in request for request in server.requests] == [False, True, True]
        await caller.ask(model, Other, TASK)  # what one schema taught is not held against the next
        assert "response_format" in server.requests[3]


async def test_plain_text_is_used_and_remembered_when_server_rejects_tools_too() -> None:
    def answer(request: dict[str, Any]) -> str | Refusal:
        return Refusal(400, "no such field") if "response_format" in request or "tools" in request else GOOD

    async with ScriptedServer(answer) as server:
        caller, model = StructuredCaller(), openai_at(server)
        for _ in range(2):
            assert (await caller.ask(model, Plan, TASK)).value.steps == ["look", "answer"]
    assert len(server.requests) == 4


async def test_what_was_learned_is_forgotten_when_model_is_gone() -> None:
    caller, model = StructuredCaller(), ScriptedChatModel([GOOD])
    await caller.ask(model, Plan, TASK)
    assert caller._methods
    del model
    gc.collect()
    assert not caller._methods


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"content": '{"steps": ["lo', "finish_reason": "length"}, "cut off"),
        ({"content": "", "finish_reason": "content_filter"}, "content filter"),
        ({"refusal": "I will not."}, "refused: I will not."),
        ({"content": ""}, "empty"),
        ({"content": '{"steps": "look"}'}, "steps: Input should be a valid list"),
    ],
)
async def test_one_more_chance_is_given_when_server_sends_no_usable_reply(fields: dict[str, Any], reason: str) -> None:
    async with ScriptedServer(lambda _: fields) as server:
        with pytest.raises(InvalidReply, match=reason):
            await StructuredCaller().ask(openai_at(server), Plan, TASK)
    assert len(server.requests) == 2
    assert reason in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(401, "wrong key sk-abcdefgh1234"), ModelRejected),
        (Refusal(403, "not yours"), ModelRejected),
        (Refusal(400, "too long", "context_length_exceeded"), ModelRejected),
        (Refusal(429, "slow down"), ModelUnavailable),
        (Refusal(429, "no money", "insufficient_quota"), ModelRejected),
        (Refusal(503, "loading"), ModelUnavailable),
    ],
)
async def test_named_error_is_raised_at_once_when_provider_fails(refusal: Refusal, error: type[Exception]) -> None:
    async with ScriptedServer(lambda _: refusal) as server:
        with pytest.raises(error) as caught:
            await StructuredCaller().ask(openai_at(server), Plan, TASK)
    assert len(server.requests) == 1
    assert "abcdefgh" not in str(caught.value)


async def test_model_is_unavailable_when_nothing_listens() -> None:
    async with ScriptedServer(lambda _: GOOD) as server:
        model = openai_at(server)
    with pytest.raises(ModelUnavailable):
        await StructuredCaller().ask(model, Plan, TASK)


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), KeyError("ours")])
async def test_model_failed_when_its_class_has_a_bug(error: Exception) -> None:
    with pytest.raises(ModelFailed, match=f"{type(error).__name__}: .?ours") as caught:
        await StructuredCaller().ask(ScriptedChatModel([error]), Plan, TASK)
    assert caught.value.__cause__ is error


class Unbindable(ScriptedChatModel):
    """A model whose class fails before it asks."""

    def with_structured_output(self, *args: Any, **kwargs: Any) -> Any:
        raise KeyError("a bug")


async def test_model_failed_when_its_class_cannot_even_be_asked() -> None:
    with pytest.raises(ModelFailed, match="a bug"):
        await StructuredCaller().ask(Unbindable([GOOD]), Plan, TASK)


@pytest.mark.parametrize(
    ("make_error", "expected"),
    [
        (lambda: TimeoutError("slow"), ModelUnavailable),
        (lambda: ConnectionResetError("gone"), ModelUnavailable),
    ],
)
async def test_named_error_is_raised_when_connection_breaks(
    make_error: Callable[[], Exception], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        await StructuredCaller().ask(ScriptedChatModel([make_error()]), Plan, TASK)


async def test_script_says_so_when_it_is_exhausted() -> None:
    with pytest.raises(ModelFailed, match="holds 1 replies, but this is call number 2"):
        await StructuredCaller().ask(ScriptedChatModel(["no"]), Plan, TASK)


def test_inner_object_is_not_taken_when_outer_is_cut_off() -> None:
    assert list(json_objects('{"steps": [{"a": 1}, {"b": ')) == []
    assert list(json_objects("{" * 500)) == []
