"""Containers: the command, and what becomes of it. A script stands in for the engine, which runs it on this machine."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.docker import Docker
from memento.tools.sandbox.port import Limits

ENGINE = """#!/bin/sh
echo "$@" >> "{folder}/calls"
case "$1" in
  rm) kill -9 -$(cat "{folder}/group"); exit 0;;
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
    limits = Limits(memory_bytes=800, n_processes=7)
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
    command = Docker(image="some-image").argv("shell", folder=tmp_path, limits=Limits(wall_s=7), container="box")
    assert "exec timeout -s KILL 17 " in command[command.index("some-image") + 3]


async def test_code_runs_through_the_engine(engine: Docker, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert await engine.run("python", "print('x')\n1 + 1", folder=run, limits=Limits()) == ("x\n2\n", 0, "exit")
    assert await engine.run("shell", "echo $0; exit 3", folder=run, limits=Limits()) == ("bash\n", 3, "exit")


async def test_the_engine_removes_the_container_when_a_limit_ends_it(engine: Docker, tmp_path: Path) -> None:
    limits = replace(Limits(), wall_s=0.5)
    execution = await engine.run("python", "while True: pass", folder=tmp_path / "run", limits=limits)
    assert execution[1:] == (None, "time")
    calls = await asyncio.to_thread((tmp_path / "calls").read_text)
    name = calls.split("--name ")[1].split()[0]
    assert calls.splitlines()[-1] == f"rm --force {name}"


async def test_memory_is_named_when_the_engine_kills(engine: Docker, tmp_path: Path) -> None:
    execution = await engine.run("shell", "exit 137", folder=tmp_path / "run", limits=Limits())
    assert execution[1:] == (None, "memory")


async def test_the_engine_s_own_words_come_back_when_it_fails(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    words = "Cannot connect to the Docker daemon"
    await asyncio.to_thread(script.write_text, f"#!/bin/sh\necho '{words}' >&2; exit 125\n")
    await asyncio.to_thread(script.chmod, 0o755)
    engine = Docker(program=str(script))
    with pytest.raises(ToolUnavailable, match=words):
        await engine.run("python", "1", folder=tmp_path, limits=Limits())
    assert await asyncio.to_thread(engine.problem) == words
    with pytest.raises(ToolUnavailable, match="is it installed"):
        await Docker(program="/nowhere/docker").run("python", "1", folder=tmp_path, limits=Limits())
