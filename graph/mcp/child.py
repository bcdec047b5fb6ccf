"""Runs an MCP server as a child process: JSON lines over stdin and stdout.

The SDK's own transport adds variables to the environment, keeps a line of any length in memory, logs a traceback for
every line that is no message, and leaves descendants of a server that ended by itself. Hence this one.

When we are killed, a server is told by the end of its stdin, as the protocol has it, and one that ignores that runs on.
Linux could signal it (PR_SET_PDEATHSIG), but only the process that was started, mostly `npx` or `uvx` with the server
below it; it would do so when the thread ends that started it; and a kill would leave the others no time to tidy up.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from memento.graph.mcp.config import ServerConfig
from memento.memory.shielded import shielded
from memento.tools.errors import ToolUnavailable

MAX_LINE_BYTES: Final = 16_000_000
_KEPT_STDERR_BYTES: Final = 4_000
_GRACE_S: Final = 1.0
_LAST_S: Final = 5.0
"""For a killed process to be gone, on a busy machine; longer only where a descendant elsewhere holds its pipes."""

_MAX_NOISE_LINES: Final = 500
"""Without a message in between."""

Incoming = ObjectReceiveStream[SessionMessage | Exception]
Outgoing = ObjectSendStream[SessionMessage]


@dataclass
class Child:
    """A running server process."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it says no more: it ended, or closed its stdout."""
    n_noise: int = 0
    """Lines on its stdout that were no messages."""
    stderr: bytes = b""
    """The end of what it wrote there."""
    exit_code: int | None = None

    def last_words(self) -> str:
        """Describe for a person why the server may have failed."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        noise = f"{self.n_noise} lines on its stdout were no MCP messages" if self.n_noise else ""
        status = f"exit code {self.exit_code}" if self.exit_code is not None else ""
        return "; ".join(part for part in (status, lines[-1].strip() if lines else "", noise) if part)

    @asynccontextmanager
    async def streams(self, config: ServerConfig) -> AsyncIterator[tuple[Incoming, Outgoing]]:
        """Run the server while the context is open; afterwards its whole process group is gone.

        Raises:
            ToolUnavailable: there is no such command, or it cannot be run.
        """
        process, transport = await _spawned(config)
        received, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, sent = anyio.create_memory_object_stream[SessionMessage](0)
        pipes = [
            asyncio.ensure_future(pipe)
            for pipe in (self._read(process, received), _write(process, sent), self._listen(process))
        ]
        try:
            yield incoming, outgoing
        finally:
            for pipe in pipes:
                pipe.cancel()
            for stream in (received, incoming, outgoing, sent):
                stream.close()
            await shielded(_end(process, transport))

    async def _read(self, process: asyncio.subprocess.Process, received: Any) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with pipes
        # ValueError: a line longer than any message may be.
        with received, contextlib.suppress(ValueError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            n_in_a_row = 0
            while n_in_a_row < _MAX_NOISE_LINES and (line := await process.stdout.readline()):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValidationError:
                    self.n_noise += bool(line.strip())
                    n_in_a_row += 1
                    continue
                n_in_a_row = 0
                await received.send(SessionMessage(message))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                self.exit_code = await process.wait()
        self.over.set()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was started with pipes
        while said := await process.stderr.read(_KEPT_STDERR_BYTES):
            self.stderr = (self.stderr + said)[-_KEPT_STDERR_BYTES:]


async def _spawned(config: ServerConfig) -> tuple[asyncio.subprocess.Process, asyncio.SubprocessTransport]:
    # Not `create_subprocess_exec`: it keeps the transport, which closes our ends of the pipes, to itself.
    loop = asyncio.get_running_loop()
    command = config.command
    if not os.path.dirname(command):
        # Found on the search path that the command itself gets; on Windows this also finds `npx.cmd`.
        found = await asyncio.to_thread(shutil.which, command, path=config.env.get("PATH"))
        if found is None:
            raise ToolUnavailable(f"there is no command {command!r}; install it, or add its folder to PATH")
        command = found
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=MAX_LINE_BYTES, loop=loop),
            command,
            *config.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(config.env),
            cwd=config.cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ToolUnavailable(f"the command {command!r} cannot be run: {error}") from error
    return asyncio.subprocess.Process(transport, protocol, loop), transport


async def _write(process: asyncio.subprocess.Process, sent: Any) -> None:
    assert process.stdin is not None  # noqa: S101 - it was started with pipes
    with sent, contextlib.suppress(ConnectionError):
        async for session_message in sent:
            line = session_message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()


async def _end(process: asyncio.subprocess.Process, transport: asyncio.BaseTransport) -> None:
    """End a server and its process group: close stdin, then SIGTERM, then SIGKILL."""
    # A server that cannot get rid of its output does not end, nor do its pipes close before they are read to their end.
    drains = [asyncio.ensure_future(_drain(stream)) for stream in (process.stdout, process.stderr) if stream]
    try:
        if process.stdin is not None:
            process.stdin.close()
        for ask in (None, signal.SIGTERM):
            if ask is not None:
                _signal_group(process, ask)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await process.wait()
                    break
    finally:  # whoever was cancelled meanwhile
        _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_S):
                await asyncio.gather(process.wait(), *drains, return_exceptions=True)
        for drain in drains:
            drain.cancel()
        # A descendant in another session may hold the other ends of the pipes indefinitely.
        with contextlib.suppress(PermissionError):  # of a process that has become another user's
            transport.close()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass


def _signal_group(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        elif process.returncode is None:
            process.kill()
