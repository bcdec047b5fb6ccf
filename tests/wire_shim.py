"""A Qdrant server's wire, without the server: real HTTP over qdrant-client's in-memory mode, with faults on demand.

It answers exactly the REST calls that `AsyncQdrantClient` makes for `ServerEngine`, so the engine, the client and the
HTTP stack under test are the real ones. What it cannot show: Qdrant's own indexes, tenants, replicas and timing.
"""

import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models


@dataclass
class Faults:
    """What goes wrong, switchable while the shim runs."""

    delay_s: float = 0.0
    is_down: bool = False
    status: int = 200
    """Anything else is answered instead of doing the work."""
    refused: str = ""
    """Method that is answered with 400."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"status": {"error": "fault"}, "time": 0.0}'
    n_lost_replies: int = 0
    """So many of the next writes are applied, but their reply is lost."""


_IDLE: list[QdrantClient] = []
"""Empty ones that no shim uses: making one takes longer than most tests."""


class WireShim:
    """`with WireShim() as shim:` serves on `shim.url` until the block ends."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of every request so far."""
        self.sent: list[tuple[str, bytes]] = []
        """Path with its query, and body of every request so far."""
        self.connections = 0
        self.configs: dict[str, dict[str, Any]] = {}
        """Configuration of each collection as it was asked for, which the in-memory mode does not keep."""
        self.indexes: dict[str, dict[str, Any]] = {}
        """Payload field -> its index, as it was asked for."""
        self._lock = threading.Lock()
        self.client = _IDLE.pop() if _IDLE else QdrantClient(":memory:")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_endpoint())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "WireShim":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for name in self.names():
            self.client.delete_collection(name)
        _IDLE.append(self.client)

    def names(self) -> list[str]:
        """Collections that exist."""
        with self._lock:
            return sorted(found.name for found in self.client.get_collections().collections)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Do one request's work: HTTP status and result."""
        with self._lock:
            for wanted, pattern, action in ROUTES:
                if wanted == method and (match := re.fullmatch(pattern, path)):
                    try:
                        return 200, action(self, *match.groups(), json.loads(body or b"{}"))
                    except (ValueError, KeyError) as error:
                        return _status_of(error), str(error)
        return 404, f"no route for {method} {path}"

    def _make_endpoint(shim: "WireShim") -> type[BaseHTTPRequestHandler]:  # noqa: N805  `self` is the endpoint's below
        class Endpoint(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                shim.connections += 1

            def answer(self) -> None:
                faults, path = shim.faults, urlsplit(self.path).path
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                shim.requests.append((self.command, path, dict(self.headers)))
                shim.sent.append((self.path, body))
                time.sleep(faults.delay_s)
                if faults.is_down:
                    return self.reset()
                if faults.status != 200:
                    return self.reply(faults.status, faults.body, faults.headers)
                if faults.refused == self.command:
                    return self.reply(400, faults.body, ())
                status, result = shim.answer(self.command, path, body)
                if faults.n_lost_replies and self.command != "GET" and path.endswith("/points"):
                    faults.n_lost_replies -= 1
                    return self.reset()
                said = {"result": result, "status": "ok"} if status == 200 else {"status": {"error": result}}
                return self.reply(status, json.dumps({**said, "time": 0.0}).encode(), ())

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer

            def reply(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
                try:
                    self.send_response(status)
                    for name, value in (*headers, ("Content-Length", str(len(body)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:  # the client has given up waiting
                    self.close_connection = True

            def reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def finish(self) -> None:
                if self.connection.fileno() != -1:
                    super().finish()

            def log_message(self, *_: object) -> None:
                return

        return Endpoint


def _status_of(error: Exception) -> int:
    if "not found" in str(error):
        return 404
    return 409 if "already exists" in str(error) else 400


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _create(shim: WireShim, name: str, body: dict[str, Any]) -> bool:
    request = models.CreateCollection(**body)
    assert request.hnsw_config is not None
    is_new = shim.client.create_collection(name, vectors_config=request.vectors, metadata=request.metadata)
    shim.configs[name] = body
    return is_new


def _update(shim: WireShim, name: str, body: dict[str, Any]) -> bool:
    models.UpdateCollection(**body)
    params = body.pop("params", None) or {}
    vectors = (body.pop("vectors", None) or {}).get("", {})
    kept = shim.configs.setdefault(name, {})
    if body.get("quantization_config") == "Disabled":
        body["quantization_config"] = None
    for field, change in (body | params | {"vectors": vectors}).items():
        kept[field] = {**(kept.get(field) or {}), **change} if isinstance(change, dict) else change
    return shim.client.update_collection(name, metadata=body["metadata"]) if "metadata" in body else True


def _info(shim: WireShim, name: str, _: dict[str, Any]) -> Any:
    """What the in-memory mode tells, with the configuration that was asked for."""
    found, kept = _plain(shim.client.get_collection(name)), shim.configs.get(name, {})
    config = found["config"]
    for field in ("shard_number", "replication_factor", "write_consistency_factor", "on_disk_payload"):
        if kept.get(field) is not None:
            config["params"][field] = kept[field]
    config["params"]["vectors"].update({key: one for key, one in (kept.get("vectors") or {}).items() if key != "size"})
    config["hnsw_config"].update({key: one for key, one in kept.get("hnsw_config", {}).items() if one is not None})
    config["quantization_config"] = kept.get("quantization_config")
    found["payload_schema"] = {
        field: {"data_type": schema["type"], "params": schema, "points": 0}
        for field, schema in shim.indexes.get(name, {}).items()
        if isinstance(schema, dict)
    }
    return found


def _delete(shim: WireShim, name: str, body: dict[str, Any]) -> Any:
    return _plain(shim.client.delete(name, points_selector=models.PointIdsList(points=body["points"])))


def _upsert(shim: WireShim, name: str, body: dict[str, Any]) -> Any:
    request = models.PointsList(**body)
    return _plain(
        shim.client.upsert(
            name, request.points, update_filter=request.update_filter, update_mode=request.update_mode or "upsert"
        )
    )


def _query(shim: WireShim, name: str, body: dict[str, Any]) -> Any:
    request = models.QueryRequest(**body)
    found = shim.client.query_points(
        name, query=request.query, query_filter=request.filter, limit=request.limit, with_payload=request.with_payload
    )
    return _plain(found)


def _index(shim: WireShim, name: str, body: dict[str, Any]) -> dict[str, Any]:
    shim.client.get_collection(name)
    shim.indexes.setdefault(name, {})[body["field_name"]] = body["field_schema"]
    models.CreateFieldIndex(**body)  # checked, not applied: the in-memory mode has no indexes and warns
    return {"operation_id": 0, "status": "completed"}


def _aliases(shim: WireShim, body: dict[str, Any]) -> bool:
    return shim.client.update_collection_aliases(
        TypeAdapter(list[models.AliasOperations]).validate_python(body["actions"])
    )


NAME = r"/collections/([^/]+)"
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", r"/aliases", lambda shim, _: _plain(shim.client.get_aliases())),
    ("GET", r"/collections", lambda shim, _: _plain(shim.client.get_collections())),
    ("POST", r"/collections/aliases", _aliases),
    ("GET", NAME, _info),
    ("PUT", NAME, _create),
    ("PATCH", NAME, _update),
    ("DELETE", NAME, lambda shim, name, _: shim.client.delete_collection(name)),
    ("GET", NAME + "/exists", lambda shim, name, _: {"exists": shim.client.collection_exists(name)}),
    ("PUT", NAME + "/index", _index),
    ("PUT", NAME + "/points", _upsert),
    ("POST", NAME + "/points/delete", _delete),
    ("POST", NAME + "/points/query", _query),
    ("POST", NAME + "/points/count", lambda shim, name, _: _plain(shim.client.count(name, exact=True))),
)
