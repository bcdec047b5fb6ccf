"""Sandbox in Linux namespaces with bubblewrap (`bwrap`): no network, no files but the workspace, no secrets.

What it sees: the system's programs and this Python with its packages, all read-only; an empty /tmp; its workspace. Each
option has its reason:

- `bwrap` itself is started with two variables: its environment can be read inside, as that of process 1.
- /proc/sys is bound read-only: where we are root, the kernel lets its files be written by user id, without capability.
- The filter of seccomp.py closes what namespaces leave open.
- The first process is held until we hold it: whatever happens then, killing that one ends all of them.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Final

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.control_group import ControlGroup, made_group
from memento.tools.sandbox.port import Execution, Language, SandboxLimits
from memento.tools.sandbox.processes import ProcessUsage, tree, usage
from memento.tools.sandbox.seccomp import seccomp_filter
from memento.tools.sandbox.shell_command import ENVIRONMENT, SCIENCE, TASKS_PER_PROCESS, limited_command
from memento.tools.sandbox.socket_memory import socket_memory
from memento.tools.sandbox.watchdog import watched

PLACE: Final = "/workspace"
_START_S: Final = 10.0
_END_S: Final = 30.0
"""Some thousand processes need their time to die on a busy machine."""
_TMP_FILES: Final = 20_000
_N_OWN: Final = 1
"""Processes that are not the code's: the first one is the shell that waits for it."""
_SYSTEM: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS: Final = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
_KERNEL_TREES: Final = ("/proc/sys", "/proc/fs", "/proc/irq", "/proc/bus", "/proc/acpi", "/proc/scsi", "/proc/pressure")
_KERNEL_FILES: Final = tuple(
    f"/proc/{name}"
    for name in (
        *("config.gz", "cmdline", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount"),
        *("kpageflags", "latency_stats", "pagetypeinfo", "sched_debug", "slabinfo", "sysrq-trigger", "timer_list"),
        *("timer_stats", "vmallocinfo"),
    )
)
_PYTHON_PARTS: Final = ("bin", "lib", "lib64", "pyvenv.cfg")


@dataclass(frozen=True, kw_only=True)
class Bubblewrap:
    """The sandbox of Linux."""

    hidden: tuple[Path, ...] = ()
    """Folders never shown, even where they lie below one that is: our home, the working directory."""
    program: str = "bwrap"

    name: ClassVar[str] = "bubblewrap"
    languages: ClassVar[frozenset[Language]] = frozenset({"python", "shell"})
    packages: ClassVar[str] = SCIENCE

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        """Run source code; see `Sandbox.run`."""
        return await watched(lambda: self._start(language, folder, limits), source, folder=folder, limits=limits)

    def argv(self, language: Language, *, folder: Path, limits: SandboxLimits) -> list[str]:
        """Build the command line, descriptors apart; blocks briefly to look at the disk.

        Args:
            language: of the source code, which the command reads on stdin.
            folder: shown as /workspace.
            limits: sizes of what lies in memory.
        """
        shared_memory, temporary = limits.memory_bytes // 8, limits.memory_bytes // 4
        options = [
            *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"),
            *("--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL", "--hostname", "sandbox"),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--size", str(shared_memory), "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108 - the sandbox's own
            *("--remount-ro", "/dev"),
            *_kernel(),
            *("--size", str(temporary), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
            *_mounts(self.hidden),
            *("--bind", str(folder), PLACE, "--chdir", PLACE, "--remount-ro", "/"),
        ]
        for name, value in {**ENVIRONMENT, "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"}.items():
            options += ["--setenv", name, value]
        command = limited_command(language, limits, python=sys.executable, has_own_users=True)
        return [self.program, *options, "--", *command]

    def _start(self, language: Language, folder: Path, limits: SandboxLimits) -> "_Box":
        filter_code = seccomp_filter()
        if filter_code is None:
            raise ToolUnavailable("bubblewrap: there is no system-call filter for this processor architecture")
        program = shutil.which(self.program)
        if program is None:
            raise ToolUnavailable("bubblewrap is not installed")
        _, *rest = self.argv(language, folder=folder.resolve(), limits=limits)
        with contextlib.ExitStack() as stack:
            filter_file = stack.enter_context(tempfile.TemporaryFile())
            filter_file.write(filter_code)
            filter_file.seek(0)
            told, tells = _pipe(stack)
            held, _ = _pipe(stack)
            passed = [filter_file.fileno(), tells.fileno(), held.fileno()]
            options = [f"--{name}={fd}" for name, fd in zip(("seccomp", "info-fd", "block-fd"), passed, strict=True)]
            try:
                process = subprocess.Popen(
                    [program, *(part for option in options for part in option.split("=")), *rest],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                    pass_fds=passed,
                    start_new_session=True,
                )
            except OSError as error:
                raise ToolUnavailable(f"bubblewrap does not start: {error.strerror}") from error
            tells.close()
            held.close()
            # Leaving this block lets the first process go on: by then we hold it.
            return _Box(process, _first_process(process, told.fileno()), _grouped(limits))


class _Box:
    """A started sandbox, controlled through its first process: all others die with that one."""

    def __init__(self, process: subprocess.Popen[bytes], first: int, group: ControlGroup | None) -> None:
        self.process = process
        self._first = first
        self._group = group
        try:
            self._descriptor = os.pidfd_open(first)
        except OSError as error:
            self._ungroup()
            for pid in (first, process.pid):  # the first one is still held, and does not yet die with the other
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()
            raise ToolUnavailable(f"bubblewrap: its first process cannot be held: {error.strerror}") from error
        try:
            if group is not None:
                group.add(first)
        except OSError:  # the watchdog counts alone
            self._ungroup()

    def _ungroup(self) -> None:
        if self._group is not None:
            self._group.close()
            self._group = None

    def is_short_of_memory(self) -> bool:
        return self._group is not None and self._group.is_exceeded()

    def usage(self, limits: SandboxLimits) -> ProcessUsage:
        """Measure usage; files in memory and sockets count as memory, too many files as too much memory."""
        used = usage(
            tree(self._first),
            max_processes=limits.n_processes + _N_OWN,
            max_tasks=TASKS_PER_PROCESS * limits.n_processes + _N_OWN,
        )
        # In a group of its own, the kernel counts what is in sockets; else it can only be bounded.
        in_memory = 0 if self._group is not None else socket_memory(self._first)
        for place in ("tmp", "dev/shm"):
            with contextlib.suppress(OSError):
                found = os.statvfs(f"/proc/{self._first}/root/{place}")
                in_memory += (found.f_blocks - found.f_bfree) * found.f_frsize
                if found.f_files - found.f_ffree > _TMP_FILES:
                    in_memory = limits.memory_bytes + 1
        return used._replace(
            n_tasks=used.n_tasks - _N_OWN,
            n_processes=used.n_processes - _N_OWN,
            memory_bytes=used.memory_bytes + in_memory,
        )

    def kill(self) -> None:
        """Kill the first process; the kernel ends it last, after all others."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(_END_S * 1000):
            raise ToolUnavailable(f"bubblewrap: a process of the sandbox (below {self._first}) cannot be ended")
        os.close(self._descriptor)
        self._descriptor = -1
        self._ungroup()


def _grouped(limits: SandboxLimits) -> ControlGroup | None:
    """Make a control group that the sandbox's processes join, waiting ones included."""
    return made_group(limits.memory_bytes, TASKS_PER_PROCESS * limits.n_processes + _N_OWN)


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[str], IO[str]]:
    """Open a pipe for the lifetime of the stack: read end, write end."""
    reads, writes = os.pipe()
    return stack.enter_context(os.fdopen(reads)), stack.enter_context(os.fdopen(writes, "w"))


def _first_process(process: subprocess.Popen[bytes], told: int) -> int:
    """Read the first process's id while it is still held."""
    text = b""
    while select.select([told], [], [], _START_S)[0] and (chunk := os.read(told, 4096)):
        text += chunk
    try:
        return int(json.loads(text)["child-pid"])
    except (ValueError, KeyError):
        process.kill()
        output, _ = process.communicate()
        said = output.decode("utf-8", "replace").strip()[:500]
        raise ToolUnavailable(f"bubblewrap does not start: {said or 'it says nothing'}") from None


def _kernel() -> Iterator[str]:
    """Yield options that make kernel settings read-only, and hide machine-wide information."""
    for folder in _KERNEL_TREES:
        yield from ("--ro-bind-try", folder, folder)
    for file in _KERNEL_FILES:
        if os.path.exists(file):
            yield from ("--ro-bind", "/dev/null", file)


def _mounts(hidden: Iterable[Path]) -> Iterator[str]:
    """Yield read-only mount options, outer folders first, so that inner ones lie over them."""
    for link in _SYSTEM:
        if os.path.islink(link):
            yield from ("--symlink", os.readlink(link), link)
    shown = [Path("/usr"), *(Path(name) for name in _SYSTEM if not os.path.islink(name)), *map(Path, _SETTINGS)]
    shown = [path for path in (*shown, *_python()) if path.exists()]
    masks = [path for path in map(Path.resolve, hidden) if path.is_dir() and _is_below(path, shown)]
    layers = [(path, "--ro-bind") for path in dict.fromkeys(shown)] + [(path, "--tmpfs") for path in masks]
    for path, option in sorted(layers, key=lambda layer: len(layer[0].parts)):
        yield from (option, str(path), str(path)) if option == "--ro-bind" else (option, str(path))


def _python() -> Iterator[Path]:
    """Yield the folders of this Python that a program needs; the folder around them may be anybody's home."""
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix))):
        for part in _PYTHON_PARTS:
            path = Path(prefix, part)
            if not path.is_relative_to("/usr"):
                yield path


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(folder in path.parents for folder in folders)
