"""A web site on loopback that answers as told and remembers who came, and a DNS that says what a test wants."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = "text/html; charset=utf-8"


@dataclass
class Answer:
    """What one path is answered with."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": HTML})
    drip_s: float = 0.0
    """Pause before each byte."""
    is_endless: bool = False
    """Whether the body comes again and again."""


@dataclass
class Site:
    """A running server."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)
    """Paths, robots.txt too."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """Headers of each request."""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def page(self, path: str, html: str, **headers: str) -> str:
        """Serve a page; its address."""
        self.answers[path] = Answer(html.encode(), headers={"Content-Type": HTML, **headers})
        return self.url + path

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        """Serve a redirect; its address."""
        self.answers[path] = Answer(status=status, headers={"Location": target})
        return self.url + path


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """Run a site until the end of the block."""
    site = Site()

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.hits.append(self.path)
            site.seen.append(dict(self.headers))
            answer = site.answers.get(self.path.split("?")[0], Answer(b"no such page", 404))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.is_endless and "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(OSError):  # the client may have had enough
                self._send(answer)
            self.close_connection = True

        def _send(self, answer: Answer) -> None:
            if not answer.drip_s:
                self.wfile.write(answer.body)
            while answer.is_endless and not site.released.is_set():
                self.wfile.write(answer.body)
            for byte in answer.body if answer.drip_s else b"":
                if site.released.wait(answer.drip_s):
                    return
                self.wfile.write(bytes([byte]))

        def log_message(self, *args: object) -> None:
            pass

    with listening(Endpoint, site.released) as site.port:
        yield site


class _Server(ThreadingHTTPServer):
    """Lets as many clients wait at once as tests have: others are cut off when the machine is busy."""

    request_queue_size = 256


@contextlib.contextmanager
def listening(endpoint: type[BaseHTTPRequestHandler], released: threading.Event) -> Iterator[int]:
    """Answer on loopback until the end of the block; the port.

    Args:
        endpoint: answers.
        released: set at the end, for answers that still drip.
    """
    with _Server(("127.0.0.1", 0), endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            released.set()
            server.shutdown()
            thread.join()


class Names:
    """A resolver that knows what it is told, and counts how often it is asked.

    Args:
        known: for each name, what it leads to; a list of lists is one answer after another, the last one for good.
    """

    def __init__(self, **known: Sequence[str] | Sequence[Sequence[str]]) -> None:
        self.known = {name.replace("__", "-").replace("_", "."): list(found) for name, found in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.known.get(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if isinstance(found[0], str):
            return [str(address) for address in found]
        return found.pop(0) if len(found) > 1 else found[0]
