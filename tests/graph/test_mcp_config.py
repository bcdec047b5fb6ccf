"""The `mcpServers` file: what it may say, what its variables become, and what is told of a wrong entry."""

import json
from pathlib import Path
from typing import Any

import pytest

from memento.graph.mcp.config import McpConfig, read_config
from memento.memory.errors import InvalidInput

ENVIRONMENT = {"PATH": "/bin", "HOME": "/home/me", "LANG": "C", "OPENAI_API_KEY": "sk-ours", "GITHUB_TOKEN": "ghp-mine"}


def read(**servers: Any) -> McpConfig:
    return read_config({"mcpServers": servers}, ENVIRONMENT)


def test_a_command_gets_only_what_the_file_names_and_the_little_that_every_program_needs() -> None:
    (server,) = read(one={"command": "npx", "args": ["-y"], "env": {"DEBUG": True, "TOKEN": "${GITHUB_TOKEN}"}}).servers
    assert (server.command, server.args) == ("npx", ("-y",))
    assert server.env == {"PATH": "/bin", "HOME": "/home/me", "LANG": "C", "DEBUG": "True", "TOKEN": "ghp-mine"}


def test_variables_are_filled_into_environment_and_headers_in_every_common_spelling() -> None:
    headers = {"Authorization": "Bearer ${env:GITHUB_TOKEN}", "X-Region": "${REGION:-eu}", "X-Plain": "$HOME"}
    (server,) = read(one={"url": "https://h/mcp", "headers": headers}).servers
    assert server.headers == {"Authorization": "Bearer ghp-mine", "X-Region": "eu", "X-Plain": "$HOME"}


def test_arguments_are_left_as_they_are_when_they_look_like_variables() -> None:
    (server,) = read(one={"command": "sh", "args": ["-c", "echo ${OPENAI_API_KEY}"]}).servers
    assert server.args == ("-c", "echo ${OPENAI_API_KEY}")


def test_a_secret_is_known_for_one_by_the_name_it_goes_under_and_shown_nowhere() -> None:
    env = {"API_KEY": "${GITHUB_TOKEN}", "MODE": "production", "SHORT_TOKEN": "abc"}
    config = read(
        one={"command": "x", "env": env}, two={"url": "http://h", "headers": {"Authorization": "Bearer abcdef"}}
    )
    assert [server.secrets for server in config.servers] == [("ghp-mine",), ("Bearer abcdef", "abcdef")]
    assert "ghp-mine" not in repr(config)
    assert "abcdef" not in repr(config)


@pytest.mark.parametrize(("given", "seconds"), [(None, None), (30, 30), (30_000, 30), (1_000, 1), (0.5, 0.5)])
def test_a_time_limit_is_milliseconds_unless_it_can_only_be_seconds(given: Any, seconds: float | None) -> None:
    (server,) = read(one={"command": "x", "timeout": given}).servers
    assert server.timeout_s == seconds


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "command, url: one of the two is needed"),
        ({"command": "x", "url": "http://h"}, "not both"),
        ({"command": ["x"]}, "command: Input should be a valid string"),
        ({"command": "x", "args": "y"}, "args: Input should be a valid list"),
        ({"command": "x", "args": ["y", 3]}, "args.1: Input should be a valid string"),
        ({"command": "x", "env": {"A": None}}, "env.A"),
        ({"command": "x", "env": {"A": "${NOT_SET}"}}, "env.A: the variable NOT_SET is not set"),
        ({"command": "x", "env": {"A": "${input:key}"}}, "env.A: only "),
        ({"url": "http://h", "headers": {"K": "${env:NOT_SET}"}}, "headers.K: the variable NOT_SET is not set"),
        ({"url": "h/mcp"}, "url: an http or https address"),
        ({"url": "https://${HOST}/mcp"}, "url: .* env and headers only"),
        ({"url": "http://h/sse", "type": "sse"}, "type: the old SSE transport"),
        ({"command": "x", "timeout": -1}, "timeout: "),
        ({"command": "x", "timeout": "soon"}, "timeout: "),
        ({"command": "x", "disabled": "no"}, "disabled: "),
        ("npx", "entry: "),
    ],
)
def test_a_wrong_entry_is_told_by_server_and_field_and_costs_no_other(entry: Any, problem: str) -> None:
    config = read(wrong=entry, right={"command": "x"})
    assert [server.name for server in config.servers] == ["right"]
    with pytest.raises(ValueError, match=f"the MCP configuration: server 'wrong': .*{problem}"):
        raise ValueError(config.wrong["wrong"])


def test_a_refusal_does_not_repeat_what_was_written_there() -> None:
    config = read(wrong={"command": "x", "env": {"TOKEN": ["ghp-mine"]}, "headers": "ghp-mine"})
    assert "ghp-mine" not in config.wrong["wrong"]


def test_what_is_not_known_is_left_alone_and_what_is_off_is_off(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    servers = {
        "one": {"command": "x", "autoApprove": ["a"], "type": "stdio"},
        "two": {"disabled": True, "command": "y"},
    }
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps({"mcpServers": servers, "inputs": []}).encode())
    config = read_config(file, {})
    assert ([server.name for server in config.servers], config.disabled, config.wrong) == (["one"], ("two",), {})


def test_the_file_of_vs_code_is_read_too() -> None:
    config = read_config({"servers": {"one": {"type": "http", "url": "http://h/mcp"}}, "inputs": []}, {})
    assert [server.name for server in config.servers] == ["one"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mcpServers": []}', '{"one": {"command": "x"}}', "[" * 100_000])
def test_a_file_without_servers_is_refused_by_name(content: str, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(content)
    with pytest.raises(InvalidInput, match=r"mcp\.json: "):
        read_config(file, {})
    with pytest.raises(InvalidInput, match=r"none\.json: .* cannot be read"):
        read_config(tmp_path / "none.json", {})
