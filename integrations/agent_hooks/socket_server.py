"""Unix socket by which hooks use the memory of a running `memento mcp --memory`, which has everything loaded.

A hook that opens the memory itself loads an encoder, and torch where estimates are asked for, for every prompt. The
socket lies in a folder that only its owner can enter, one for each server and namespace, and is removed with the
server. A request is one JSON line, and so is the answer: `{"told": ...}`, or `{"error": ...}`.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from memento.integrations.agent_hooks.hook_input import MAX_INPUT_BYTES, HookInput, HookOptions
from memento.integrations.agent_hooks.hooks import capture_turn, recall_for_prompt
from memento.integrations.agent_hooks.socket_client import socket_folder, socket_prefix
from memento.integrations.agent_hooks.turn_files import TurnFile
from memento.memory.case_memory import CaseMemory
from memento.nodes.foreign_errors import told as told_error
from memento.nodes.redaction import Redact
from memento.private_files import make_private_folder

MAX_PATH_BYTES: Final = 100
"""Longer paths fit no socket's address on some systems; such a home has no socket, and hooks open the memory."""

_HOOKS: Final = {"recall": recall_for_prompt, "capture": capture_turn}


@asynccontextmanager
async def serving_hooks(
    *, home: Path, namespace: str, memory: Callable[[], Awaitable[CaseMemory]], redact: Redact
) -> AsyncIterator[Path | None]:
    """Serve the hooks of one namespace while the context lasts.

    Args:
        home: whose folder of sockets, and of turns.
        namespace: of the memory.
        memory: opens it, at the first request.
        redact: takes secrets out of what is kept and told.

    Yields:
        The socket; None where there can be none, which only makes hooks slower.
    """
    path = socket_folder(home) / f"{socket_prefix(namespace)}-{os.getpid()}.sock"
    if not hasattr(asyncio, "start_unix_server") or len(os.fsencode(path)) > MAX_PATH_BYTES:
        yield None
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                request = json.loads(await reader.readuntil(b"\n"))
                writer.write(json.dumps(await _answered(request, home, memory, redact)).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    try:
        await asyncio.to_thread(_cleared, path)
        server = await asyncio.start_unix_server(answer, path, limit=2 * MAX_INPUT_BYTES)
    except OSError:
        yield None
        return
    try:
        yield path
    finally:
        server.close()
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _answered(
    request: Any, home: Path, memory: Callable[[], Awaitable[CaseMemory]], redact: Redact
) -> dict[str, str]:
    try:
        given = HookInput(*request["input"])
        options = HookOptions(*request["options"])
        turns = TurnFile(home / "agent-hooks", given.session_id)
        run = _HOOKS[request["hook"]]
        return {"told": await run(given, await memory(), turns, redact=redact, options=options)}
    except Exception as error:  # noqa: BLE001  one hook's failure is told to it, and the server goes on
        return {"error": told_error(error, redact)}


def _cleared(path: Path) -> None:
    """Make the folder; a socket of a process that had this number before is removed."""
    make_private_folder(path.parent)
    path.unlink(missing_ok=True)
