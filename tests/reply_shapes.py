"""Shapes that replies of providers come in, each made of the reply that would have been right."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.provider_server import Wire, body, completion

Shape = Callable[[dict[str, Any], str], Wire]
"""From a request and the right text to what a server sends instead."""

_HEAD: Final = {"id": "x", "object": "chat.completion", "created": 0, "model": "stub"}
_FILTERED: Final = {
    "error": {
        "code": "content_filter",
        "message": "The response was filtered due to the prompt triggering the content management policy.",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}


def said(text: Callable[[str], str], finish_reason: str | None = "stop") -> Shape:
    """The right text, changed."""
    return lambda request, right: completion(request, content=text(right), finish_reason=finish_reason)


def half(text: str) -> str:
    """Its first half."""
    return text[: len(text) // 2]


def sent(content: Any, status: int = 200) -> Shape:
    """A JSON body, whatever was asked for."""
    return lambda _request, _right: body(content, status)


def calling(arguments: str, finish_reason: str = "tool_calls") -> Shape:
    """A tool call with these arguments, byte for byte."""
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": arguments}}
    return lambda request, _right: completion(request, tool_calls=[call], finish_reason=finish_reason)


NO_COMPLETION: Final[Mapping[str, Shape]] = {
    "error 502 in a 200": sent({"error": {"code": 502, "message": "bad gateway"}}),
    "error 429 in a 200": sent({"error": {"code": "429", "message": "slow down"}}),
    "error by name in a 200": sent({"error": {"type": "overloaded_error", "message": "overloaded"}}),
    "error as a text": sent({"error": "upstream is gone"}),
    "choices empty": sent({**_HEAD, "choices": []}),
    "choices null": sent({**_HEAD, "choices": None}),
    "choices missing": sent({"id": "x"}),
    "message null": sent({**_HEAD, "choices": [{"index": 0, "message": None, "finish_reason": "stop"}]}),
    "a list": sent([1, 2]),
    "HTML": lambda _request, _right: Wire(b"<html>please log in</html>", content_type="text/html"),
    "half a body": lambda _request, _right: Wire(b'{"id": "x", "choi'),
    "nothing": lambda _request, _right: Wire(b""),
}
AWAY: Final[Mapping[str, Shape]] = {
    "503": sent({"error": {"message": "loading"}}, 503),
    "429": sent({"error": {"message": "slow down"}}, 429),
}
REFUSED: Final[Mapping[str, Shape]] = {
    "401": sent({"error": {"message": "no such key"}}, 401),
    "error 401 in a 200": sent({"error": {"code": 401, "message": "no such key"}}),
    "no quota": sent({"error": {"message": "no money", "code": "insufficient_quota"}}, 429),
}
FILTERED: Final[Mapping[str, Shape]] = {
    "filtered by Azure": sent(_FILTERED, 400),
    "filtered by Anthropic": sent(
        {"type": "error", "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering"}},
        400,
    ),
    "filtered by OpenAI": sent({"error": {"code": "content_policy_violation", "message": "not allowed"}}, 400),
    "filtered in a 200": sent({"error": {"code": "data_inspection_failed", "message": "not allowed"}}),
}
UNFINISHED: Final[Mapping[str, Shape]] = {
    "length": said(half, "length"),
    "MAX_TOKENS": said(half, "MAX_TOKENS"),
    "model_context_window_exceeded": said(half, "model_context_window_exceeded"),
    "content_filter": said(half, "content_filter"),
    "SAFETY": said(half, "SAFETY"),
    "RECITATION": said(half, "RECITATION"),
    "error": said(half, "error"),
}
THOUGHTS: Final[Mapping[str, Shape]] = {
    "<think> before": said(lambda right: f'<think>Or {{"no": 1}}?</think>\n\n{right}'),
    "only </think>": said(lambda right: f"Let me see.\n</think>\n{right}"),
    "<thinking>": said(lambda right: f"<thinking>hm</thinking>{right}"),
    "<reasoning>": said(lambda right: f"<reasoning>hm</reasoning>{right}"),
    "[THINK]": said(lambda right: f"[THINK]hm[/THINK]{right}"),
}
UNCLOSED: Final[Mapping[str, Shape]] = {
    "unclosed <think>": said(lambda right: f"<think>It could be {right}"),
    "unclosed <think>, length": said(lambda right: f"<think>It could be {right}", "length"),
}
REFUSAL: Final[Mapping[str, Shape]] = {
    "refusal": lambda request, _right: completion(request, refusal="I will not do that."),
}
BAD_ARGUMENTS: Final[Mapping[str, Shape]] = {
    "arguments a list": calling('["x"]'),
    "arguments a text": calling('"Bern"'),
    "arguments not a number": calling("NaN"),
    "arguments a number": calling("7"),
    "arguments half": calling('{"word": "Be', "length"),
    "arguments no JSON": calling("word=Bern"),
}
TEXT_CALLS: Final[Mapping[str, Shape]] = {
    "<tool_call>": said(lambda _: '<tool_call>{"name": "look_up", "arguments": {"word": "Bern"}}</tool_call>'),
    "<function=>": said(lambda _: '<function=look_up>{"word": "Bern"}</function>'),
    "[TOOL_CALLS]": said(lambda _: '[TOOL_CALLS] [{"name": "look_up", "arguments": {"word": "Bern"}}]'),
    "a fence": said(lambda _: '```json\n{"name": "look_up", "arguments": {"word": "Bern"}}\n```'),
    "parameters": said(
        lambda _: "Look.\n<tool_call>\n<function=look_up>\n<parameter=word>Bern</parameter>\n</function></tool_call>"
    ),
}
NOT_CALLS: Final[Mapping[str, Shape]] = {
    "<tool_call> of no such tool": said(lambda _: '<tool_call>{"name": "fly", "arguments": {}}</tool_call>'),
    "<tool_call> cut off": said(lambda _: '<tool_call>{"name": "look_up", "argum'),
    "<tool_call> in prose": said(
        lambda _: 'It says <tool_call>{"name": "look_up", "arguments": {}}</tool_call> there.'
    ),
}


def broken_stream(request: dict[str, Any], right: str) -> Wire:
    """Half of the text, and the connection's end."""
    return completion(request, content=half(right), finish_reason=None)


def stream_error(request: dict[str, Any], _right: str) -> Wire:
    """An error in the middle of a stream."""
    event = b"data: " + json.dumps({"error": {"code": 502, "message": "upstream is gone"}}).encode() + b"\n\n"
    return Wire(event, content_type="text/event-stream") if request.get("stream") else body({"error": {"code": 502}})
