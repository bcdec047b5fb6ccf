"""System calls that code in the sandbox is refused: a filter for bubblewrap, in the kernel's own byte code.

Namespaces do not hide everything. The session keyring, virtual-machine sockets and the kernel's rarer subsystems are
seen from any of them; memory files and System V memory belong to no process, so the watchdog could not count them.
"""

import errno
import platform
import struct
from typing import Final, NamedTuple


class _Machine(NamedTuple):
    audit_arch: int
    refused: tuple[int, ...]
    socket: int
    ioctl: int


# In the order of the comment: both tables name the same calls.
# keys: add_key request_key keyctl; rings: io_uring_setup _enter _register; memory: memfd_create memfd_secret shmget
# msgget semget; others' memory: ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd userfaultfd
# process_madvise; kernel: bpf perf_event_open init_module finit_module delete_module kexec_load kexec_file_load syslog
# reboot acct quotactl swapon swapoff settimeofday clock_settime adjtimex clock_adjtime lookup_dcookie; places: mount
# umount2 pivot_root chroot unshare setns open_by_handle_at name_to_handle_at open_tree move_mount fsopen fsconfig
# fsmount fspick mount_setattr fanotify_init
_MACHINES: Final = {
    "x86_64": _Machine(
        audit_arch=0xC000003E,
        refused=(
            *(248, 249, 250, 425, 426, 427, 319, 447, 29, 68, 64, 101, 310, 311, 312, 438, 323, 440, 321, 298, 175),
            *(313, 176, 246, 320, 103, 169, 163, 179, 167, 168, 164, 227, 159, 305, 212, 165, 166, 155, 161, 272, 308),
            *(304, 303, 428, 429, 430, 431, 432, 433, 442, 300),
        ),
        socket=41,
        ioctl=16,
    ),
    "aarch64": _Machine(
        audit_arch=0xC00000B7,
        refused=(
            *(217, 218, 219, 425, 426, 427, 279, 447, 194, 186, 190, 117, 270, 271, 272, 438, 282, 440, 280, 241, 105),
            *(273, 106, 104, 294, 116, 142, 89, 60, 224, 225, 170, 112, 171, 266, 18, 40, 39, 41, 51, 97, 268),
            *(265, 264, 428, 429, 430, 431, 432, 433, 442, 262),
        ),
        socket=198,
        ioctl=29,
    ),
}
_FAMILIES: Final = (1, 2, 10, 16)  # unix, inet, inet6, netlink: the network namespace confines these
_TERMINAL: Final = (0x5412, 0x541C)  # TIOCSTI types into a terminal, TIOCLINUX pastes into one
_X32: Final = 0x40000000  # a second numbering of the same calls

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_KILL: Final = 0x80000000
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM


def seccomp_filter(machine: str | None = None) -> bytes | None:
    """Assemble the filter.

    Args:
        machine: as `platform.machine()` says it; this one when None.

    Returns:
        What `bwrap --seccomp` reads, None for a machine whose system calls are not known here.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    return b"".join(
        (
            _instruction(_LOAD, _ARCH),
            _instruction(_EQUAL, known.audit_arch, 1, 0),
            _instruction(_RETURN, _KILL),
            _instruction(_LOAD, _NUMBER),
            *_unless_below(_X32),
            *(part for number in known.refused for part in _refused(number)),
            *_argument_check(known.socket, _FIRST_ARGUMENT, _FAMILIES, is_allowed=True),
            *_argument_check(known.ioctl, _SECOND_ARGUMENT, _TERMINAL, is_allowed=False),
            _instruction(_RETURN, _ALLOW),
        )
    )


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _unless_below(number: int) -> tuple[bytes, bytes]:
    return _instruction(_AT_LEAST, number, 0, 1), _instruction(_RETURN, _REFUSE)


def _refused(number: int) -> tuple[bytes, bytes]:
    return _instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, _REFUSE)


def _argument_check(number: int, argument: int, values: tuple[int, ...], *, is_allowed: bool) -> list[bytes]:
    """For one call, allow only these values of an argument, or all but these."""
    on_match, otherwise = (_ALLOW, _REFUSE) if is_allowed else (_REFUSE, _ALLOW)
    compared = [_instruction(_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return [
        _instruction(_EQUAL, number, 0, len(values) + 3),
        _instruction(_LOAD, argument),
        *compared,
        _instruction(_RETURN, otherwise),
        _instruction(_RETURN, on_match),
    ]
