"""`memento tools` and the refusals of `memento mcp`."""

import json
from pathlib import Path

import pytest

from tests.commands import invoke
from tests.mcp_stubs import DIES, GOOD, stub

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("The quetzal nests in March.")
    monkeypatch.setenv("MEMENTO_FILES", str(folder))
    return folder


@pytest.fixture
def mcp_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKEN_OF_MINE", "ghp-very-secret")
    env = {"MY_TOKEN": "${TOKEN_OF_MINE}"}
    servers = {
        "good": stub(tmp_path, GOOD, env=env),
        "dies": stub(tmp_path, DIES, env=env),
        "wrong": {"args": 3},
        "off": {"command": "x", "disabled": True},
    }
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    monkeypatch.setenv("MEMENTO_MCP", str(file))
    return file


def test_what_is_there_and_what_is_off_is_listed(notes: Path) -> None:
    done = invoke("tools", "list", "--json")
    tools = {line["name"]: line for line in done.lines if line["event"] == "tool"}
    assert tools["search_files"]["room"] == "files"
    assert tools["web_search"]["origin"] == "built-in"
    off = {line["name"]: line["reason"] for line in done.lines if line["event"] == "off"}
    assert "MEMENTO_MCP" in off["MCP servers"]
    assert "search_files" not in off
    shown = invoke("tools", "list")
    assert "search_files" in shown.out
    assert "off: MCP servers: set MEMENTO_MCP" in shown.err


@pytest.mark.slow
def test_servers_that_failed_are_told_beside_those_that_serve(mcp_file: Path) -> None:
    done = invoke("tools", "list", "--json")
    assert done.code == 0
    assert any(line.get("origin") == "good" and line["name"] == "good_add" for line in done.lines)
    failed = {line["name"]: line["reason"] for line in done.lines if line["event"] == "failed"}
    assert "no module named nonsense, nor ***" in failed["dies"]
    assert failed["wrong"].startswith(f"{mcp_file}: server 'wrong': args: ")
    assert {"event": "off", "name": "off", "reason": "disabled in the file of MCP servers"} in done.lines
    assert "ghp-very-secret" not in done.out + done.err
    called = invoke("tools", "call", "good_add", '{"a": 1, "b": 2}')
    assert (called.code, called.out) == (0, "3\n")
    missing = invoke("tools", "call", "dies_add")
    assert (missing.code, "cannot be used" in missing.err) == (2, True)


@pytest.mark.slow
def test_files_that_a_call_made_are_told_and_kept(mcp_file: Path, tmp_path: Path) -> None:
    done = invoke("tools", "call", "good_picture", "--workspace", str(tmp_path / "here"), "--json")
    (line,) = done.lines
    assert (line["tool"], line["error"], line["workspace"]) == ("good_picture", None, str(tmp_path / "here"))
    (made,) = line["files"]
    assert (tmp_path / "here" / made).read_bytes() == b"\x89PNG picture"


def test_a_tool_is_called_by_hand(notes: Path) -> None:
    done = invoke("tools", "call", "search_files", '{"query": "quetzal"}')
    assert (done.code, done.err) == (0, "")
    assert "a.md:1" in done.out


def test_a_tool_that_fails_says_so(notes: Path) -> None:
    done = invoke("tools", "call", "search_files", '{"query": " "}')
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("memento: search_files: the query has no words")
    (line,) = invoke("tools", "call", "search_files", '{"query": " "}', "--json").lines
    assert (line["result"], "no words" in line["error"], line["files"]) == ("", True, [])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["tools", "call", "nonsense"], "there is no tool 'nonsense'"),
        (["tools", "call", "search_files", "{"], "the arguments are not valid JSON"),
        (["tools", "call", "search_files", "[]"], "one JSON object"),
        (["tools", "call", "search_files", '{"quest": 1}'], "search_files: query: Field required"),
        (["mcp", "--tool", "nonsense"], "there is no tool 'nonsense'; there are: "),
        (
            ["mcp", "--http", "--host", "nowhere.invalid"],
            "cannot listen at nowhere.invalid:8765 (Name or service not known)",
        ),
    ],
)
def test_a_sentence_says_why_when_it_cannot_be(words: list[str], problem: str, notes: Path) -> None:
    done = invoke(*words)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_a_file_that_is_missing_is_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMENTO_MCP", str(tmp_path / "none.json"))
    done = invoke("tools", "list")
    assert (done.code, done.out) == (2, "")
    assert "none.json: the file of MCP servers cannot be read" in done.err


def test_the_result_is_told_and_no_folder_is_left_whatever_the_call_left_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("MEMENTO_SANDBOX", "unsafe-local")
    done = invoke("tools", "call", "run_shell", '{"command": "mkdir d; touch .hidden; echo done"}')
    assert (done.code, done.out.splitlines()[0]) == (0, "done")
    assert invoke("tools", "call", "run_shell", '{"comand": "x"}').code == 2
    assert not list(tmp_path.glob("memento-workspace-*"))
