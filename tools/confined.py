"""Calls a function on untrusted input in a child process with little memory, no secrets and a time limit.

A parser that hangs cannot be stopped in a thread, and one that asks for ten gigabytes takes the whole process with it.
The child runs `confined_child.py`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from memento.tools import errors
from memento.tools.confined_child import NOT_OURS
from memento.tools.errors import TookTooLong, ToolError, ToolInputError, ToolUnavailable

MEMORY_BYTES: Final = 512 * 1024 * 1024
MAX_RESULT_BYTES: Final = 20_000_000
_LAST_WORDS_S: Final = 1.0


async def confined(
    function: str,
    arguments: dict[str, Any],
    *,
    files: Sequence[BinaryIO] = (),
    timeout_s: float = 20.0,
    memory_bytes: int = MEMORY_BYTES,
) -> Any:
    """Call a function in a confined child process and return its result.

    Args:
        function: its name as `module:function`. It is called with the open files, then with the arguments by name.
        arguments: JSON values.
        files: open for reading; they stay the caller's to close.
        timeout_s: after this time the child is killed.
        memory_bytes: address space it may use.

    Returns:
        What the function returned, a JSON value.

    Raises:
        ToolError: whatever named error the function raised.
        TookTooLong: it was killed at the end of its time.
        ToolInputError: the parser gave up, or wanted too much memory.
    """
    if not hasattr(os, "killpg"):
        raise ToolUnavailable("files are parsed in a child process, which needs Linux or macOS")
    descriptors = [file.fileno() for file in files]
    request = {
        "function": function,
        "arguments": arguments,
        "files": descriptors,
        "memory_bytes": memory_bytes,
        "cpu_s": int(timeout_s) + 1,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "memento.tools.confined_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=descriptors,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output = await _answer(child, json.dumps(request).encode())
    except TimeoutError:
        raise TookTooLong(f"it could not be read within {timeout_s:g} s; it may be too complex or damaged") from None
    finally:
        await _end(child)
    return _result(output, child.returncode or 0)


async def _answer(child: asyncio.subprocess.Process, request: bytes) -> bytes:
    """Send the request and read the result, up to its size limit: a compromised parser may send anything."""
    assert child.stdin is not None  # noqa: S101 - it was started with pipes
    assert child.stdout is not None  # noqa: S101
    with contextlib.suppress(ConnectionError):  # it ended before it had read all; its status tells why
        child.stdin.write(request)
        await child.stdin.drain()
    child.stdin.close()
    output = bytearray()
    while chunk := await child.stdout.read(1 << 18):
        output += chunk
        if len(output) > MAX_RESULT_BYTES:
            raise ToolInputError("it cannot be read: there is too much in it")
    await child.wait()
    return bytes(output)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill the child and wait for it, even if the caller was cancelled meanwhile."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await asyncio.shield(_gone(child))


async def _gone(child: asyncio.subprocess.Process) -> None:
    """Drain a killed child's pipes, then wait for it: asyncio reports its exit only after its pipes are closed."""
    assert child.stdout is not None  # noqa: S101 - it was started with pipes
    with contextlib.suppress(TimeoutError):  # a descendant in a session of its own may hold them open
        async with asyncio.timeout(_LAST_WORDS_S):
            while await child.stdout.read(1 << 18):
                pass
            await child.wait()


def _result(output: bytes, status: int) -> Any:
    try:
        answer = json.loads(output) if status == 0 else None
    except ValueError:
        answer = None
    if answer is None:
        why = "it is damaged, or not what its name says" if status == NOT_OURS else "it wants too much memory or time"
        raise ToolInputError(f"it cannot be read: {why}")
    if "error" in answer:
        kind: type[ToolError] = getattr(errors, answer["error"], ToolUnavailable)
        raise kind(answer["message"])
    return answer["value"]
