"""Clients of the graph served by `langgraph dev`: RemoteGraph, the SDK for Python and the one for JavaScript."""

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client

from memento.memory.case_memory import CaseMemory
from tests.dev_server import Server
from tests.hosts.port import Part, Told, on

JS = Path(__file__).parent / "js"


@dataclass(kw_only=True)
class ServedHost:
    """What the clients have in common: the server's feedback route, and the memory in its home."""

    server: Server
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def feedback(self, event_id: str, reward: float) -> None:
        async with httpx.AsyncClient(base_url=self.server.url, trust_env=False, timeout=60) as http:
            response = await http.post("/feedback", json={"event_id": event_id, "reward": reward})
        assert response.is_success, response.text

    def memory(self) -> AbstractAsyncContextManager[CaseMemory]:
        return CaseMemory.open(self.server.home)

    def id_of(self, thread: str) -> str:
        """The server's id of a thread: a UUID."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.prefix}/{thread}"))


@dataclass(kw_only=True)
class Remote(ServedHost):
    """The served graph as a graph in this process."""

    graph: RemoteGraph

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        context = {"approve_plan": approve_plan}
        return _told(await self.graph.ainvoke(_given(text), on(self.id_of(thread)), context=context))

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        result: dict[str, Any] = {}
        streaming = self.graph.astream(_given(text), on(self.id_of(thread)), stream_mode=["custom", "values"])
        async for mode, part, *_ in streaming:
            if mode == "custom":
                yield Part("event", part["event"])
            else:
                result = part
        yield Part("answer", result["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        context = {"approve_plan": True}
        return _told(await self.graph.ainvoke(Command(resume=reply), on(self.id_of(thread)), context=context))


@dataclass(kw_only=True)
class PythonSdk(ServedHost):
    """The client for Python."""

    client: Any

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return await self._wait(thread, input=_given(text), context={"approve_plan": approve_plan})

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        await self.client.threads.create(thread_id=self.id_of(thread), if_exists="do_nothing")
        modes = ["custom", "values"]
        result: dict[str, Any] = {}
        async for part in self.client.runs.stream(self.id_of(thread), "memento", input=_given(text), stream_mode=modes):
            assert part.event != "error", part
            if part.event == "custom":
                yield Part("event", part.data["event"])
            elif part.event == "values":
                result = part.data
        yield Part("answer", result["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return await self._wait(thread, command={"resume": reply}, context={"approve_plan": True})

    async def _wait(self, thread: str, **run: Any) -> Told:
        await self.client.threads.create(thread_id=self.id_of(thread), if_exists="do_nothing")
        return _told(await self.client.runs.wait(self.id_of(thread), "memento", **run))


@dataclass(kw_only=True)
class JavaScriptSdk(ServedHost):
    """The client for JavaScript, in a process for each call."""

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return await self._told("ask", text=text, thread=self.id_of(thread), approve_plan=approve_plan)

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        async for part in self._lines("stream", text=text, thread=self.id_of(thread)):
            yield Part("event", part["event"]) if "event" in part else Part("answer", part["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return await self._told("resume", reply=reply, thread=self.id_of(thread))

    async def feedback(self, event_id: str, reward: float) -> None:
        (kept,) = [line async for line in self._lines("feedback", event_id=event_id, reward=reward)]
        assert kept["case_id"]

    async def _told(self, call: str, **given: Any) -> Told:
        (told,) = [line async for line in self._lines(call, **given)]
        return Told(**told)

    async def _lines(self, call: str, **given: Any) -> AsyncIterator[dict[str, Any]]:
        told = json.dumps({"url": self.server.url, "call": call, **given})
        node = await asyncio.create_subprocess_exec(
            "node", "client.mjs", told, cwd=JS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert node.stdout is not None
        assert node.stderr is not None
        async for line in node.stdout:
            yield json.loads(line)
        failure = (await node.stderr.read()).decode()
        assert await node.wait() == 0, failure


@asynccontextmanager
async def remote_graph(server: Server) -> AsyncIterator[Remote]:
    """RemoteGraph, with a client of its own."""
    async with get_client(url=server.url) as client:
        yield Remote(server=server, graph=RemoteGraph("memento", client=client))


@asynccontextmanager
async def python_sdk(server: Server) -> AsyncIterator[PythonSdk]:
    """The client for Python."""
    async with get_client(url=server.url) as client:
        yield PythonSdk(server=server, client=client)


@asynccontextmanager
async def javascript_sdk(server: Server) -> AsyncIterator[JavaScriptSdk]:
    """The client for JavaScript."""
    yield JavaScriptSdk(server=server)


def javascript_is_missing() -> str:
    """Why the client for JavaScript cannot be tried; empty where it can."""
    if shutil.which("node") is None:
        return "there is no node (from version 20 on)"
    if not (JS / "node_modules" / "@langchain" / "langgraph-sdk").is_dir():
        return "its packages are not installed: npm ci --prefix tests/hosts/js"
    return ""


def _given(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _told(result: dict[str, Any]) -> Told:
    if waiting := [one["value"] for one in result.get("__interrupt__", ())]:
        return Told("", None, waiting)
    return Told(result["answer"], result["event_id"], [])
