"""No sandbox: code as a plain process that can read, change and send whatever its user can.

For machines that are themselves thrown away after use. Never chosen but by name. What remains is what any program gets:
limits, a watchdog, and an environment without secrets. When we are killed, the code ends soon after its time; a daemon
that it made does not.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.port import Execution, Language, SandboxLimits
from memento.tools.sandbox.processes import ProcessUsage, belonging, usage
from memento.tools.sandbox.shell_command import ENVIRONMENT, SCIENCE, TASKS_PER_PROCESS, limited_command, mortal_command
from memento.tools.sandbox.watchdog import watched

_MARK: Final = "MEMENTO_EXECUTION"
_END_S: Final = 5.0
_N_OWN: Final = 2
"""Processes that are not the code's: `timeout`, and the shell that waits for the code."""
_HAS_PROC: Final = os.path.isdir("/proc/self/task")


@dataclass(frozen=True)
class UnsafeLocal:
    """Runs code without isolation."""

    name: ClassVar[str] = "unsafe-local"
    languages: ClassVar[frozenset[Language]] = frozenset({"python", "shell"})
    packages: ClassVar[str] = SCIENCE

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code; see `Sandbox.run`. Without /proc only time, output and files are limited."""
        if os.name != "posix":
            raise ToolUnavailable("unsafe-local runs on Linux and macOS only")
        return await watched(lambda: _started(language, folder, limits), source, folder=folder, limits=limits)


def _started(language: Language, folder: Path, limits: SandboxLimits) -> "_Group":
    mark = uuid.uuid4().hex
    path = f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin"
    try:
        process = subprocess.Popen(
            mortal_command(limited_command(language, limits, python=sys.executable), limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**ENVIRONMENT, "PATH": path, "HOME": str(folder), _MARK: mark},
            start_new_session=True,
        )
    except OSError as error:
        raise ToolUnavailable(f"unsafe-local does not start: {error.strerror}") from error
    return _Group(process, f"{_MARK}={mark}".encode())


class _Group:
    """A process, its session, and processes that carry its mark."""

    def __init__(self, process: subprocess.Popen[bytes], mark: bytes) -> None:
        self.process = process
        self._mark = mark
        self._is_ended = False

    def usage(self, limits: SandboxLimits) -> ProcessUsage:
        if not _HAS_PROC:
            return ProcessUsage()
        max_tasks = TASKS_PER_PROCESS * limits.n_processes
        used = usage(self._members(), max_processes=limits.n_processes + _N_OWN, max_tasks=max_tasks)
        return used._replace(n_processes=max(0, used.n_processes - _N_OWN))

    def is_short_of_memory(self) -> bool:
        """Always False: nothing else enforces a memory limit."""
        return False

    def kill(self) -> None:
        """Kill repeatedly until nothing is left: surviving processes can fork."""
        if self._is_ended:
            return
        until = time.monotonic() + _END_S
        while members := set(self._members()):
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not _HAS_PROC:
                break
            if time.monotonic() > until:
                raise ToolUnavailable(f"unsafe-local: processes {sorted(members)[:10]} cannot be ended")
        self._is_ended = True

    def _members(self) -> list[int]:
        if _HAS_PROC:
            return list(belonging(self.process.pid, self._mark))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            return [-self.process.pid]  # as a target of kill: the whole group
        return []
