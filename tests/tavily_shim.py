"""A Tavily of our own on loopback; the client that talks to it is the real one."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback_site import listening

KEY = "tvly-secret-0123456789"

PAGE = {
    "title": "Columbia County",
    "url": "https://example.org/columbia",
    "content": "The county seat is St. Helens.",
    "published_date": "2025-03-01",
}


@dataclass
class FakeTavily:
    """What the next calls are answered with, and what the last one asked."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    drip_s: float = 0.0
    released: threading.Event = field(default_factory=threading.Event)
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    n_calls: int = 0

    def answers(self, body: object, status: int = 200) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@contextlib.contextmanager
def serving_tavily() -> Iterator[FakeTavily]:
    """Run it until the end of the block."""
    fake = FakeTavily()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fake.n_calls += 1
            fake.path = self.path
            fake.headers = dict(self.headers)
            fake.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(fake.status)
            self.send_header("Content-Length", str(len(fake.body)))
            self.end_headers()
            if fake.drip_s:
                for byte in fake.body:
                    if fake.released.wait(fake.drip_s):
                        return
                    self.wfile.write(bytes([byte]))
            else:
                self.wfile.write(fake.body)

        def log_message(self, *args: object) -> None:
            pass

    with listening(Endpoint, fake.released) as port:
        fake.url = f"http://127.0.0.1:{port}"
        yield fake
