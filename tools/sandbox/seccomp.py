"""Seccomp filter for bubblewrap: BPF bytecode that refuses system calls.

Namespaces do not hide everything. The session keyring, virtual-machine sockets and the kernel's rarer subsystems are
seen from any of them. Files stay in the workspace with our owner, so none may get a set-user-id or set-group-id mode.
And memory that belongs to no process (message queues, memory files, large socket buffers, pages held by a pipe) could
not be counted by the watchdog.
"""

import errno
import platform
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

# Name, number on x86_64, number on aarch64 (`-` where it has none).
_TABLE: Final = """
add_key 248 217, request_key 249 218, keyctl 250 219, io_uring_setup 425 425, io_uring_enter 426 426,
io_uring_register 427 427, memfd_create 319 279, memfd_secret 447 447, shmget 29 194, msgget 68 186, semget 64 190,
mq_open 240 180, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, kcmp 312 272,
pidfd_getfd 438 438, userfaultfd 323 282, process_madvise 440 440, bpf 321 280, perf_event_open 298 241,
init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294,
syslog 103 116, reboot 169 142, acct 163 89, quotactl 179 60, quotactl_fd 443 443, swapon 167 224, swapoff 168 225,
settimeofday 164 170, clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266, lookup_dcookie 212 18,
mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, unshare 272 97, setns 308 268,
open_by_handle_at 304 265, name_to_handle_at 303 264, open_tree 428 428, move_mount 429 429, fsopen 430 430,
fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, fanotify_init 300 262, inotify_init 253 -,
inotify_init1 294 26, inotify_add_watch 254 27, io_setup 206 0, splice 275 76, tee 276 77, vmsplice 278 75,
sendfile 40 71, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, chmod 90 -, fchmod 91 52, fchmodat 268 53,
fchmodat2 452 452, mkdir 83 -, mkdirat 258 34, mknod 133 -, mknodat 259 33, creat 85 -, open 2 -, openat 257 56,
openat2 437 437, socket 41 198, socketpair 53 199, setsockopt 54 208, fcntl 72 25, ioctl 16 29
"""
_CALLS: Final = re.findall(r"(\w+) (\d+) (\d+|-)", _TABLE)
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}
_UNKNOWN_FROM: Final = 463
"""Calls that are newer than this filter, setxattrat the first of them: they may do what is refused here. On x86_64 the
second numbering of all calls (x32) lies above, too."""

_NEVER: Final = (
    *("add_key", "request_key", "keyctl", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create"),
    *("memfd_secret", "shmget", "msgget", "semget", "mq_open", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("kcmp", "pidfd_getfd", "userfaultfd", "process_madvise", "bpf", "perf_event_open", "init_module"),
    *("finit_module", "delete_module", "kexec_load", "kexec_file_load", "syslog", "reboot", "acct", "quotactl"),
    *("quotactl_fd", "swapon", "swapoff", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"),
    *("lookup_dcookie", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_by_handle_at"),
    *("name_to_handle_at", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    "fanotify_init",
)
# Programs do without these when the kernel seems not to have them. A filter cannot see openat2's mode, which lies in
# memory. Instances of inotify and requests of io_setup are counted by user, so code could use up the host's. The last
# four make a pipe or a socket hold pages that no process has.
_AS_IF_MISSING: Final = (
    *("openat2", "inotify_init", "inotify_init1", "inotify_add_watch", "io_setup", "splice", "tee", "vmsplice"),
    "sendfile",
)
_NO_ATTRIBUTES: Final = ("setxattr", "lsetxattr", "fsetxattr")  # file capabilities are one of them

_SET_ID: Final = 0o6000
# By position of the mode among the arguments. That of `open` counts only where a file may be made: else there is
# whatever the register holds.
_MODES: Final = (
    *(("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("mkdir", 1), ("mkdirat", 2), ("mknod", 1)),
    *(("mknodat", 2), ("creat", 1)),
)
_OPENS: Final = {"open": (1, 2), "openat": (2, 3)}  # flags, mode
_MAKES: Final = 0x40 | 0x400000  # O_CREAT, what O_TMPFILE adds to O_DIRECTORY

_UNIX, _INET, _NETLINK, _INET6 = 1, 2, 16, 10  # families: the network namespace confines these
_STREAM, _SEQUENCED, _TCP, _UDP = 1, 5, 6, 17
_SOCKET_LEVEL: Final = 1
_BUFFER_SIZES: Final = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF and what forces them
_SET_PIPE_SIZE: Final = 1031
_TERMINAL: Final = (0x5412, 0x541C)  # TIOCSTI types into a terminal, TIOCLINUX pastes into one

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_KILL: Final = 0x80000000
_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000
_DONE: Final = _ERROR  # an error of number 0: the call is not made, and its caller told that it was


class _Test(NamedTuple):
    """A condition on one argument; all conditions of a rule must hold."""

    argument: int
    """Its position, from 0; its lower 32 bits are looked at, as the kernel does for all of these."""
    values: tuple[int, ...]
    kind: str = "is"
    """`is` one of the values, is `not` one, or `has` any of the first value's bits."""
    mask: int = 0xFFFFFFFF


def seccomp_filter(machine: str | None = None) -> bytes | None:
    """Assemble the filter.

    Args:
        machine: as `platform.machine()` says it; this one when None.

    Returns:
        What `bwrap --seccomp` reads, None for a machine whose system calls are not known here.
    """
    known = _ARCHITECTURES.get(machine or platform.machine())
    if known is None:
        return None
    architecture, column = known
    numbers = {call[0]: int(call[column]) for call in _CALLS if call[column] != "-"}
    rules = [_rule(numbers[name], verdict, tests) for name, verdict, tests in _rules() if name in numbers]
    return b"".join(
        (
            _instruction(_LOAD, _ARCH),
            _instruction(_EQUAL, architecture, 1, 0),
            _instruction(_RETURN, _KILL),
            _instruction(_LOAD, _NUMBER),
            _instruction(_AT_LEAST, _UNKNOWN_FROM, 0, 1),
            _instruction(_RETURN, _ERROR | errno.ENOSYS),
            *rules,
            _instruction(_RETURN, _ALLOW),
        )
    )


def _rules() -> Iterator[tuple[str, int, tuple[_Test, ...]]]:
    """Yield system calls with the verdict when all conditions hold; unconditional ones first."""
    for names, verdict in (
        (_NEVER, _ERROR | errno.EPERM),
        (_AS_IF_MISSING, _ERROR | errno.ENOSYS),
        (_NO_ATTRIBUTES, _ERROR | errno.EOPNOTSUPP),
    ):
        for name in names:
            yield name, verdict, ()
    refused = _ERROR | errno.EPERM
    for name, mode in _MODES:
        yield name, refused, (_Test(mode, (_SET_ID,), "has"),)
    for name, (flags, mode) in _OPENS.items():
        yield name, refused, (_Test(flags, (_MAKES,), "has"), _Test(mode, (_SET_ID,), "has"))
    yield "ioctl", refused, (_Test(1, _TERMINAL),)
    yield "fcntl", refused, (_Test(1, (_SET_PIPE_SIZE,)),)
    # What is sent to a datagram socket outlives its sender, so no descriptor counts it; other protocols than TCP and
    # UDP have buffers that are counted nowhere.
    yield "socketpair", refused, (_Test(0, (_UNIX,), "not"),)
    yield "socket", refused, (_Test(0, (_UNIX, _INET, _INET6, _NETLINK), "not"),)
    for name in ("socket", "socketpair"):
        yield name, refused, (_Test(0, (_UNIX,)), _Test(1, (_STREAM, _SEQUENCED), "not", mask=0xF))
    yield "socket", refused, (_Test(0, (_INET, _INET6)), _Test(2, (0, _TCP, _UDP), "not"))
    yield "socket", refused, (_Test(0, (_NETLINK,)), _Test(2, (0,), "not"))
    yield "setsockopt", _DONE, (_Test(1, (_SOCKET_LEVEL,)), _Test(2, _BUFFER_SIZES))


def _rule(number: int, verdict: int, tests: Sequence[_Test]) -> bytes:
    """Assemble a rule: return the verdict for this call when all conditions hold, else continue after the rule."""
    length = 2 + sum(_length(test) for test in tests) + bool(tests)
    parts = [_instruction(_LOAD, _NUMBER)] if tests else []
    parts.append(_instruction(_EQUAL, number, 0, length - len(parts) - 1))
    for test in tests:
        parts += [_instruction(_LOAD, _FIRST_ARGUMENT + 8 * test.argument), _instruction(_AND, test.mask)]
        after = length - len(parts) - len(test.values)  # instructions from behind this test to the end of the rule
        for place, value in enumerate(test.values):
            code, others = _ANY_BIT if test.kind == "has" else _EQUAL, len(test.values) - place - 1
            if test.kind == "not":
                parts.append(_instruction(code, value, others + after, 0))
            else:
                parts.append(_instruction(code, value, others, 0 if others else after))
    return b"".join((*parts, _instruction(_RETURN, verdict)))


def _length(test: _Test) -> int:
    return 2 + len(test.values)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
