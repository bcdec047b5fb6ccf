"""Runs a program within limits: feeds its stdin, captures its output, checks its usage ten times a second.

Limits of the kernel are per process; here all processes of an execution are added up. All of it happens in a thread of
its own: neither a busy event loop nor a full thread pool keeps it from looking.
"""

import asyncio
import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final, Protocol

from memento.private_files import make_private_folder
from memento.tools.sandbox.footprint import Footprint, footprint
from memento.tools.sandbox.port import Execution, ExitCause, SandboxLimits
from memento.tools.sandbox.processes import ProcessUsage
from memento.tools.sandbox.shell_command import TASKS_PER_PROCESS
from memento.tools.sandbox.workspace_cleanup import make_harmless

TICK_S: Final = 0.1
_DRAIN_S: Final = 1.0
_WRITTEN_PER_BYTE: Final = 4
"""How often the workspace's size may be written in all: room that deleted files take is seen only so."""


class Running(Protocol):
    """A started program whose stdin and stdout are pipes."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process whose end is the program's end."""
        ...

    def usage(self, limits: SandboxLimits) -> ProcessUsage:
        """Current usage of all its processes."""
        ...

    def is_short_of_memory(self) -> bool:
        """Whether another party ended it because of the memory limit; asked after its end."""
        ...

    def kill(self) -> None:
        """Kill all processes, orphaned children included; returns when none is left.

        Raises:
            ToolUnavailable: one cannot be ended.
        """
        ...


async def watched(start: Callable[[], Running], source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
    """Start a program and watch it to its end; on cancellation it is killed first.

    Args:
        start: starts it; called in the thread.
        source: what it reads on stdin.
        folder: its workspace, made when missing.
        limits: what it may use.

    Raises:
        ToolUnavailable: it does not start, or cannot be ended.
    """
    stop = threading.Event()
    executor = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
    content = source.encode("utf-8", "replace")
    watching = asyncio.get_running_loop().run_in_executor(
        executor, lambda: _Watch(start, content, folder, limits, stop).run()
    )
    executor.shutdown(wait=False)
    try:
        return await asyncio.shield(watching)
    except asyncio.CancelledError:
        stop.set()
        await _settled(watching)
        raise


async def _settled(watching: asyncio.Future[Execution]) -> None:
    """Wait for the end, however often the caller is cancelled meanwhile."""
    while not watching.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([watching])
    watching.exception()  # looked at: nobody else will


class _Watch:
    """One execution, in its thread."""

    def __init__(
        self, start: Callable[[], Running], source: bytes, folder: Path, limits: SandboxLimits, stop: threading.Event
    ) -> None:
        make_private_folder(folder)
        self._folder, self._limits, self._stop, self._source = folder, limits, stop, source
        self._allowed = Footprint(limits.n_files, limits.workspace_bytes)
        self._before = footprint(folder, at_most=self._allowed)
        self._output = bytearray()
        self._deadline = time.monotonic() + limits.wall_s
        self._running = start()

    def run(self) -> Execution:
        process = self._running.process
        stdin, stdout = _pipe(process.stdin), _pipe(process.stdout)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(stdin, selectors.EVENT_WRITE)
                selector.register(stdout, selectors.EVENT_READ)
                ending = self._until_end(selector)
                if ending == "exit" and self._running.is_short_of_memory():
                    ending = "memory"
                self._running.kill()
                if ending == "exit":
                    self._drain(selector)
            exit_code = process.wait() if ending == "exit" else None
        finally:
            try:
                self._running.kill()
            finally:
                make_harmless(self._folder)
            stdin.close()
            stdout.close()
            process.wait()
        shown = bytes(self._output[: self._limits.output_bytes])
        return Execution(shown.decode("utf-8", "replace"), exit_code, ending)

    def _until_end(self, selector: selectors.BaseSelector) -> ExitCause:
        looked = time.monotonic()
        while self._running.process.poll() is None:
            if not selector.get_map():  # it closed its output and runs on
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._running.process.wait(TICK_S)
            self._transfer(selector, TICK_S)
            if len(self._output) > self._limits.output_bytes:
                return "output"
            if time.monotonic() - looked >= TICK_S:
                if exceeded := self._exceeded():
                    return exceeded
                looked = time.monotonic()
        return "exit"

    def _exceeded(self) -> ExitCause | None:
        used = self._running.usage(self._limits)
        if self._stop.is_set() or time.monotonic() > self._deadline:
            return "time"
        if used.n_processes > self._limits.n_processes or used.n_tasks > TASKS_PER_PROCESS * self._limits.n_processes:
            return "processes"
        if used.memory_bytes > self._limits.memory_bytes:
            return "memory"
        if used.written_bytes > _WRITTEN_PER_BYTE * self._limits.workspace_bytes:
            return "files"
        # Code that tidies up a full workspace must be able to run.
        found = footprint(self._folder, at_most=self._allowed)
        return "files" if found.exceeds(self._allowed) and found.exceeds(self._before) else None

    def _transfer(self, selector: selectors.BaseSelector, timeout_s: float) -> bool:
        """Move available bytes through the pipes; return whether any came."""
        has_come = False
        for key, _ in selector.select(timeout_s) if selector.get_map() else ():
            if key.events & selectors.EVENT_WRITE:
                self._feed(selector, key.fileobj)  # type: ignore[arg-type]  # it is the stream that was registered
                continue
            chunk = os.read(key.fd, 65_536)
            if not chunk:
                selector.unregister(key.fileobj)
            has_come = has_come or bool(chunk)
            self._output += chunk
        return has_come

    def _feed(self, selector: selectors.BaseSelector, stdin: IO[bytes]) -> None:
        try:
            n_written = os.write(stdin.fileno(), self._source[:65_536]) if self._source else 0
        except BrokenPipeError:
            self._source, n_written = b"", 0
        self._source = self._source[n_written:]
        if not self._source:
            selector.unregister(stdin)
            stdin.close()

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Read the rest of the pipe; all writers are dead, so it ends."""
        until = time.monotonic() + _DRAIN_S
        while self._transfer(selector, 0.05) and time.monotonic() < until:
            if len(self._output) > self._limits.output_bytes:
                return


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("the program's stdin and stdout must be pipes")
    os.set_blocking(stream.fileno(), False)
    return stream
