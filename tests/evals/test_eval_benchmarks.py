"""The benchmarks of evaluation runs, played small: they run, and what they count is there to be counted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]


def figures(module: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *options, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_task_is_counted_and_memory_is_looked_at() -> None:
    found = figures("eval_throughput", "--tasks", "60", "--arm", "similarity")
    arm = found["arms"]["similarity"]
    assert (found["tasks"], arm["tasks"]) == (60, 59)  # time is taken from the first result on
    own, mapped = arm["growth"]
    assert arm["per_second"] > 0
    assert len(own) == len(mapped) == 3


def test_a_killed_run_finds_the_same_and_asks_nothing_twice() -> None:
    found = figures("kill_eval_runs", "--tasks", "24", "--kills", "3", "--arm", "none", "--arm", "similarity")
    assert found["n_results"] == 48
    assert found["n_kills"] == 3
    assert (found["n_different"], found["n_missing"], found["n_asked_twice"]) == (0, 0, 0)
