"""Control group (cgroup v2) of one execution: the kernel counts and limits all its memory.

It is used where a group may be made: in a subtree that was delegated to us, as systemd does for a user's services, or
anywhere as root where no systemd keeps the groups. Elsewhere the watchdog adds up what it can see.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "memento-"
_WANTED: Final = ("memory", "pids")
_REMOVE_S: Final = 5.0
_PAUSE_S: Final = 0.01
_DELEGATED: Final = ("user.delegate", "trusted.delegate")
"""How systemd marks a group that it leaves to others."""


class ControlGroup:
    """One group; `close` it when its processes have ended."""

    def __init__(self, folder: Path) -> None:
        """Wrap an existing group."""
        self._folder = folder

    def add(self, pid: int) -> None:
        """Move a process into the group; processes it starts later are in it, too.

        Raises:
            OSError: it may not be moved.
        """
        _write(self._folder / "cgroup.procs", str(pid))

    def is_exceeded(self) -> bool:
        """Whether the kernel killed a process because of the memory limit."""
        with contextlib.suppress(OSError, ValueError):
            counts = dict(line.split() for line in (self._folder / "memory.events").read_text().splitlines())
            return int(counts.get("oom_kill", 0)) > 0
        return False

    def close(self) -> None:
        """Remove the group; a dying process is in it a moment longer."""
        until = time.monotonic() + _REMOVE_S
        while not _removed(self._folder) and time.monotonic() < until:
            time.sleep(_PAUSE_S)


def made_group(memory_bytes: int, n_tasks: int) -> ControlGroup | None:
    """Make a group with limits; None where that is not possible. Blocks for some small files.

    Args:
        memory_bytes: of all its processes together, swap included.
        n_tasks: processes and threads.
    """
    for place in _places():
        _remove_abandoned(place)
        folder = place / f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            _write(folder / "memory.max", str(memory_bytes))
            for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1"), ("pids.max", str(n_tasks))):
                if (folder / name).exists():
                    _write(folder / name, value)
        except OSError:
            _removed(folder)
            continue
        return ControlGroup(folder)
    return None


def _places() -> Iterator[Path]:
    """Yield groups in which a memory-limited one may be made: our own, and its parent."""
    own = _own()
    for place in (own, own.parent) if own else ():
        if (place / "cgroup.procs").exists() and _is_ours(place) and _can_limit(place):
            yield place


def _own() -> Path | None:
    """Return the folder of our own group."""
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    path = next((line.removeprefix("0::") for line in groups if line.startswith("0::")), None)
    for fields in (line.split() for line in mounts):
        if path is not None and "-" in fields and fields[fields.index("-") + 1] == "cgroup2":
            root, mounted = fields[3], fields[4]
            inside = "/" if path == root else path.removeprefix(root.rstrip("/"))
            if path == root or path.startswith(f"{root.rstrip('/')}/"):
                return Path(mounted, inside.strip("/"))
    return None


def _is_ours(place: Path) -> bool:
    """Whether the group is delegated to us."""
    if not all(os.access(path, os.W_OK) for path in (place, place / "cgroup.procs")):
        return False
    if os.geteuid() or not os.path.isdir("/run/systemd/system"):
        return True
    for name in _DELEGATED:
        with contextlib.suppress(OSError):
            if os.getxattr(place, name) == b"1":
                return True
    return False


def _can_limit(place: Path) -> bool:
    """Whether memory accounting is, or can be, enabled for child groups."""
    try:
        if "memory" in (place / "cgroup.subtree_control").read_text().split():
            return True
        offered = (place / "cgroup.controllers").read_text().split()
        if "memory" not in offered:
            return False
        # Refused where processes are in the group itself, but for the topmost of all.
        _write(place / "cgroup.subtree_control", " ".join(f"+{name}" for name in _WANTED if name in offered))
    except OSError:
        return False
    return True


def _remove_abandoned(place: Path) -> None:
    """Remove groups left by killed processes of ours."""
    with contextlib.suppress(OSError):
        for folder in place.glob(f"{_PREFIX}*-*"):
            pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
                _removed(folder)


def _removed(folder: Path) -> bool:
    """Remove a group; False while processes are in it."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    # In one piece, and never making a file: these are the kernel's.
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
