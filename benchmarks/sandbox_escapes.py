"""What hostile code gets out of the sandboxes, and how fast they start: `python -m benchmarks.sandbox_escapes`.

Every snippet of `benchmarks/escapes` runs in every back-end, on a host that is full of secrets, servers and witnesses.
Bars: no leak, no process left behind, a start (of `pass`, to its end) of at most 0.2 s.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.escapes.exhausting import BOMBS
from benchmarks.escapes.files import FILES
from benchmarks.escapes.hosts_view import names_while
from benchmarks.escapes.kernel import KERNEL
from benchmarks.escapes.modes import MODES
from benchmarks.escapes.secrets import LANGUAGE, SECRETS
from benchmarks.escapes.snippet import Snippet
from benchmarks.escapes.sockets import SOCKETS
from benchmarks.escapes.talking import NETWORK, PROCESSES
from benchmarks.escapes.trap import Trap, left_processes, trap
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import Sandbox, SandboxLimits
from memento.tools.sandbox.processes import tree

SNIPPETS: tuple[Snippet, ...] = (*FILES, *SECRETS, *KERNEL, *LANGUAGE, *NETWORK, *PROCESSES, *MODES, *BOMBS, *SOCKETS)
LIMITS = SandboxLimits(
    wall_s=2.5,
    memory_bytes=300_000_000,
    n_processes=32,
    workspace_bytes=50_000_000,
    n_files=200,
    output_bytes=100_000,
)
LATE_S = 5.0
"""How long after its time an execution may end, killing and looking included, on a busy machine."""
START_BAR_S = 0.2
_LOOK_S = 0.02


class Outcome(NamedTuple):
    """What became of one snippet."""

    sandbox: str
    snippet: str
    ended_by: str
    exit_code: int | None
    took_s: float
    leaks: list[str]
    n_left: int
    took_bytes: int
    """Of the machine's available memory at most, whoever took them: other programs run beside it."""

    @property
    def is_late(self) -> bool:
        """Whether it ended long after its limit. No leak: a busy machine does that, too."""
        return self.took_s > LIMITS.wall_s + LATE_S


async def tried(snippet: Snippet, sandbox: Sandbox, host: Trap) -> Outcome:
    """Run one snippet and look for leaks."""
    folder = host.root / "run"
    await asyncio.to_thread(host.prepare, folder)
    known = await asyncio.to_thread(lambda: set(tree(os.getpid())))
    began = time.perf_counter()
    is_over = threading.Event()
    taken = asyncio.create_task(asyncio.to_thread(_most_taken, is_over))
    seen = asyncio.create_task(asyncio.to_thread(names_while, is_over, folder)) if snippet.is_listed else None
    try:
        execution = await sandbox.run("python", snippet.code.format(**host.facts()), folder=folder, limits=LIMITS)
    finally:
        is_over.set()
    took = time.perf_counter() - began
    left = await asyncio.to_thread(left_processes, folder, known)
    leaks = await asyncio.to_thread(host.leaks, execution.output, folder, LIMITS)
    leaks += host.listed(await seen) if seen is not None else []
    await asyncio.to_thread(_removed, folder)
    ending = execution.ended_by, execution.exit_code
    return Outcome(sandbox.name, snippet.name, *ending, took, leaks, len(left), await taken)


async def suite(sandboxes: Sequence[str], snippets: Sequence[Snippet] = SNIPPETS) -> list[Outcome]:
    """Run the snippets in the sandboxes of these names."""
    outcomes = []
    root = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-trap-"))
    try:
        with trap(root) as host:
            for sandbox in _made(sandboxes, host):
                outcomes += [await tried(snippet, sandbox, host) for snippet in snippets]
    finally:
        await asyncio.to_thread(_removed, root)
    return outcomes


async def starts(sandbox: Sandbox, n_rounds: int) -> list[float]:
    """Time a program that does nothing, from the call to its end, in seconds."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        await sandbox.run("python", "pass", folder=Path(folder), limits=LIMITS)  # reads what is read once a process
        for _ in range(n_rounds):
            began = time.perf_counter()
            execution = await sandbox.run("python", "pass", folder=Path(folder), limits=LIMITS)
            seconds.append(time.perf_counter() - began)
            assert execution.exit_code == 0, execution
    return seconds


def _most_taken(is_over: threading.Event) -> int:
    """By how much the available memory has fallen at most; 0 where the system does not tell."""
    first = least = _available()
    while not is_over.wait(_LOOK_S):
        least = min(least, _available())
    return first - least


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _removed(folder: Path) -> None:
    """Remove a folder, however deep: `shutil.rmtree` calls itself for each level."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def _made(names: Sequence[str], host: Trap) -> list[Sandbox]:
    made: dict[str, Sandbox] = {
        "bubblewrap": Bubblewrap(hidden=(host.home, host.project)),
        "monty": MontySandbox(),
    }
    return [made[name] for name in names]


def _printed(outcomes: Sequence[Outcome]) -> None:
    width = max(len(snippet.name) for snippet in SNIPPETS)
    for outcome in outcomes:
        end = outcome.ended_by if outcome.exit_code is None else f"exit {outcome.exit_code}"
        verdict = "; ".join(outcome.leaks) or ("late" if outcome.is_late else "-")
        left = f"  {outcome.n_left} LEFT" if outcome.n_left else ""
        figures = f"{outcome.took_s:6.2f} s {outcome.took_bytes // 1_000_000:5} MB"
        print(f"{outcome.sandbox:<11}{outcome.snippet:<{width}}  {end:<10}{figures}  {verdict}{left}")


async def main(options: argparse.Namespace) -> int:
    """Run everything; 1 when a bar is missed."""
    outcomes = await suite(options.sandbox)
    if not options.json:
        _printed(outcomes)
    figures: dict[str, dict[str, float]] = {}
    for sandbox in (Bubblewrap(), MontySandbox()):
        if sandbox.name not in options.sandbox:
            continue
        names = {snippet.name for snippet in SOCKETS}
        of_this = [outcome for outcome in outcomes if outcome.sandbox == sandbox.name]
        seconds = await starts(sandbox, options.starts)
        figures[sandbox.name] = {
            "snippets": len(of_this),
            "leaks": sum(bool(outcome.leaks) for outcome in of_this),
            "processes_left": sum(outcome.n_left for outcome in of_this),
            "late": sum(outcome.is_late for outcome in of_this),
            "most_memory_in_sockets_mb": max(
                (outcome.took_bytes // 1_000_000 for outcome in of_this if outcome.snippet in names), default=0
            ),
            "start_median_s": statistics.median(seconds),
            "start_max_s": max(seconds),
        }
    if options.json:
        print(json.dumps(figures))
    else:
        print()
        for name, figure in figures.items():
            print(
                f"{name:<11}{figure['snippets']:.0f} snippets, {figure['leaks']:.0f} leaks (bar 0), "
                f"{figure['processes_left']:.0f} processes left (bar 0), {figure['late']:.0f} late (bar 0), "
                f"{figure['most_memory_in_sockets_mb']:.0f} MB taken by sockets and pipes at most "
                f"(limit {LIMITS.memory_bytes // 1_000_000}), "
                f"start {figure['start_median_s']:.3f} s, at most {figure['start_max_s']:.3f} (bar {START_BAR_S})"
            )
    return int(
        any(
            figure["leaks"] or figure["processes_left"] or figure["late"] or figure["start_median_s"] > START_BAR_S
            for figure in figures.values()
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandbox", nargs="+", default=["bubblewrap", "monty"], choices=["bubblewrap", "monty"])
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    sys.exit(asyncio.run(main(parser.parse_args())))
