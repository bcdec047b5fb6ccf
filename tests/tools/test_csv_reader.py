"""One door for csv: long cells are read, and the process's limit is bounded, whoever reads."""

import csv
from pathlib import Path

import pytest

import memento
from memento.tools.csv_reader import MAX_CELL_CHARS, CsvReader


@pytest.fixture(autouse=True)
def limit_of_the_process() -> object:
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


def test_long_cell_is_read_and_the_limit_stays_bounded() -> None:
    reader = CsvReader(["a;b\n", f"{'x' * 200_000};2\n"], delimiter=";", strict=True)
    assert [[len(cell) for cell in cells] for cells in reader] == [[1, 1], [200_000, 1]]
    assert reader.line_num == 2
    assert csv.field_size_limit() == MAX_CELL_CHARS


def test_higher_limit_of_a_host_is_kept() -> None:
    csv.field_size_limit(2 * MAX_CELL_CHARS)
    assert list(CsvReader(["a,b\n"])) == [["a", "b"]]
    assert csv.field_size_limit() == 2 * MAX_CELL_CHARS


def test_nobody_else_reads_csv_or_sets_the_limit() -> None:
    root = Path(memento.__file__).resolve().parent.parent
    rooms = ("cli", "evals", "graph", "memory", "nodes", "tools")
    files = [path for room in rooms for path in (root / room).rglob("*.py") if path.name != "csv_reader.py"]
    assert len(files) > 200
    texts = {path: path.read_text("utf-8") for path in files}
    assert [path for path, text in texts.items() if "csv.reader(" in text or "field_size_limit" in text] == []
