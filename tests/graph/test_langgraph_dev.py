"""The graph under `langgraph dev`, driven through its SDK: what Studio and every client of the server see. Offline."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from mcp import Client

from memento.memory.case_memory import CaseMemory
from tests.dev_server import ROOT, Server, dev_server
from tests.node_parts import answer, plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """One model for all roles: it plans once, calls a tool once, then answers."""
    text = str(request["messages"][-1]["content"])
    system = str(request["messages"][0]["content"])
    if "You judge" in system:
        return json.dumps({"correct": "yes", "reason": "the same"})
    if "You carry out" in system:
        return "42"
    return answer("42") if "<result" in text or "directly" in text else plan("multiply", "check")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with dev_server(tmp_path, reply) as running:
        yield running


async def custom_events(client: Any, thread: str, **run: Any) -> list[str]:
    stream = client.runs.stream(thread, "memento", stream_mode=["custom", "updates"], **run)
    parts = [part async for part in stream]
    errors = [part.data for part in parts if part.event == "error"]
    assert not errors, errors
    return [part.data["event"] for part in parts if part.event == "custom"]


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Any]:
    async with get_client(url=server.url) as client:
        yield client


async def check_form(client: Any) -> None:
    (assistant,) = await client.assistants.search(graph_id="memento")
    schemas = await client.assistants.get_schemas(assistant["assistant_id"])
    form = schemas["context_schema"]["properties"]
    assert all(field.get("description") for field in form.values())
    assert (form["k"]["minimum"], form["k"]["maximum"], form["k"]["default"]) == (0, 32, 4)
    assert set(schemas["output_schema"]["properties"]) >= {"answer", "reward", "case_id", "event_id", "messages"}
    assert "task" in schemas["input_schema"]["properties"]


async def check_stream_fork_and_second_task(client: Any) -> str:
    """Returns the id of an event whose reward is not known."""
    thread = (await client.threads.create())["thread_id"]
    given = {"task": "six times seven?", "reference": "42"}
    events = await custom_events(client, thread, input=given, context={"k": 2})
    assert Counter(events) == Counter(cases=1, plan=1, subtask=2, result=2, reward=1, written=1)
    first = (await client.threads.get_state(thread))["values"]
    assert (first["answer"], first["reward"]) == ("42", 1.0)

    history = await client.threads.get_history(thread, limit=50)
    (before_execution,) = [state for state in history if set(state["next"]) == {"executor"}]
    await client.runs.wait(thread, "memento", input=None, checkpoint_id=before_execution["checkpoint"]["checkpoint_id"])
    forked = (await client.threads.get_state(thread))["values"]
    assert (forked["case_id"], forked["event_id"]) == (first["case_id"], first["event_id"]), "written once"

    await client.runs.wait(thread, "memento", input={"task": "answer directly: eight?"})
    second = (await client.threads.get_state(thread))["values"]
    assert (second["reward"], second["results"], second["run"]["references"]) == (None, [], [])
    assert [message["type"] for message in second["messages"]] == ["human", "ai", "human", "ai"]
    return str(second["event_id"])


async def check_approval(client: Any) -> None:
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "memento", input={"task": "six times nine?"}, context={"approve_plan": True})
    state = await client.threads.get_state(thread)
    assert state["tasks"][0]["interrupts"][0]["value"]["kind"] == "approve_plan"
    for unreadable in (7, {"decisions": []}, {"decison": "approve"}):
        await client.runs.wait(thread, "memento", command={"resume": unreadable})
        state = await client.threads.get_state(thread)
        assert (await client.threads.get(thread))["status"] == "interrupted", "a bad reply costs no thread"
        assert state["tasks"][0]["interrupts"][0]["value"]["problem"]
    await client.runs.wait(thread, "memento", command={"resume": {"decisions": [{"type": "approve"}]}})
    assert (await client.threads.get_state(thread))["values"]["answer"] == "42"


async def check_routes(server: Server, event_id: str) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as http:
        late = await http.post("/feedback", json={"event_id": event_id, "reward": 1.0, "lesson": "easy"})
        unknown = await http.post("/feedback", json={"event_id": "nobody", "reward": 1.0})
        malformed = await http.post("/feedback", json={"event_id": event_id, "reward": 7})
        documented = await http.get("/openapi.json")
        page = await http.get("/docs")
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        tools = await http.post("/mcp", json=request, headers={"Accept": "application/json, text/event-stream"})
    assert late.status_code == 200, late.text
    assert late.json()["case_id"], "the attempt became a case"
    assert (unknown.status_code, malformed.status_code) == (404, 422)
    assert (page.status_code, documented.status_code) == (200, 200), documented.text
    assert "post" in documented.json()["paths"]["/feedback"]
    assert '"memento"' in tools.text


async def check_mcp(server: Server) -> None:
    """The graph is a tool of the server's own `/mcp`: any MCP client can list and call it."""
    async with Client(f"{server.url}/mcp") as client:
        (tool,) = (await client.list_tools()).tools
        form = tool.input_schema["properties"]
        assert (tool.name, set(form)) == (
            "memento",
            {"task", "messages", "reference", "attachments", "namespace", "key"},
        )
        assert "remembered cases" in str(tool.description)
        assert all(field.get("description") for field in form.values())
        done = await client.call_tool("memento", {"task": "answer directly: ten?", "reference": "42"})
        assert not done.is_error, done
        assert "'answer': '42', 'reward': 1.0" in done.content[0].text
        done = await client.call_tool(
            "memento", {"messages": "answer directly: nine?"}
        )  # what the tool's schema asks for
        assert "'answer': '42', 'reward': None" in done.content[0].text
        failed = await client.call_tool("memento", {"task": " "})
        assert failed.is_error, "a run that cannot be is an error, and no answer"


async def check_many_at_once(client: Any) -> None:
    inputs = [{"task": f"answer directly: {n}?", "reference": "42"} for n in range(8)]
    runs = await asyncio.gather(*(client.runs.wait(None, "memento", input=given) for given in inputs))
    assert {run["answer"] for run in runs} == {"42"}


@pytest.mark.allow_blocking("what may not block is in another process, which watches itself")
async def test_server_does_all_that_studio_asks_for_when_driven_by_its_client(server: Server, client: Any) -> None:
    await check_form(client)
    event_id = await check_stream_fork_and_second_task(client)
    await check_approval(client)
    await check_routes(server, event_id)
    await check_mcp(server)
    await check_many_at_once(client)

    await server.stop()
    assert "Blocking" not in server.log
    caused = ("InvalidTask",)
    errors = [line for line in server.log.splitlines() if "[error" in line and not any(name in line for name in caused)]
    assert not [line for line in errors if "Run encountered an error" not in line], errors
    async with CaseMemory.open(server.home) as memory:  # its index is free again
        counts = await memory.views.counts(namespace="default")
        assert memory.notices == []
    assert counts.cases == 11, "one of the first task, one by feedback, one by MCP, eight at once"
    assert not (ROOT / ".langgraph_api").exists()
