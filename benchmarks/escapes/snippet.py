"""One thing that hostile code tries."""

from typing import NamedTuple


class Snippet(NamedTuple):
    """Python code and what its success looks like.

    Names of the trap in braces stand for what the code is told about the host. Whatever a snippet is after, some leaks
    are looked for every time: the token in the output or in what the host reads of the workspace afterwards, the word
    ESCAPED in the output, changes outside, visitors at the servers, a dead witness, processes left, a limit exceeded, a
    file left that runs as its owner or is none.
    """

    name: str
    leak: str
    code: str
    is_listed: bool = False
    """Whether the host lists the workspace all the while."""


CALL = """
import ctypes, platform
_libc = ctypes.CDLL(None, use_errno=True)
_arm = platform.machine() == 'aarch64'
def call(on_intel, on_arm, *arguments):
    _libc.syscall.restype = ctypes.c_long
    return _libc.syscall(ctypes.c_long(on_arm if _arm else on_intel), *arguments)
"""
"""Makes a system call by its numbers on both kinds of machine."""
