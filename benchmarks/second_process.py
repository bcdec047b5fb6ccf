"""First read of a further process of a bank: `python -m benchmarks.second_process [--cases 100000]`.

One process fills an embedded bank and keeps it open. Others open it beside the first, each in a slot of its own, and
read at once for a task that the first process reads for, too. Vectors are given, so that no encoder is measured, and an
empty bank is read first, so that no imports are. Bars, at 100,000 cases: the same cases as the first process finds,
within 1 s from the start of opening. With `--busy` every core has other work meanwhile.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.busy import busy_cores
from benchmarks.made_bank import GivenVectors, filled
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_least, at_most, measured, report
from memento.memory.case_memory import CaseMemory
from memento.memory.reading import Reading
from tests.hashing_encoder import HashingEncoder

BAR_SIZE = 100_000
_FAR = 10_000_000
"""Numbers of the texts that are read for; the bank's own are below."""


class First(NamedTuple):
    """First read of a process."""

    open_s: float
    read_s: float
    """From the start of opening until the cases are there."""
    cpu_s: float
    is_same: bool


async def encoder() -> GivenVectors:
    """Vectors of 384 dimensions, without weights."""
    given = GivenVectors(HashingEncoder(dim=384))
    await given.load([case.state for case in cases()])
    return given


def opened(folder: Path, given: GivenVectors) -> CaseMemory:
    """The bank."""
    return CaseMemory.open(folder, encoder=given, policy="similarity", seed=0)


def served(reading: Reading) -> list[str]:
    """Ids of the cases; none of a reading that could not search all."""
    return [] if reading.is_degraded else [one.case.id for one in reading.cases]


async def probe(folder: Path, number: int) -> None:
    """Open, read, print what it took, and wait for the end of the input."""
    given = await encoder()
    text = given.made(number)
    with tempfile.TemporaryDirectory() as empty:
        async with opened(Path(empty), given) as memory:
            await memory.read(text)
    began, cpu = time.perf_counter(), time.process_time()
    async with opened(folder, given) as memory:
        open_s = time.perf_counter() - began
        found = served(await memory.read(text))
        read_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        print(json.dumps({"open_s": open_s, "read_s": read_s, "cpu_s": cpu_s, "cases": found}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


def beside(folder: Path, number: int) -> "subprocess.Popen[str]":
    """Start another process that reads for a text."""
    command = [sys.executable, "-m", "benchmarks.second_process", "--probe", f"{folder}:{number}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def run(n_cases: int, n_processes: int, folder: Path, *, is_busy: bool) -> list[First]:
    """Measure one process after the other; each stays open, so that the next needs a slot of its own."""
    given, found = await encoder(), list[First]()
    started: list[subprocess.Popen[str]] = []
    async with opened(folder, given) as memory:
        await filled(memory, given, 0, n_cases)
        await memory.read(given.made(_FAR))
        try:
            with busy_cores(is_wanted=is_busy):
                for number in range(_FAR + 1, _FAR + 1 + n_processes):
                    process = beside(folder, number)
                    started.append(process)
                    assert process.stdout is not None
                    said: dict[str, Any] = json.loads(await asyncio.to_thread(process.stdout.readline))
                    right, there = served(await memory.read(given.made(number))), said.pop("cases")
                    found.append(First(**said, is_same=bool(right) and there == right))
        finally:
            for process in reversed(started):
                process.communicate("\n")
    return found


def told(n_cases: int, found: list[First], *, is_busy: bool) -> list[Figure]:
    """Figures."""
    what, is_bar = f"further process of a bank of {n_cases:,} cases", n_cases == BAR_SIZE
    drawn: dict[str, Any] = {"of": "processes", "is_busy": is_busy}
    read_bar, same_bar = (at_most(1), at_least(len(found))) if is_bar else (None, None)
    n_same, of = sum(one.is_same for one in found), f"of {len(found)}"
    return [
        measured(
            f"{what}, first read, opening included, wall", [one.read_s for one in found], "s", bar=read_bar, **drawn
        ),
        Figure(f"{what}, same cases as the first process", n_same, of, n=len(found), bar=same_bar, is_busy=is_busy),
        measured(f"{what}, opening, wall", [one.open_s for one in found], "s", **drawn),
        measured(f"{what}, first read, opening included", [one.cpu_s for one in found], "CPU s", **drawn),
    ]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--cases", type=int, default=BAR_SIZE, help="in the bank")
    parser.add_argument("--processes", type=int, default=5, help="opened beside the first")
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        folder, _, number = options.probe.rpartition(":")
        asyncio.run(probe(Path(folder), int(number)))
        return
    with tempfile.TemporaryDirectory(prefix="second-process-") as folder:
        found = asyncio.run(run(options.cases, options.processes, Path(folder), is_busy=options.busy))
    sys.exit(report("second_process", told(options.cases, found, is_busy=options.busy), options))


if __name__ == "__main__":
    main()
