"""`memento mcp --memory`: the memory tools over stdio and HTTP, called by the official MCP client."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from tests.commands import MEMENTO, environment, invoke

MEMORY = {"recall_cases", "remember_case", "give_feedback", "why_case"}
TOKEN = "a-token-of-my-own-0123456789"
pytestmark = pytest.mark.slow


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content)


def id_in(pattern: str, text: str) -> str:
    found = re.search(pattern + r" ([0-9a-f-]{36})", text)
    assert found, text
    return found[1]


def event_in(text: str) -> str:
    return id_in("event_id:", text)


def stdio(home: Path, *options: str, **variables: str) -> Client:
    args = ["mcp", *(options or ("--memory-only",))]
    return Client(StdioServerParameters(command=str(MEMENTO), args=args, env=environment(home, **variables)))


async def said(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return text_of(result)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def test_a_round_trip_over_stdio(tmp_path: Path) -> None:
    task = "Fix the flaky test of the parser"
    async with stdio(tmp_path) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == MEMORY
        assert set(listed["remember_case"].input_schema["required"]) == {"task", "action"}
        assert not any("namespace" in tool.input_schema["properties"] for tool in listed.values())
        assert "Before a task" in (client.instructions or "")
        assert not (tmp_path / "ledger.sqlite").exists(), "opened by the first call"
        event = event_in(await said(client, "recall_cases", task=task))
        kept = await said(client, "remember_case", task=task, action="Seed the generator", reward=0.0, event_id=event)
        case = id_in("Case", kept)
        assert "failed (reward 0" in kept
        told = await said(client, "give_feedback", event_id=event, reward=1.0, lesson="sets have no order")
        assert f"Case {case}: worked (reward 1, by agent)" in told
        recalled = await said(client, "recall_cases", task="Fix the flaky test of the lexer")
        assert "Seed the generator" in recalled
        why = await said(client, "why_case", case_id=case, event_id=event_in(recalled))
        assert "for slot 0" in why
        assert "What worked: sets have no order" in why
    async with stdio(tmp_path) as client:  # another process
        assert "Seed the generator" in await said(client, "recall_cases", task="Fix the flaky test of the lexer")


async def test_bad_arguments_are_named_without_their_values(tmp_path: Path) -> None:
    async with stdio(tmp_path) as client:
        told = await refused(client, "remember_case", task="x", action="y", reward="sk-a-secret-0123456789")
        assert told.startswith("invalid arguments: `reward`: Input should be a valid number")
        assert "sk-a-secret" not in told
        assert "`task`" in await refused(client, "recall_cases")
        assert "`namespace`" in await refused(client, "recall_cases", task="x", namespace="theirs")
        assert "a reward lies in [0, 1]" in await refused(client, "remember_case", task="x", action="y", reward=7)
        assert "no event" in await refused(client, "give_feedback", event_id="nope", reward=1)
        assert "at most 100,000" in await refused(client, "recall_cases", task="x" * 200_000)
        assert "this memory is empty" in await said(client, "recall_cases", task="x")


async def test_namespaces_are_those_of_the_start(tmp_path: Path) -> None:
    home, one, two = tmp_path / "home", tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        await asyncio.to_thread(folder.mkdir)
    async with stdio(home, "--memory-only", "--project", str(one)) as client:
        kept = await said(client, "remember_case", task="Ship it", action="tag and build", reward=1)
    for options in (["--project", str(two)], ["--namespace", "x"], []):
        async with stdio(home, "--memory-only", *options) as client:
            assert "this memory is empty" in await said(client, "recall_cases", task="Ship it now")
            assert "no event" in await refused(client, "give_feedback", event_id=event_in(kept), reward=0)
            assert "no case" in await refused(client, "why_case", case_id=id_in("Case", kept))
    await asyncio.to_thread((one / "src").mkdir)
    async with stdio(home, "--memory-only", "--project", str(one)) as client:
        assert "tag and build" in await said(client, "recall_cases", task="Ship it now")


async def test_memory_tools_stand_beside_the_others(tmp_path: Path) -> None:
    async with stdio(tmp_path, "--memory") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names > MEMORY
        assert "read_file" in names
    async with stdio(tmp_path, "--memory", "--tool", "recall_cases", "--tool", "read_file") as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"recall_cases", "read_file"}
    async with stdio(tmp_path, "--tool", "read_file") as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"read_file"}
        assert not client.instructions


async def test_an_acknowledged_case_outlives_a_killed_server(tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(MEMENTO), "mcp", "--memory-only", env=environment(tmp_path), stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    arguments = '{"task": "Ship it", "action": "tag, then build", "reward": 1}'
    requests = (
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",'
        ' "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}',
        '{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        '{"jsonrpc": "2.0", "id": 2, "method": "tools/call",'
        f' "params": {{"name": "remember_case", "arguments": {arguments}}}}}',
    )
    process.stdin.write("".join(f"{request}\n" for request in requests).encode())
    lines = [await process.stdout.readline() for _ in range(2)]
    process.kill()
    await process.communicate()
    assert b"Remembered. Case" in lines[1]
    async with stdio(tmp_path) as client:
        assert "tag, then build" in await said(client, "recall_cases", task="Ship it now")


@asynccontextmanager
async def over_http(home: Path, *options: str) -> AsyncIterator[str]:
    """`memento mcp --memory-only --http` on a free port; gives its URL."""
    pipe = asyncio.subprocess.PIPE
    words = ("mcp", "--memory-only", "--http", "--port", "0", *options)
    env = environment(home, MEMENTO_MCP_TOKEN=TOKEN)
    process = await asyncio.create_subprocess_exec(str(MEMENTO), *words, env=env, stdout=pipe, stderr=pipe)
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        assert line.startswith("http://127.0.0.1:"), line
        assert "4 tools, memory of namespace 'default'" in line
        yield line.partition(": ")[0]
    finally:
        process.send_signal(2)
        out, _ = await process.communicate()
    assert (process.returncode, out) == (130, b"")


@asynccontextmanager
async def client_of(url: str, token: str | None = TOKEN) -> AsyncIterator[Any]:
    from fastmcp import Client as Http

    async with Http(url, auth=token) as client:
        yield client


async def test_several_clients_over_http_share_one_memory(tmp_path: Path) -> None:
    async def work(number: int) -> None:
        async with client_of(url) as client:
            recalled = await client.call_tool("recall_cases", {"task": f"Ship part {number}"})
            given = {
                "task": f"Ship part {number}",
                "action": f"way {number}",
                "reward": 1,
                "event_id": event_in(text_of(recalled)),
            }
            kept = await client.call_tool("remember_case", given)
            assert "worked (reward 1" in text_of(kept)

    async with over_http(tmp_path) as url:
        await asyncio.gather(*map(work, range(4)))
        async with client_of(url) as client:
            told = text_of(await client.call_tool("recall_cases", {"task": "Ship a part", "max_cases": 10}))
        async with stdio(tmp_path) as beside:  # another process on the same bank
            assert "way 0" in await said(beside, "recall_cases", task="Ship a part", max_cases=10)
    assert all(f"way {number}" in told for number in range(4))


async def test_the_memory_over_http_needs_the_token(tmp_path: Path) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    async with over_http(tmp_path) as url:
        http = await asyncio.to_thread(httpx2.AsyncClient, trust_env=False)
        async with http:
            for headers in ({}, {"Authorization": "Bearer wrong-token-0123456789"}):
                assert (await http.post(url, json=request, headers=accept | headers)).status_code == 401
            foreign = accept | {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}
            assert (await http.post(url, json=request, headers=foreign)).status_code in (403, 421)
        async with client_of(url) as client:
            assert {tool.name for tool in await client.list_tools()} == MEMORY


@pytest.mark.allow_blocking("a command has its event loop to itself")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--namespace", "x"], "--namespace and --project are about the memory"),
        (["--memory", "--namespace", "x", "--project", "."], "exclude each other"),
        (["--tool", "recall_cases"], "recall_cases is a tool of the memory; add --memory"),
        (["--memory", "--tool", "read_file"], "--tool leaves out every tool of the memory"),
        (["--memory-only", "--workspace", "files"], "--workspace is for the other tools"),
        (["--memory-only", "--tool", "recall_cases", "--tool", "read_file"], "there is no tool 'read_file'"),
        (["--memory-only", "--namespace", "\n"], "a namespace has 1 to 200 printable characters"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words: list[str], why: str) -> None:
    done = invoke("mcp", *words)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
