"""examples/memory_alone.py."""

from pathlib import Path

import pytest

from tests.example_runs import run_example

pytestmark = pytest.mark.slow


def test_the_memory_alone_runs_and_learns(tmp_path: Path) -> None:
    printed = run_example("memory_alone", tmp_path)
    assert "8 outcomes learned from" in printed
    assert "turn 1: Ship a parcel to Norway, without a customs form: wrong (0 cases)" in printed
    again = run_example("memory_alone", tmp_path)
    assert "16 outcomes learned from" in again, "the second process found the bank of the first"
