"""What opening an embedded index costs in a process of its own, and in a second one beside it; see scale.py."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.made_index import DIM, LIMIT
from memento.memory.index.engines.edge import EdgeEngine


def memory_mb() -> tuple[float, float]:
    """Memory of this process's own, and of files that it has mapped."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    own, files = (int(said[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
    return own, files


async def probe(bank: Path) -> None:
    """Open in this process, search once, print what it took, and wait for the end of the input."""
    before, began, cpu = memory_mb(), time.perf_counter(), time.process_time()
    engine = EdgeEngine(bank, graph_from=10**9)
    await engine.open(dim=DIM, encoder="synthetic")
    opened = time.perf_counter() - began
    query = np.random.default_rng(5).standard_normal(DIM).astype(np.float32)
    hits = await engine.search(query / np.linalg.norm(query), namespace="default", limit=LIMIT)
    first, cpu, after = time.perf_counter() - began, time.process_time() - cpu, memory_mb()
    said = {"open": opened, "first": first, "cpu": cpu, "own": after[0] - before[0], "files": after[1] - before[1]}
    print(json.dumps({**said, "hits": hits}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await engine.close()


def disk_mb(folder: Path) -> float:
    """Megabytes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def opened(bank: Path) -> dict[str, tuple[float, str]]:
    """Figures of a first process and of a second one beside it."""
    command = [sys.executable, "-m", "benchmarks.index_probe", str(bank)]
    started: list[subprocess.Popen[str]] = []
    said, disk = [], []
    for _ in range(2):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        said.append(json.loads(process.stdout.readline()))
        disk.append(disk_mb(bank))
    for process in reversed(started):
        process.communicate("\n")
    first, second = said
    return {
        "open, wall": (first["open"], "s"),
        "open and first search, wall": (first["first"], "s"),
        "open and first search": (first["cpu"], "CPU s"),
        "memory of its own": (first["own"], "MB"),
        "mapped files": (first["files"], "MB"),
        "disk": (disk[0], "MB"),
        "second process, open and first search, wall": (second["first"], "s"),
        "second process, open and first search": (second["cpu"], "CPU s"),
        "second process, same hits as the first": (float(second["hits"] == first["hits"]), "of 1"),
        "second process, memory of its own": (second["own"], "MB"),
        "second process, disk": (disk[1] - disk[0], "MB"),
    }


if __name__ == "__main__":
    asyncio.run(probe(Path(sys.argv[1])))
