"""Asks a running memory server to do a hook's work. Blocking, and imports nothing heavy."""

import contextlib
import hashlib
import json
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

_MAX_ANSWER_BYTES: Final = 1_000_000


def socket_folder(home: Path) -> Path:
    """Where the sockets of a home lie."""
    return home / "hooks"


def socket_prefix(namespace: str) -> str:
    """How the names of a namespace's sockets begin."""
    return hashlib.sha256(namespace.encode(errors="replace")).hexdigest()[:16]


class HookRefused(Exception):
    """The server did not do it, and says why."""


def ask_server(
    home: Path, namespace: str, hook: str, given: Sequence[str], options: Sequence[Any], *, seconds: float
) -> str | None:
    """Have a running server do it.

    Args:
        home: whose servers.
        namespace: of the memory.
        hook: `recall` or `capture`.
        given: the fields of a `HookInput`.
        options: those of `HookOptions`.
        seconds: it may take.

    Returns:
        What the agent is told; None where no server answers.

    Raises:
        HookRefused: the server tried, and failed.
    """
    request = json.dumps({"hook": hook, "input": list(given), "options": list(options)}).encode() + b"\n"
    until = time.monotonic() + seconds
    for path in _sockets(home, namespace):
        answer = _asked(path, request, until)
        if answer is not None:
            if "error" in answer:
                raise HookRefused(str(answer["error"]))
            return str(answer.get("told", ""))
    return None


def _sockets(home: Path, namespace: str) -> Iterator[Path]:
    """Sockets of the namespace, those of the newest servers first."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        paths = socket_folder(home).glob(f"{socket_prefix(namespace)}-*.sock")
        found = [(path.stat().st_mtime, path) for path in paths]
    yield from (path for _, path in sorted(found, reverse=True))


def _asked(path: Path, request: bytes, until: float) -> dict[str, Any] | None:
    """The answer of one server; None where it is gone, hangs or says something else."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(max(0.05, until - time.monotonic()))
            connection.connect(str(path))
            connection.sendall(request)
            with connection.makefile("rb") as reader:
                answer = json.loads(reader.readline(_MAX_ANSWER_BYTES))
    except (ConnectionRefusedError, FileNotFoundError):  # of a server that was killed
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
