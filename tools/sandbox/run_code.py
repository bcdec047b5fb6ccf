"""The tools `run_python` and `run_shell`: run code in a sandbox; output is truncated, new files are listed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from memento.tools.errors import ToolInputError
from memento.tools.sandbox.port import Execution, ExitCause, Language, Sandbox, SandboxLimits
from memento.tools.text import without_controls, without_middle
from memento.tools.workspace import Workspace

MAX_SOURCE_BYTES: Final = 60_000
SHOWN_CHARS: Final = 12_000
"""Of the output; the middle of a longer one is left out."""
_SHOWN_FILES: Final = 30
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".gif")

_PYTHON: Final = """Run Python code in a sandbox and return what it prints, the last expression's value included.

{packages} There is no network. The working directory is the workspace: read and write files there by relative path,
they stay for later calls; variables do not stay. Only files that list_files names are there, not the read-only ones
that search_files finds as well. At most {wall_s:g} s, {memory_mb:,} MB of memory, {workspace_mb:,} MB of files.

Args:
    code: a whole program; print what you want to see.
"""
_SHELL: Final = """Run a bash command in a sandbox and return what it prints.

There is no network. The working directory is the workspace: files there stay for later calls; variables and the
directory changed to do not. Only files that list_files names are there, not the read-only ones that search_files finds
as well. At most {wall_s:g} s, {memory_mb:,} MB of memory, {workspace_mb:,} MB of files.

Args:
    command: one command line or a script.
"""


def make_run_python(sandbox: Sandbox, *, limits: SandboxLimits | None = None) -> Callable[..., Awaitable[str]]:
    """Build the `run_python` tool.

    Args:
        sandbox: where the code runs.
        limits: what one call may use.
    """
    limits = limits or SandboxLimits()

    async def run_python(code: str, *, workspace: Workspace) -> str:
        return await _run(sandbox, "python", code, workspace, limits)

    run_python.__doc__ = _PYTHON.format(packages=sandbox.packages, **_figures(limits))
    return run_python


def make_run_shell(sandbox: Sandbox, *, limits: SandboxLimits | None = None) -> Callable[..., Awaitable[str]] | None:
    """Build the `run_shell` tool; None when the sandbox has no shell.

    Args:
        sandbox: where the command runs.
        limits: what one call may use.
    """
    if "shell" not in sandbox.languages:
        return None
    limits = limits or SandboxLimits()

    async def run_shell(command: str, *, workspace: Workspace) -> str:
        return await _run(sandbox, "shell", command, workspace, limits)

    run_shell.__doc__ = _SHELL.format(**_figures(limits))
    return run_shell


def _figures(limits: SandboxLimits) -> dict[str, float]:
    return {
        "wall_s": limits.wall_s,
        "memory_mb": limits.memory_bytes // 1_000_000,
        "workspace_mb": limits.workspace_bytes // 1_000_000,
    }


async def _run(sandbox: Sandbox, language: Language, source: str, workspace: Workspace, limits: SandboxLimits) -> str:
    if not source.strip():
        raise ToolInputError("there is nothing to run")
    if "\0" in source or len(source.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
        raise ToolInputError(
            f"at most {MAX_SOURCE_BYTES:,} bytes without NULs can be run; write longer code to a file first"
        )
    before = await asyncio.to_thread(_stamps, workspace)
    execution = await sandbox.run(language, source, folder=workspace.folder, limits=limits)
    after = await asyncio.to_thread(_stamps, workspace)
    changed = [path for path, stamp in after.items() if before.get(path) != stamp]
    parts = [_shown(execution.output), _ending(execution, limits), _files(changed, after)]
    return "\n".join(part for part in parts if part)


def _stamps(workspace: Workspace) -> dict[str, tuple[int, int]]:
    """Return size and modification time of the workspace's files. Nothing is opened, no link followed."""
    return {entry.path: (entry.n_bytes, entry.mtime_ns) for entry in workspace.entries()}


def _shown(output: str) -> str:
    text = without_controls(output).strip("\n")
    return without_middle(text, SHOWN_CHARS, remark="; write long results to a file")


def _ending(execution: Execution, limits: SandboxLimits) -> str:
    if execution.ended_by == "exit":
        code = execution.exit_code
        return f"[exit code {code}]" if code or not execution.output.strip() else ""
    reasons: dict[ExitCause, str] = {
        "time": f"it ran longer than {limits.wall_s:g} s; do less at once, or in smaller steps",
        "memory": f"it took more than {limits.memory_bytes // 1_000_000:,} MB of memory; read or compute in parts",
        "processes": f"it started more than {limits.n_processes} processes",
        "files": f"the workspace may hold {limits.n_files:,} files and {limits.workspace_bytes // 1_000_000:,} MB; "
        "remove what is not needed",
        "output": f"it printed more than {limits.output_bytes:,} bytes; write to a file instead",
        "exit": "",
    }
    return f"[stopped: {reasons[execution.ended_by]}]"


def _files(paths: list[str], stamps: dict[str, tuple[int, int]]) -> str:
    if not paths:
        return ""
    lines = [f"- {path} ({stamps[path][0]:,} bytes{_hint(path)})" for path in paths[:_SHOWN_FILES]]
    more = len(paths) - len(lines)
    return "\n".join(
        ["Files made or changed:", *lines, *([f"- and {more} more; list_files names them"] if more else [])]
    )


def _hint(path: str) -> str:
    return "; view_image shows it" if path.lower().endswith(_PICTURES) else ""
