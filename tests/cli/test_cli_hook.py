"""`memento hook` as a coding agent runs it: a process with JSON on stdin, which never fails the session."""

import asyncio
import json
import os
import socket as socket_module
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.commands import MEMENTO, Finished, environment
from tests.transcripts import call, prompt, result, said, write

pytestmark = pytest.mark.slow
TASK = "Fix the failing test of the parser"
COMMON = {"session_id": "abc123", "permission_mode": "default"}


def run(home: Path, *words: str, content: bytes | dict[str, Any], **variables: str) -> Finished:
    given = content if isinstance(content, bytes) else json.dumps(content).encode()
    env = environment(home, **variables)
    patient = () if "--seconds" in words else ("--seconds", "90")  # a busy machine is no failure
    done = subprocess.run(
        [str(MEMENTO), "hook", *words, *patient], input=given, env=env, capture_output=True, check=False
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def submitted(cwd: Path, text: str, turn: str) -> dict[str, Any]:
    """Input of UserPromptSubmit, as the hooks reference has it."""
    transcript = str(cwd / "t.jsonl")
    event = {"hook_event_name": "UserPromptSubmit", "prompt": text, "prompt_id": turn}
    return {**COMMON, **event, "transcript_path": transcript, "cwd": str(cwd)}


def stopped(cwd: Path, turn: str) -> dict[str, Any]:
    """Input of Stop."""
    event = {"hook_event_name": "Stop", "stop_hook_active": False, "last_assistant_message": "Done.", "prompt_id": turn}
    return {**COMMON, **event, "transcript_path": str(cwd / "t.jsonl"), "cwd": str(cwd)}


def context_of(done: Finished) -> str:
    assert (done.code, done.err) == (0, "")
    (line,) = done.lines
    assert set(line) == {"hookSpecificOutput"}
    assert line["hookSpecificOutput"]["hookEventName"] == "UserPromptSubmit"
    told: str = line["hookSpecificOutput"]["additionalContext"]
    return told


def test_a_session_recalls_captures_and_learns(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "shop"
    project.mkdir()
    # written by somebody else: it must not say where the memory is, and its secrets are not kept
    (project / ".env").write_text(f"MEMENTO_HOME={tmp_path / 'elsewhere'}\nDB_PASSWORD=correct-horse-battery\n")
    edit = (call("e", "Edit", file_path=str(project / "a.py")), result("e"))
    test = (call("t", "Bash", command="make test DB=correct-horse-battery"), result("t"))
    write(project / "t.jsonl", prompt(TASK), *edit, *test, said("Done."))
    variables = {"PYTHON_DOTENV_DISABLED": "", "MEMENTO_TEST_COMMAND": "make test"}
    assert "captures what you do" in context_of(
        run(home, "recall", content=submitted(project, TASK, "p1"), **variables)
    )
    done = run(home, "capture", content=stopped(project, "p1"), **variables)
    assert (done.code, done.out) == (0, "")
    assert "captured, reward 1" in done.err
    again = run(home, "capture", content=stopped(project, "p1"), **variables)
    assert (again.code, again.out, again.err) == (0, "", "")
    told = context_of(run(home, "recall", content=submitted(project, "Fix the failing test of the lexer", "p2")))
    assert "1. Edit: a.py\n2. Bash: make test DB=***" in told
    other = tmp_path / "other"
    other.mkdir()
    assert "Edit" not in context_of(run(home, "recall", content=submitted(other, "Fix the failing test again", "p3")))
    assert not (tmp_path / "elsewhere").exists()
    assert [path.stat().st_mode & 0o077 for path in (home / "agent-hooks").iterdir()] == [0]


@pytest.mark.parametrize("words", [("recall",), ("capture",)])
@pytest.mark.parametrize("content", [b"", b"not JSON", b"[1]", b'{"session_id": null}', b"\xff\xfe", b"[" * 200_000])
def test_malformed_input_is_told_and_ends_well(tmp_path: Path, words: tuple[str, ...], content: bytes) -> None:
    done = run(tmp_path / "home", *words, content=content)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("memento: the hook failed, the session goes on without it: ")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "home").exists()


def test_a_prompt_that_is_no_task_opens_nothing(tmp_path: Path) -> None:
    for text in ("yes, go on", "/compact", "", "<task-notification>done and more words</task-notification>"):
        done = run(tmp_path / "home", "recall", content=submitted(tmp_path, text, "p1"))
        assert (done.code, done.out, done.err) == (0, "", "")
    done = run(tmp_path / "home", "capture", content=stopped(tmp_path, "p1"))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert not (tmp_path / "home").exists()


def test_whatever_fails_ends_well(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    secret = "a-password-0123456789"
    broken = {
        "a home that is a file": {"MEMENTO_HOME": str(tmp_path / "file")},
        "a setting that does not parse": {"MEMENTO_POLICY": "nonsense"},
        "a database that is away": {"MEMENTO_LEDGER_URL": f"postgresql://u:{secret}@127.0.0.1:9/x"},
        "an encoder that is away": {"MEMENTO_ENCODER": "openai:x", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"},
    }
    for what, variables in broken.items():
        done = run(tmp_path / "home", "recall", content=submitted(tmp_path, TASK, "p1"), **variables)
        assert (done.code, done.out) == (0, ""), what
        assert done.err.startswith("memento: the hook"), what
        assert secret not in done.err


def test_a_hook_gives_up_in_time(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "recall", "--seconds", "0.1", content=submitted(tmp_path, TASK, "p1"))
    assert (done.code, done.out) == (0, "")
    assert "gave up after 0.1 s" in done.err


def test_a_transcript_that_is_missing_or_a_pipe_does_no_harm(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.jsonl")
    run(tmp_path / "home", "recall", content=submitted(tmp_path, TASK, "p1"))
    assert "captured, reward unknown" in run(tmp_path / "home", "capture", content=stopped(tmp_path, "p1")).err


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home whose sockets have addresses short enough."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "home")


async def test_a_running_server_does_the_work_of_hooks(tmp_path: Path, short_home: Path) -> None:
    home, project = short_home, tmp_path / "shop"

    def prepare() -> None:
        project.mkdir()
        edit = (call("e", "Edit", file_path=str(project / "a.py")), result("e"))
        write(project / "t.jsonl", prompt(TASK), *edit, said("Done."))

    async def hook(*words: str, content: dict[str, Any]) -> Finished:
        # no encoder that a hook could use itself
        return await asyncio.to_thread(run, home, *words, content=content, MEMENTO_ENCODER="openai:away")

    await asyncio.to_thread(prepare)
    args = ["mcp", "--memory-only", "--project", str(project)]
    async with Client(StdioServerParameters(command=str(MEMENTO), args=args, env=environment(home))) as client:
        await client.list_tools()
        told = context_of(await hook("recall", content=submitted(project, TASK, "p1")))
        assert "captures what you do" in told
        assert "captured, reward unknown" in (await hook("capture", content=stopped(project, "p1"))).err
        rated = context_of(await hook("recall", content=submitted(project, "/memento:worked", "p2")))
        assert "the last task worked" in rated
        similar = {"task": "Fix the failing test of the lexer"}
        recalled = await client.call_tool("recall_cases", similar)
        assert "1. Edit: a.py" in recalled.content[0].text
        (socket,) = await asyncio.to_thread(lambda: list((home / "hooks").glob("*.sock")))
        assert (home / "hooks").stat().st_mode & 0o077 == 0
        other = await hook("recall", "-n", "another", content=submitted(project, TASK, "p3"))
        assert other.err.startswith("memento: the hook failed"), "the server has a namespace of its own"
    assert not socket.exists()
    await asyncio.to_thread(_leave_socket, socket)
    told = context_of(await asyncio.to_thread(run, home, "recall", content=submitted(project, TASK, "p4")))
    assert "captures what you do" in told
    assert not socket.exists(), "what a killed server left is removed"


def _leave_socket(path: Path) -> None:
    with socket_module.socket(socket_module.AF_UNIX) as left:
        left.bind(str(path))
