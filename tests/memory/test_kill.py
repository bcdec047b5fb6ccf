"""kill -9 at any moment: nothing acknowledged is lost, nothing is there twice."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hashing_encoder import HashingEncoder

ROOT = Path(__file__).parents[2]

KILLED_LOAD = """
import asyncio, multiprocessing, os, signal, sys
from pathlib import Path
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder

def told(report):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

async def main(folder):
    async with CaseMemory.open(folder / "bank", encoder=HashingEncoder()) as memory:
        await memory.load(folder / "cases.jsonl", is_checked=False, n_workers=2, on_progress=told)

if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
"""
"""A load with two processes, killed at its first acknowledgement."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_when_the_writer_is_killed() -> None:
    command = [sys.executable, "-m", "benchmarks.kill_writes", "--kills", "10", "--seed", "1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    figures = json.loads(done.stdout)
    print(figures)  # noqa: T201  shown by `pytest -s`, and on failure
    assert (figures["n_kills"], figures["n_lost"], figures["n_doubled"]) == (10, 0, 0)
    assert figures["n_acknowledged"] > 20


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX'")
def test_no_process_outlives_a_load_that_is_killed(tmp_path: Path) -> None:
    row = {"action": "look it up", "reward": 1.0, "vector": [1.0] + [0.0] * (HashingEncoder().dim - 1)}
    lines = [json.dumps({"state": f"task {number}", **row}) for number in range(20_000)]
    (tmp_path / "cases.jsonl").write_text("\n".join(lines))
    (tmp_path / "killed_load.py").write_text(KILLED_LOAD)
    command = [sys.executable, str(tmp_path / "killed_load.py"), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(  # a worker that is left keeps its output open
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    workers = [int(pid) for pid in done.stdout.split()]
    assert len(workers) == 2, done.stderr
    waited_until = time.monotonic() + 60
    while left := [pid for pid in workers if is_running(pid)]:
        assert time.monotonic() < waited_until, f"{left} are still there"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"  # nobody may have waited for it
