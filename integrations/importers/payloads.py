"""Finds the task and the answer in what a tracing product stored as a run's input and output, whatever its shape."""

import json
from collections.abc import Mapping
from typing import Any, Final

from memento.integrations.importers.conversations import ChatTurn, shown, text_of, turns

_TASKS: Final = ("question", "task", "input", "query", "prompt", "user_input", "text", "content", "message")
_ANSWERS: Final = ("answer", "output", "result", "response", "text", "content", "message", "completion")
_MAX_DEPTH: Final = 4


def payload_turn(given: Any, returned: Any) -> ChatTurn:
    """The attempt of a run: its task, and the answer with the tool calls that messages tell of.

    Args:
        given: the run's input: a text, JSON as a text, messages, or an object with one of the usual names.
        returned: its output, alike.
    """
    given, returned = _decoded(given), _decoded(returned)
    messages, replies = _messages(given), _messages(returned)
    if messages is not None:
        asked = list(turns(messages))
        turn = asked[-1] if asked else ChatTurn(shown(given))
    else:
        turn = ChatTurn(_named_text(given, _TASKS))
    if replies is None:
        turn.answer = _named_text(returned, _ANSWERS) or turn.answer
        return turn
    told = list(turns(replies))  # of a graph: the whole conversation; of a model: its reply alone
    if told:
        last = told[-1]
        turn.steps, turn.n_steps, turn.answer = last.steps, last.n_steps, last.answer or turn.answer
        turn.model = last.model or turn.model
        turn.task = turn.task if turn.task.strip() else last.task
    return turn


def _decoded(value: Any) -> Any:
    """A value that was stored as JSON text, parsed."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _messages(value: Any, depth: int = 0) -> list[Any] | None:
    """The messages in a value; None where there are none."""
    if isinstance(value, Mapping):
        if value.get("role") in ("assistant", "user") and "content" in value:
            return [value]
        for name in ("messages", "input", "output", "choices", "generations", "message"):
            if depth < _MAX_DEPTH and (found := _messages(value.get(name), depth + 1)) is not None:
                return found
        return [value] if value.get("lc") == 1 and isinstance(value.get("kwargs"), Mapping) else None
    if isinstance(value, list) and value:
        if isinstance(value[0], list):
            return _messages(value[0], depth + 1) if depth < _MAX_DEPTH else None
        if all(isinstance(one, Mapping) and _is_message(one) for one in value):
            return value
        is_choice = isinstance(value[0], Mapping) and "message" in value[0]
        return _messages(value[0], depth + 1) if is_choice and depth < _MAX_DEPTH else None
    return None


def _is_message(value: Mapping[str, Any]) -> bool:
    is_plain = ("role" in value or "type" in value) and ("content" in value or "tool_calls" in value)
    return is_plain or value.get("lc") == 1 or ("type" in value and isinstance(value.get("data"), Mapping))


def _named_text(value: Any, names: tuple[str, ...], depth: int = 0) -> str:
    """The text in a value: under one of the usual names, the only one there is, or all of it as JSON."""
    if isinstance(value, list) and (text := text_of(value)):
        return text
    if not isinstance(value, Mapping):
        return shown(value)
    for name in names:
        one = value.get(name)
        if isinstance(one, str) and one.strip():
            return one
        if isinstance(one, Mapping) and depth < _MAX_DEPTH:
            return _named_text(one, names, depth + 1)
    texts = [one for one in value.values() if isinstance(one, str) and one.strip()]
    return texts[0] if len(texts) == 1 and len(value) == 1 else shown(value) if value else ""
