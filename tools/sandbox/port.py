"""Sandbox port: runs untrusted code in a workspace within limits, and leaves nothing behind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

Language = Literal["python", "shell"]

ExitCause = Literal["exit", "time", "memory", "processes", "files", "output"]
"""Why an execution ended: by itself, or because of the limit of this name."""


@dataclass(frozen=True, kw_only=True)
class SandboxLimits:
    """Limits of one execution, all its processes together."""

    wall_s: float = 60.0
    memory_bytes: int = 1_000_000_000
    n_processes: int = 64
    workspace_bytes: int = 500_000_000
    """Size of the workspace's files."""
    n_files: int = 2_000
    output_bytes: int = 1_000_000


class Execution(NamedTuple):
    """Result of running code."""

    output: str
    """Stdout and stderr, in the order written."""
    exit_code: int | None
    """None when a limit ended it."""
    ended_by: ExitCause


class Sandbox(Protocol):
    """Runs untrusted code. Safe for concurrent executions, each in its own workspace."""

    @property
    def name(self) -> str:
        """Name in settings and messages."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """Languages it can run."""
        ...

    @property
    def packages(self) -> str:
        """Available Python packages: a sentence or two for the model."""
        ...

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code to its end or to a limit; afterwards no process and nothing harmful is left.

        Args:
            language: one of `languages`.
            source: the code, read by the interpreter on its own, not by a shell.
            folder: the workspace's folder: the working directory, and the only place where files stay. None in it has
                a set-id bit afterwards, and none is a device, pipe or socket.
            limits: enforced on all processes together.

        Raises:
            ToolUnavailable: the sandbox itself cannot run.
        """
        ...
