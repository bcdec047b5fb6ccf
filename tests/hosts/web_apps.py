"""Web frameworks in this process: the apps of examples/, served on loopback and asked over HTTP."""

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import httpx
import uvicorn
from werkzeug.serving import make_server

from memento.memory.case_memory import CaseMemory
from tests.example_runs import EXAMPLES
from tests.hashing_encoder import HashingEncoder
from tests.hosts.brain import Brain
from tests.hosts.port import Part, Told
from tests.node_parts import a_memory


@dataclass
class WebHost:
    """An app with the two routes of the examples."""

    client: httpx.AsyncClient
    cases: CaseMemory

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return _told(await self._asked(text=text, thread=thread, approve_plan=approve_plan))

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        async for part in self._parts(text=text, thread=thread):
            yield Part("event", part["event"]) if "event" in part else Part("answer", part["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return _told(await self._asked(reply=reply, thread=thread, approve_plan=True))

    async def feedback(self, event_id: str, reward: float) -> None:
        response = await self.client.post("/feedback", json={"event_id": event_id, "reward": reward})
        assert response.is_success, response.text

    def memory(self) -> AbstractAsyncContextManager[CaseMemory]:
        return _given(self.cases)

    async def _asked(self, **body: Any) -> dict[str, Any]:
        return [part async for part in self._parts(**body)][-1]

    async def _parts(self, **body: Any) -> AsyncIterator[dict[str, Any]]:
        async with self.client.stream("POST", "/ask", json=body) as response:
            assert response.is_success, await response.aread()
            async for line in response.aiter_lines():
                yield json.loads(line)


@asynccontextmanager
async def fastapi(brain: Brain) -> AsyncIterator[WebHost]:
    """An asynchronous app, on this event loop."""
    app = (await asyncio.to_thread(example, "fastapi_app")).make_app(a_memory, **brain.models())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        async with _client(server.servers[0].sockets[0].getsockname()[1]) as client:
            yield WebHost(client, app.state.memory)
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def flask(brain: Brain) -> AsyncIterator[WebHost]:
    """A synchronous app, each request in a thread of its own."""
    made = CaseMemory.open_sync(":memory:", policy="similarity", encoder=HashingEncoder(), seed=0)
    memory = await asyncio.to_thread(made.__enter__)
    app = await asyncio.to_thread(lambda: example("flask_app").make_app(memory, **brain.models()))
    server = await asyncio.to_thread(make_server, "127.0.0.1", 0, app, threaded=True)
    serving = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.05))
    try:
        async with _client(server.server_port) as client:
            yield WebHost(client, memory.memory)
    finally:
        await asyncio.to_thread(server.shutdown)
        await serving
        await asyncio.to_thread(server.server_close)
        await asyncio.to_thread(memory.close)


def example(name: str) -> ModuleType:
    """A file of examples/ as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _client(port: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=100)
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, limits=limits)


def _told(body: dict[str, Any]) -> Told:
    return Told(body["answer"] or "", body["event_id"], body["waiting"])


@asynccontextmanager
async def _given(memory: CaseMemory) -> AsyncIterator[CaseMemory]:
    yield memory
