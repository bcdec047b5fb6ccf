"""Parses tool calls that a model writes as text, for servers that do not parse them.

    <tool_call>{"name": ..., "arguments": {...}}</tool_call>      Hermes, Qwen; also <function_call>, <|tool_call|>
    <tool_call>name<arg_key>k</arg_key><arg_value>v</arg_value></tool_call>
    <function=name>{...}</function>                                Llama; inside, also <parameter=k>v</parameter>
    <invoke name="..."><parameter name="k">v</parameter></invoke>
    [TOOL_CALLS] [{"name": ..., "arguments": {...}}]               Mistral; also name[ARGS]{...}
    <|python_tag|>{"name": ..., "parameters": {...}}               Llama
    {"name": ..., "arguments": {...}}                              as the whole reply, in a fence or bare

A call is carried out only where it stands on a line of its own, ends the reply and names a tool that was offered: a
page that is quoted in an answer may hold such a text as well. (An agent also looks whether it was shown the text.)
"""

import json
import re
import uuid
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from langchain_core.messages.tool import ToolCall

from memento.nodes.replies.json_objects import json_objects

NOT_A_CALL: Final = (
    "A tool call written as text is not carried out. Call the tool itself, with one JSON object as its arguments, or "
    "give the result without it."
)

_TAGGED: Final = re.compile(
    r"<\|?(?P<tag>tool_calls?|function_calls?|tools?|tool_use)\|?>(?P<in>.*?)(?:<\|?/(?P=tag)\|?>|</(?P=tag)>|\Z)"
    r"|<function=(?P<function>[\w.-]+)>(?P<arguments>.*?)(?:</function>|\Z)"
    r"|<invoke\s+name=\"(?P<invoke>[\w.-]+)\"\s*>(?P<parameters>.*?)(?:</invoke>|\Z)"
    r"|\[TOOL_CALLS\](?P<mistral>.*)\Z"
    r"|<\|python_tag\|>(?P<python>.*?)(?:<\|eo[tm]_id\|>|\Z)",
    re.DOTALL,
)
_MARK: Final = re.compile(
    r"<\|?(?:tool_calls?|function_calls?|tool_use)\|?>|<function=[\w.-]+>|<invoke\s+name=|\[TOOL_CALLS\]|<\|python_tag\|>"
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_FENCED: Final = re.compile(r"\s*```(?:json|tool_call|tool_code|xml)?\s*\n(?P<in>.*?)```\s*", re.DOTALL)
_PARAMETER: Final = re.compile(
    r"<parameter(?:=(?P<key>[\w.-]+)|\s+name=\"(?P<name>[\w.-]+)\")[^>]*>(?P<value>.*?)</parameter>", re.DOTALL
)
_PAIR: Final = re.compile(r"<arg_key>(?P<key>.*?)</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>", re.DOTALL)
_NAMED: Final = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?:\[CALL_ID\]\S*?)?(?:\[ARGS\])?(?P<rest>.*)", re.DOTALL)
_WRAPPER: Final = re.compile(r"\s*</?(?:function_calls|tool_calls)>\s*")
_ARGUMENTS: Final = ("arguments", "parameters", "args", "input")
_NO_ARGUMENTS: Final = object()
_MAX_DEPTH: Final = 3


class TextCalls(NamedTuple):
    """The calls found in a text."""

    text: str
    """Before the calls; the whole text when there are none."""
    calls: list[ToolCall]
    problem: str = ""
    """What to tell a model whose call cannot be carried out."""
    written: str = ""
    """The part of the text that is calls."""


def text_calls(text: str, tools: Collection[str]) -> TextCalls:
    """Find the calls in a text.

    Args:
        text: without thoughts.
        tools: names of the tools that were offered; without any, no text is a call.
    """
    if not tools:
        return TextCalls(text, [])
    whole = fenced["in"] if (fenced := _FENCED.fullmatch(text)) else text
    if whole.lstrip()[:1] in ("{", "[") and (calls := _bare(whole, tools)):
        return TextCalls("", calls, written=text)
    outside = text if fenced else _CODE.sub(lambda code: " " * len(code[0]), text)
    start = _MARK.search(whole if fenced else outside)
    if start is None:
        return TextCalls(text, [])
    before, marked = whole[: start.start()], whole[start.start() :]
    is_own_line = not before.rstrip(" \t") or before.rstrip(" \t").endswith("\n")
    found = list(_marked(marked)) if is_own_line else []
    if not found or any(call is None or call[0] not in tools for call in found):
        return TextCalls(text, [], NOT_A_CALL)
    calls = [_made(name, arguments) for name, arguments in filter(None, found)]
    return TextCalls(before.strip(), calls, written=marked)


def _marked(text: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Any]] | None]:
    """Parse calls by name and arguments; None for what is not a call."""
    text = _WRAPPER.sub("", text) if "<invoke" in text else text
    position = 0
    while text[position:].strip():
        match = _TAGGED.match(text, position + len(text[position:]) - len(text[position:].lstrip()))
        if match is None or match.end() == position:
            yield None
            return
        position = match.end()
        if name := match["function"] or match["invoke"]:
            arguments = _written(match["arguments"] if match["function"] else match["parameters"])
            yield None if arguments is None else (name, arguments)
        elif match["tag"] is not None:
            yield from _inside(match["in"], depth + 1)
        else:
            yield from _inside(match["mistral"] if match["mistral"] is not None else match["python"], depth + 1)


def _inside(text: str, depth: int) -> Iterator[tuple[str, dict[str, Any]] | None]:
    text = text.strip()
    if text.startswith(("{", "[")):
        calls = _parsed(text)
        yield from ([_call_of(call) for call in calls] if calls else [None])
    elif text.startswith("<") and depth < _MAX_DEPTH:
        yield from _marked(text, depth)
    elif (named := _NAMED.fullmatch(text)) and (pairs := _PAIR.findall(named["rest"])):
        yield named["name"], {key.strip(): _value(value) for key, value in pairs}
    elif named and named["rest"].strip().startswith("{"):
        arguments = _parsed(named["rest"].strip())
        yield (named["name"], arguments[0]) if len(arguments) == 1 else None
    else:
        yield None


def _bare(text: str, tools: Collection[str]) -> list[ToolCall]:
    """Parse a reply of bare JSON: calls when every object names an offered tool and has arguments."""
    calls = [_call_of(one, needs_arguments=True) for one in _parsed(text.strip())]
    if not calls or any(call is None or call[0] not in tools for call in calls):
        return []
    return [_made(name, arguments) for name, arguments in filter(None, calls)]


def _parsed(text: str) -> list[dict[str, Any]]:
    """Parse one object, a list, or a sequence of objects; empty for anything else."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        objects = list(json_objects(text))
        shown = re.sub(r"[\s;,]", "", text)
        written = "".join(re.sub(r"[\s;,]", "", json.dumps(one, ensure_ascii=False)) for one in objects)
        return objects if objects and len(shown) <= len(written) else []
    values = value if isinstance(value, list) else [value]
    return values if all(isinstance(one, dict) for one in values) else []


def _call_of(written: dict[str, Any], *, needs_arguments: bool = False) -> tuple[str, dict[str, Any]] | None:
    if isinstance(written.get("function"), dict):
        written = written["function"]
    name = written.get("name") or written.get("function")
    given = next((written[key] for key in _ARGUMENTS if key in written), _NO_ARGUMENTS)
    if given is _NO_ARGUMENTS and needs_arguments:
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given, strict=False)
        except (ValueError, RecursionError):
            return None
    arguments = {} if given is _NO_ARGUMENTS or given is None else given
    return (name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None


def _written(text: str) -> dict[str, Any] | None:
    """Parse arguments between function tags: a tag per parameter, or one JSON object; None when truncated."""
    if "<parameter" in text:
        parameters = list(_PARAMETER.finditer(text))
        if len(parameters) < text.count("<parameter"):
            return None
        return {one["key"] or one["name"]: _value(one["value"]) for one in parameters}
    if not text.strip():
        return {}
    objects = _parsed(text.strip())
    return objects[0] if len(objects) == 1 else None


def _value(text: str) -> Any:
    """Parse a parameter's value: JSON for numbers, lists and objects; otherwise the text."""
    plain = text.strip("\n")
    try:
        value = json.loads(plain)
    except (ValueError, RecursionError):
        return plain
    return plain if isinstance(value, str) else value


def _made(name: str, arguments: dict[str, Any]) -> ToolCall:
    return {"name": name, "args": arguments, "id": f"call-{uuid.uuid4().hex[:16]}", "type": "tool_call"}
