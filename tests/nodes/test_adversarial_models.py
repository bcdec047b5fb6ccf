"""Models and tools that do everything wrong: each of the benchmark's moves alone, and a few mixtures."""

import pytest

from benchmarks.adversarial_models import measure
from benchmarks.adversarial_moves import MOVES


@pytest.mark.slow
async def test_every_run_ends_within_its_budgets_whatever_the_model_does() -> None:
    ended = await measure(range(len(MOVES) + 13))
    assert not [row for row in ended if row.problem]
    assert {end for row in ended for end in row.ended_by} >= {"complete", "max_model_calls", "max_seconds", "context"}
