"""kill -9 at any moment: nothing acknowledged is lost, nothing is there twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
