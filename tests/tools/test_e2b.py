"""The service's machines. One made of a folder and processes of this machine stands in for them."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.e2b import E2B
from memento.tools.sandbox.port import SandboxLimits


class Failed(Exception):
    """As the package's own exception, it carries the exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


class FolderMachine:
    """Its /home/user is a folder here."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files = self.commands = self
        self.is_killed = False

    def _here(self, path: str) -> Path:
        return self.home / Path(path).relative_to("/home/user")

    async def make_dir(self, path: str) -> None:
        await asyncio.to_thread(self._here(path).mkdir, parents=True)

    async def write_files(self, files: list[dict[str, Any]]) -> None:
        def write() -> None:
            for file in files:
                place = self._here(file["path"])
                place.parent.mkdir(parents=True, exist_ok=True)
                data = file["data"]
                place.write_bytes(data.encode() if isinstance(data, str) else data)

        await asyncio.to_thread(write)

    async def list(self, path: str, depth: int) -> list[SimpleNamespace]:
        def look() -> list[SimpleNamespace]:
            return [
                SimpleNamespace(
                    path=f"/home/user/{found.relative_to(self.home)}",
                    type=SimpleNamespace(value="dir" if found.is_dir() else "file"),
                    size=found.lstat().st_size,
                    modified_time=datetime.fromtimestamp(found.lstat().st_mtime, UTC),
                    symlink_target=str(found.readlink()) if found.is_symlink() else None,
                )
                for found in self._here(path).rglob("*")
            ]

        return await asyncio.to_thread(look)

    async def read(self, path: str, format: str) -> bytes:  # noqa: A002
        return await asyncio.to_thread(self._here(path).read_bytes)

    async def run(self, command: str, *, cwd: str, on_stdout: Callable[[str], None], **_: Any) -> None:
        command = command.replace("/home/user", str(self.home))
        ended = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", command], cwd=self._here(cwd), capture_output=True, text=True, check=False
        )
        on_stdout(ended.stdout)
        if ended.returncode:
            raise Failed(ended.returncode)

    async def kill(self) -> None:
        self.is_killed = True
        await asyncio.to_thread(shutil.rmtree, self.home)


@pytest.fixture
def machines(tmp_path: Path) -> list[FolderMachine]:
    return []


@pytest.fixture
def service(machines: list[FolderMachine], tmp_path: Path) -> E2B:
    async def connect(key: str, alive_s: int) -> FolderMachine:
        assert (key, alive_s > 60) == ("a key", True)
        machines.append(FolderMachine(tmp_path / f"machine-{len(machines)}"))
        return machines[-1]

    return E2B(api_key="a key", connect=connect)  # type: ignore[arg-type]


async def test_files_go_there_and_come_back(service: E2B, machines: list[FolderMachine], tmp_path: Path) -> None:
    run = tmp_path / "run"
    await asyncio.to_thread(run.mkdir)
    await asyncio.to_thread((run / "given.txt").write_text, "6")
    await asyncio.to_thread((run / "given.txt").chmod, 0o6755)
    code = (
        "import os\nos.makedirs('new')\nopen('new/made.txt', 'w').write('made')\n"
        "os.symlink('/etc/passwd', 'link')\nint(open('given.txt').read()) * 7"
    )
    assert await service.run("python", code, folder=run, limits=SandboxLimits()) == ("42\n", 0, "exit")
    assert await asyncio.to_thread((run / "new" / "made.txt").read_text) == "made"
    assert not await asyncio.to_thread((run / "link").is_symlink)
    assert (await asyncio.to_thread((run / "given.txt").stat)).st_mode & 0o7777 == 0o755
    assert machines[0].is_killed


async def test_exit_codes_and_limits_are_told(service: E2B, tmp_path: Path) -> None:
    run, limits = tmp_path / "run", replace(SandboxLimits(), output_bytes=1_000)
    await asyncio.to_thread(run.mkdir)
    assert await service.run("shell", "echo x; exit 3", folder=run, limits=limits) == ("x\n", 3, "exit")
    soon = replace(limits, wall_s=0.5)
    assert (await service.run("python", "while True: pass", folder=run, limits=soon))[1:] == (None, "time")
    output, _, ended_by = await service.run("python", "print('x' * 5_000)", folder=run, limits=limits)
    assert (len(output), ended_by) == (1_000, "output")


async def test_nothing_is_kept_when_there_is_too_much(service: E2B, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code = "for number in range(10):\n    open(f'{number}', 'w').close()"
    with pytest.raises(ToolUnavailable, match="more files"):
        await service.run("python", code, folder=run, limits=replace(SandboxLimits(), n_files=5))
    assert not await asyncio.to_thread(run.exists)


async def test_the_machine_is_removed_when_the_caller_is_cancelled(
    service: E2B, machines: list[FolderMachine], tmp_path: Path
) -> None:
    limits = replace(SandboxLimits(), wall_s=1)
    task = asyncio.create_task(service.run("shell", "sleep 1", folder=tmp_path / "run", limits=limits))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert machines[0].is_killed


async def test_the_key_is_asked_for_when_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2B_API_KEY", "not read here")
    with pytest.raises(ToolUnavailable, match="E2B_API_KEY"):
        await E2B(api_key=None).run("python", "1", folder=tmp_path, limits=SandboxLimits())


async def test_a_service_that_is_down_is_said_to_be_down(tmp_path: Path) -> None:
    async def refused(key: str, alive_s: int) -> Any:
        await asyncio.open_connection("127.0.0.1", 9)

    with pytest.raises(ToolUnavailable, match="does not answer"):
        await E2B(api_key="a key", connect=refused).run("python", "1", folder=tmp_path, limits=SandboxLimits())
