"""The system-call filter, run here as the kernel runs it, for both kinds of machine."""

import errno
import struct

import pytest

from memento.tools.sandbox.seccomp import seccomp_filter

ALLOWED, KILLED = 0x7FFF0000, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {
    "x86_64": {
        "chmod": 90,
        "fchmod": 91,
        "fchmodat": 268,
        "fchmodat2": 452,
        "mkdir": 83,
        "mkdirat": 258,
        "mknod": 133,
        "mknodat": 259,
        "creat": 85,
        "open": 2,
        "openat": 257,
        "openat2": 437,
        "setxattr": 188,
        "read": 0,
        "socket": 41,
        "socketpair": 53,
        "setsockopt": 54,
        "fcntl": 72,
        "ioctl": 16,
        "io_uring_setup": 425,
        "mq_open": 240,
        "inotify_init1": 294,
        "vmsplice": 278,
        "sendfile": 40,
        "clone": 56,
        "setxattrat": 463,
    },
    "aarch64": {
        "fchmod": 52,
        "fchmodat": 53,
        "fchmodat2": 452,
        "mkdirat": 34,
        "mknodat": 33,
        "openat": 56,
        "openat2": 437,
        "setxattr": 5,
        "read": 63,
        "socket": 198,
        "socketpair": 199,
        "setsockopt": 208,
        "fcntl": 25,
        "ioctl": 29,
        "io_uring_setup": 425,
        "mq_open": 180,
        "inotify_init1": 26,
        "vmsplice": 75,
        "sendfile": 71,
        "clone": 220,
        "setxattrat": 463,
    },
}
MODES = {
    "chmod": 1,
    "fchmod": 1,
    "fchmodat": 2,
    "fchmodat2": 2,
    "mkdir": 1,
    "mkdirat": 2,
    "mknod": 1,
    "mknodat": 2,
    "creat": 1,
}


def verdict(machine: str, name: str | int, *arguments: int, architecture: int | None = None) -> int | str:
    """What the filter says to a call: `allowed`, `killed`, or the number of the error."""
    code = seccomp_filter(machine)
    assert code is not None
    number = name if isinstance(name, int) else NUMBERS[machine][name]
    arguments = (*arguments, *[0] * (6 - len(arguments)))
    seen = struct.pack("=IIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *arguments)
    place, kept = 0, 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("=HBBI", code, 8 * place)
        place += 1
        if operation == 0x20:
            (kept,) = struct.unpack_from("=I", seen, value)
        elif operation == 0x54:
            kept &= value
        elif operation == 0x06:
            return {ALLOWED: "allowed", KILLED: "killed"}.get(value, value & 0xFFFF)
        else:
            holds = {0x15: kept == value, 0x35: kept >= value, 0x45: bool(kept & value)}[operation]
            place += if_true if holds else if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_is_no_filter_for_a_machine_that_is_not_known() -> None:
    assert seccomp_filter("riscv64") is None


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6755, 0o7777, 0o104711, 0o4000, 1 << 40 | 0o4755])
def test_a_set_id_mode_is_refused_in_every_call_that_takes_one(machine: str, mode: int) -> None:
    for name, place in MODES.items():
        if name in NUMBERS[machine]:
            assert verdict(machine, name, *[3] * place, mode) == errno.EPERM, name


@pytest.mark.parametrize("mode", [0, 0o644, 0o1777, 0o100755, 0o20666])
def test_any_other_mode_is_allowed(machine: str, mode: int) -> None:
    for name, place in MODES.items():
        if name in NUMBERS[machine]:
            assert verdict(machine, name, *[0o6000] * place, mode) == "allowed", name


def test_the_mode_of_open_counts_only_when_a_file_may_be_made(machine: str) -> None:
    calls = {"open": (0,), "openat": (0, 0)}
    for name, before in calls.items():
        if name not in NUMBERS[machine]:
            continue
        for flags in (0o100, 0o102, 0o1101, 0o20200002):  # O_CREAT with others, O_TMPFILE
            assert verdict(machine, name, *before, flags, 0o4755) == errno.EPERM
            assert verdict(machine, name, *before, flags, 0o1755) == "allowed"
        for flags in (0, 0o2, 0o200000, 0o4000):  # the register of the mode holds anything
            assert verdict(machine, name, *before, flags, 0o7777) == "allowed"


def test_calls_whose_mode_cannot_be_seen_seem_to_be_missing(machine: str) -> None:
    assert verdict(machine, "openat2") == errno.ENOSYS
    assert verdict(machine, "setxattrat") == errno.ENOSYS
    assert verdict(machine, 10_000) == errno.ENOSYS
    assert verdict(machine, 0x40000000 + 90, 0, 0o4755) == errno.ENOSYS  # the second numbering
    assert verdict(machine, "setxattr") == errno.EOPNOTSUPP
    assert verdict(machine, "io_uring_setup") == errno.EPERM


def test_another_architecture_s_calls_end_the_process(machine: str) -> None:
    assert verdict(machine, "read", architecture=0x40000003) == "killed"
    assert verdict(machine, "read") == "allowed"
    assert verdict(machine, "clone") == "allowed"


def test_memory_that_is_in_no_process_cannot_be_had(machine: str) -> None:
    assert verdict(machine, "mq_open") == errno.EPERM
    assert verdict(machine, "fcntl", 3, 1031, 1 << 20) == errno.EPERM
    assert verdict(machine, "fcntl", 3, 3) == "allowed"
    for name in ("vmsplice", "sendfile", "inotify_init1"):
        assert verdict(machine, name) == errno.ENOSYS
    for option in (7, 8, 32, 33):
        assert verdict(machine, "setsockopt", 3, 1, option) == 0  # said to be done
    assert verdict(machine, "setsockopt", 3, 1, 2) == "allowed"
    assert verdict(machine, "setsockopt", 3, 6, 7) == "allowed"


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "expected"),
    [
        *[(1, 1, 0, "allowed"), (1, 0o2004001, 0, "allowed"), (1, 5, 0, "allowed"), (1, 2, 0, 1), (1, 0o2000003, 0, 1)],
        *[(2, 1, 0, "allowed"), (2, 1, 6, "allowed"), (10, 2, 17, "allowed"), (2, 1, 262, 1), (2, 3, 255, 1)],
        *[(16, 3, 0, "allowed"), (16, 2, 15, 1), (38, 5, 0, 1), (40, 1, 0, 1), (17, 3, 0, 1)],
    ],
)
def test_sockets_are_of_kinds_whose_memory_is_told(
    machine: str, family: int, kind: int, protocol: int, expected: int | str
) -> None:
    assert verdict(machine, "socket", family, kind, protocol) == expected
    pair = expected if family == 1 else errno.EPERM
    assert verdict(machine, "socketpair", family, kind, protocol) == pair
