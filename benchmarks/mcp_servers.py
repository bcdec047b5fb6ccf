"""Six MCP servers of which four are no good: `python -m benchmarks.mcp_servers`.

Two good ones, one that floods its stdout, one that dies at once, one that hangs, deaf to SIGTERM and with a child of
its own, and one whose command is not there. Bars: the good ones have answered a call within 8 s; after closing, and
after a run that was cancelled in the middle of the start or of a hung call, no process is left. Linux only: processes
are found by a mark in their environment, which their own children inherit.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from memento.graph.mcp.servers import McpServers
from memento.tools.errors import ToolError

SERVES_WITHIN_S = 8.0
_SHORT_S = 3.0

GOOD = """
import time
from fastmcp import FastMCP
server = FastMCP("good")

@server.tool
def double(number: int) -> int:
    "Double a number."
    return 2 * number

@server.tool
def hang() -> str:
    "Never come back."
    time.sleep(600)

server.run(show_banner=False)
"""
FLOODS = "import sys\nwhile True:\n    sys.stdout.write('loading ' * 10_000 + '\\n')\n"
DIES = "import sys\nsys.exit('nothing works')\n"
HANGS = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
time.sleep(600)
"""


def configuration(folder: Path, mark: str) -> dict[str, Any]:
    """The six servers, as a file would name them; blocks."""
    entries: dict[str, Any] = {"absent": {"command": f"no-such-command-{mark}"}}
    for name, source in {"one": GOOD, "two": GOOD, "floods": FLOODS, "dies": DIES, "hangs": HANGS}.items():
        script = folder / f"{name}.py"
        script.write_text(source)
        entries[name] = {"command": sys.executable, "args": [str(script)], "env": {"MEMENTO_MARK": mark}}
    return {"mcpServers": entries}


def marked_processes(mark: str) -> list[int]:
    """Ids of the living processes with this mark in their environment; blocks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and "Z (" not in (process / "status").read_text():
                found.append(int(process.name))
        except OSError:  # it has just ended, or is not ours to look at
            continue
    return found


async def ready(servers: McpServers) -> dict[str, BaseTool]:
    """The tools by name, as soon as both good servers have theirs: on a busy machine that may take a second look."""
    async with asyncio.timeout(60):
        while True:
            tools = {tool.name: tool for tool in (await servers.tools()).tools}
            if {"one_double", "two_double"} <= tools.keys():
                return tools
            await asyncio.sleep(0.05)


async def served(config: dict[str, Any]) -> dict[str, Any]:
    """From nothing to an answer of each good server; then one hung call, and the other server meanwhile."""
    began = time.perf_counter()
    servers = McpServers(config, call_timeout_s=2.0)
    try:
        tools = await ready(servers)
        answers = [await tools[f"{name}_double"].ainvoke({"number": 21}) for name in ("one", "two")]
        took = time.perf_counter() - began
        assert answers == ["42", "42"], answers
        hung = asyncio.create_task(tools["one_hang"].ainvoke({}))
        again = time.perf_counter()
        await tools["two_double"].ainvoke({"number": 1})
        beside = time.perf_counter() - again
        (outcome,) = await asyncio.gather(hung, return_exceptions=True)
        assert isinstance(outcome, ToolError), outcome
        failures = (await servers.tools()).failures
    finally:
        closing = time.perf_counter()
        await servers.aclose()
    return {
        "serves_s": took,
        "n_tools": len(tools),
        "failures": failures,
        "beside_a_hung_call_s": beside,
        "closed_s": time.perf_counter() - closing,
    }


async def cancelled(config: dict[str, Any], *, while_starting: bool) -> None:
    """A run that is cancelled, and then closes as every run does."""
    servers = McpServers(config, start_timeout_s=_SHORT_S)
    is_calling = asyncio.Event()

    async def use() -> None:
        tools = await ready(servers)
        is_calling.set()
        await tools["one_hang"].ainvoke({})

    task = asyncio.create_task(use())
    if not while_starting:
        await is_calling.wait()
    await asyncio.wait({task}, timeout=0.5)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled(), task
    await servers.aclose()


async def abandoned(config: dict[str, Any]) -> None:
    """Servers that nobody closes: the event loop ends, as `Ctrl-C` ends it."""
    await ready(McpServers(config, start_timeout_s=_SHORT_S))


def run() -> dict[str, Any]:
    """Measure; figures by name."""
    mark = f"memento-{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory() as name:
        config = configuration(Path(name), mark)
        found = asyncio.run(served(config))
        left = {"closed": len(marked_processes(mark))}
        for case, while_starting in (("cancelled_starting", True), ("cancelled_calling", False)):
            asyncio.run(cancelled(config, while_starting=while_starting))
            left[case] = len(marked_processes(mark))
        asyncio.run(abandoned(config))
        left["abandoned"] = len(marked_processes(mark))
    return {**found, "left": left}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = run()
    if options.json:
        print(json.dumps(found))
    else:
        print(f"both good servers answered, s    {found['serves_s']:6.2f}   bar {SERVES_WITHIN_S:.0f}")
        print(f"a call beside a hung one, s      {found['beside_a_hung_call_s']:6.2f}")
        print(f"all closed, s                    {found['closed_s']:6.2f}")
        for case, n in found["left"].items():
            print(f"processes left, {case:17s} {n:5d}    bar 0")
        for server, reason in found["failures"].items():
            print(f"{server}: {reason}")
    sys.exit(found["serves_s"] > SERVES_WITHIN_S or any(found["left"].values()))


if __name__ == "__main__":
    main()
