"""Upper bound of the memory held by sockets of a network namespace, read from /proc; no process is charged for it.

What is in a TCP or Unix socket's queue can only be bounded, by the size of its buffers. Code cannot enlarge those: the
filter of seccomp.py keeps it from that, and from kinds of sockets that are not told here.
"""

import functools
from typing import Final

_DEFAULT: Final = 212_992
_TCP_DEFAULT: Final = 6_291_456
_UNIX_MESSAGES: Final = 2
"""Buffers that a Unix socket fills: the last message may pass its limit by one more."""


def socket_memory(pid: int) -> int:
    """Bound the socket memory of a process's network namespace, including sockets that no process holds.

    Args:
        pid: of a process in the namespace; when it has ended, there is nothing.
    """
    n_unix = max(0, len(_lines(pid, "unix")) - 1)
    in_use = n_unix * _UNIX_MESSAGES * _largest("core/wmem_default", _DEFAULT)
    tcp = _largest("ipv4/tcp_rmem", _TCP_DEFAULT) + _largest("ipv4/tcp_wmem", _TCP_DEFAULT)
    for name in ("tcp", "tcp6"):  # what is queued may be many times smaller than the memory that it takes
        in_use += tcp * sum(any(_queues(line)) for line in _lines(pid, name)[1:])
    for name in ("udp", "udp6"):
        in_use += sum(sum(_queues(line)) for line in _lines(pid, name)[1:])
    return in_use + sum(_netlink(line) for line in _lines(pid, "netlink")[1:])


def _lines(pid: int, name: str) -> list[str]:
    try:
        with open(f"/proc/{pid}/net/{name}", encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []


def _queues(line: str) -> tuple[int, int]:
    """Return send and receive queue bytes of a line of /proc/net/tcp or udp."""
    fields = line.split()
    sending, _, receiving = fields[4].partition(":") if len(fields) > 4 else ("0", "", "0")
    return int(sending, 16), int(receiving, 16)


def _netlink(line: str) -> int:
    fields = line.split()
    return int(fields[4]) + int(fields[5]) if len(fields) > 5 else 0


@functools.cache
def _largest(setting: str, default: int) -> int:
    """Return the last number of a kernel network setting: of three, the maximum buffer size."""
    try:
        with open(f"/proc/sys/net/{setting}", encoding="ascii") as stream:
            return int(stream.read().split()[-1])
    except (OSError, ValueError, IndexError):
        return default
