"""Resource usage of an execution's processes, read from /proc."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_MEMORY: Final = ("VmRSS:", "VmSwap:", "VmPTE:")


class ProcessUsage(NamedTuple):
    """Total usage of several processes."""

    n_processes: int = 0
    n_tasks: int = 0
    """Processes and threads."""
    memory_bytes: int = 0
    written_bytes: int = 0
    """Sent to a disk since they began, those of ended children included."""


def usage(pids: Iterable[int], *, max_processes: int, max_tasks: int) -> ProcessUsage:
    """Sum the usage of processes; stops above the limits. All zero when they have ended."""
    total = ProcessUsage()
    for pid in pids:
        n_tasks = len(_tasks(pid))
        if not n_tasks:
            continue
        total = ProcessUsage(
            total.n_processes + 1,
            total.n_tasks + n_tasks,
            total.memory_bytes + _held(pid),
            total.written_bytes + _written(pid),
        )
        if total.n_processes > max_processes or total.n_tasks > max_tasks:
            break
    return total


def tree(root: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    pending = [root]
    while pending:
        pid = pending.pop()
        yield pid
        for task in _tasks(pid):
            pending += map(int, _read(f"/proc/{pid}/task/{task}/children").split())


def belonging(session: int, mark: bytes) -> Iterator[int]:
    """Yield the processes of a session, and those whose environment holds a mark, wherever they have moved."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
            has_ended = not fields or fields[0] in "ZX"
            if not has_ended and (int(fields[3]) == session or mark in _read(f"/proc/{name}/environ").encode()):
                yield int(name)


def is_child(pid: int) -> bool:
    """Whether this process is our descendant, or ended unnoticed; False without /proc, where nobody can tell."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return len(fields) > 1 and int(fields[1]) == os.getpid()


def end_child(pid: int) -> None:
    """Kill a descendant process, and reap it."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, os.WNOHANG)


def _tasks(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return []


def _held(pid: int) -> int:
    """Memory of a process: resident, swapped out, and page tables."""
    fields = (line.split() for line in _read(f"/proc/{pid}/status").splitlines() if line.startswith(_MEMORY))
    return sum(int(amount) * 1024 for _, amount, _ in fields)


def _written(pid: int) -> int:
    for line in _read(f"/proc/{pid}/io").splitlines():
        if line.startswith("write_bytes: "):
            return int(line.split()[1])
    return 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
