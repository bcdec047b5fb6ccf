"""Which sandbox is used, and what `memento doctor` says about it."""

import asyncio
from pathlib import Path

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.choice import examine_sandbox, make_sandbox, problem
from memento.tools.sandbox.port import SandboxLimits


async def test_the_best_that_works_is_chosen_and_never_an_unsafe_one() -> None:
    works = await problem(Bubblewrap()) is None
    assert (await make_sandbox()).name == ("bubblewrap" if works else "monty")


async def test_monty_is_chosen_when_bubblewrap_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox = await make_sandbox()
    assert sandbox.name == "monty"
    assert sandbox.languages == {"python"}
    assert (await sandbox.run("python", "1 + 1", folder=tmp_path, limits=SandboxLimits())).output == "2\n"
    report = await examine_sandbox()
    assert report.status == "note"
    assert "apt install bubblewrap" in report.fix


@pytest.mark.parametrize("name", ["bubblewrap", "monty", "docker", "e2b", "unsafe-local"])
async def test_the_one_asked_for_by_name_is_used(name: str) -> None:
    assert (await make_sandbox(name)).name == name  # type: ignore[arg-type]


async def test_the_reason_is_told_when_a_program_called_bwrap_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "bwrap"
    await asyncio.to_thread(script.write_text, "#!/bin/sh\necho 'bwrap: Unknown option --disable-userns' >&2; exit 1\n")
    await asyncio.to_thread(script.chmod, 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    report = await examine_sandbox("bubblewrap")
    assert report.status == "bad"
    assert "Unknown option" in report.found
    assert "0.8 or newer" in report.fix


async def test_the_unsafe_one_is_called_unsafe() -> None:
    report = await examine_sandbox("unsafe-local")
    assert report.status == "note"
    assert "unconfined" in report.found
    assert report.fix


async def test_what_is_missing_is_said_when_a_service_or_an_engine_is_not_there(tmp_path: Path) -> None:
    assert (await examine_sandbox("e2b")).status == "bad"
    report = await examine_sandbox("docker", container_program=str(tmp_path / "docker"))
    assert report.status == "bad"
    assert "no program" in report.found
    assert (await examine_sandbox("monty")).status == "ok"


async def test_further_executions_wait_when_enough_are_running(tmp_path: Path) -> None:
    sandbox = await make_sandbox("monty", max_at_once=1)
    code = "import time\nfrom pathlib import Path\nPath('{0}').touch()\ntime.sleep(0.1)\nprint(Path('{1}').exists())"
    code = code.replace("Path('{0}').touch()", "open('{0}', 'w').write('x')")
    runs = [
        sandbox.run("python", code.format(*names), folder=tmp_path, limits=SandboxLimits())
        for names in (("first", "second"), ("second", "first"))
    ]
    assert [run.output for run in await asyncio.gather(*runs)] == ["False\n", "True\n"]


async def test_waiting_ends_when_the_caller_is_cancelled(tmp_path: Path) -> None:
    sandbox = await make_sandbox("monty", max_at_once=1)
    long = asyncio.create_task(sandbox.run("python", "while True: pass", folder=tmp_path, limits=SandboxLimits()))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(sandbox.run("python", "1", folder=tmp_path, limits=SandboxLimits()))
    await asyncio.sleep(0.05)
    for task in (waiting, long):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await sandbox.run("python", "2", folder=tmp_path, limits=SandboxLimits())).output == "2\n"


async def test_a_clear_error_comes_when_the_machine_cannot_run_a_language(tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable, match="no shell"):
        await (await make_sandbox("monty")).run("shell", "id", folder=tmp_path, limits=SandboxLimits())
