"""Provenance of a measurement: the commit, the machine, the command and the date."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_CODE = (".", ":!benchmarks/results", ":!benchmarks/*/kept", ":!README.md", ":!docs/*.md")
"""What figures depend on: keeping them, and the table made from them, makes no new code."""


@dataclass(frozen=True)
class Provenance:
    """Where a figure comes from."""

    commit: str
    """Last commit that changed more than results; empty outside a repository."""
    is_dirty: bool
    """Whether the working tree differed from it."""
    machine: str
    """Processor, cores, Python, operating system."""
    load: float
    """Processes that wanted a core in the last minute, over the number of cores, when the figure was kept."""
    command: str
    date: str
    """UTC."""


class Origin(NamedTuple):
    """Of which code, on which machine, on which day."""

    commit: str
    machine: str
    date: str


def provenance(arguments: Sequence[str]) -> Provenance:
    """Of this run.

    Args:
        arguments: module below `benchmarks` and its options; `--save` and `--json` are left out of the command.
    """
    module, *options = arguments
    told = " ".join([module, *(one for one in options if one not in ("--save", "--json"))])
    return Provenance(
        commit=commit(),
        is_dirty=bool(_git("status", "--porcelain", "--untracked-files=no", "--", *_CODE)),
        machine=machine(),
        load=round(os.getloadavg()[0] / (os.cpu_count() or 1), 2) if hasattr(os, "getloadavg") else 0.0,
        command=f"python -m benchmarks.{told}",
        date=datetime.now(UTC).isoformat(timespec="minutes"),
    )


def commit() -> str:
    """Last commit that changed more than results and the table made from them; empty outside a repository."""
    return _git("log", "-1", "--format=%h", "--abbrev=12", "--", *_CODE)


def machine() -> str:
    """Processor, cores, Python and operating system, in one line."""
    cores = f"{os.cpu_count()} cores"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([_processor(), cores, python, f"{platform.system()} {platform.release()}"])


def origins_told(origins: Iterable[Origin]) -> str:
    """Origins in words, each machine and day once."""
    kept = list(origins)
    machines = dict.fromkeys(one.machine for one in kept)
    return "; and ".join(f"{_days([one for one in kept if one.machine == name])} on {name}" for name in machines)


def _days(origins: Sequence[Origin]) -> str:
    days = sorted({one.date for one in origins})
    commits = [sorted({one.commit for one in origins if one.date == day}) for day in days]
    told = (
        f"{day} at commit{'s' if len(of) > 1 else ''} {', '.join(of)}" for day, of in zip(days, commits, strict=True)
    )
    return " and ".join(told)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
