"""MCP servers whose tools are odd in every way, in front of the strictest provider: every run ends, good tools work."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from langchain_openai import ChatOpenAI

from memento.graph.deps import Deps
from memento.graph.mcp.servers import McpServers
from memento.graph.settings import Settings
from memento.graph.toolset import Toolset
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder
from tests.mcp_stubs import listing, stub
from tests.node_parts import Roles, answer, plan, scripted
from tests.odd_schemas import HOPELESS, ODD
from tests.scripted import ScriptedServer
from tests.strict_provider import strict

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

GOOD: Final[dict[str, Any]] = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
MALFORMED: Final[list[dict[str, Any]]] = [
    {"name": "no_schema"},
    {"name": "schema_is_null", "inputSchema": None},
    {"name": "schema_is_a_list", "inputSchema": ["q"]},
    {"name": "odd_properties", "inputSchema": {"type": "object", "properties": {"a": "string"}}},
    {"name": "odd_required", "inputSchema": {"type": "object", "properties": {"a": {}}, "required": "a"}},
    {"name": "odd_description", "description": 7, "inputSchema": {"type": "object"}},
    {"name": "odd_output", "inputSchema": {"type": "object"}, "outputSchema": {"type": "array"}},
    {"name": "odd_hints", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": "yes"}},
    {"name": 5, "inputSchema": {"type": "object"}},
    {"inputSchema": {"type": "object"}},
]
"""Tools that the protocol does not allow."""
SERVERS: Final[dict[str, list[dict[str, Any]]]] = {
    "odd": [{"name": name, "inputSchema": schema} for name, schema in ODD.items()],
    "hopeless": [{"name": name, "inputSchema": schema} for name, schema in HOPELESS.items()],
    "malformed": MALFORMED,
}
DROPPED: Final = {"hopeless": set(HOPELESS), "malformed": {"schema_is_a_list", "2 without a name"}}


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    entries: dict[str, Any] = {}
    for server, tools in SERVERS.items():
        good = {"name": "good", "description": "A good tool.", "inputSchema": GOOD}
        cursed = {"name": "cursed", "description": "cursed", "inputSchema": GOOD}
        script = listing([*tools, good, *([cursed] if server == "odd" else [])])
        entries[server] = await asyncio.to_thread(stub, tmp_path, script)
    path = tmp_path / "mcp.json"
    await asyncio.to_thread(path.write_text, json.dumps({"mcpServers": entries}))
    return path


@pytest.fixture
async def servers(config: Path) -> AsyncIterator[McpServers]:
    made = McpServers(config, environment={"PATH": "/usr/bin:/bin"}, start_timeout_s=60)
    yield made
    await made.aclose()


async def test_a_malformed_tool_costs_its_own_place_and_no_other(servers: McpServers) -> None:
    found = await servers.tools()
    names = {tool.name for tool in found.tools}
    for server, tools in SERVERS.items():
        whole = {f"{server}_{tool.get('name')}" for tool in tools if isinstance(tool.get("name"), str)}
        gone = {f"{server}_{name}" for name in DROPPED.get(server, ())}
        # Long as they are, these are cut.
        assert {name for name in whole - gone if len(name) <= 64} <= names | {
            "odd_deep",
            "odd_tangled",
            "odd_many_values",
        }
        assert f"{server}_good" in names
        assert not names & gone
    for server, named in DROPPED.items():
        assert all(name in found.failures[server] for name in named)


async def test_every_run_ends_and_the_good_tools_work_in_front_of_the_strictest_provider(config: Path) -> None:
    called: list[str] = []

    def reply(body: dict[str, Any]) -> Any:
        names = [tool["function"]["name"] for tool in body["tools"]]
        task = next(message["content"] for message in body["messages"] if message["role"] == "user")
        server = next(server for server in SERVERS if f"use {server}." in task)
        assert f"{server}_good" in names
        if body["messages"][-1]["role"] == "tool":
            return str(body["messages"][-1]["content"])
        called.append(server)
        call = {"name": f"{server}_good", "arguments": json.dumps({"q": server})}
        return {"tool_calls": [{"id": "1", "type": "function", "function": call}]}

    toolset = Toolset(Settings(mcp=config, tools=""), Roles())
    memory = CaseMemory.open(":memory:", encoder=HashingEncoder())
    try:
        for _ in range(
            60
        ):  # a run does not wait for long for a server that starts slowly, and this machine may be busy
            if not any("not ready" in reason for reason in (await toolset.offer()).failures.values()):
                break
            await asyncio.sleep(1)
        async with ScriptedServer(strict(reply, refuses="cursed")) as server, memory:
            executor = ChatOpenAI(base_url=server.base_url, api_key="none", model="stub", max_retries=0)  # type: ignore[arg-type]
            for name in SERVERS:
                planner = scripted(plan(f"use {name}."), answer("done"))
                graph = build_graph(Deps(memory=memory, planner=planner, executor=executor, tools=toolset.toolbox))
                done = await graph.ainvoke({"task": f"Task with {name}"})
                assert done["answer"] == "done"
                told = "\n".join(done["notices"])
                assert "the tool odd_cursed is left out: the provider refuses it" in told
                assert all(dropped in told for names in DROPPED.values() for dropped in names)
                assert f'called with {{"name": "good", "arguments": {{"q": "{name}"}}' in planner.calls[1].text.replace(
                    "&quot;", '"'
                )
    finally:
        await toolset.aclose()
    assert called == list(SERVERS)
