"""examples/notebooks: each runs, and prints what is kept in it, but for its numbers."""

import re
from pathlib import Path

import nbformat
import pytest

from docs import notebooks
from tests.example_runs import EXAMPLES

PATHS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.allow_blocking("what may not block is in the kernel, a process of its own")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_it_holds(path: Path) -> None:
    found = notebooks.printed(notebooks.executed(path))
    kept = notebooks.printed(nbformat.read(path, as_version=4))
    assert any(kept)
    assert [_words(text) for text in found] == [_words(text) for text in kept], "run `python docs/notebooks.py`"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_holds_small_outputs_and_no_error(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert {(output.output_type, output.get("name")) for output in outputs} == {("stream", "stdout")}
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run in order, in a fresh kernel"
    assert path.stat().st_size < 20_000


def _words(text: str) -> str:
    """A text without its numbers, which another processor may round otherwise."""
    return re.sub(r" *[-+]?\d[\d.]*", " #", text)
