"""Whatever a model writes can be sent back to every provider, kept by every checkpointer, and called."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from memento.nodes.replies.sanitise import MAX_CALLS, UNREADABLE, sanitised, without_calls


def reply_of(*calls: dict[str, Any], text: str = "", **fields: Any) -> AIMessage:
    whole: Any = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    return AIMessage(text, tool_calls=[whole | call for call in calls], **fields)


def calls_of(reply: AIMessage, taken: Any = ()) -> list[Any]:
    settled = sanitised(reply, set(taken))
    assert isinstance(settled, AIMessage)
    return settled.tool_calls


def test_reply_is_the_same_object_when_nothing_is_wrong_with_it() -> None:
    reply = reply_of({"args": {"a": [1, "é", None]}, "id": "functions.look:0"}, text="I look.", id="m")
    assert sanitised(reply, {"other"}) is reply


@pytest.mark.parametrize("name", ["", "💥", "a b", "a" * 65, "../x", "look\n"])
def test_name_is_one_that_providers_take_when_it_was_none(name: str) -> None:
    (call,) = calls_of(reply_of({"name": name}))
    assert call["name"].isascii()
    assert 0 < len(call["name"]) <= 64
    assert set(call["name"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def test_every_call_has_an_id_of_its_own_when_they_had_none_or_the_same() -> None:
    calls = calls_of(reply_of({"id": None}, {"id": ""}, {"id": "a"}, {"id": "a"}, {"id": "before"}), {"before"})
    ids = [call["id"] for call in calls]
    assert ids[2] == "a"
    assert len(set(ids)) == 5
    assert all(ids)
    assert "before" not in ids


@pytest.mark.parametrize("args", [{"a": float("nan")}, {"a": "half \ud800"}, {"\udfff": 1}, {"a": object()}])
def test_call_becomes_one_that_fails_when_its_arguments_are_no_json(args: dict[str, Any]) -> None:
    (call,) = calls_of(reply_of({"args": args}))
    assert call["args"] == {}
    assert call["id"].startswith(UNREADABLE)


def test_call_becomes_one_that_fails_when_its_arguments_are_too_deep() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"d": [deep]}
    assert calls_of(reply_of({"args": deep}))[0]["args"] == {}


def test_calls_that_could_not_be_read_stand_beside_the_others() -> None:
    broken = {"name": None, "args": "{", "id": None, "error": "?", "type": "invalid_tool_call"}
    calls = calls_of(reply_of({"args": {"a": 1}}, invalid_tool_calls=[broken]))
    assert [(call["name"], call["id"].startswith(UNREADABLE)) for call in calls] == [("look", False), ("unnamed", True)]


def test_a_flood_of_calls_is_cut_when_there_are_too_many() -> None:
    assert len(calls_of(reply_of(*({"id": str(n)} for n in range(500))))) == MAX_CALLS


def test_content_of_a_provider_goes_when_its_calls_are_changed() -> None:
    blocks = [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "", "name": "look", "input": {}}]
    reply = AIMessage(blocks, tool_calls=[{"name": "look", "args": {}, "id": "", "type": "tool_call"}])  # type: ignore[arg-type]
    assert sanitised(reply, set()).content == "I look."


def test_id_of_a_message_is_given_up_when_it_was_there_before() -> None:
    assert sanitised(AIMessage("42", id="same"), {"same"}).id is None


def test_tokens_and_text_stay_when_calls_go() -> None:
    usage: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    bare = without_calls(reply_of({}, text=" 42 \ud800", usage_metadata=usage))
    assert isinstance(bare, AIMessage)
    assert (bare.text, bare.tool_calls, bare.usage_metadata) == ("42 ?", [], usage)


LEAVES = st.one_of(st.none(), st.integers(), st.floats(), st.text())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.text(), st.text(), st.one_of(st.none(), st.text()), VALUES)
def test_reply_can_be_written_down_when_it_is_anything(text: str, name: str, call_id: str | None, value: Any) -> None:
    settled = sanitised(reply_of({"name": name, "id": call_id, "args": {"x": value}}, text=text), set())
    assert isinstance(settled, AIMessage)
    json.dumps([settled.text, settled.tool_calls], ensure_ascii=False, allow_nan=False).encode()
