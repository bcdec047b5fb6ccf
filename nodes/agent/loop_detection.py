"""Detects an agent in a loop: the same calls with the same results, turn after turn."""

import json
from collections.abc import Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

HINT_FROM: Final = 3
"""Turns in a circle after which the model is told."""

CUT_FROM: Final = 5
"""Turns in a circle after which it gets no more tools."""


def turns_in_circle(messages: Sequence[BaseMessage]) -> int:
    """Count the last turns that repeat one turn, or alternate between two; 0 or 1 when there is no loop."""
    turns = _last_turns(messages, CUT_FROM + 1)  # newest first
    circles = (sum(1 for _ in _repeating(turns, period)) for period in (1, 2))
    return max((n for n, period in zip(circles, (1, 2), strict=True) if n >= 2 * period), default=0)


def _repeating(turns: Sequence[Any], period: int) -> Sequence[Any]:
    n = min(period, len(turns))
    while n < len(turns) and turns[n] == turns[n - period]:
        n += 1
    return turns[:n]


def _last_turns(messages: Sequence[BaseMessage], n_turns: int) -> list[tuple[Any, ...]]:
    turns: list[tuple[Any, ...]] = []
    results: dict[str, Any] = {}
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = message.content
        elif isinstance(message, AIMessage) and message.tool_calls:
            turns.append(
                tuple(
                    (call["name"], json.dumps(call["args"], sort_keys=True, default=str), results.get(call["id"] or ""))
                    for call in message.tool_calls
                )
            )
            if len(turns) == n_turns:
                break
    return turns
