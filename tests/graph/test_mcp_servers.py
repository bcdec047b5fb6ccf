"""Real MCP servers, each a process of its own: the good ones serve, whatever the others do, and none is left behind."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool

from benchmarks.mcp_servers import HANGS, marked_processes
from memento.graph.mcp.definitions import MAX_DESCRIPTION_CHARS
from memento.graph.mcp.servers import McpServers
from memento.nodes.tool_binding import WORKSPACE
from memento.tools.errors import ToolError, ToolUnavailable
from memento.tools.workspace import Workspace
from tests.mcp_stubs import DIES, GOOD, HOSTILE, LEAVES_A_CHILD, LEAVES_ONE_ELSEWHERE, NOISY, stub
from tests.scripted import ScriptedChatModel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
SECRET = "ghp-very-secret"
STARTS_WITHIN_S = 60.0


class Opened:
    """Servers of one test, and the mark by which their processes are known."""

    def __init__(self, folder: Path) -> None:
        self.mark = f"memento-{uuid.uuid4().hex}"
        self._folder = folder
        self._all: list[McpServers] = []

    async def servers(self, timeouts: dict[str, float] | None = None, **sources: str | dict[str, Any]) -> McpServers:
        env = {"MARK": self.mark, "MY_TOKEN": "${GITHUB_TOKEN}"}
        entries = {
            name: await asyncio.to_thread(stub, self._folder, source, env=env) if isinstance(source, str) else source
            for name, source in sources.items()
        }
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "GITHUB_TOKEN": SECRET, "OPENAI_API_KEY": "sk-ours"}  # noqa: S108
        limits = {"start_timeout_s": STARTS_WITHIN_S, **(timeouts or {})}
        self._all.append(McpServers({"mcpServers": entries}, environment=environment, **limits))
        return self._all[-1]

    async def n_processes(self) -> int:
        return len(await asyncio.to_thread(marked_processes, self.mark))

    async def aclose(self) -> None:
        for servers in self._all:
            await servers.aclose()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("mcp ")]
        for _ in range(600):  # a process that was killed takes a moment to go on a busy machine
            if not await self.n_processes():
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"{await self.n_processes()} processes are left")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    opened = Opened(tmp_path)
    yield opened
    await opened.aclose()


async def tools_of(servers: McpServers) -> dict[str, BaseTool]:
    found = await servers.tools()
    assert found.failures == {}
    return {tool.name.removeprefix("one_"): tool for tool in found.tools}


def test_good_servers_serve_and_no_process_is_left_when_four_of_six_are_no_good() -> None:
    # In a process of its own: the event loop that it abandons leaves open pipes for whichever test comes next.
    command = [sys.executable, "-m", "benchmarks.mcp_servers", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert set(found["failures"]) == {"absent", "floods", "dies", "hangs"}
    assert found["left"] == {"closed": 0, "cancelled_starting": 0, "cancelled_calling": 0, "abandoned": 0}


async def test_tools_work_and_fail_as_ours_do(opened: Opened, tmp_path: Path) -> None:
    tools = await tools_of(await opened.servers(one=NOISY))
    assert await tools["add"].ainvoke({"a": 2, "b": 3}) == "5"
    assert await tools["echo"].ainvoke({"config": "one", "self": "two"}) == "one two"
    with pytest.raises(ToolError, match="because") as failed:
        await tools["fail"].ainvoke({"reason": "because"})
    assert not isinstance(failed.value, ToolUnavailable), "a retry would not help"
    with pytest.raises(ToolError, match="valid integer"):
        await tools["add"].ainvoke({"a": "x", "b": 1})
    workspace = Workspace(tmp_path / "run")
    told = await tools["picture"].ainvoke({}, {"configurable": {WORKSPACE: workspace}})
    (made,) = await asyncio.to_thread(workspace.made)
    assert made in told


async def test_a_server_sees_no_key_of_ours_and_its_own_is_not_repeated(opened: Opened) -> None:
    tools = await tools_of(await opened.servers(one=GOOD))
    lines = (await tools["environment"].ainvoke({})).splitlines()
    assert {line.partition("=")[0] for line in lines} - {"LC_CTYPE"} == {"PATH", "HOME", "MARK", "MY_TOKEN"}
    assert "MY_TOKEN=***" in lines
    servers = await opened.servers(one=DIES)
    reason = (await servers.tools()).failures["one"]
    assert "no module named nonsense, nor ***" in reason


async def test_the_same_process_answers_until_it_dies_and_then_another_one_does(opened: Opened) -> None:
    servers = await opened.servers(one=GOOD)
    tools = await tools_of(servers)
    first, second = [await tools["count"].ainvoke({}) for _ in range(2)]
    assert (first[:6], second[:6], first[6:]) == ("call 1", "call 2", second[6:])
    with pytest.raises(ToolError, match="find out whether it was done") as unknown:
        await tools["die"].ainvoke({})
    assert not isinstance(unknown.value, ToolUnavailable), "what may have been done is not repeated"
    with pytest.raises(ToolUnavailable, match="call again"):
        await tools["die_reading"].ainvoke({})
    third = await tools["count"].ainvoke({})
    assert third.startswith("call 1 of")
    assert third[6:] != first[6:]
    assert await tools_of(servers) == tools, "an agent made with them is used again"


async def test_a_server_keeps_its_state_over_a_slow_call_and_is_replaced_when_it_hangs(opened: Opened) -> None:
    tools = await tools_of(await opened.servers({"call_timeout_s": 0.5}, one=GOOD))
    assert (await tools["count"].ainvoke({})).startswith("call 1")
    with pytest.raises(ToolError, match=r"did not answer within 0\.5 s"):
        await tools["wait"].ainvoke({"seconds": 60})
    assert (await tools["count"].ainvoke({})).startswith("call 2")
    with pytest.raises(ToolError, match=r"did not answer within 0\.5 s"):
        await tools["freeze"].ainvoke({})
    assert (await tools["count"].ainvoke({})).startswith("call 1")


async def test_a_call_that_is_cancelled_leaves_the_server_to_others(opened: Opened) -> None:
    tools = await tools_of(await opened.servers(one=GOOD))
    waiting = asyncio.create_task(tools["wait"].ainvoke({"seconds": 60}))
    await asyncio.sleep(0.2)
    waiting.cancel()
    assert await tools["add"].ainvoke({"a": 1, "b": 1}) == "2"
    assert await opened.n_processes() == 1


async def test_a_slow_server_serves_from_when_it_is_ready_and_is_waited_for_once(opened: Opened) -> None:
    servers = await opened.servers({"start_timeout_s": 0.05}, one=GOOD, two=HANGS)
    found = await servers.tools()
    assert set(found.failures) == set(found.away) == {"one", "two"}, found
    for _ in range(900):
        if "one" not in (found := await servers.tools()).failures:
            break
        await asyncio.sleep(0.1)
    assert set(found.failures) == set(found.away) == {"two"}, found.failures
    assert {tool.name.partition("_")[0] for tool in found.tools} == {"one"}


async def test_nothing_is_left_of_a_servers_own_children(opened: Opened) -> None:
    servers = await opened.servers(one=LEAVES_A_CHILD)
    assert "add" in await tools_of(servers)
    assert await opened.n_processes() == 2
    await servers.aclose()
    assert await opened.n_processes() == 0


def open_pipes() -> set[str]:
    """Those of this process."""
    pipes = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the folder itself
            pipes.add(str(link.readlink()))
    return {pipe for pipe in pipes if pipe.startswith("pipe:")}


async def test_nothing_of_ours_stays_open_when_a_servers_child_holds_its_pipes(opened: Opened, tmp_path: Path) -> None:
    before = await asyncio.to_thread(open_pipes)
    servers = await opened.servers(one=LEAVES_ONE_ELSEWHERE)
    assert "add" in await tools_of(servers)
    child = int(await asyncio.to_thread((tmp_path / "elsewhere.pid").read_text))
    try:
        await servers.aclose()
        assert await asyncio.to_thread(open_pipes) <= before
    finally:
        os.kill(child, signal.SIGKILL)


async def test_no_tool_takes_a_built_in_ones_place(opened: Opened) -> None:
    servers = await opened.servers(one=GOOD)
    found = await servers.tools({"one_add"})
    assert "one_add" not in {tool.name for tool in found.tools}
    assert "one_add is another tool's name" in found.failures["one"]
    assert found.away == (), "it answers"


async def test_what_a_server_says_never_comes_in_the_system_role(opened: Opened) -> None:
    found = await (await opened.servers(one=HOSTILE)).tools()
    calling = AIMessage("", tool_calls=[{"name": "one_weather", "args": {"city": "Oslo"}, "id": "1"}])
    model = ScriptedChatModel([calling, "it rains"])
    agent = create_agent(model, found.tools, system_prompt="Be good.")
    await agent.ainvoke({"messages": [HumanMessage("How is the weather?")]})
    first, second = model.calls
    assert [message.text for message in second.messages if message.type == "system"] == ["Be good."]
    assert [message.type for message in second.messages if "INJECTED" in message.text] == ["tool"]
    (shown,) = first.tools
    assert shown["function"]["description"].startswith("[from the MCP server one] INJECTED: send")
    assert len(shown["function"]["description"]) < MAX_DESCRIPTION_CHARS + 50
    assert "instructions" not in str(first)


@pytest.fixture
async def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_server_on_the_network_is_used_and_found_again_after_its_restart(
    opened: Opened, port: int, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{port}/mcp"
    servers = await opened.servers(one={"url": url, "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"}})
    gone = (await servers.tools()).failures["one"]
    assert "cannot be used" in gone
    entry = await asyncio.to_thread(stub, tmp_path, GOOD)
    servers = await opened.servers(one={"url": url})
    first = await serving(entry, port)
    tools = await tools_of(servers)
    assert await tools["add"].ainvoke({"a": 1, "b": 1}) == "2"
    first.kill()
    await first.wait()
    with pytest.raises(ToolError):
        await tools["add"].ainvoke({"a": 1, "b": 1})
    second = await serving(entry, port)
    assert await tools["add"].ainvoke({"a": 2, "b": 2}) == "4"
    await servers.aclose()
    second.kill()
    await second.wait()


async def serving(entry: dict[str, Any], port: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *entry["args"], str(port), stderr=asyncio.subprocess.DEVNULL
    )
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        await writer.wait_closed()
        return process
    raise AssertionError("the server did not start")
