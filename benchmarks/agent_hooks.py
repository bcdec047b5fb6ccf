"""What the memory costs a coding agent: `python -m benchmarks.agent_hooks`.

Runs `memento hook recall` and `memento hook capture` as an agent does, in fresh processes with JSON on stdin, on a
bank of 30 judged cases: beside a running `memento mcp --memory-only`, and without one, for the policies `similarity`
and `advantage`. Figures are seconds of the processor, of the hook's process and what it started; the server's own work
is in none of them. Beside them the milliseconds that calls of the server's tools take over stdio. The first round,
which writes the bytecode that an installed package has, is not counted. Bar: a recall beside a server costs at most
.6 s. `--busy` gives every core other work meanwhile.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mcp import Client, StdioServerParameters

from benchmarks.busy import busy_cores
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento.memory.case_memory import CaseMemory
from tests.commands import MEMENTO, environment

N_CASES = 30
SERVED_BAR = at_most(0.6)


async def fill(home: Path) -> None:
    """A bank of cases with outcomes of both kinds."""
    async with CaseMemory.open(home, seed=0) as memory:
        for number in range(N_CASES):
            task = f"Fix test {number} of the module {number % 7}"
            reading = await memory.read(task)
            await memory.write(
                state=task, action=f"1. Read: m{number}.py", reward=float(number % 2), event_id=reading.event_id
            )
        await memory.settle()


def hook(home: Path, folder: Path, number: int, *words: str) -> float:
    """Run a hook once; returns the seconds of the processor that it took."""
    given = {"session_id": "s", "prompt_id": str(number), "cwd": str(folder), "last_assistant_message": "Done."}
    if words[0] == "recall":
        given["prompt"] = f"Fix the failing test {number} of the parser"
    before = _children_s()
    command = [str(MEMENTO), "hook", *words, "-n", "default", "--seconds", "120"]
    done = subprocess.run(command, input=json.dumps(given).encode(), env=_env(home), capture_output=True, check=True)
    if b"failed" in done.stderr or b"gave up" in done.stderr:
        raise RuntimeError(done.stderr.decode())
    return _children_s() - before


@contextmanager
def server(home: Path) -> Iterator[None]:
    """A running memory server, whose memory is open."""
    command = [str(MEMENTO), "mcp", "--memory-only", "--http", "--port", "0"]
    with subprocess.Popen(command, env=_env(home), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        process.stderr.readline()
        try:
            yield
        finally:
            process.send_signal(2)


async def calls(home: Path, n: int) -> dict[str, list[float]]:
    """Milliseconds of each tool's calls over stdio, after a first one of each."""
    found: dict[str, list[float]] = {}
    params = StdioServerParameters(command=str(MEMENTO), args=["mcp", "--memory-only"], env=_env(home))

    async with Client(params) as client:

        async def timed(tool: str, **arguments: object) -> str:
            begun = time.perf_counter()
            result = await client.call_tool(tool, arguments)
            found.setdefault(tool, []).append(1000 * (time.perf_counter() - begun))
            return result.content[0].text

        for number in range(n + 1):
            task = f"Repair part {number} of the parser"
            event = (await timed("recall_cases", task=task)).rpartition("event_id: ")[2][:36]
            kept = await timed("remember_case", task=task, action=f"way {number}", reward=1, event_id=event)
            await timed("give_feedback", event_id=event, reward=0)
            await timed("why_case", case_id=kept.partition("Case ")[2][:36], event_id=event)
    return {tool: spent[1:] for tool, spent in found.items()}


def run(rounds: int, n_calls: int, *, is_busy: bool) -> list[Figure]:
    """All figures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = folder / "home"
        asyncio.run(fill(home))
        alone = {
            f"hook recall, {policy}, no server": [
                hook(home, folder, number, "recall", "--policy", policy) for number in range(rounds + 1)
            ][1:]
            for policy in ("similarity", "advantage")
        }
        with server(home):
            numbers = range(100, 101 + rounds)
            served = [hook(home, folder, number, "recall") for number in numbers][1:]
            captured = [hook(home, folder, number, "capture") for number in numbers][1:]
        of_processes = partial(measured, unit="CPU s", of="processes", is_busy=is_busy)
        figures = [of_processes(name, spent) for name, spent in alone.items()]
        figures += [
            measured(
                "hook recall beside a memory server", served, "CPU s", of="processes", bar=SERVED_BAR, is_busy=is_busy
            ),
            of_processes("hook capture beside a memory server", captured),
        ]
        timed: dict[str, Sequence[float]] = dict(asyncio.run(calls(home, n_calls)))
        return figures + [
            measured(f"{tool} over stdio", spent, "ms", of="calls", is_busy=is_busy) for tool, spent in timed.items()
        ]


def _env(home: Path) -> dict[str, str]:
    given = environment(home, MEMENTO_MCP_TOKEN="a-token-of-the-benchmark")  # noqa: S106  of a loopback server
    return {name: value for name, value in given.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=30)
    options = parser.parse_args()
    os.environ["NO_PROXY"] = "127.0.0.1"
    with busy_cores(is_wanted=options.busy):
        figures = run(options.rounds, options.calls, is_busy=options.busy)
    sys.exit(report("agent_hooks", figures, options))


if __name__ == "__main__":
    main()
