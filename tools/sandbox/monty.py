"""Sandbox in Monty, a Python interpreter without system access: works anywhere, without numpy or a shell.

The interpreter runs in a worker process that is started for each execution (milliseconds) and killed after it. The
workspace is its only folder, the links in it lead nowhere outside, and there is no network, process or environment in
its language.
"""

import ast
import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from memento.extras import optional_imports
from memento.private_files import make_private_folder
from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.footprint import Footprint, footprint
from memento.tools.sandbox.port import Execution, ExitCause, Language, SandboxLimits
from memento.tools.sandbox.processes import end_child, is_child, usage
from memento.tools.sandbox.workspace_cleanup import make_harmless

if TYPE_CHECKING:
    from pydantic_monty import AsyncMontySession, MountDir

PLACE: Final = "/workspace"
_TICK_S: Final = 0.1
_FILE_CALLS: Final = 1_000_000
_FILE_MEMORY: Final = 50_000_000
_END_STEPS: Final = 1_000
_END_STEP_S: Final = 0.005
_OWN_MEMORY: Final = 100_000_000
"""What the worker needs beside the code's memory."""

_ENDINGS: Final[tuple[tuple[str, ExitCause], ...]] = (
    ("TimeoutError: feed time limit exceeded", "time"),
    ("TimeoutError: sleep limit exceeded", "time"),
    ("MemoryError: memory limit exceeded", "memory"),
    ("MemoryError: the worker exceeded its memory limit", "memory"),
    ("OSError: disk write limit", "files"),
)
"""How Monty's own messages begin."""


@dataclass(frozen=True)
class MontySandbox:
    """The sandbox that works on every system."""

    name: ClassVar[str] = "monty"
    languages: ClassVar[frozenset[Language]] = frozenset({"python"})
    packages: ClassVar[str] = (
        "The interpreter is a small one: no third-party packages (no numpy), no `yield`, `del`, decorated methods; of "
        "the standard library re, json, csv, datetime, decimal, itertools, collections, pathlib and the like."
    )

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code; see `Sandbox.run`."""
        if language not in self.languages:
            raise ToolUnavailable("monty runs Python only; there is no shell", is_outage=False)
        with optional_imports("tools", "code cannot be run in monty", ToolUnavailable):
            await asyncio.to_thread(import_module, "pydantic_monty")
        output = _Output(limits.output_bytes)
        code = await asyncio.to_thread(_showing_last_value, source)
        async with _session(folder, limits) as (session, mount):
            pid, allowed = session.worker_pid, Footprint(limits.n_files, limits.workspace_bytes)
            # Before the code begins: on a busy machine it may have made all its files before another task looks.
            before = await asyncio.to_thread(footprint, folder, at_most=allowed)
            feed = asyncio.create_task(_fed(session, mount, code, output))
            watch = asyncio.create_task(_exceeded(pid, folder, limits, output, before=before))
            try:
                await asyncio.wait([feed, watch], return_when=asyncio.FIRST_COMPLETED)
                ending, exit_code = feed.result() if feed.done() else (watch.result(), None)
            finally:
                for task in (feed, watch):
                    task.cancel()
                await asyncio.gather(feed, watch, return_exceptions=True)
        return Execution(output.text(), exit_code, ending)


class _Output:
    """Captured output, up to a limit."""

    def __init__(self, max_bytes: int) -> None:
        self._parts: list[bytes] = []
        self._room = max_bytes
        self.is_full = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, _stream: str, text: str) -> None:
        """Append a part; called from Monty's thread."""
        if self._room <= 0:
            return
        part = text.encode("utf-8", "replace")
        self._parts.append(part[: self._room])
        self._room -= len(part)
        if self._room < 0:
            self._loop.call_soon_threadsafe(self.is_full.set)

    def text(self) -> str:
        return b"".join(self._parts).decode("utf-8", "replace")


@contextlib.asynccontextmanager
async def _session(folder: Path, limits: SandboxLimits) -> "AsyncIterator[tuple[AsyncMontySession, MountDir]]":
    """Start a worker, and end it afterwards."""
    from pydantic_monty import AsyncMonty, MontyCrashedError

    mount = await asyncio.to_thread(_mounted, folder, limits)
    pid = None
    try:
        async with (
            AsyncMonty(min_processes=1, max_processes=1) as pool,
            pool.checkout(
                limits={
                    "max_feed_duration_secs": limits.wall_s,
                    "max_total_sleep_secs": limits.wall_s,
                    "max_memory": limits.memory_bytes,
                    "max_suspensions": _FILE_CALLS,
                },
                # A longer sleep would be cut short and pass for done; one second above the limit, it is refused.
                os_policy={"sleep_system_max": limits.wall_s + 1},
            ) as session,
        ):
            pid = session.worker_pid
            yield session, mount
    except MontyCrashedError as error:
        raise ToolUnavailable(f"monty does not start: {error}") from error
    finally:
        mount.close()
        await _gone(pid)
        await asyncio.to_thread(make_harmless, folder)


async def _gone(pid: int | None) -> None:
    """Make sure that a worker has ended: the pool kills busy workers without waiting for them."""
    for step in range(_END_STEPS):
        if pid is None or not await asyncio.to_thread(is_child, pid):
            return
        if step >= _END_STEPS // 10:
            await asyncio.to_thread(end_child, pid)
        await asyncio.sleep(_END_STEP_S)
    raise ToolUnavailable(f"monty: its worker (process {pid}) cannot be ended")


def _mounted(folder: Path, limits: SandboxLimits) -> "MountDir":
    from pydantic_monty import MountDir

    make_private_folder(folder)
    return MountDir(
        host_path=folder,
        virtual_path=PLACE,
        mode="read-write",
        write_bytes_limit=limits.workspace_bytes,
        memory_usage_limit=min(_FILE_MEMORY, limits.memory_bytes),
    )


async def _fed(
    session: "AsyncMontySession", mount: "MountDir", code: str, output: _Output
) -> tuple[ExitCause, int | None]:
    """Run the code; return how it ended, and its exit code."""
    from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

    try:
        await session.feed_run(code, print_callback=output, mount=mount, cwd=PLACE)
    except MontyCrashedError as error:
        output("stderr", f"{error}\n")
        return ("time" if error.timed_out else "memory"), None
    except (MontyRuntimeError, MontySyntaxError) as error:
        message = error.display("type-msg")
        output("stderr", f"{error.display('traceback')}\n")
        for beginning, ending in _ENDINGS:
            if message.startswith(beginning):
                return ending, None
        return "exit", 1
    return "exit", 0


async def _exceeded(
    pid: int | None, folder: Path, limits: SandboxLimits, output: _Output, *, before: Footprint
) -> ExitCause:
    """Wait until a limit that Monty does not know is exceeded, and return which."""
    deadline = asyncio.get_running_loop().time() + limits.wall_s
    allowed = Footprint(limits.n_files, limits.workspace_bytes)
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(output.is_full.wait(), _TICK_S)
            return "output"
        found = await asyncio.to_thread(footprint, folder, at_most=allowed)
        if found.exceeds(allowed) and found.exceeds(before):
            return "files"
        used = await asyncio.to_thread(usage, [pid or 0], max_processes=1, max_tasks=1_000)
        if used.memory_bytes > limits.memory_bytes + _OWN_MEMORY:
            return "memory"
    return "time"


def _showing_last_value(source: str) -> str:
    """Make a last expression print its value; line numbers stay the same.

    It is printed by the interpreter, within its limits: the value itself never becomes an object of ours.
    """
    try:
        last = ast.parse(source).body[-1]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return f"{source}\nNone"  # Monty says what is wrong with it
    if not isinstance(last, ast.Expr) or last.end_lineno is None or last.end_col_offset is None:
        return f"{source}\nNone"
    lines = source.encode().splitlines(keepends=True)
    before = b"".join(lines[: last.lineno - 1]) + lines[last.lineno - 1][: last.col_offset]
    after = lines[last.end_lineno - 1][last.end_col_offset :] + b"".join(lines[last.end_lineno :])
    expression = source.encode()[len(before) : len(source.encode()) - len(after)]
    shown = b"__shown__ = (" + expression + b")\nif __shown__ is not None:\n    print(repr(__shown__))\nNone"
    return (before + shown).decode()
