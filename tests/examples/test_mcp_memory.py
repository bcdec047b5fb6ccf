"""examples/mcp_memory.py."""

from pathlib import Path

import pytest

from tests.example_runs import run_example


@pytest.mark.slow
def test_the_memory_server_is_used_over_stdio(tmp_path: Path) -> None:
    printed = run_example("mcp_memory", tmp_path)
    assert "tools: recall_cases, remember_case, give_feedback, why_case" in printed
    assert "(error)" not in printed
    assert "which is not a failure" in printed
    assert printed.count("What worked: the container was slower than the tests") >= 1
    assert "--- why_case\nCase " in printed
    again = run_example("mcp_memory", tmp_path)
    assert "this memory is empty" not in again, "the second process found the bank of the first"
