"""The plugin folder of Claude Code has the published shape, and runs commands that exist."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from memento.cli.main import app
from memento.integrations.agent_hooks.hook_input import HookInput
from memento.integrations.memory_tools import MemoryTools
from tests.example_runs import ROOT

PLUGIN = ROOT / "plugins" / "claude-code"
EVENTS = {"UserPromptSubmit": "recall", "Stop": "capture", "SessionEnd": "capture"}
MANIFEST = {"name", "version", "description", "license", "keywords"}


def loaded(name: str) -> Any:
    return json.loads((PLUGIN / name).read_text(encoding="utf-8"))


def front_matter(path: Path) -> dict[str, str]:
    found = re.match(r"---\n(.*?)\n---\n\n\S", path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, path
    return dict(line.split(": ", 1) for line in found[1].splitlines())


def understood(words: list[str]) -> None:
    """Have the command line parse a command, without running it."""
    assert words[0] == "memento"
    command, rest = typer.main.get_command(app), words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], rest)


def test_the_manifest_is_valid() -> None:
    manifest = loaded(".claude-plugin/plugin.json")
    assert set(manifest) == MANIFEST
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", manifest["name"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (manifest["version"], manifest["license"]) == (project["version"], project["license"])


def test_only_the_manifest_lies_in_its_folder() -> None:
    assert [path.name for path in (PLUGIN / ".claude-plugin").iterdir()] == ["plugin.json"]
    found = {str(path.relative_to(PLUGIN)) for path in PLUGIN.rglob("*") if path.is_file()}
    assert found == {
        ".claude-plugin/plugin.json",
        ".mcp.json",
        "README.md",
        "hooks/hooks.json",
        "commands/worked.md",
        "commands/failed.md",
        "skills/memory/SKILL.md",
    }


def test_the_server_is_started_by_a_command_that_exists() -> None:
    (server,) = loaded(".mcp.json")["mcpServers"].values()
    assert set(server) == {"command", "args", "env"}
    understood([server["command"], *server["args"]])
    assert server["env"] == {"PYTHON_DOTENV_DISABLED": "1"}, "a project's .env file must not say where the memory is"


@pytest.mark.parametrize("event", EVENTS)
def test_hooks_run_commands_that_exist_and_never_block(event: str) -> None:
    hooks = loaded("hooks/hooks.json")
    assert set(hooks) == {"description", "hooks"}
    assert set(hooks["hooks"]) == set(EVENTS)
    ((group,),) = [hooks["hooks"][event]]
    assert set(group) == {"hooks"}, "these events take no matcher"
    (hook,) = group["hooks"]
    assert set(hook) == {"type", "command", "timeout"}
    assert hook["type"] == "command"
    assert 0 < hook["timeout"] <= 60
    command, _, otherwise = hook["command"].partition(" || ")
    assert otherwise == "true", "exit status 2 of an older release's usage error would block the prompt"
    words = shlex.split(command)
    assert words[:3] == ["memento", "hook", EVENTS[event]]
    understood(words)


def test_commands_are_the_verdicts_that_the_hook_knows() -> None:
    name = loaded(".claude-plugin/plugin.json")["name"]
    for path in sorted((PLUGIN / "commands").iterdir()):
        assert set(front_matter(path)) == {"description", "argument-hint"}
        given = HookInput("s", "", f"/{name}:{path.stem} because", "", "", "", "")
        assert given.rating is not None
        assert given.rating.lesson == "because"


def test_the_skill_names_tools_that_exist() -> None:
    skill = PLUGIN / "skills" / "memory" / "SKILL.md"
    assert set(front_matter(skill)) == {"name", "description"}
    assert front_matter(skill)["name"] == skill.parent.name
    assert len(front_matter(skill)["description"]) <= 1024
    named = set(re.findall(r"`(\w+)\(", skill.read_text(encoding="utf-8")))
    assert named == {name for name in vars(MemoryTools) if name.endswith(("_case", "_cases", "_feedback"))}


def test_the_plugin_is_no_part_of_the_package() -> None:
    assert "prune plugins" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")


@pytest.mark.parametrize("agent", ["json", "toml"])
def test_set_up_texts_parse_and_start_commands_that_exist(agent: str) -> None:
    text = (ROOT / "docs" / "mcp-memory.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"```{agent}\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        given = json.loads(block)["mcpServers"] if agent == "json" else tomllib.loads(block)["mcp_servers"]
        (server,) = given.values()
        if "command" in server:
            understood([server["command"], *server["args"]])
            assert server["env"] == {"PYTHON_DOTENV_DISABLED": "1"}
        else:
            assert set(server) == {"url", "headers"}
