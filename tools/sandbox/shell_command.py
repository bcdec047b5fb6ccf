"""Shell command that sets resource limits and starts the interpreter inside a sandbox."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Final

from memento.tools.sandbox.port import Language, SandboxLimits

ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "HOME": "/tmp",  # noqa: S108  the sandbox's own
    "USER": "sandbox",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108  the sandbox's own
    # A thread for each of the host's processors would count against the limits and gain nothing here.
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
}
"""All that code sees of an environment, PATH aside."""

SCIENCE: Final = (
    "The standard library, numpy, and pandas and matplotlib where they are installed, are there. "
    "Save plots with savefig; view_image shows them."
)
"""What a model is told of a Python with packages."""

TASKS_PER_PROCESS: Final = 8
"""Threads that a process may have on average: they take process numbers of the host, too."""

_LIMITED: Final = """\
ulimit -c 0; ulimit -n 256
ulimit -f {blocks}; ulimit -d {kilobytes}; ulimit -v {address_kilobytes}
echo 1000 2>/dev/null > /proc/self/oom_score_adj
"""
# The first is what bash calls it, the second what dash does.
_TASKS: Final = "{{ command ulimit -u {tasks} || command ulimit -p {tasks}; }} 2>/dev/null\n"
# Not `exec`: as the first process of a sandbox the shell waits for orphans, which an interpreter would not.
# A low priority lets the watchdog look in time when hundreds of processes fork; Python's runner takes it itself,
# just before the code, so that a start does not wait for the rest of a busy machine.
_RUN: Final = {"python": '"$@"\n', "shell": 'source=$(cat); nice -n 10 "$@" "$source" </dev/null\n'}

SPARE_S: Final = 10
"""How much longer than its time code may run when nobody is left to end it."""

# `exec`: whoever started the command ends it by its process group, which `timeout` would leave if it led none.
_MORTAL: Final = """\
ulimit -t {cpu_s}
command -v timeout >/dev/null && exec timeout -s KILL {alone_s} "$@"
exec "$@"
"""


def mortal_command(command: Sequence[str], limits: SandboxLimits) -> list[str]:
    """Wrap a command so that it ends `SPARE_S` after its time limit, even if this process was killed.

    What has left the process group then, or where there is no `timeout`, is left with a limit of processor time.

    Args:
        command: what to run, with its arguments.
        limits: its time.
    """
    alone_s = ceil(limits.wall_s) + SPARE_S
    # The threads of a process add up, and there may be one for each processor.
    script = _MORTAL.format(alone_s=alone_s, cpu_s=TASKS_PER_PROCESS * alone_s)
    return ["/bin/sh", "-c", script, "sh", *command]


def limited_command(
    language: Language, limits: SandboxLimits, *, python: str, has_own_users: bool = False
) -> list[str]:
    """Build the command that runs source code from stdin under limits; blocks for one small file.

    Args:
        language: of the source.
        limits: those that the kernel checks for each process. They end a single greedy process with an error that its
            own code sees; the watchdog looks at all processes together.
        python: path of the interpreter.
        has_own_users: the sandbox is a namespace of users, so that its processes are counted apart from others.
    """
    script = (_LIMITED + _TASKS * has_own_users).format(
        blocks=limits.workspace_bytes // 512,
        kilobytes=limits.memory_bytes // 1024,
        # Address space costs memory through its page tables only, a 512th.
        address_kilobytes=8 * limits.memory_bytes // 1024,
        tasks=TASKS_PER_PROCESS * limits.n_processes,
    )
    interpreter = [python, "-I", "-B", "-u", "-c", _runner()] if language == "python" else ["bash", "-c"]
    return ["/bin/sh", "-c", f"{script}{_RUN[language]}exit $?", "sh", *interpreter]


def _runner() -> str:
    return Path(__file__).with_name("runner.py").read_text(encoding="utf-8")
