"""A loopback server of the OpenAI protocol that can answer wrongly: no completion, or a stream that breaks off."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.loopback_site import listening

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


class Wire(NamedTuple):
    """An HTTP reply, byte for byte."""

    payload: bytes
    status: int = 200
    content_type: str = "application/json"


class Trickle(NamedTuple):
    """A stream that is sent part by part: the next one is asked for when the last one is on its way."""

    parts: Iterator[bytes]


Answer = Callable[[dict[str, Any]], Wire | Trickle]
"""From the body of a request to its reply."""


def body(content: Any, status: int = 200) -> Wire:
    """A JSON body, whether or not a stream was asked for."""
    return Wire(json.dumps(content).encode(), status)


def completion(request: dict[str, Any], *, finish_reason: str | None = "stop", **message: Any) -> Wire:
    """A reply with these fields of its message, as a stream where one is asked for.

    Args:
        request: what is answered.
        finish_reason: None: the body has null, and a stream ends without one.
        message: `content`, `tool_calls`, `refusal`.
    """
    if request.get("stream"):
        return Wire(b"".join(_events(request, finish_reason, message)), content_type="text/event-stream")
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": None, **message}}
    return body({**_head(request, "chat.completion"), "choices": [choice], "usage": USAGE})


def trickle(
    request: dict[str, Any],
    pieces: Iterable[str],
    *,
    call: str = "",
    finish_reason: str | None = "stop",
    has_usage: bool = True,
) -> Trickle:
    """A stream of a few characters at a time.

    Args:
        request: what is answered.
        pieces: of the text.
        call: name of the tool whose arguments the pieces are; without it they are what is said.
        finish_reason: None: it breaks off.
        has_usage: it counts its tokens, where it is asked to.
    """
    return Trickle(_trickling(request, pieces, call, finish_reason, has_usage))


def _trickling(
    request: dict[str, Any], pieces: Iterable[str], call: str, finish_reason: str | None, has_usage: bool
) -> Iterator[bytes]:
    head: dict[str, Any] = {"role": "assistant", "content": None if call else ""}
    if call:
        function = {"name": call, "arguments": ""}
        head["tool_calls"] = [{"index": 0, "id": "call-1", "type": "function", "function": function}]
    yield _event(request, {"index": 0, "delta": head, "finish_reason": None})
    for piece in pieces:
        said = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if call else {"content": piece}
        yield _event(request, {"index": 0, "delta": said, "finish_reason": None})
    if finish_reason is None:
        return
    yield _event(request, {"index": 0, "delta": {}, "finish_reason": finish_reason})
    if has_usage and (request.get("stream_options") or {}).get("include_usage"):
        last = {**_head(request, "chat.completion.chunk"), "choices": [], "usage": USAGE}
        yield b"data: " + json.dumps(last).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


@contextmanager
def provider(answer: Answer, *, keeps_alive: bool = False) -> Iterator[str]:
    """Serve until the end of the block; the base URL.

    Args:
        answer: to each request.
        keeps_alive: let clients use a connection again, as real providers do.
    """

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(body({"object": "list", "data": [{"id": "stub"}]}))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers["Content-Type"] == "application/json"
            self._send(answer(json.loads(content) if is_json else {}))

        def _send(self, wire: Wire | Trickle) -> None:
            if isinstance(wire, Trickle):
                self.close_connection = True
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for part in wire.parts:
                    self.wfile.write(part)
                return
            self.send_response(wire.status)
            self.send_header("Content-Type", wire.content_type)
            self.send_header("Content-Length", str(len(wire.payload)))
            if not keeps_alive:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(wire.payload)
            self.close_connection = not keeps_alive

        def log_message(self, *args: object) -> None:
            pass

    with listening(Endpoint, threading.Event()) as port:
        yield f"http://127.0.0.1:{port}/v1"


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[str]:
    """The same beside an event loop."""
    server = provider(answer)
    url = await asyncio.to_thread(server.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


def _events(request: dict[str, Any], finish_reason: str | None, message: dict[str, Any]) -> Iterator[bytes]:
    content = message.get("content") or ""
    half = len(content) // 2
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": content[:half]}, {"content": content[half:]}]
    rest = {name: value for name, value in message.items() if name != "content"}
    if rest:
        calls = [{"index": number, **call} for number, call in enumerate(rest.get("tool_calls") or [])]
        deltas.append(rest | ({"tool_calls": calls} if calls else {}))
    for delta in deltas:
        yield _event(request, {"index": 0, "delta": delta, "finish_reason": None})
    if finish_reason is not None:
        yield _event(request, {"index": 0, "delta": {}, "finish_reason": finish_reason})
        yield b"data: [DONE]\n\n"


def _event(request: dict[str, Any], choice: dict[str, Any]) -> bytes:
    chunk = {**_head(request, "chat.completion.chunk"), "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _head(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": request["model"]}
