"""Our tools as an MCP server, called by a real client over stdio and over HTTP."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from fastmcp import Client as InProcess
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from memento.cli.mcp_choice import chosen
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolInputError
from memento.tools.mcp_server import make_mcp_server
from memento.tools.workspace import Workspace
from memento.tools.workspace_binding import bind_workspace
from tests.commands import MEMENTO, environment, invoke


async def note(path: str, text: str = "x", *, workspace: Workspace) -> str:
    """Write a note.

    Args:
        path: where to.
        text: what to write.
    """
    return await asyncio.to_thread(workspace.write, path, text.encode())


async def refuse(why: str) -> str:
    """Fail."""
    raise ToolInputError(f"{why}; choose another")


async def break_down() -> str:
    """Fail, and not in a way that anybody foresaw."""
    raise KeyError("sk-secret")


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[InProcess[Any]]:
    functions = {"note": note, "refuse": refuse, "break_down": break_down}
    server = await asyncio.to_thread(make_mcp_server, functions, Workspace(tmp_path / "run"))
    async with InProcess(server) as client:
        yield client


async def call(client: Any, name: str, **arguments: Any) -> CallToolResult:
    return await client.call_tool(name, arguments, raise_on_error=False)


async def test_the_workspace_is_given_and_not_shown(client: InProcess[Any], tmp_path: Path) -> None:
    (tool,) = [tool for tool in await client.list_tools() if tool.name == "note"]
    assert tool.description == "Write a note."
    assert set(tool.input_schema["properties"]) == {"path", "text"}
    assert tool.input_schema["properties"]["path"]["description"] == "where to."
    assert text_of(await call(client, "note", path="a.txt", text="hello")) == "a.txt"
    assert await asyncio.to_thread((tmp_path / "run" / "a.txt").read_text) == "hello"
    assert (await call(client, "note", path="../a.txt")).is_error
    assert (await call(client, "note", path="a", workspace="/")).is_error


async def test_a_tool_says_what_to_do_and_nothing_else_says_anything(client: InProcess[Any]) -> None:
    refused = await call(client, "refuse", why="too long")
    assert (refused.is_error, text_of(refused)) == (True, "too long; choose another")
    broken = await call(client, "break_down")
    assert (broken.is_error, text_of(broken)) == (True, "Error calling tool 'break_down'")
    assert "Missing required argument" in text_of(await call(client, "refuse"))


async def test_a_function_is_left_as_it_is_when_it_needs_no_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert bind_workspace(refuse, workspace) is refuse
    bound = bind_workspace(note, workspace)
    assert (bound.__name__, bound.__doc__) == (note.__name__, note.__doc__)
    assert "workspace" not in bound.__annotations__
    assert await bound("b.txt", text="y") == "b.txt"


def test_tools_that_run_code_are_left_out_unless_they_may_be_served() -> None:
    functions = dict.fromkeys(("note", "run_python", "run_shell"), note)
    assert set(chosen(functions, (), with_code=False)) == {"note"}
    assert set(chosen(functions, (), with_code=True)) == set(functions)
    assert set(chosen(functions, ("note", "run_shell"), with_code=True)) == {"note", "run_shell"}
    with pytest.raises(InvalidInput, match="run_shell is served only with --allow-code"):
        chosen(functions, ("run_shell",), with_code=False)


PRINTS = """
import asyncio
from pathlib import Path
from memento.tools.mcp_server import make_mcp_server, serve_stdio
from memento.tools.workspace import Workspace

async def loud() -> str:
    "Print."
    print("not a message", end="")
    return "done"

asyncio.run(serve_stdio(make_mcp_server({"loud": loud}, Workspace(Path("unused")))))
"""


@pytest.mark.slow
async def test_stdout_holds_messages_only_when_a_tool_prints(tmp_path: Path) -> None:
    requests = [
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",'
        ' "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}',
        '{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        '{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "loud", "arguments": {}}}',
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PRINTS, stdin=pipe, stdout=pipe, stderr=pipe, cwd=tmp_path
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{request}\n" for request in requests).encode())
    lines = [await process.stdout.readline() for _ in range(2)]
    process.stdin.close()
    out, err = await process.communicate()
    assert all(line.startswith(b'{"jsonrpc"') for line in lines), lines
    assert b'"done"' in lines[1]
    assert (out, b"not a message" in err) == (b"", True)


@pytest.mark.slow
async def test_a_client_over_stdio_lists_and_calls_our_tools(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    await asyncio.to_thread(notes.mkdir)
    await asyncio.to_thread((notes / "a.md").write_text, "The quetzal nests in March.")
    env = environment(tmp_path / "home", MEMENTO_FILES=str(notes))
    command = StdioServerParameters(command=str(MEMENTO), args=["mcp", "--tool", "search_files"], env=env)
    async with Client(command) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["search_files"]
        assert "a.md:1" in text_of(await client.call_tool("search_files", {"query": "quetzal"}))
        assert (await client.call_tool("search_files", {"query": ""})).is_error


class Served(NamedTuple):
    url: str
    said: str
    """What it printed after its address."""


@asynccontextmanager
async def served(home: Path, *more: str, n_lines: int = 2, **variables: str) -> AsyncIterator[Served]:
    """`memento mcp --http` on a free port."""
    pipe = asyncio.subprocess.PIPE
    env = environment(home, **variables)
    process = await asyncio.create_subprocess_exec(
        str(MEMENTO), "mcp", "--http", "--port", "0", *more, env=env, stdout=pipe, stderr=pipe
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        assert line.startswith("http://127.0.0.1:"), line
        said = [(await process.stderr.readline()).decode() for _ in range(n_lines)]
        yield Served(line.partition(": ")[0], "".join(said))
    finally:
        process.send_signal(2)
        out, _ = await process.communicate()
    assert (process.returncode, out) == (130, b"")


@pytest.mark.slow
async def test_a_client_over_http_is_given_no_code_unless_asked(tmp_path: Path) -> None:
    async with served(tmp_path / "home", n_lines=3) as server:
        token = re.search(r"Authorization: Bearer (\S+)$", server.said, re.MULTILINE)
        assert token is not None
        assert len(token[1]) >= 32
        assert server.said.splitlines()[1].endswith(f'"headers": {{"Authorization": "Bearer {token[1]}"}}}}}}}}')
        async with InProcess(server.url, auth=token[1]) as client:
            names = {tool.name for tool in await client.list_tools()}
            assert "web_search" in names
            assert not names & {"run_python", "run_shell"}
            assert (await client.call_tool("web_search", {"query": ""}, raise_on_error=False)).is_error


REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


@pytest.mark.slow
async def test_nobody_calls_without_the_token(tmp_path: Path) -> None:
    mine = "a-token-of-my-own-0123456789"
    async with served(tmp_path / "home", MEMENTO_MCP_TOKEN=mine) as server:
        assert mine not in server.said
        client = await asyncio.to_thread(httpx2.AsyncClient, trust_env=False)
        async with client:
            for value in (None, "Bearer", "Bearer x", f"Basic {mine}", f"Bearer {mine}x", f"Bearer {mine[:-1]}"):
                headers = ACCEPT | ({"Authorization": value} if value else {})
                response = await client.post(server.url, json=REQUEST, headers=headers)
                assert (response.status_code, response.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
            response = await client.post(server.url, json=REQUEST, headers=ACCEPT | {"Authorization": f"Bearer {mine}"})
            assert response.status_code not in (401, 403)
        async with InProcess(server.url, auth=mine) as known:
            assert await known.list_tools()


@pytest.mark.slow
async def test_anybody_calls_when_no_token_is_wanted(tmp_path: Path) -> None:
    async with served(tmp_path / "home", "--no-token", n_lines=1) as server, Client(server.url) as client:
        assert "there is no token" in server.said
        assert (await client.list_tools()).tools


@pytest.mark.allow_blocking("a command has its event loop to itself")
@pytest.mark.parametrize("token", ["", "short", "with a space in it, and long", "ünïcödé-tökén-of-length"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    done = invoke("mcp", "--http", "--port", "0", "--token", token)
    assert (done.code, done.out) == (2, "")
    assert "a token has 16 or more letters" in done.err


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_a_token_cannot_be_given_and_switched_off() -> None:
    done = invoke("mcp", "--http", "--port", "0", "--no-token", "--token", "0123456789abcdef")
    assert (done.code, "exclude each other" in done.err) == (2, True)


@pytest.mark.slow
async def test_a_web_page_cannot_use_our_server(tmp_path: Path) -> None:
    token = "0123456789abcdef"
    async with served(tmp_path / "home", "--token", token) as server:
        client = await asyncio.to_thread(httpx2.AsyncClient, trust_env=False)
        async with client:
            for header in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
                sent = ACCEPT | header | {"Authorization": f"Bearer {token}"}
                response = await client.post(server.url, json=REQUEST, headers=sent)
                assert response.status_code in (403, 421), response.text
