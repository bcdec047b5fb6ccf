"""examples/import_langsmith.py."""

from pathlib import Path

import pytest

from tests.example_runs import play_example

pytestmark = pytest.mark.slow


def test_an_export_is_imported_released_and_recalled(tmp_path: Path) -> None:
    printed = play_example("import_langsmith", tmp_path)
    assert "2 new cases in quarantine, 1 waiting, 0 already there" in printed
    assert "recalled before their release: 0" in printed
    assert "refunds end after one year" in printed
    assert "abc123def456" not in printed
    assert "imported again: 0 new, 3 already there" in printed
    assert "0 new cases in quarantine, 0 waiting, 3 already there" in play_example("import_langsmith", tmp_path)
