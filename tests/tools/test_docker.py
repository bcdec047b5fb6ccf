"""Containers: the command, and what becomes of it. A script stands in for the engine, which runs it on this machine."""

import asyncio
import csv
from dataclasses import replace
from pathlib import Path

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.docker import Docker
from memento.tools.sandbox.port import SandboxLimits

ENGINE = """#!/bin/sh
echo "$@" >> "{folder}/calls"
case "$1" in
  rm) kill -9 -$(cat "{folder}/group"); exit 0;;
  events) [ -e "{folder}/short" ] || exit 0
    case "$*" in *"--filter container=$(cat "{folder}/short") --filter event=oom"*) echo oom;; esac; exit 0;;
  version) echo 27.0; exit 0;;
esac
echo $$ > "{folder}/group"
while [ "$1" != some-image ]; do shift; done
shift
cd "{folder}/run" && exec "$@"
"""


@pytest.fixture
async def engine(tmp_path: Path) -> Docker:
    script = tmp_path / "docker"
    await asyncio.to_thread(script.write_text, ENGINE.format(folder=tmp_path))
    await asyncio.to_thread(script.chmod, 0o755)
    return Docker(program=str(script), image="some-image")


def test_the_container_has_nothing_but_its_workspace(tmp_path: Path) -> None:
    limits = SandboxLimits(memory_bytes=800, n_processes=7)
    command = Docker(image="some-image").argv("python", folder=tmp_path, limits=limits, container="box")
    options = " ".join(command[: command.index("some-image")])
    for wanted in (
        "docker run --rm",
        "--name box",
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--memory 800 --memory-swap 800",
        "--pids-limit 7",
        f"--mount type=bind,source={tmp_path},target=/workspace --workdir /workspace",
    ):
        assert wanted in options
    assert command.count("--mount") == 1
    assert not {"--privileged", "--volume", "-v", "--env-file", "--pid", "--publish"} & set(command)


def test_the_container_ends_by_itself_when_nobody_is_left_to_end_it(tmp_path: Path) -> None:
    command = Docker(image="some-image").argv("shell", folder=tmp_path, limits=SandboxLimits(wall_s=7), container="box")
    assert "exec timeout -s KILL 17 " in command[command.index("some-image") + 3]


async def test_code_runs_through_the_engine(engine: Docker, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert await engine.run("python", "print('x')\n1 + 1", folder=run, limits=SandboxLimits()) == ("x\n2\n", 0, "exit")
    assert await engine.run("shell", "echo $0; exit 3", folder=run, limits=SandboxLimits()) == ("bash\n", 3, "exit")


async def test_the_engine_removes_the_container_when_a_limit_ends_it(engine: Docker, tmp_path: Path) -> None:
    limits = replace(SandboxLimits(), wall_s=0.5)
    execution = await engine.run("python", "while True: pass", folder=tmp_path / "run", limits=limits)
    assert execution[1:] == (None, "time")
    calls = await asyncio.to_thread((tmp_path / "calls").read_text)
    name = calls.split("--name ")[1].split()[0]
    assert calls.splitlines()[-1] == f"rm --force {name}"


async def test_memory_is_named_when_the_engine_says_that_it_was_short(engine: Docker, tmp_path: Path) -> None:
    # The code stands in for the kernel, too: it notes that this container was short of memory, and is killed.
    short = f"grep -o 'memento-[0-9a-f]*' {tmp_path}/calls > {tmp_path}/short"
    execution = await engine.run("shell", f"{short}; kill -9 $$", folder=tmp_path / "run", limits=SandboxLimits())
    assert execution[1:] == (None, "memory")


@pytest.mark.parametrize("script", ["exit 137", "kill -9 $$"])
async def test_memory_is_not_named_when_the_code_ends_like_that_by_itself(
    engine: Docker, tmp_path: Path, script: str
) -> None:
    execution = await engine.run("shell", script, folder=tmp_path / "run", limits=SandboxLimits())
    assert execution[1:] == (137, "exit")


def test_a_path_with_commas_and_quotes_is_one_field(tmp_path: Path) -> None:
    folder = tmp_path / 'a,"b"'
    command = Docker().argv("python", folder=folder, limits=SandboxLimits(), container="box")
    (fields,) = csv.reader([command[command.index("--mount") + 1]])
    assert fields == ["type=bind", f"source={folder}", "target=/workspace"]


def test_the_user_s_proxies_are_not_passed_on(tmp_path: Path) -> None:
    command = Docker().argv("python", folder=tmp_path, limits=SandboxLimits(), container="box")
    assert {"HTTP_PROXY=", "https_proxy=", "ALL_PROXY=", "no_proxy="} <= set(command)


async def test_the_engine_s_own_words_come_back_when_it_fails(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    words = "Cannot connect to the Docker daemon"
    await asyncio.to_thread(script.write_text, f"#!/bin/sh\necho '{words}' >&2; exit 125\n")
    await asyncio.to_thread(script.chmod, 0o755)
    engine = Docker(program=str(script))
    with pytest.raises(ToolUnavailable, match=words):
        await engine.run("python", "1", folder=tmp_path, limits=SandboxLimits())
    assert await asyncio.to_thread(engine.problem) == words
    with pytest.raises(ToolUnavailable, match="is it installed"):
        await Docker(program="/nowhere/docker").run("python", "1", folder=tmp_path, limits=SandboxLimits())
