"""A real server: every address that it advertises answers, and it lets runs end or go on later when it is stopped."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from memento.memory.case_memory import CaseMemory
from tests.dev_server import Server, dev_server
from tests.node_parts import answer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.allow_blocking("what may not block is in another process, which watches itself"),
]


class Model:
    """Answers as soon as it may."""

    def __init__(self, *, may_answer: bool = True) -> None:
        self.may_answer = threading.Event()
        if may_answer:
            self.may_answer.set()

    def __call__(self, request: dict[str, Any]) -> str:
        self.may_answer.wait(120)
        return answer("42")


def talking_to(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=90)


async def asked(server: Server) -> None:
    """Wait until a run is at work: its model was asked."""
    for _ in range(1_200):
        if server.models.requests:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no run has begun")


async def stopping(server: Server) -> None:
    """Ask the server to stop, and wait until it lets nobody in any more."""
    os.kill(server.process.pid, signal.SIGTERM)
    async with talking_to(server) as http:
        for _ in range(600):
            try:
                await http.get("/ok")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("it goes on serving")


async def begun(http: httpx.AsyncClient) -> str:
    """Begin a run that nobody waits for; the thread."""
    thread = str((await http.post("/threads", json={})).json()["thread_id"])
    body = {"assistant_id": "memento", "input": {"task": "six times seven?", "reference": "42"}}
    assert (await http.post(f"/threads/{thread}/runs", json=body)).status_code == 200
    return thread


async def ended(http: httpx.AsyncClient, thread: str) -> dict[str, Any]:
    """Wait for the thread's run; its values."""
    for _ in range(300):
        (run,) = (await http.get(f"/threads/{thread}/runs")).json()
        if run["status"] not in ("pending", "running"):
            break
        await asyncio.sleep(0.2)
    assert run["status"] == "success", run
    values: dict[str, Any] = (await http.get(f"/threads/{thread}/state")).json()["values"]
    return values


async def test_no_advertised_address_answers_with_an_error_of_the_server(tmp_path: Path) -> None:
    async with dev_server(tmp_path, Model()) as server, talking_to(server) as http:
        described = (await http.get("/openapi.json")).json()
        assert {"/feedback", "/feedback/tokens", "/memento/health"} <= set(described["paths"])
        paths = [path for path, verbs in described["paths"].items() if "get" in verbs and "{" not in path]
        assert {"/info", "/memento/health"} <= set(paths)
        for path in (*paths, "/", "/docs", "/openapi.json", "/deploy"):
            async with http.stream("GET", path) as response:  # a stream of events has no end
                assert response.status_code < 500, (path, response.status_code)
        health = (await http.get("/memento/health")).json()
        assert health["status"] == "up"
        assert {name: part["state"] for name, part in health["parts"].items()}["models"] == "ok"


async def test_a_run_that_a_client_waits_for_ends_when_the_server_is_stopped(tmp_path: Path) -> None:
    model = Model(may_answer=False)
    async with dev_server(tmp_path, model) as server, talking_to(server) as http:
        body = {"assistant_id": "memento", "input": {"task": "six times seven?", "reference": "42"}}
        waiting = asyncio.create_task(http.post("/runs/wait", json=body))
        await asked(server)
        await stopping(server)
        model.may_answer.set()
        done = (await waiting).json()
        assert (done["answer"], done["reward"]) == ("42", 1.0)
        await server.process.wait()
    async with CaseMemory.open(tmp_path / "home") as memory:
        assert (await memory.views.counts(namespace="default")).cases == 1, "what was answered is remembered"


async def test_a_run_that_nobody_waits_for_ends_before_the_server_does(tmp_path: Path) -> None:
    model = Model(may_answer=False)
    async with dev_server(tmp_path, model, MEMENTO_DRAIN_SECONDS="60") as server:
        async with talking_to(server) as http:
            thread = await begun(http)
            await asked(server)
        await stopping(server)
        model.may_answer.set()
        await server.process.wait()
    async with dev_server(tmp_path, Model()) as server, talking_to(server) as http:
        values = await ended(http, thread)
        assert (values["answer"], values["reward"]) == ("42", 1.0)
        assert server.models.requests == [], "it had ended before"


async def test_a_run_that_takes_too_long_goes_on_in_the_next_server(tmp_path: Path) -> None:
    model = Model(may_answer=False)
    async with dev_server(tmp_path, model, MEMENTO_DRAIN_SECONDS="0.2") as server:
        async with talking_to(server) as http:
            thread = await begun(http)
            await asked(server)
        os.kill(server.process.pid, signal.SIGTERM)
        await server.process.wait()
        assert "to be resumed" in server.log
        model.may_answer.set()
    async with dev_server(tmp_path, Model()) as server, talking_to(server) as http:
        values = await ended(http, thread)
        assert (values["answer"], values["reward"]) == ("42", 1.0)
    async with CaseMemory.open(tmp_path / "home") as memory:
        counts = await memory.views.counts(namespace="default")
        assert (counts.cases, counts.events) == (1, 1), "nothing is lost, nothing is done twice"
