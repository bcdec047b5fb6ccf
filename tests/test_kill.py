"""kill -9 at any moment: nothing acknowledged is lost, nothing is there twice."""

from pathlib import Path

import pytest

from benchmarks.kill_writes import Figures, kill_and_look

pytestmark = pytest.mark.slow


async def test_nothing_is_lost_or_doubled_when_the_writer_is_killed(tmp_path: Path) -> None:
    figures = await kill_and_look(tmp_path / "bank", n_kills=10, seed=1)
    print(figures)  # noqa: T201  shown by pytest -s and on failure
    assert figures.n_acknowledged > 20
    assert figures == Figures(n_kills=10, n_acknowledged=figures.n_acknowledged, n_lost=0, n_doubled=0)
