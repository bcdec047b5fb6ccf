"""examples/rank_documents.py."""

from pathlib import Path

import pytest

from tests.example_runs import play_example

pytestmark = pytest.mark.slow


def test_the_ranker_learns_which_document_helps(tmp_path: Path) -> None:
    printed = play_example("rank_documents", tmp_path)
    n_right = [int(line.split(": ")[1].split(" of ")[0]) for line in printed.splitlines()]
    assert n_right[-1] > n_right[0]
    assert n_right[-1] >= 5
