"""Sandbox in a container of Docker or Podman.

The container has no network, no capability, a read-only root and the workspace. The engine enforces memory and the
number of processes; the watchdog looks at time, output and files, and has the engine remove the container. When we are
killed, the container ends by itself soon after its time, and the engine removes it.
"""

import asyncio
import contextlib
import os
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.port import Execution, Language, SandboxLimits
from memento.tools.sandbox.processes import ProcessUsage
from memento.tools.sandbox.shell_command import ENVIRONMENT, limited_command, mortal_command
from memento.tools.sandbox.watchdog import watched

PLACE: Final = "/workspace"
IMAGE: Final = "python:3.12-slim"
_REMOVE_S: Final = 30.0
_TOLD_S: Final = 1
"""How long an engine may take to tell that it was short of memory."""
_ENGINE_FAILED: Final = 125
_KILLED: Final = 137
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""Of the user's own settings, which the client else adds to the container's environment, passwords included."""


@dataclass(frozen=True, kw_only=True)
class Docker:
    """The sandbox of a container engine."""

    image: str = IMAGE
    """Must have Python, a shell, `nice` and bash; pulled by the engine when it is not there."""
    program: str = "docker"
    """Or podman."""

    name: ClassVar[str] = "docker"
    languages: ClassVar[frozenset[Language]] = frozenset({"python", "shell"})
    packages: ClassVar[str] = (
        "The standard library is there, other packages only as far as the container's image has them, perhaps none."
    )

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code; see `Sandbox.run`."""
        container, began = f"memento-{uuid.uuid4().hex}", int(time.time())
        execution = await watched(
            lambda: self._start(language, folder, limits, container), source, folder=folder, limits=limits
        )
        if execution.exit_code == _ENGINE_FAILED:
            raise ToolUnavailable(f"{self.program}: {execution.output.strip()[:500] or 'the engine failed'}")
        # Code can also be killed by itself, or end with this number.
        if execution.exit_code == _KILLED and await asyncio.to_thread(self._was_short_of_memory, container, began):
            return execution._replace(exit_code=None, ended_by="memory")
        return execution

    def argv(self, language: Language, *, folder: Path, limits: SandboxLimits, container: str) -> list[str]:
        """Build the command line.

        Args:
            language: of the source code, which the command reads on stdin.
            folder: shown as /workspace.
            limits: what the engine enforces.
            container: its name.
        """
        user = f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "65534:65534"
        options = [
            *("run", "--rm", "--interactive", "--init", "--name", container, "--hostname", "sandbox"),
            *("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)),
            *("--pids-limit", str(limits.n_processes), "--shm-size", str(limits.memory_bytes // 8)),
            *("--user", user),
            *("--tmpfs", f"/tmp:rw,size={limits.memory_bytes // 4},mode=1777"),  # noqa: S108 - the container's own
            *("--mount", f"type=bind,{_field(f'source={folder}')},target={PLACE}", "--workdir", PLACE),
        ]
        for name in _PROXIES:
            options += ["--env", f"{name}=", "--env", f"{name.lower()}="]
        for name, value in ENVIRONMENT.items():
            options += ["--env", f"{name}={value}"]
        command = mortal_command(limited_command(language, limits, python="python3"), limits)
        return [self.program, *options, self.image, *command]

    def problem(self) -> str | None:
        """Say why no container can be started, None when one can; blocks."""
        try:
            subprocess.run(
                [self.program, "version", "--format", "{{.Server.Version}}"],
                capture_output=True,
                text=True,
                check=True,
                timeout=_REMOVE_S,
            )
        except FileNotFoundError:
            return f"there is no program {self.program!r}"
        except subprocess.CalledProcessError as error:
            return str(error.stderr).strip()[:300] or f"{self.program} answers with exit code {error.returncode}"
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)[:300]
        return None

    def _was_short_of_memory(self, container: str, began: int) -> bool:
        """Ask the engine whether an ended container ran out of memory; Podman does not remember."""
        span = ["--since", str(began), "--until", str(int(time.time()) + _TOLD_S)]
        command = [self.program, "events", *span, "--filter", f"container={container}", "--filter", "event=oom"]
        try:
            told = subprocess.run(command, capture_output=True, check=False, timeout=_REMOVE_S)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return told.returncode == 0 and bool(told.stdout.strip())

    def _start(self, language: Language, folder: Path, limits: SandboxLimits, container: str) -> "_Container":
        try:
            process = subprocess.Popen(
                self.argv(language, folder=folder.resolve(), limits=limits, container=container),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolUnavailable(f"{self.program} does not start: {error.strerror}; is it installed?") from error
        return _Container(process, self.program, container)


def _field(text: str) -> str:
    """Quote a field of a CSV-style option where needed."""
    return '"{}"'.format(text.replace('"', '""')) if set(text) & set('",\n\r') else text


class _Container:
    """A container and the client process that waits for it."""

    def __init__(self, process: subprocess.Popen[bytes], program: str, name: str) -> None:
        self.process = process
        self._program, self._name = program, name
        self._is_removed = False

    def usage(self, limits: SandboxLimits) -> ProcessUsage:
        """Report no usage: the engine enforces the limits."""
        del limits
        return ProcessUsage()

    def is_short_of_memory(self) -> bool:
        """Whether the container ran out of memory; asked of the engine after the client has ended."""
        return False

    def kill(self) -> None:
        """Remove the container through the engine, which ends all its processes; then end the client."""
        if self._is_removed:
            return
        self._is_removed = True
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            # One that ended has removed itself, and there may be no engine: the client's own exit tells.
            if self.process.poll() is None:
                command = [self._program, "rm", "--force", self._name]
                subprocess.run(command, capture_output=True, check=False, timeout=_REMOVE_S)
        self.process.kill()
