"""The guards of conftest.py guard: each is shown failing what it must fail."""

import ast
import asyncio
import os
import re
import socket
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType

import dotenv
import pytest
from blockbuster import BlockingError
from hypothesis import given
from hypothesis import strategies as st
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

import tests.conftest as guards

UNROUTED = "192.0.2.1"  # RFC 5737: documentation only


async def test_blocking_error_when_a_coroutine_sleeps() -> None:
    with pytest.raises(BlockingError, match=r"time\.sleep"):
        time.sleep(0.001)  # noqa: ASYNC251 - the point of the test


async def test_blocking_error_when_a_coroutine_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_text, "x")
    with pytest.raises(BlockingError):
        path.read_text()


async def test_no_error_when_a_thread_blocks() -> None:
    await asyncio.to_thread(time.sleep, 0.001)


@pytest.mark.allow_blocking("shows that the marker switches the guard off")
async def test_no_error_when_the_test_may_block() -> None:
    time.sleep(0.001)  # noqa: ASYNC251 - the point of the test


def test_connection_refused_to_start_when_host_is_not_loopback() -> None:
    with socket.socket() as sock, pytest.raises(SocketConnectBlockedError):
        sock.connect((UNROUTED, 80))


async def test_connection_refused_to_start_when_coroutine_leaves_loopback() -> None:
    with pytest.raises(SocketConnectBlockedError):
        await asyncio.open_connection(UNROUTED, 80)
    with pytest.raises(SocketBlockedError, match="example"):
        await asyncio.open_connection("example.com", 80)


def test_name_error_when_name_can_never_resolve() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("qdrant.invalid", 6333))


async def test_connected_when_host_is_loopback() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


def test_environment_is_ours_when_a_test_starts() -> None:
    foreign = {name for name in os.environ if name.startswith(guards.OUTSIDE)}
    assert foreign == {"LANGSMITH_TRACING", "MEMENTO_HOME"}
    assert not Path(os.environ["MEMENTO_HOME"]).exists()


def test_test_fails_when_it_imported_a_bare_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = ModuleType("graph")
    copy.__file__ = str(guards.ROOT / "graph" / "__init__.py")
    monkeypatch.setitem(sys.modules, "graph", copy)
    watch = guards.a_second_copy_fails.__wrapped__()
    next(watch)
    with pytest.raises(pytest.fail.Exception, match=r"memento\.graph"):
        next(watch)


def test_developers_env_file_is_not_read_when_a_test_loads_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-the-developers-own\n")
    dotenv.load_dotenv(tmp_path / ".env")
    assert "OPENAI_API_KEY" not in os.environ


@given(st.integers())
async def test_hypothesis_accepts_the_guards(number: int) -> None:
    await asyncio.sleep(0)
    assert isinstance(number, int)


ENVIRONMENT_READERS = {
    "graph/settings.py": "the one reader of settings, keys and passwords",
    "memento/openmp.py": "sets OMP_WAIT_POLICY before torch or llama.cpp loads OpenMP, which reads it there",
    "memory/minilm/model.py": "turns off onnxruntime's reports to its makers, which reads that before it loads",
    "evals/environments/process.py": "hands the search paths, the locale and the folders on to its child process",
    "evals/runs/workers.py": "hands the environment on to its worker processes, with a number of threads",
}


def test_only_settings_read_the_environment() -> None:
    readers = {
        str(path.relative_to(guards.ROOT))
        for room in ("memento", *guards.BARE_FOLDERS)
        for path in (guards.ROOT / room).rglob("*.py")
        if _READS_THE_ENVIRONMENT.search(source := path.read_text(encoding="utf-8"))
        if any(map(_asks_the_environment, ast.walk(ast.parse(source))))
    }
    assert readers == set(ENVIRONMENT_READERS)


_READS_THE_ENVIRONMENT = re.compile("environ|getenv|putenv|unsetenv")


def _asks_the_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    if isinstance(node, ast.ImportFrom) and node.module == "os":
        return any(alias.name in names for alias in node.names)
    return (
        isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.value, ast.Name)
    ) and node.value.id == "os"


def test_every_marker_is_used_by_some_test() -> None:
    settings = tomllib.loads((guards.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {line.partition(":")[0].partition("(")[0] for line in settings["tool"]["pytest"]["ini_options"]["markers"]}
    used = {
        name
        for path in (guards.ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"(?m)^[^#\n]*\bpytest\.mark\.(\w+)", path.read_text(encoding="utf-8"))
    }
    assert named <= used, f"no test has the marker {named - used}"
