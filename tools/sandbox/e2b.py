"""Sandbox in a virtual machine of E2B, a cloud service.

Each execution has a machine of its own without internet. The workspace's files are sent to it, and those that the code
made or changed are brought back through `Workspace`, which follows no link and lets nothing out.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from memento.tools.errors import ToolError, ToolUnavailable
from memento.tools.file_names import is_text
from memento.tools.sandbox.port import Execution, ExitCause, Language, SandboxLimits
from memento.tools.sandbox.shell_command import SCIENCE, limited_command
from memento.tools.sandbox.workspace_cleanup import make_harmless
from memento.tools.workspace import Workspace

PLACE: Final = "/home/user/workspace"
_SOURCE: Final = "/home/user/.source"
_SPARE_S: Final = 120
"""How much longer than the code the machine lives, for files to come and go; then the service removes it."""
_KILLED: Final = 137
_TIMED_OUT: Final = 124


class Machine(Protocol):
    """The part of `e2b_code_interpreter.AsyncSandbox` that is used."""

    files: Any
    commands: Any

    async def kill(self) -> Any:
        """Delete the machine."""
        ...


@dataclass(frozen=True, kw_only=True)
class E2B:
    """The sandbox of a cloud service."""

    api_key: str | None
    connect: Callable[[str, int], Awaitable[Machine]] | None = None
    """Another way to a machine: takes the key, and how many seconds it must live."""

    name: ClassVar[str] = "e2b"
    languages: ClassVar[frozenset[Language]] = frozenset({"python", "shell"})
    packages: ClassVar[str] = SCIENCE

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code; see `Sandbox.run`."""
        if not self.api_key:
            raise ToolUnavailable("e2b has no key; the user must set E2B_API_KEY")
        workspace = Workspace(folder)
        connect = self.connect or _connected
        try:
            async with _machine(connect, self.api_key, int(limits.wall_s) + _SPARE_S) as machine:
                sent = await _send(machine, workspace, source, limits)
                execution = await _run(machine, language, limits)
                await _bring_back(machine, workspace, sent, limits)
                await asyncio.to_thread(make_harmless, folder)
        except ToolError:
            raise
        except _failures() as error:
            raise ToolUnavailable(f"e2b does not answer: {str(error)[:300]}") from error
        return execution


@asynccontextmanager
async def _machine(connect: Callable[[str, int], Awaitable[Machine]], key: str, alive_s: int) -> AsyncIterator[Machine]:
    machine = await connect(key, alive_s)
    try:
        yield machine
    finally:
        await asyncio.shield(machine.kill())


async def _connected(api_key: str, alive_s: int) -> Machine:
    try:
        from e2b_code_interpreter import AsyncSandbox
    except ImportError as error:
        raise ToolUnavailable(
            "e2b is not installed; the user must run: pip install 'memento-langgraph[e2b]'"
        ) from error
    machine: Machine = await AsyncSandbox.create(timeout=alive_s, api_key=api_key, allow_internet_access=False)
    return machine


def _failures() -> tuple[type[Exception], ...]:
    """List the exceptions that the package raises when the service is down, refuses or ends a machine."""
    from httpx import HTTPError

    try:
        from e2b.exceptions import AuthenticationException, SandboxException, ServiceBusyException
    except ImportError:
        return (HTTPError, OSError)
    return (HTTPError, OSError, AuthenticationException, SandboxException, ServiceBusyException)


async def _send(
    machine: Machine, workspace: Workspace, source: str, limits: SandboxLimits
) -> dict[str, tuple[int, str]]:
    """Upload the workspace and the source; return the files' state before the code runs."""

    def contents() -> list[dict[str, Any]]:
        return [
            {"path": f"{PLACE}/{entry.named}", "data": workspace.read(entry.path, max_bytes=limits.workspace_bytes)}
            for entry in list(workspace.entries())
            if is_text(entry.named)
        ]

    await machine.files.make_dir(PLACE)
    await machine.files.write_files([*await asyncio.to_thread(contents), {"path": _SOURCE, "data": source}])
    return await _listed(machine)


async def _run(machine: Machine, language: Language, limits: SandboxLimits) -> Execution:
    """Run the source there under `timeout`, which ends it before the connection times out."""
    output, room = [], limits.output_bytes

    def take(chunk: object) -> None:
        nonlocal room
        text = str(chunk)[: max(room, 0)]
        room -= len(str(chunk))
        output.append(text)

    inside = await asyncio.to_thread(limited_command, language, limits, python="python3")
    command = f"timeout -k 1 {limits.wall_s:g} {shlex.join(inside)} < {_SOURCE} 2>&1"
    exit_code: int | None = 0
    try:
        await machine.commands.run(
            command, cwd=PLACE, on_stdout=take, on_stderr=take, timeout=limits.wall_s + 10, retain_output=False
        )
    except Exception as error:
        # A code other than 0 comes as an exception, of a class that only the installed package can name.
        exit_code = getattr(error, "exit_code", None)
        if exit_code is None:
            raise
    ending: ExitCause = "time" if exit_code == _TIMED_OUT else "memory" if exit_code == _KILLED else "exit"
    if room < 0:
        ending = "output"
    return Execution("".join(output), exit_code if ending == "exit" else None, ending)


async def _bring_back(
    machine: Machine, workspace: Workspace, sent: dict[str, tuple[int, str]], limits: SandboxLimits
) -> None:
    found = await _listed(machine)
    changed = [path for path, look in found.items() if sent.get(path) != look]
    if len(found) > limits.n_files or sum(size for size, _ in found.values()) > limits.workspace_bytes:
        raise ToolUnavailable(
            "e2b: the code made more files than may be brought back; nothing was kept", is_outage=False
        )
    for path in changed:
        content = await machine.files.read(f"{PLACE}/{path}", format="bytes")
        await asyncio.to_thread(workspace.write, path, bytes(content))


async def _listed(machine: Machine) -> dict[str, tuple[int, str]]:
    """List regular files by path with size and modification time. Links are left out."""
    entries: Sequence[Any] = await machine.files.list(PLACE, depth=12)
    return {
        entry.path.removeprefix(f"{PLACE}/"): (entry.size, str(entry.modified_time))
        for entry in entries
        if entry.type is not None and entry.type.value == "file" and not entry.symlink_target
    }
