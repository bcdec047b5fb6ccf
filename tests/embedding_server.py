"""A loopback server of OpenAI's embeddings endpoint that takes texts only, as most servers other than OpenAI's do."""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.loopback_server import LoopbackServer

DIM = 16


@dataclass(frozen=True)
class Said:
    """An answer as it goes over the wire."""

    status: int
    body: Any
    """JSON, or bytes that are none."""
    headers: dict[str, str] = field(default_factory=dict)


def vector(text: str, dim: int = DIM) -> list[float]:
    """Counts of hashed words: never all zero, not of length 1."""
    row = [0.0] * dim
    row[0] = 0.5
    for word in text.lower().split():
        row[zlib.crc32(word.encode()) % dim] += 1.0
    return row


def vectors(texts: list[str], dim: int = DIM) -> Said:
    """The right answer, in an order that only the indices tell."""
    rows = [{"object": "embedding", "index": n, "embedding": vector(text, dim)} for n, text in enumerate(texts)]
    return Said(200, {"object": "list", "data": rows[::-1], "model": "stub", "usage": {}})


def refusal(status: int, message: str, **headers: str) -> Said:
    return Said(status, {"error": {"message": message, "type": "invalid_request_error"}}, headers)


class EmbeddingServer(LoopbackServer):
    """Answers `POST /v1/embeddings` with `answer(texts)`, and records each request's texts, key and whole body.

    Token ids in place of texts are refused with 400, whatever `answer` says; `/v1/models` lists one model.
    """

    def __init__(self, answer: Callable[[list[str]], Said] = vectors) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []
        self.keys: list[str | None] = []
        self.bodies: list[dict[str, Any]] = []
        super().__init__(self._make_responder())

    def _make_responder(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Responder(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(Said(200, {"object": "list", "data": [{"id": "stub"}]}))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.bodies.append(body)
                server.keys.append(self.headers["Authorization"])
                given = body["input"]
                if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
                    self._send(refusal(400, "input must be a list of texts, token ids are not supported"))
                    return
                server.asked.append(given)
                self._send(server.answer(given))

            def _send(self, said: Said) -> None:
                payload = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                kind = "text/html" if isinstance(said.body, bytes) else "application/json"
                for name, value in {"Content-Type": kind, "Content-Length": str(len(payload)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *args: Any) -> None:
                pass

        return Responder


@contextmanager
def configured_embeddings(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    """A server that is configured without a key, for models and for the encoder."""
    server = EmbeddingServer()
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("MEMENTO_ENCODER", "openai:stub")
    asyncio.run(server.__aenter__())
    try:
        yield server
    finally:
        asyncio.run(server.__aexit__(None, None, None))
