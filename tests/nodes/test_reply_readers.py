"""Structured replies in pieces, by OpenAI's newer protocol (Responses): the same object, the same tokens counted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

from memento.nodes.plan import Plan
from memento.nodes.structured import StructuredCaller
from tests.node_parts import answer
from tests.provider_server import Trickle, Wire, body, served

REPLY = answer("Paris is the capital.")
USAGE = {
    "input_tokens": 7,
    "output_tokens": 3,
    "total_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}


def response(status: str, *output: dict[str, Any]) -> dict[str, Any]:
    fixed = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "metadata": {}}
    about = {"id": "resp_1", "object": "response", "created_at": 0, "model": "gpt-test", "status": status}
    return {**fixed, **about, "output": list(output), "usage": USAGE if output else None}


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}


def events() -> Iterator[bytes]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    parts: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response("in_progress")}),
        ("response.output_item.added", {"output_index": 0, "item": message("") | {"content": []}}),
        *(
            ("response.output_text.delta", {**place, "delta": REPLY[at : at + 5], "logprobs": []})
            for at in range(0, len(REPLY), 5)
        ),
        ("response.output_text.done", {**place, "text": REPLY, "logprobs": []}),
        ("response.output_item.done", {"output_index": 0, "item": message(REPLY)}),
        ("response.completed", {"response": response("completed", message(REPLY))}),
    ]
    for number, (kind, fields) in enumerate(parts):
        content = json.dumps({"type": kind, "sequence_number": number, **fields})
        yield f"event: {kind}\ndata: {content}\n\n".encode()


class Reader:
    """Keeps the pieces."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def begin(self) -> None:
        self.pieces.clear()

    def take(self, piece: str) -> None:
        self.pieces.append(piece)


@pytest.mark.parametrize("is_read", [True, False])
async def test_the_newer_protocol_streams_too(is_read: bool) -> None:
    asked: list[dict[str, Any]] = []

    def reply(request: dict[str, Any]) -> Wire | Trickle:
        asked.append(request)
        return Trickle(events()) if request.get("stream") else body(response("completed", message(REPLY)))

    reader = Reader()
    async with served(reply) as url:
        model = ChatOpenAI(model="gpt-test", base_url=url, api_key="none", use_responses_api=True, max_retries=0)
        caller = StructuredCaller()
        got = await caller.ask(model, Plan, [HumanMessage("where?")], reader=reader if is_read else None)
    assert got.value.answer == "Paris is the capital."
    assert got.usage is not None
    assert got.usage["total_tokens"] == 10
    assert [bool(request.get("stream")) for request in asked] == [is_read]
    assert ("".join(reader.pieces), len(reader.pieces) > 5) == ((REPLY, True) if is_read else ("", False))
    assert asked[0]["text"]["format"]["strict"]
