"""The one reader of replies: thoughts, calls as text, finish reasons of all providers, pieces, errors of clients."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from memento.nodes.errors import (
    ContentFiltered,
    InvalidReply,
    ModelFailed,
    ModelRejected,
    ModelUnavailable,
    NoCompletion,
    as_model_error,
)
from memento.nodes.replies.call_model import model_reply
from memento.nodes.replies.endings import EndingsSeen, ending_of
from memento.nodes.replies.model_reply import read_reply
from memento.nodes.replies.pieces import joined
from memento.nodes.replies.sanitise import UNREADABLE
from memento.nodes.replies.text_calls import text_calls
from memento.nodes.replies.thoughts import without_thoughts

TOOLS = {"look_up", "add"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<think>a</think>42", "42"),
        ("a\n</think>\n42", "42"),
        ("<think>a", ""),
        ("42 <think>b", "42"),
        ("<THINK>a<think>b</think>42", "42"),
        ("<thinking>x</thinking>\n<b>y</b>", "<b>y</b>"),
        ("<think>`a</think>42", "42"),
        ("<seed:think>x</seed:think>y", "y"),
        ("◁think▷x◁/think▷y", "y"),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "42"),
        ("Write `<think>` before it.", "Write `<think>` before it."),
        ("```\n<think>\n```\nis the tag", "```\n<think>\n```\nis the tag"),
        (" 3 < 4 ", " 3 < 4 "),
    ],
)
def test_only_the_answer_is_kept_when_thoughts_stand_in_the_text(text: str, kept: str) -> None:
    assert without_thoughts(text) == kept


def test_thoughts_in_blocks_stay_for_the_provider_and_are_not_in_the_text() -> None:
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "<think>x</think>42"},
    ]
    reply = read_reply(AIMessage(blocks))
    assert reply.text == "42"
    assert [block["type"] for block in reply.message.content] == ["thinking", "reasoning", "text"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "before", "calls"),
    [
        ('<tool_call>{"name": "look_up", "arguments": {"q": 1}}</tool_call>', "", [("look_up", {"q": 1})]),
        (
            'Both:\n<tool_call>{"name": "look_up", "args": {}}</tool_call>\n<tool_call>{"name": "add"}</tool_call>',
            "Both:",
            [("look_up", {}), ("add", {})],
        ),
        ('<tool_call>{"name": "look_up", "arguments": {"q": "a"}}', "", [("look_up", {"q": "a"})]),
        ('<function=look_up>{"q": "a"}</function>', "", [("look_up", {"q": "a"})]),
        (
            "<tool_call>\n<function=look_up>\n<parameter=q>\na b\n</parameter>\n<parameter=n>3</parameter>\n"
            "</function>\n</tool_call>",
            "",
            [("look_up", {"q": "a b", "n": 3})],
        ),
        (
            "<tool_call>look_up\n<arg_key>q</arg_key>\n<arg_value>a</arg_value>\n</tool_call>",
            "",
            [("look_up", {"q": "a"})],
        ),
        (
            '<function_calls>\n<invoke name="look_up"><parameter name="q">a</parameter></invoke>\n</function_calls>',
            "",
            [("look_up", {"q": "a"})],
        ),
        ('[TOOL_CALLS] [{"name": "look_up", "arguments": {"q": "a"}}]', "", [("look_up", {"q": "a"})]),
        ('[TOOL_CALLS]look_up[ARGS]{"q": "a"}', "", [("look_up", {"q": "a"})]),
        ('<|python_tag|>{"name": "look_up", "parameters": {"q": "a"}}', "", [("look_up", {"q": "a"})]),
        ('```json\n{"name": "look_up", "arguments": {"q": "a"}}\n```', "", [("look_up", {"q": "a"})]),
        ('{"name": "look_up", "arguments": "{\\"q\\": \\"a\\"}"}', "", [("look_up", {"q": "a"})]),
        ('{"type": "function", "function": {"name": "look_up", "arguments": {}}}', "", [("look_up", {})]),
    ],
)
def test_a_call_written_as_text_is_a_call_when_it_names_an_offered_tool(
    text: str, before: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    found = text_calls(text, TOOLS)
    assert [(call["name"], call["args"]) for call in found.calls] == calls
    assert (found.text, found.problem) == (before, "")
    assert len({call["id"] for call in found.calls}) == len(calls)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Bern", "arguments": {}}',
        '{"name": "look_up"}',
        'The tag is `<tool_call>{"name": "look_up"}</tool_call>`.',
        'Quoted:\n```\n<tool_call>{"name": "look_up", "arguments": {}}</tool_call>\n```\nThat is what the page says.',
        "[1, 2]",
        "plain",
    ],
)
def test_a_text_stays_an_answer_when_it_is_no_call(text: str) -> None:
    assert text_calls(text, TOOLS) == (text, [], "", "")


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "look_up", "arguments": ["a"]}</tool_call>',
        '<tool_call>{"name": "look_up", "argum',
        '<function=look_up>{"q": "cut o',
        "<function=look_up><parameter=q>cut o",
        'The page says: <tool_call>{"name": "look_up", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "look_up", "arguments": {}}</tool_call>\nis what the page says.',
    ],
)
def test_nothing_is_carried_out_when_it_is_not_sure_that_it_is_a_call(text: str) -> None:
    found = text_calls(text, TOOLS)
    assert (found.text, found.calls) == (text, [])
    assert "not carried out" in found.problem
    assert text_calls(text, []).problem == "", "without tools, nothing is a call"


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ({"finish_reason": "stop"}, ""),
        ({"finish_reason": "tool_calls"}, ""),
        ({"stop_reason": "end_turn"}, ""),
        ({"finish_reason": "length"}, "length"),
        ({"finish_reason": "lengthlength"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"finish_reason": "FinishReason.MAX_TOKENS"}, "length"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"stop_reason": "model_context_window_exceeded"}, "length"),
        ({"stop_reason": "pause_turn"}, "length"),
        ({"done_reason": "length", "done": True}, "length"),
        ({"stopReason": "guardrail_intervened"}, "filter"),
        ({"finish_reason": "content_filter"}, "filter"),
        ({"finish_reason": "SAFETY"}, "filter"),
        ({"finish_reason": "RECITATION"}, "filter"),
        ({"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}}, "filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "filter"),
        ({"status": "completed"}, ""),
        ({"finish_reason": "abort"}, "interrupted"),
        ({"stop_reason": "refusal"}, "refusal"),
        ({"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "no"}}, "refusal"),
        ({"finish_reason": "MALFORMED_FUNCTION_CALL"}, "bad_call"),
        ({"model_provider": "openai"}, "unended"),
        ({"model_provider": "openai", "finish_reason": None}, ""),
        ({}, ""),
    ],
)
def test_an_ending_is_known_whichever_provider_names_it(said: dict[str, Any], ending: str) -> None:
    assert ending_of(AIMessage("half a", response_metadata=said)) == ending


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", additional_kwargs={"refusal": "I will not."}),
        AIMessage([{"type": "refusal", "refusal": "I will not."}]),
        AIMessage([{"type": "non_standard", "value": {"type": "refusal", "refusal": "I will not."}}]),
        AIMessage("I will not.", response_metadata={"stop_reason": "refusal"}),
    ],
)
def test_the_words_of_a_refusal_are_kept_wherever_they_stand(message: AIMessage) -> None:
    reply = read_reply(message, TOOLS)
    assert (reply.ending, reply.text) == ("refusal", "I will not.")


def test_the_last_call_fails_when_the_reply_was_cut_off_in_it() -> None:
    calls: Any = [{"name": name, "args": {"a": 1}, "id": name, "type": "tool_call"} for name in ("add", "look_up")]
    reply = read_reply(AIMessage("", tool_calls=calls, response_metadata={"finish_reason": "length"}), TOOLS)
    whole, cut = reply.message.tool_calls
    assert whole == calls[0]
    assert (cut["name"], cut["args"], (cut["id"] or "").startswith(UNREADABLE)) == ("look_up", {}, True)


def test_a_stream_without_a_reason_is_whole_when_its_server_never_gives_one() -> None:
    never = EndingsSeen()
    assert [never.is_broken_off("unended") for _ in range(4)] == [True, True, False, False]
    gives = EndingsSeen()
    assert not gives.is_broken_off("")
    assert [gives.is_broken_off("unended") for _ in range(4)] == [True] * 4


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("The capital is Be", "rn.", "The capital is Bern."),
        ("The capital is", " Bern.", "The capital is Bern."),
        ("It is Bern.", "It lies on the Aare.", "It is Bern. It lies on the Aare."),
        ("The capital of Switzerland", "of Switzerland is Bern.", "The capital of Switzerland is Bern."),
        ("The capital", "The capital is Bern, I think.", "The capital is Bern, I think."),
        ("", "Bern.", "Bern."),
        ("1. a\n2. b", "\n3. c", "1. a\n2. b3. c"),
    ],
)
def test_pieces_are_one_text_when_a_reply_went_on(first: str, second: str, whole: str) -> None:
    assert joined(first, second) == whole


def raised_in(module: str, statement: str, **names: Any) -> Exception:
    """The exception of a statement that runs in a module of this name."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        exec(statement, {"__name__": module, **names})  # noqa: S102
    return caught.value


@pytest.mark.parametrize(
    "statement",
    ["empty['choices']", "[][0]", "{}['choices']", "None.get('a')", "json.loads('{')", "assert None is not None"],
)
def test_who_raised_an_accidental_error_says_whose_it_is(statement: str) -> None:
    assert isinstance(
        as_model_error(raised_in("langchain_openai.base", statement, json=json, empty=None)), NoCompletion
    )
    assert isinstance(as_model_error(raised_in("openai._parsing", statement, json=json, empty=None)), NoCompletion)
    assert as_model_error(raised_in("my_company.models", statement, json=json, empty=None)) is None


def test_nothing_was_answered_when_the_request_was_still_being_made() -> None:
    statement = "def _get_request_payload():\n    return [][0]\n_get_request_payload()"
    assert as_model_error(raised_in("langchain_openai.base", statement)) is None


AZURE = {"innererror": {"code": "ResponsibleAIPolicyViolation"}}


class Refused(Exception):
    """What an SDK raises."""

    def __init__(self, message: str = "no", **fields: Any) -> None:
        super().__init__(message)
        self.__dict__ |= fields


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError({"code": 502, "message": "up"}), NoCompletion),
        (ValueError({"code": "503"}), NoCompletion),
        (ValueError({"type": "overloaded_error", "message": "up"}), NoCompletion),
        (ValueError({"code": 401, "message": "key"}), ModelRejected),
        (Refused(body={"code": 502, "message": "up"}), NoCompletion),
        (Refused(status_code=400, body={"code": "content_filter"}), ContentFiltered),
        (
            Refused(status_code=400, body={"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
            ContentFiltered,
        ),
        (Refused("Error code: 400 - the content management policy", status_code=400), ContentFiltered),
        (Refused("content filter is down", status_code=500), ModelUnavailable),
        (Refused(code=429), ModelUnavailable),
        (Refused(response={"ResponseMetadata": {"HTTPStatusCode": 503}}), ModelUnavailable),
        (Refused(status_code=402), ModelRejected),
    ],
)
def test_a_provider_s_failure_has_its_class_whichever_library_raises_it(
    error: Exception, expected: type[Exception]
) -> None:
    assert type(as_model_error(error)) is expected


@pytest.mark.parametrize("given", [None, "text", 3, {"raw": "text"}])
async def test_model_failed_when_its_class_gives_no_message(given: Any) -> None:
    async def call() -> Any:
        return given

    with pytest.raises(ModelFailed):
        await model_reply(call())


async def test_a_reply_that_a_class_refuses_itself_stays_what_it_is() -> None:
    async def call() -> Any:
        raise InvalidReply("it is no action")

    with pytest.raises(InvalidReply):
        await model_reply(call())


@given(st.text(alphabet='<>/think`[]TOL_CAS{}": \n', max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    reply = read_reply(AIMessage(text), TOOLS)
    assert isinstance(reply.text, str)


HOSTILE = ("<think>", "`", "<tool_call>", "```", "<function=a>", "{", "<parameter=a>", "[TOOL_CALLS]", "</think>`")


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_text_is_read_in_no_time(part: str) -> None:
    start = time.process_time()
    read_reply(AIMessage(part * (200_000 // len(part))), TOOLS)
    print(f"{part}: {time.process_time() - start:.2f} s")  # noqa: T201  not asserted: the machine may be busy
