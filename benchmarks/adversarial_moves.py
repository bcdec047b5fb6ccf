"""What models and tools can do wrong: the moves that `adversarial_models` draws from."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool

from memento.nodes.errors import InvalidReply
from memento.tools.errors import ToolInputError, ToolLimitReached, ToolUnavailable

RUBBISH = "\ud800 \x00\x1b[31m \u202e \u200b 💥 \ufffe </task></tool_result> <|im_start|>system " + "é" * 50
MEGABYTE = 1_000_000


class ProviderError(Exception):
    """What SDKs raise."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status


class BrokenError(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


async def fail(kind: int) -> str:
    """Fail in one of many ways."""
    errors: list[BaseException] = [
        ToolUnavailable("the service is down"), ToolInputError("give a number"), ToolLimitReached("no more today"),
        RuntimeError(RUBBISH), BrokenError(), KeyError("x" * MEGABYTE), ConnectionError("refused"), MemoryError(),
        RecursionError("too deep"), TimeoutError(), asyncio.CancelledError(), ExceptionGroup("g", [ValueError("v")]),
    ]  # fmt: skip
    raise errors[kind % len(errors)]


async def hang(stubborn: int = 0) -> str:
    """Never come back."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if not stubborn:
                raise
            await asyncio.sleep(5)
            return "too late"


async def odd(kind: int) -> Any:
    """Return anything."""
    values: list[Any] = [None, 7, b"\xff", {"a": RUBBISH}, ["x"], [], "", RUBBISH, "y" * MEGABYTE, object(), {1, 2}]
    blocks = [{"type": "text", "text": "z" * MEGABYTE}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    return [*values, blocks][kind % (len(values) + 1)]


TOOLS = [StructuredTool.from_function(coroutine=function) for function in (multiply, fail, hang, odd)]
NAMES = [*(tool.name for tool in TOOLS), "delete_everything", "", "💥", "a" * 300, "multiply ", "../odd"]


class Move(NamedTuple):
    """What a model may do when it is asked; it draws from the behaviour's own random numbers."""

    name: str
    act: Callable[[random.Random, int], AIMessage | Exception | float]
    """By the number of the call: a reply, an exception, or seconds after which it says something."""


def call(rng: random.Random, number: int, **changes: Any) -> dict[str, Any]:
    """One tool call that makes sense, but for what is changed."""
    args = {"multiply": {"a": rng.randint(0, 99), "b": number}, "fail": {"kind": rng.randint(0, 99)},
            "hang": {"stubborn": rng.choice([0, 0, 1])}, "odd": {"kind": rng.randint(0, 99)}}  # fmt: skip
    name = changes.pop("name", None) or rng.choices(list(args), [4, 3, 0.5, 3])[0]
    given = {"name": name, "args": args.get(name, {"x": 1}), "id": f"c{number}-{rng.random()}", "type": "tool_call"}
    return given | changes


def says(text: str, *calls: dict[str, Any], **fields: Any) -> AIMessage:
    """A reply."""
    return AIMessage(text, tool_calls=list(calls), **fields)


def garbage(rng: random.Random) -> Any:
    """Arguments that nobody expects."""
    deep: Any = {}
    for _ in range(500):
        deep = {"d": deep}
    return rng.choice([{}, {"a": "six"}, {"a": None, "b": []}, {"a": RUBBISH, "b": 1}, {"a": float("nan"), "b": 1},
                       {"x": "y" * MEGABYTE}, deep, {"": ""}, {str(n): n for n in range(500)}])  # fmt: skip


def unreadable(number: int) -> AIMessage:
    """A call whose arguments are not JSON."""
    broken = {"name": "multiply", "args": '{"a": 6,', "id": f"i{number}", "error": "?", "type": "invalid_tool_call"}
    return AIMessage("", invalid_tool_calls=[broken])


def tokens(rng: random.Random) -> AIMessage:
    """A reply that costs more, or less than nothing."""
    n = rng.choice([-5, 0, 10_000, 10**9])
    usage = {"input_tokens": n, "output_tokens": n, "total_tokens": 2 * n}
    return AIMessage("", tool_calls=[call(rng, n)], usage_metadata=usage)  # type: ignore[arg-type]


MOVES = [
    Move("makes sense", lambda rng, n: says("", call(rng, n))),
    Move("tools that are not there", lambda rng, n: says("", call(rng, n, name=rng.choice(NAMES)))),
    Move("garbage as arguments", lambda rng, n: says("", call(rng, n, name="multiply", args=garbage(rng)))),
    Move("the same call", lambda rng, n: says("", call(rng, n, name="multiply", args={"a": 1, "b": 1}))),
    Move("two calls by turns", lambda rng, n: says("", call(rng, n, name="multiply", args={"a": n % 2, "b": 1}))),
    Move("nothing", lambda rng, n: says("")),
    Move("blanks", lambda rng, n: says(" \n\u200b ")),
    Move("a megabyte", lambda rng, n: says("w" * MEGABYTE, call(rng, n))),
    Move("text and calls", lambda rng, n: says("I will multiply.", call(rng, n), call(rng, n))),
    Move("a flood of calls", lambda rng, n: says("", *(call(rng, n) for _ in range(rng.choice([20, 100, 300]))))),
    Move("ids twice", lambda rng, n: says("", call(rng, n, id="same"), call(rng, n, id="same"))),
    Move("no ids", lambda rng, n: says("", call(rng, n, id=None), call(rng, n, id=""))),
    Move("one message id", lambda rng, n: says("", call(rng, n), id="always-this")),
    Move("unreadable calls", lambda rng, n: unreadable(n)),
    Move("rubbish", lambda rng, n: says(RUBBISH, call(rng, n, name="odd", args={"kind": 7}))),
    Move("calls as text", lambda rng, n: says('<tool_call>{"name": "multiply", "arguments": {}}</tool_call>')),
    Move("odd tokens", lambda rng, n: tokens(rng)),
    Move("429", lambda rng, n: ProviderError(429, "slow down")),
    Move("500", lambda rng, n: ProviderError(500, "oops")),
    Move("too long", lambda rng, n: ProviderError(400, "maximum context length is 8192 tokens")),
    Move("unusable", lambda rng, n: InvalidReply("cut off", "...")),
    Move("slow", lambda rng, n: 0.3),
    Move("hung", lambda rng, n: 3600.0),
    Move("hanging tools", lambda rng, n: says("", call(rng, n, name="hang"), call(rng, n, name="hang"))),
    Move("failing tools", lambda rng, n: says("", *(call(rng, n, name="fail") for _ in range(4)))),
    Move("odd tools", lambda rng, n: says("", *(call(rng, n, name="odd") for _ in range(4)))),
    Move("an answer", lambda rng, n: says("42")),
]  # fmt: skip
